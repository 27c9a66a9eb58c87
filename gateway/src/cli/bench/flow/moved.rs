//! `passerelle bench move`: what an embedded gateway has taken in goes over to Kafka and PostgreSQL, and out from there.
//!
//! It fills a log much faster than brokers on the same machine can, so that it shows what a large one costs.

use std::{
    env,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use indicatif::ProgressBar;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{process::Command, time::sleep};
use uuid::Uuid;

use super::{
    node::Node,
    receiver::Receiver,
    scene::{self, Engine, Servers},
    stage::clients_of,
};
use crate::{
    cli::bench::{Row, load::memory_mib},
    supervisor::Supervisor,
};

/// A sample of the VDAB dialect, invented: 1.4 KB, so that a million of them fit on a disk twice.
const SMALL: &str =
    include_str!("../../../../../mappings/dialects/vdab-json/samples/008-competent-2-and-unknown-fields.in.json");
/// How long nothing at all may come out after the start.
const SILENCE: Duration = Duration::from_mins(2);
/// How long the started gateway delivers before its memory is read.
const DELIVER_FOR: Duration = Duration::from_secs(20);
/// How often the memory of the move is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How many, and from where to where.
#[derive(Debug, Args)]
pub struct Move {
    #[command(flatten)]
    servers: Servers,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Clients that push at once
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// So many vacancies are taken in and wait for a partner that does not answer
    #[arg(long, default_value_t = 1_000_000)]
    messages: u64,
}

impl Move {
    /// Fills an embedded installation, moves it, and starts a gateway on the other side.
    pub async fn run(self, show: impl Fn(Vec<Row>)) -> Result<()> {
        let (supervisor, folder) = (Supervisor::default(), tempfile::tempdir()?);
        let receiver = Receiver::start(&supervisor).await?;
        receiver.break_down(true);
        let data = folder.path().join("data");
        let from = self.configuration(&folder, Engine::Embedded, &receiver)?;
        let to = self.configuration(&folder, Engine::Kafka, &receiver)?;
        show(self.fill(&from, &data, &receiver, &supervisor).await?);
        show(self.move_over((&from, &to), &data).await?);
        receiver.break_down(false);
        let begun = Instant::now();
        let node = Node::start(&to, &data, &supervisor).await?;
        let first = receiver.until(1, SILENCE).await? - begun;
        let came = receiver.count();
        sleep(DELIVER_FOR).await;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let per_second = (receiver.count() - came) as f64 / DELIVER_FOR.as_secs_f64();
        show(vec![
            self.row("first delivery after a start", "s", first.as_secs_f64()),
            self.row("delivered from then on", "/s", per_second),
            self.row("most memory after a start", "MiB", node.memory_mib("VmHWM:")?),
        ]);
        node.stop().await?;
        supervisor.stop(Duration::from_secs(5)).await;
        Ok(())
    }

    fn configuration(&self, folder: &TempDir, engine: Engine, receiver: &Receiver) -> Result<std::path::PathBuf> {
        let servers = Servers { engine, ..self.servers.clone() };
        let prefix = format!("bench-{}.", Uuid::new_v4().simple());
        scene::write(&folder.path().join(format!("{engine:?}")), &servers, &prefix, &receiver.url)
    }

    async fn fill(&self, from: &Path, data: &Path, receiver: &Receiver, supervisor: &Supervisor) -> Result<Vec<Row>> {
        let node = Node::start(from, data, supervisor).await?;
        let clients = clients_of(&node, self.clients.max(1), receiver, SMALL).await?;
        let progress = ProgressBar::new(self.messages).with_message("vacancies");
        clients.push_up_to(self.messages, &progress).await?;
        progress.finish_and_clear();
        while node.ask("/v1/backlog").await?["unrouted"] != 0 {
            sleep(LOOK_EVERY).await;
        }
        let most = node.memory_mib("VmHWM:")?;
        node.stop().await?;
        Ok(vec![self.row("most memory of the embedded gateway that took them in", "MiB", most)])
    }

    /// Runs `passerelle move` as an operator would.
    async fn move_over(&self, (from, to): (&Path, &Path), data: &Path) -> Result<Vec<Row>> {
        let begun = Instant::now();
        let mut moving = Command::new(env::current_exe()?)
            .args(["move", "--json", "--config"])
            .arg(from)
            .arg("--to")
            .arg(to)
            .env("PASSERELLE__GATEWAY__DATA_DIR", data)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the move")?;
        let process = moving.id().context("the move ended at once")?.to_string();
        let mut most: f64 = 0.0;
        while moving.try_wait()?.is_none() {
            most = most.max(memory_mib(&process, "VmHWM:").unwrap_or_default());
            sleep(LOOK_EVERY).await;
        }
        let took = begun.elapsed().as_secs_f64();
        let told = moving.wait_with_output().await?;
        ensure!(told.status.success(), "the move failed: {}", String::from_utf8_lossy(&told.stdout));
        let count = |line: &str| serde_json::from_str::<Value>(line).ok()?["count"].as_f64();
        let moved: f64 = String::from_utf8_lossy(&told.stdout).lines().filter_map(count).sum();
        Ok(vec![
            self.row("records and rows moved", "", moved),
            self.row("moved, read back and compared", "/s", moved / took),
            self.row("most memory of the move", "MiB", most),
        ])
    }

    fn row(&self, name: &str, unit: &'static str, value: f64) -> Row {
        Row::alone(format!("{} waiting: {name}", self.messages), unit, value)
    }
}
