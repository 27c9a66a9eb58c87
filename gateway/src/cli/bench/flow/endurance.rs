//! What a backlog costs, and what a kill does.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::ProgressBar;

use super::stage::Stage;
use crate::cli::bench::Row;

/// How long nothing at all may come out: longer than any claim of a node that was killed stands.
const SILENCE: Duration = Duration::from_mins(2);
/// How long a node may be silent, in its group and with its leases: the defaults.
const TIME_OUT: Duration = Duration::from_secs(10);
/// How long the started gateway delivers before its memory is read.
const DELIVER_FOR: Duration = Duration::from_secs(10);

impl Stage<'_> {
    /// Vacancies wait for a partner that does not answer; then it answers, and a gateway starts.
    pub async fn backlog(&mut self, count: u64) -> Result<Vec<Row>> {
        self.receiver.break_down(true);
        let progress = ProgressBar::new(self.ours.made() + count).with_message("vacancies");
        self.ours.push_up_to(self.ours.made() + count, &progress).await?;
        progress.finish_and_clear();
        while self.node()?.ask("/v1/backlog").await?["unrouted"] != 0 {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let waiting = self.node()?.memory_mib("VmRSS:")?;
        self.node.take().context("the gateway was stopped")?.stop().await?;
        self.receiver.break_down(false);
        let (came, begun) = (self.receiver.count(), Instant::now());
        self.receiver.look();
        let node = self.another("data-1").await?;
        let first = self.receiver.until(came + 1, SILENCE).await? - begun;
        tokio::time::sleep(DELIVER_FOR).await;
        let most = node.memory_mib("VmHWM:")?;
        self.node = Some(node);
        let row = |name: &str, unit, value| Row::alone(format!("{count} waiting: {name}"), unit, value);
        Ok(vec![
            row("memory of the gateway that took them in", "MiB", waiting),
            row("first delivery after a start", "s", first.as_secs_f64()),
            row("most memory after a start", "MiB", most),
        ])
    }

    /// The node that delivers is killed while another one takes everything in.
    pub async fn kill(&mut self, per_second: f64) -> Result<Vec<Row>> {
        let survivor = self.another("data-2").await?;
        self.push_to(&survivor).await?;
        let (first, came) = (self.ours.made(), self.receiver.count());
        self.receiver.look();
        let killing = async {
            tokio::time::sleep(self.round).await;
            self.node.take().context("the gateway was stopped")?.kill().await
        };
        // Time enough for the group and the lease to find out, and to catch up.
        let pushing = self.ours.push_at(per_second, self.round * 2 + Duration::from_secs(20));
        let (pushed, killed) = tokio::join!(pushing, killing);
        pushed.and(killed)?;
        self.receiver.until(came + self.ours.made() - first, SILENCE).await?;
        let seen = self.receiver.look();
        self.node = Some(survivor);
        let row = |name: &str, unit, value| Row::alone(format!("kill -9 at {per_second:.0}/s: {name}"), unit, value);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let repeats = seen.repeats as f64;
        let gap = seen.gap.as_secs_f64();
        Ok(vec![
            row("longest time without a delivery", "s", gap),
            row("the same after the time-out of the dead one", "s", gap - TIME_OUT.as_secs_f64()),
            row("repeats", "", repeats),
        ])
    }
}
