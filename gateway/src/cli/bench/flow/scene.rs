//! What a flow runs on: engines, one partner that pushes and one that receives, as configuration files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

/// The partner that pushes.
pub const PUSHER: &str = "source";
/// How many dispatches are under way to the one partner: as many as there are clients, as with what it stands beside.
const IN_FLIGHT: usize = 64;

/// Which engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// Log and store are SQLite files.
    Embedded,
    /// The log is in Kafka, the store in PostgreSQL.
    Kafka,
}

/// Where the engines are.
#[derive(Debug, Clone, Args)]
pub struct Servers {
    /// Engines of log and store
    #[arg(long, value_enum, default_value = "embedded")]
    pub engine: Engine,
    /// Kafka's brokers; with three or more, everything has three copies
    #[arg(long, env = "PASSERELLE_TEST_KAFKA", default_value = "127.0.0.1:9092", value_name = "SERVERS")]
    pub kafka: String,
    /// The schema registry
    #[arg(long, env = "PASSERELLE_TEST_REGISTRY", default_value = "", value_name = "URL")]
    pub registry: String,
    /// An empty database in PostgreSQL
    #[arg(long, env = "PASSERELLE_TEST_POSTGRESQL", default_value = "", hide_env_values = true, value_name = "URL")]
    pub postgresql: String,
    /// Who must have a record before it counts as written: `all` or `1`
    #[arg(long, default_value = "all")]
    pub acks: String,
    /// Let the router write without transactions
    #[arg(long)]
    pub without_transactions: bool,
}

impl Servers {
    /// How many copies of everything there are, and how many must be written.
    pub fn copies(&self) -> (i32, i32) {
        if self.kafka.split(',').count() >= 3 { (3, 2) } else { (1, 1) }
    }

    /// The engines, as the configuration says them; topics begin with the prefix.
    fn settings(&self, prefix: &str) -> String {
        if self.engine == Engine::Embedded {
            return String::new();
        }
        let Self { kafka, registry, postgresql, acks, without_transactions, .. } = self;
        let (copies, in_step) = self.copies();
        format!(
            "[engines]\nbackbone = \"kafka\"\nstore = \"postgresql\"\n\
             [kafka]\nbootstrap_servers = \"{kafka}\"\nprefix = \"{prefix}\"\nacks = \"{acks}\"\n\
             transactions = {}\nreplication_factor = {copies}\nmin_insync_replicas = {in_step}\n\
             [registry]\nurl = \"{registry}\"\n[postgresql]\nurl = \"{postgresql}\"\n",
            !without_transactions
        )
    }
}

/// Writes the configuration into a folder; returns its file.
///
/// # Errors
/// If the folder cannot be written to.
pub fn write(folder: &Path, servers: &Servers, prefix: &str, receiver: &str) -> Result<PathBuf> {
    let pusher = "name = \"Source (invented)\"\ncountry = \"BE\"\nrole = \"public_service\"\n\
                  [incoming.vacancy]\ndialect = \"vdab-json\"\n";
    let agency = format!(
        "name = \"Agency (invented)\"\ncountry = \"BE\"\nrole = \"public_service\"\n\
         [outgoing.vacancy]\ndialect = \"eures-xml\"\n\
         connector = {{ kind = \"rest\", base_url = \"{receiver}\", repeats = \"by_key\" }}\n\
         [parameters]\nagency_id = \"BE-VDAB\"\n"
    );
    // Port 0: the kernel gives each node one of its own.
    let settings = format!(
        "[door]\nlisten = \"127.0.0.1:0\"\nlimits = \"\"\n[delivery]\nin_flight = {IN_FLIGHT}\n\
         [telemetry]\nformat = \"json\"\n{}",
        servers.settings(prefix)
    );
    let files = [
        (format!("partners/{PUSHER}.toml"), pusher.to_owned()),
        ("partners/agency.toml".to_owned(), agency),
        ("passerelle.toml".to_owned(), settings),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().context("a file without a folder")?)?;
        fs::write(path, text)?;
    }
    Ok(folder.join("passerelle.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BackboneEngine, Configuration};

    #[test]
    fn both_engines_are_configured() {
        for (engine, backbone) in [(Engine::Embedded, BackboneEngine::Embedded), (Engine::Kafka, BackboneEngine::Kafka)]
        {
            let servers = Servers {
                engine,
                kafka: "a:1,b:2,c:3".to_owned(),
                registry: "http://127.0.0.1:1/apis/ccompat/v7".to_owned(),
                postgresql: "postgresql://someone@127.0.0.1:1/somewhere".to_owned(),
                acks: "1".to_owned(),
                without_transactions: true,
            };
            let folder = tempfile::tempdir().unwrap();
            let file = write(folder.path(), &servers, "bench.", "http://127.0.0.1:1").unwrap();
            let configuration = Configuration::load(Some(&file)).unwrap();
            assert_eq!(configuration.settings.backbone, backbone);
            assert_eq!(configuration.partners.len(), 2);
        }
    }
}
