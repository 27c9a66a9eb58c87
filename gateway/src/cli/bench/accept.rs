//! `passerelle bench accept`: how fast documents are taken in, beside a server that only appends their bytes.
//!
//! Both run in this process on a fresh folder, with the same clients, in turn. CPU time is that of the whole process,
//! so that it holds the clients too, on both sides alike.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use futures::future::try_join_all;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

use super::{Row, median};
use crate::{
    config::Configuration,
    daemon::{Daemon, OPERATOR_TOKEN},
    supervisor::Supervisor,
};

/// A sample of the VDAB dialect, invented; its reference changes.
const DOCUMENT: &str = include_str!("../../../../mappings/dialects/vdab-json/samples/001-full-html.in.json");
const PARTNER: &str = "name = \"VDAB (invented)\"\ncountry = \"BE\"\nrole = \"public_service\"\n[incoming.vacancy]\ndialect = \"vdab-json\"\n";
/// Appends that share a sync.
const BATCH: usize = 256;

/// One round with one server.
struct Measured {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    cpu_micros: f64,
}

/// Measures ours and the floor in turn.
pub async fn run(metrics: PrometheusHandle, clients: usize, rounds: usize, round: Duration) -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let (ours, floor) = (Ours::start(folder.path(), metrics).await?, Floor::start(folder.path()).await?);
    let (mut by_us, mut by_floor) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        by_us.push(measure(&ours.url, &ours.key, clients, round).await?);
        by_floor.push(measure(&floor.url, "", clients, round).await?);
    }
    let rss = status_kib("VmRSS:")? / 1024.0;
    ensure!(ours.daemon.stop().await, "the daemon did not stop cleanly");
    floor.supervisor.stop(round).await;
    let row = |name: &str, unit, of: fn(&Measured) -> f64| {
        let (value, floor) = (median(by_us.iter().map(of)), median(by_floor.iter().map(of)));
        let ratio = median(by_us.iter().zip(&by_floor).map(|(ours, floor)| of(ours) / of(floor)));
        Row { name: format!("accept, {clients} clients: {name}"), value, unit, floor, ratio }
    };
    Ok(vec![
        row("accepted a second", "/s", |measured| measured.per_second),
        row("p50", "ms", |measured| measured.p50_ms),
        row("p99", "ms", |measured| measured.p99_ms),
        row("CPU a message, clients included", "µs", |measured| measured.cpu_micros),
        Row { name: "RSS of both".to_owned(), value: rss, unit: "MiB", floor: rss, ratio: 1.0 },
    ])
}

struct Ours {
    url: String,
    key: String,
    daemon: Daemon,
}

impl Ours {
    async fn start(folder: &Path, metrics: PrometheusHandle) -> Result<Self> {
        fs::create_dir(folder.join("partners"))?;
        fs::write(folder.join("partners/vdab.toml"), PARTNER)?;
        fs::write(folder.join("passerelle.toml"), "[door]\nlisten = \"127.0.0.1:0\"\n")?;
        let configuration = Configuration::load(Some(&folder.join("passerelle.toml")))?;
        let token_file = configuration.settings.data_dir.join(OPERATOR_TOKEN);
        let daemon = Daemon::start(configuration, metrics).await?;
        let url = format!("http://{}", daemon.address);
        let wish = serde_json::json!({"partner": "vdab", "label": "bench"});
        let request =
            reqwest::Client::new().post(format!("{url}/v1/keys")).bearer_auth(fs::read_to_string(token_file)?);
        let made: Value = request.json(&wish).send().await?.error_for_status()?.json().await?;
        let key = made["key"].as_str().context("no key was made")?.to_owned();
        Ok(Self { url: format!("{url}/v1/vdab/vacancy"), key, daemon })
    }
}

/// A server that appends what it gets to a file, syncs, and says so.
struct Floor {
    url: String,
    supervisor: Supervisor,
}

type Append = (Bytes, oneshot::Sender<()>);

impl Floor {
    async fn start(folder: &Path) -> Result<Self> {
        let (appends, mut waiting) = mpsc::channel::<Append>(BATCH);
        let mut file = File::create(folder.join("floor"))?;
        let supervisor = Supervisor::default();
        supervisor.spawn("floor writer", async move {
            let mut batch = Vec::with_capacity(BATCH);
            while waiting.recv_many(&mut batch, BATCH).await > 0 {
                tokio::task::block_in_place(|| {
                    batch.iter().try_for_each(|(bytes, _)| file.write_all(bytes))?;
                    file.sync_data()
                })?;
                for (_, answer) in batch.drain(..) {
                    // A client that went away does not undo what is written.
                    let _ = answer.send(());
                }
            }
            Ok(())
        });
        let router = Router::new().route("/", post(append)).with_state(appends);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let stop = supervisor.stop_token();
        supervisor.spawn("floor", async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(stop.cancelled_owned())
                .await
                .context("the floor broke")
        });
        Ok(Self { url, supervisor })
    }
}

async fn append(State(appends): State<mpsc::Sender<Append>>, body: Bytes) -> StatusCode {
    let (answer, answered) = oneshot::channel();
    let is_appended = appends.send((body, answer)).await.is_ok() && answered.await.is_ok();
    if is_appended { StatusCode::ACCEPTED } else { StatusCode::SERVICE_UNAVAILABLE }
}

async fn measure(url: &str, key: &str, clients: usize, round: Duration) -> Result<Measured> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let http = reqwest::Client::builder().pool_max_idle_per_host(clients).build()?;
    let mut document: Value = serde_json::from_str(DOCUMENT)?;
    let reference =
        document.pointer_mut("/vacatureReferentie/interneReferentie").context("a sample without reference")?;
    *reference = Value::from("REFERENCE");
    let document = document.to_string();
    let (begun, cpu) = (Instant::now(), cpu_micros()?);
    let client = async |_: usize| -> Result<Vec<f64>> {
        let mut took = Vec::new();
        while begun.elapsed() < round {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let body = document.replace("REFERENCE", &format!("B{number}"));
            let asked = Instant::now();
            let request = http.post(url).bearer_auth(key).header("content-type", "application/json").body(body);
            let status = request.send().await?.status();
            ensure!(status == StatusCode::ACCEPTED, "answered with {status}");
            took.push(asked.elapsed().as_secs_f64() * 1e3);
        }
        Ok(took)
    };
    let mut took = try_join_all((0..clients).map(client)).await?.concat();
    let (elapsed, cpu) = (begun.elapsed().as_secs_f64(), cpu_micros()? - cpu);
    took.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let count = took.len() as f64;
    let at = |part: usize| took[(took.len() * part / 100).min(took.len() - 1)];
    Ok(Measured { per_second: count / elapsed, p50_ms: at(50), p99_ms: at(99), cpu_micros: cpu / count })
}

/// CPU time of this process so far, as the kernel counts it: hundredths of a second.
fn cpu_micros() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("the CPU time is known on Linux only")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks =
        |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).context("an odd /proc/self/stat");
    Ok((ticks(11)? + ticks(12)?) * 10_000.0)
}

fn status_kib(name: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name)).context("an odd /proc/self/status")?;
    Ok(line.split_whitespace().nth(1).unwrap_or_default().parse()?)
}
