//! A gateway in a process of its own, so that its CPU time and its memory are its alone.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::oneshot,
};

use crate::{
    cli::{
        bench::{
            load::{cpu_micros, memory_mib},
            ours::key_for,
        },
        output::complain,
    },
    daemon::OPERATOR_TOKEN,
    supervisor::Supervisor,
};

/// How long it may take to listen, migrations and topics included.
const START_WITHIN: Duration = Duration::from_mins(2);
const STOP_WITHIN: Duration = Duration::from_mins(1);

/// The process.
pub struct Node {
    child: Child,
    process: String,
    data: PathBuf,
    /// Where it listens.
    pub root: String,
}

impl Node {
    /// Starts a gateway with data of its own and waits until it listens.
    pub async fn start(configuration: &Path, data: &Path, supervisor: &Supervisor) -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(["serve", "--config"])
            .arg(configuration)
            .env("PASSERELLE__GATEWAY__DATA_DIR", data)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start a gateway")?;
        let log = child.stderr.take().context("a gateway without a log")?;
        let (ready, address) = oneshot::channel();
        supervisor.spawn("log of a gateway", async move {
            let (mut lines, mut ready) = (BufReader::new(log).lines(), Some(ready));
            while let Some(line) = lines.next_line().await? {
                let event: Value = serde_json::from_str(&line).unwrap_or_default();
                if event["level"] == "ERROR" {
                    complain(&line);
                }
                if event["fields"]["message"] == "ready"
                    && let (Some(ready), Some(listen)) = (ready.take(), event["fields"]["listen"].as_str())
                {
                    // Whoever waits no longer has an error to tell already.
                    let _ = ready.send(format!("http://{listen}"));
                }
            }
            Ok(())
        });
        let root = tokio::time::timeout(START_WITHIN, address).await.context("a gateway does not start")?;
        let root = root.context("a gateway ended while it started")?;
        let process = child.id().context("a gateway ended")?.to_string();
        Ok(Self { child, process, data: data.to_owned(), root })
    }

    /// Makes a key for a partner.
    pub async fn key(&self, partner: &str) -> Result<String> {
        key_for(partner, &self.root, &fs::read_to_string(self.data.join(OPERATOR_TOKEN))?).await
    }

    /// Asks as an operator.
    pub async fn ask(&self, path: &str) -> Result<Value> {
        let token = fs::read_to_string(self.data.join(OPERATOR_TOKEN))?;
        let request = reqwest::Client::new().get(format!("{}{path}", self.root)).bearer_auth(token);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// CPU time so far, in seconds.
    pub fn cpu_seconds(&self) -> Result<f64> {
        Ok(cpu_micros(&self.process)? / 1e6)
    }

    /// Memory, MiB: `VmRSS` is what it holds now, `VmHWM` the most it ever held.
    pub fn memory_mib(&self, name: &str) -> Result<f64> {
        memory_mib(&self.process, name)
    }

    /// kill -9.
    pub async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Asks it to stop and waits for a clean end.
    pub async fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill").args(["-TERM", &self.process]).status().await?;
        ensure!(asked.success(), "the gateway is gone");
        let ended = tokio::time::timeout(STOP_WITHIN, self.child.wait()).await.context("a gateway does not stop")??;
        ensure!(ended.success(), "the gateway did not stop cleanly");
        Ok(())
    }
}
