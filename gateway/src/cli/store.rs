//! `passerelle store`: the store from outside, with the configuration and without a daemon.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Failure, output::say};
use crate::{
    config::{Configuration, StoreEngine},
    daemon,
    store::{self, StoreStatus},
};

/// Look at the store, or migrate it.
#[derive(Debug, Subcommand)]
pub enum Store {
    /// Make the migrations that are due; safe while other nodes run on PostgreSQL
    Migrate(Which),
    /// Show engine, version, what is due, rows per table and leases; changes nothing
    Status(Which),
}

/// Which store.
#[derive(Debug, Args)]
pub struct Which {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "PASSERELLE_CONFIG")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Store {
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Migrate(which) => which.migrate().await,
            Self::Status(which) => which.status().await,
        }
    }
}

impl Which {
    fn load(&self) -> Result<Configuration, Failure> {
        Configuration::load(self.config.as_deref()).map_err(|error| Failure::input(error, self.json))
    }

    fn fail(&self, error: anyhow::Error) -> Failure {
        if store::is_out_of_reach(&error) { Failure::Unreachable(error) } else { Failure::input(error, self.json) }
    }

    async fn migrate(self) -> Result<(), Failure> {
        let configuration = self.load()?;
        // One file has one owner; a running daemon is told apart from a store that nobody uses by its lock.
        let _lock = match configuration.settings.store {
            StoreEngine::Embedded => {
                Some(daemon::take_data_dir(&configuration.settings.data_dir).map_err(|error| self.fail(error))?)
            }
            StoreEngine::Postgresql => None,
        };
        let made = store::migrate(&configuration).await.map_err(|error| self.fail(error))?;
        if self.json {
            say(&json!({"engine": engine(&configuration), "made": made}).to_string());
        } else if made.is_empty() {
            say("nothing is due");
        } else {
            for version in made {
                say(&format!("made migration {version}"));
            }
        }
        Ok(())
    }

    async fn status(self) -> Result<(), Failure> {
        let configuration = self.load()?;
        let status = store::status(&configuration).await.map_err(|error| self.fail(error))?;
        let engine = engine(&configuration);
        if self.json {
            say(&as_json(engine, &status).to_string());
        } else {
            print(engine, &status);
        }
        Ok(())
    }
}

fn engine(configuration: &Configuration) -> &'static str {
    match configuration.settings.store {
        StoreEngine::Embedded => "embedded",
        StoreEngine::Postgresql => "postgresql",
    }
}

fn as_json(engine: &str, status: &StoreStatus) -> serde_json::Value {
    let rows: serde_json::Map<_, _> =
        status.rows.iter().map(|(table, rows)| ((*table).to_owned(), json!(rows))).collect();
    let leases: Vec<_> = status
        .leases
        .iter()
        .map(|lease| json!({"resource": lease.resource, "holder": lease.holder, "is_live": lease.is_live()}))
        .collect();
    json!({"engine": engine, "version": status.version, "due": status.due, "rows": rows, "leases": leases})
}

fn print(engine: &str, status: &StoreStatus) {
    let version = status.version.map_or_else(|| "nothing yet".to_owned(), |version| format!("version {version}"));
    say(&format!("{engine}: {version}, {} migrations due", status.due.len()));
    for (table, rows) in &status.rows {
        say(&format!("{table:16} {rows:>12}"));
    }
    for lease in &status.leases {
        let state = if lease.is_live() { "held by" } else { "ran out; last held by" };
        say(&format!("lease {} {state} {}", lease.resource, lease.holder));
    }
}
