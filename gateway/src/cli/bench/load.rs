//! Clients that push, and what they and the kernel saw.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use axum::http::StatusCode;
use futures::{StreamExt, TryStreamExt, future::try_join_all};
use indicatif::ProgressBar;
use serde_json::Value;

/// What stands in a document until it is pushed.
pub const PLACE: &str = "REFERENCE";
/// Pushes that may be unanswered where a rate is kept: more than a server that keeps up ever leaves.
const MOST_OPEN: usize = 1_024;

/// How long a client waits that was told that there is no room.
const NO_ROOM: Duration = Duration::from_millis(100);

/// Clients that push documents, each with a reference of its own.
pub struct Clients {
    http: reqwest::Client,
    url: String,
    key: String,
    document: String,
    count: usize,
    made: AtomicU64,
    tell: Option<Tell>,
}

/// Is told the number of a document when it is pushed.
type Tell = Box<dyn Fn(u64) + Send + Sync>;

/// What clients measured.
pub struct Measured {
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// CPU time of the whole process, clients included.
    pub cpu_micros: f64,
}

impl Clients {
    /// So many clients that push a document, with the JSON Pointer to its reference.
    pub fn new(url: &str, key: &str, (document, reference): (&str, &str), count: usize) -> Result<Self> {
        let mut document: Value = serde_json::from_str(document)?;
        *document.pointer_mut(reference).context("a sample without reference")? = Value::from(PLACE);
        Ok(Self {
            http: reqwest::Client::builder().pool_max_idle_per_host(count).build()?,
            url: url.to_owned(),
            key: key.to_owned(),
            document: document.to_string(),
            count,
            made: AtomicU64::new(0),
            tell: None,
        })
    }

    /// The same, and somebody is told the number of each document when it is pushed; it stands in its reference.
    pub fn telling(mut self, tell: impl Fn(u64) + Send + Sync + 'static) -> Self {
        self.tell = Some(Box::new(tell));
        self
    }

    /// The same, with numbers from another one on.
    pub fn counting_from(self, first: u64) -> Self {
        self.made.store(first, Ordering::SeqCst);
        self
    }

    /// The number of the next document.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::SeqCst)
    }

    /// Pushes so many a second for a while, whether or not the answers keep up.
    pub async fn push_at(&self, per_second: f64, round: Duration) -> Result<()> {
        let begun = tokio::time::Instant::now();
        let times = (0..u32::MAX).map(|number| f64::from(number) / per_second);
        let times = times.take_while(|after| *after < round.as_secs_f64());
        let pushes = futures::stream::iter(times).then(|after| async move {
            tokio::time::sleep_until(begun + Duration::from_secs_f64(after)).await;
            anyhow::Ok(())
        });
        pushes.try_for_each_concurrent(MOST_OPEN, |()| async { self.push().await.map(drop) }).await
    }

    /// Pushes for a while.
    pub async fn push_for(&self, round: Duration) -> Result<Measured> {
        let (begun, cpu) = (Instant::now(), cpu_micros("self")?);
        let client = async |_: usize| -> Result<Vec<f64>> {
            let mut took = Vec::new();
            while begun.elapsed() < round {
                took.push(self.push().await?.as_secs_f64() * 1e3);
            }
            Ok(took)
        };
        let mut took = try_join_all((0..self.count).map(client)).await?.concat();
        let (elapsed, cpu) = (begun.elapsed().as_secs_f64(), cpu_micros("self")? - cpu);
        took.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let count = took.len() as f64;
        let at = |part: usize| took[(took.len() * part / 100).min(took.len() - 1)];
        Ok(Measured { per_second: count / elapsed, p50_ms: at(50), p99_ms: at(99), cpu_micros: cpu / count })
    }

    /// Pushes until so many documents have been pushed in all.
    pub async fn push_up_to(&self, total: u64, progress: &ProgressBar) -> Result<()> {
        let client = async |_: usize| -> Result<()> {
            while self.made.load(Ordering::Relaxed) < total {
                self.push().await?;
                progress.set_position(self.made.load(Ordering::Relaxed));
            }
            Ok(())
        };
        try_join_all((0..self.count).map(client)).await?;
        Ok(())
    }

    async fn push(&self) -> Result<Duration> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        if let Some(tell) = &self.tell {
            tell(number);
        }
        let body = self.document.replace(PLACE, &format!("B{number}"));
        let asked = Instant::now();
        loop {
            let request = self.http.post(&self.url).bearer_auth(&self.key).header("content-type", "application/json");
            match request.body(body.clone()).send().await?.status() {
                StatusCode::ACCEPTED => return Ok(asked.elapsed()),
                // There is no room just now: the wait counts.
                StatusCode::SERVICE_UNAVAILABLE => tokio::time::sleep(NO_ROOM).await,
                status => bail!("answered with {status}"),
            }
        }
    }
}

/// CPU time of a process so far, as the kernel counts it: hundredths of a second.
pub fn cpu_micros(process: &str) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).context("the CPU time is known on Linux only")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks =
        |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).context("an odd /proc/self/stat");
    Ok((ticks(11)? + ticks(12)?) * 10_000.0)
}

/// Memory of a process, MiB: `VmRSS` is what it holds now, `VmHWM` the most it ever held.
pub fn memory_mib(process: &str, name: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with(name)).context("an odd /proc/self/status")?;
    Ok(line.split_whitespace().nth(1).unwrap_or_default().parse::<f64>()? / 1024.0)
}
