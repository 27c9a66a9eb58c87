//! `passerelle vault`: the keys that everything about persons is sealed under, with the configuration and without a daemon.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use serde_json::json;
use zeroize::Zeroizing;

use super::{Failure, output::say};
use crate::{
    config::{Configuration, Settings, StoreEngine},
    owner_only, store,
    supervisor::Supervisor,
    vault::{KeyRing, Vault as Keys},
};

/// How long the database may take to close.
const CLOSING: Duration = Duration::from_secs(10);

/// Make key-encryption keys, and wrap the keys of persons anew under another one.
#[derive(Debug, Subcommand)]
pub enum Vault {
    /// Make a key-encryption key and put it in front of the others in `vault.key_file`; the daemon takes it up by itself
    Key(Which),
    /// Wrap every key anew under the first key-encryption key; may be broken off and run again, also beside the daemon
    Rotate(Which),
    /// Show how many keys each version has wrapped, and how many were destroyed
    Status(Which),
}

/// Which vault.
#[derive(Debug, Args)]
pub struct Which {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "PASSERELLE_CONFIG")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Vault {
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Key(which) => which.make_key(),
            Self::Rotate(which) => which.with_keys(async |keys| which.rotate(keys).await).await,
            Self::Status(which) => which.with_keys(async |keys| which.status(keys).await).await,
        }
    }
}

impl Which {
    fn fail(&self, error: anyhow::Error) -> Failure {
        if store::is_out_of_reach(&error) { Failure::Unreachable(error) } else { Failure::input(error, self.json) }
    }

    fn make_key(&self) -> Result<(), Failure> {
        let settings = Settings::load(self.config.as_deref()).map_err(|error| self.fail(error))?;
        let path = settings.vault.key_file.ok_or_else(|| anyhow!("`vault.key_file` is not set; name the file there"));
        let version = path.and_then(|path| put_in_front(&path)).map_err(|error| self.fail(error))?;
        say(&if self.json { json!({"version": version}).to_string() } else { format!("made version {version}") });
        Ok(())
    }

    async fn with_keys(&self, work: impl AsyncFnOnce(&Keys) -> anyhow::Result<()>) -> Result<(), Failure> {
        let configuration = Configuration::load(self.config.as_deref()).map_err(|error| self.fail(error))?;
        let file = configuration.settings.keys_file();
        if configuration.settings.store == StoreEngine::Embedded && !file.is_file() {
            return Err(self.fail(anyhow!("there are no keys yet: `serve` makes `{}`", file.display())));
        }
        let ring = configuration.key_ring.clone().context("no key-encryption key is configured: set `vault.key_file`");
        let ring = ring.map_err(|error| self.fail(error))?;
        let supervisor = Supervisor::default();
        let outcome = async {
            let keys = Keys::open(&configuration, ring, &supervisor).await?;
            work(&keys).await
        };
        let outcome = outcome.await;
        supervisor.stop(CLOSING).await;
        outcome.map_err(|error| self.fail(error))
    }

    async fn rotate(&self, keys: &Keys) -> anyhow::Result<()> {
        let bar = ProgressBar::new(0);
        let progress = |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        };
        let outcome = keys.rotate(progress).await;
        let done = bar.position();
        bar.finish_and_clear();
        let version = outcome.with_context(|| format!("{done} keys are wrapped anew; run it again for the others"))?;
        if self.json {
            say(&json!({"version": version, "wrapped": done}).to_string());
        } else {
            say(&format!("{done} keys wrapped anew; version {version} wraps all of them"));
        }
        Ok(())
    }

    async fn status(&self, keys: &Keys) -> anyhow::Result<()> {
        for (version, count) in keys.counts().await? {
            if self.json {
                say(&json!({"version": version, "keys": count}).to_string());
            } else {
                say(&format!("{:18} {count:>12}", version.as_deref().unwrap_or("destroyed")));
            }
        }
        Ok(())
    }
}

/// Puts a new key in front of those in a file, for its owner only; killed at any point, the old file or the new one is
/// there. Returns the version.
fn put_in_front(path: &Path) -> anyhow::Result<String> {
    let others = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Zeroizing::default(),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    };
    if !others.trim().is_empty() {
        KeyRing::load(path)?;
    }
    let (line, version) = KeyRing::new_line();
    owner_only::replace(path, Zeroizing::new(format!("{}\n{}", *line, *others)).as_bytes())?;
    Ok(version)
}
