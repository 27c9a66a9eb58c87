//! Puts changed files in force without a restart: all of them together, or none, with the reason.
//!
//! Changed configuration, partners and secrets are noticed by themselves; SIGHUP and the API reload mappings too.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use metrics::{counter, gauge};
use schemas::Hash;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{
    clock::Clock,
    config::{Configuration, Settings},
    in_force::Rules,
};

/// Reloads the rules of one daemon.
#[derive(Clone)]
pub struct Reloader {
    file: Option<PathBuf>,
    replace: Arc<watch::Sender<Arc<Rules>>>,
    clock: Clock,
    state: Arc<Mutex<State>>,
}

/// How reloading stands.
#[derive(Debug, Clone)]
pub struct State {
    /// Since when what is in force has been in force, microseconds since 1970 UTC.
    pub since: i64,
    /// Why the files as they are now are not in force.
    pub trouble: Option<String>,
    /// The files that were looked at last.
    fingerprint: Option<Hash>,
}

impl Reloader {
    /// A reloader of the rules that this sender replaces.
    pub fn new(file: Option<PathBuf>, replace: watch::Sender<Arc<Rules>>, clock: Clock) -> Self {
        let fingerprint = Some(replace.borrow().configuration.fingerprint);
        let state = State { since: clock.now_micros(), trouble: None, fingerprint };
        Self { file, replace: Arc::new(replace), clock, state: Arc::new(Mutex::new(state)) }
    }

    /// Looks after the files until it is asked to stop.
    ///
    /// # Errors
    /// If the signal cannot be listened to.
    pub async fn run(self, stop: CancellationToken) -> Result<()> {
        let mut hang_up = signal(SignalKind::hangup()).context("cannot listen to SIGHUP")?;
        loop {
            let pause = self.in_force().configuration.settings.reload;
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = hang_up.recv() => drop(self.reload().await),
                () = pause_of(pause) => self.reload_if_changed().await,
            }
        }
    }

    /// The rules in force.
    pub fn in_force(&self) -> Arc<Rules> {
        self.replace.borrow().clone()
    }

    /// How reloading stands.
    pub fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts the files as they are now in force.
    ///
    /// # Errors
    /// If something is wrong with them; what was in force stays.
    pub async fn reload(&self) -> Result<Arc<Rules>> {
        let (file, before) = (self.file.clone(), self.in_force());
        let load = move || {
            let configuration = Configuration::load(file.as_deref())?;
            ensure_same_ground(&before.configuration.settings, &configuration.settings)?;
            Rules::of(configuration)
        };
        let outcome = tokio::task::spawn_blocking(load).await.context("a defect while reloading")?;
        self.conclude(outcome)
    }

    async fn reload_if_changed(&self) {
        let file = self.file.clone();
        let seen = tokio::task::spawn_blocking(move || {
            Configuration::load(file.as_deref()).map(|configuration| configuration.fingerprint)
        });
        let fingerprint = match seen.await {
            Ok(Ok(fingerprint)) => Some(fingerprint),
            // What cannot even be read is reloaded once more, so that its reason is told.
            _ => None,
        };
        if self.state().fingerprint != fingerprint {
            let _ = self.reload().await;
            self.state.lock().unwrap_or_else(PoisonError::into_inner).fingerprint = fingerprint;
        }
    }

    fn conclude(&self, outcome: Result<Rules>) -> Result<Arc<Rules>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let word = if outcome.is_ok() { "taken" } else { "refused" };
        counter!("passerelle_reloads_total", "outcome" => word).increment(1);
        gauge!("passerelle_configuration_refused").set(if outcome.is_ok() { 0.0 } else { 1.0 });
        match outcome {
            Ok(rules) => {
                let rules = Arc::new(rules);
                info!(configuration.hash = %rules.configuration.hash, "a new configuration is in force");
                state.since = self.clock.now_micros();
                state.trouble = None;
                state.fingerprint = Some(rules.configuration.fingerprint);
                self.replace.send_replace(rules.clone());
                Ok(rules)
            }
            Err(error) => {
                let text = format!("{error:#}");
                error!(error = text, "the new configuration is refused; the old one stays in force");
                state.trouble = Some(text);
                Err(error)
            }
        }
    }
}

async fn pause_of(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}

/// What a running daemon stands on cannot change under it.
fn ensure_same_ground(before: &Settings, after: &Settings) -> Result<()> {
    for (name, is_same) in [
        ("gateway.data_dir", before.data_dir == after.data_dir),
        ("engines.backbone", before.backbone == after.backbone),
        ("engines.store", before.store == after.store),
        ("registry", before.registry == after.registry),
        ("vault.url", before.vault.url == after.vault.url),
        ("vault.key_file", before.vault.key_file == after.vault.key_file),
        ("door.listen", before.listen == after.listen),
        ("door.memory_bytes", before.memory_bytes == after.memory_bytes),
        ("door.max_connections", before.max_connections == after.max_connections),
        ("door.queue", before.queue == after.queue),
        ("door.batches", before.batches == after.batches),
        ("door.request_timeout_ms", before.request_timeout == after.request_timeout),
        ("door.header_timeout_ms", before.header_timeout == after.header_timeout),
        ("door.write_timeout_ms", before.write_timeout == after.write_timeout),
        ("telemetry.log", before.log == after.log),
        ("telemetry.format", before.log_format == after.log_format),
    ] {
        ensure!(is_same, "`{name}` cannot change while the daemon runs; restart it, or put the old value back");
    }
    Ok(())
}
