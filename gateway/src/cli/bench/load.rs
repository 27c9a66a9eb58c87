//! Clients that push, and what they and the kernel saw.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use axum::http::StatusCode;
use futures::future::try_join_all;
use indicatif::ProgressBar;
use serde_json::Value;

/// What stands in a document until it is pushed.
const PLACE: &str = "REFERENCE";

/// Clients that push documents, each with a reference of its own.
pub struct Clients {
    http: reqwest::Client,
    url: String,
    key: String,
    document: String,
    count: usize,
    made: AtomicU64,
}

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
        })
    }

    /// Pushes for a while.
    pub async fn push_for(&self, round: Duration) -> Result<Measured> {
        let (begun, cpu) = (Instant::now(), cpu_micros()?);
        let client = async |_: usize| -> Result<Vec<f64>> {
            let mut took = Vec::new();
            while begun.elapsed() < round {
                took.push(self.push().await?.as_secs_f64() * 1e3);
            }
            Ok(took)
        };
        let mut took = try_join_all((0..self.count).map(client)).await?.concat();
        let (elapsed, cpu) = (begun.elapsed().as_secs_f64(), cpu_micros()? - cpu);
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
        let body = self.document.replace(PLACE, &format!("B{number}"));
        let asked = Instant::now();
        let request = self.http.post(&self.url).bearer_auth(&self.key).header("content-type", "application/json");
        let status = request.body(body).send().await?.status();
        ensure!(status == StatusCode::ACCEPTED, "answered with {status}");
        Ok(asked.elapsed())
    }
}

/// CPU time of this process so far, as the kernel counts it: hundredths of a second.
fn cpu_micros() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("the CPU time is known on Linux only")?;
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
