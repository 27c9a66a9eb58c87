//! `passerelle serve`: the daemon.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use super::Failure;
use crate::{config::Configuration, daemon::Daemon, telemetry};

/// Run the daemon until SIGTERM or Ctrl-C.
///
/// Without a file the defaults hold: data, partners and secrets in folders of the working directory.
/// Every setting and its default is in `gateway.default.toml`; PASSERELLE__SECTION__NAME overrides one.
#[derive(Debug, Args)]
pub struct Serve {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "PASSERELLE_CONFIG")]
    config: Option<PathBuf>,
}

impl Serve {
    pub async fn run(self) -> Result<(), Failure> {
        let configuration = Configuration::load(self.config.as_deref())?;
        telemetry::start_log(&configuration.settings.log, configuration.settings.log_format)?;
        let metrics = telemetry::start_metrics()?;
        let mut terminate = signal(SignalKind::terminate()).context("cannot listen to signals")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen to signals")?;
        let daemon = Daemon::start(configuration, metrics).await?;
        tokio::select! {
            _ = terminate.recv() => info!("asked to stop"),
            _ = interrupt.recv() => info!("interrupted"),
            () = daemon.failed() => {}
        }
        if daemon.stop().await {
            Ok(())
        } else {
            Err(anyhow!("the daemon did not stop cleanly; its log says why").into())
        }
    }
}
