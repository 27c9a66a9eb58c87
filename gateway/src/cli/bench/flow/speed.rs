//! How fast: at full speed, at half of it, and the brokers alone.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{
    raw,
    receiver::Receiver,
    stage::{DOCUMENT, Stage},
};
use crate::cli::bench::{Row, load::Clients, median};

const WARM_UP: Duration = Duration::from_secs(3);
/// How long nothing at all may come out.
const SILENCE: Duration = Duration::from_mins(1);
/// Records of the brokers alone.
const RAW: u32 = 100_000;

/// One round at full speed.
pub struct Round {
    accepted: f64,
    accept_p99_ms: f64,
    delivered: f64,
}

impl Round {
    /// What goes in and out again in a second.
    pub fn most(&self) -> f64 {
        self.accepted.min(self.delivered)
    }
}

impl Stage<'_> {
    /// Everything as fast as clients push: ours, then the floor, in turn. Returns the rounds of ours too.
    pub async fn throughput(&self, rounds: usize) -> Result<(Vec<Row>, Vec<Round>)> {
        let (mut by_us, mut by_floor, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
        full_speed(&self.ours, &self.receiver, WARM_UP).await?;
        if let Some((_, clients)) = &self.floor {
            full_speed(clients, &self.receiver, WARM_UP).await?;
        }
        for _ in 0..rounds {
            let (spent, came) = (self.node()?.cpu_seconds()?, self.receiver.count());
            by_us.push(full_speed(&self.ours, &self.receiver, self.round).await?);
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            let came = (self.receiver.count() - came) as f64;
            cpu.push((self.node()?.cpu_seconds()? - spent) / came * 1e3);
            if let Some((_, clients)) = &self.floor {
                by_floor.push(full_speed(clients, &self.receiver, self.round).await?);
            }
        }
        let row = |name: &str, unit, of: fn(&Round) -> f64| {
            let value = median(by_us.iter().map(of));
            let name = format!("flow: {name}");
            if by_floor.is_empty() {
                Row::alone(name, unit, value)
            } else {
                Row::beside(name, unit, value, median(by_floor.iter().map(of)))
            }
        };
        let rows = vec![
            row("accepted a second", "/s", |round| round.accepted),
            row("delivered a second", "/s", |round| round.delivered),
            row("accept, p99 at full speed", "ms", |round| round.accept_p99_ms),
            Row::alone("flow: CPU of the gateway for 1,000 delivered".to_owned(), "s", median(cpu.into_iter())),
            Row::alone("flow: memory after full speed".to_owned(), "MiB", self.node()?.memory_mib("VmRSS:")?),
        ];
        Ok((rows, by_us))
    }

    /// How long the way takes at half of the speed that goes through.
    pub async fn at_half(&self, most: f64) -> Result<Vec<Row>> {
        let ours = self.at(&self.ours, most / 2.0).await?;
        let floor = match &self.floor {
            Some((_, clients)) => Some(self.at(clients, most / 2.0).await?),
            None => None,
        };
        let row = |part: usize| {
            let name = format!("flow: from push to arrival at {:.0}/s, p{part}", most / 2.0);
            let of = |waits: &[Duration]| waits[(waits.len() * part / 100).min(waits.len() - 1)].as_secs_f64() * 1e3;
            match &floor {
                Some(floor) => Row::beside(name, "ms", of(&ours), of(floor)),
                None => Row::alone(name, "ms", of(&ours)),
            }
        };
        Ok(vec![row(50), row(99)])
    }

    async fn at(&self, clients: &Clients, per_second: f64) -> Result<Vec<Duration>> {
        let (first, came) = (clients.made(), self.receiver.count());
        self.receiver.look();
        clients.push_at(per_second, self.round).await?;
        self.receiver.until(came + clients.made() - first, SILENCE).await?;
        let waits = self.receiver.look().waits;
        waits.first().context("nothing was pushed")?;
        Ok(waits)
    }

    /// The brokers alone.
    pub async fn raw(&self) -> Result<Vec<Row>> {
        let topic = format!("{}raw", self.floor_prefix);
        let (produced, consumed) = raw::run(&self.servers.kafka, &topic, DOCUMENT, RAW).await?;
        Ok(vec![
            Row::alone("brokers alone: produced a second".to_owned(), "/s", produced),
            Row::alone("brokers alone: consumed a second".to_owned(), "/s", consumed),
        ])
    }
}

/// Pushes for a while and waits until all of it has come out.
async fn full_speed(clients: &Clients, receiver: &Receiver, round: Duration) -> Result<Round> {
    let (first, came, begun) = (clients.made(), receiver.count(), Instant::now());
    let pushed = clients.push_for(round).await?;
    let count = clients.made() - first;
    let last = receiver.until(came + count, SILENCE).await?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let delivered = count as f64 / (last - begun).as_secs_f64();
    Ok(Round { accepted: pushed.per_second, accept_p99_ms: pushed.p99_ms, delivered })
}
