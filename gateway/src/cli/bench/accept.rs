//! `passerelle bench accept`: how fast documents are taken in, beside a server that only appends their bytes.
//!
//! Both run in this process on a fresh folder, with the same clients, in turn. CPU time is that of the whole process,
//! so that it holds the clients too, on both sides alike.

use std::{fs::File, io::Write, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

use super::{
    Row,
    load::{Clients, Measured, memory_mib},
    median,
    ours::Ours,
};
use crate::supervisor::Supervisor;

/// A sample of the VDAB dialect, invented.
const DOCUMENT: &str = include_str!("../../../../mappings/dialects/vdab-json/samples/001-full-html.in.json");
/// Its reference, which changes.
const REFERENCE: &str = "/vacatureReferentie/interneReferentie";
/// Appends that share a sync.
const BATCH: usize = 256;

/// Measures ours and the floor in turn.
pub async fn run(metrics: PrometheusHandle, clients: usize, rounds: usize, round: Duration) -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let ours = Ours::start(folder.path(), metrics, "vdab-json", &[]).await?;
    let floor = Floor::start(folder.path()).await?;
    let (mut by_us, mut by_floor) = (Vec::new(), Vec::new());
    let clients_of = |url: &str, key: &str| Clients::new(url, key, (DOCUMENT, REFERENCE), clients);
    let (at_ours, at_floor) = (clients_of(&ours.url, &ours.key)?, clients_of(&floor.url, "")?);
    for _ in 0..rounds {
        by_us.push(at_ours.push_for(round).await?);
        by_floor.push(at_floor.push_for(round).await?);
    }
    let memory = memory_mib("self", "VmRSS:")?;
    ensure!(ours.daemon.stop().await, "the daemon did not stop cleanly");
    floor.supervisor.stop(round).await;
    let row = |name: &str, unit, of: fn(&Measured) -> f64| {
        let (value, floor) = (median(by_us.iter().map(of)), median(by_floor.iter().map(of)));
        let ratio = median(by_us.iter().zip(&by_floor).map(|(ours, floor)| of(ours) / of(floor)));
        Row { name: format!("accept, {clients} clients: {name}"), value, unit, beside: Some((floor, ratio)) }
    };
    Ok(vec![
        row("accepted a second", "/s", |measured| measured.per_second),
        row("p50", "ms", |measured| measured.p50_ms),
        row("p99", "ms", |measured| measured.p99_ms),
        row("CPU a message, clients included", "µs", |measured| measured.cpu_micros),
        Row::alone("memory of both and the clients".to_owned(), "MiB", memory),
    ])
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
