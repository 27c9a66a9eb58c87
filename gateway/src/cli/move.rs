//! `passerelle move`: an embedded installation goes over to other engines.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Failure, output::say};
use crate::{
    config::Configuration,
    moving::{Moved, move_to},
    store,
};

/// Move an embedded installation to Kafka and PostgreSQL: log, state, cursors, what waits, and keys.
///
/// Stop the daemon first, and start it with the other configuration afterwards. Both sides are compared in the end. A
/// move that was broken off goes on when it is run again.
#[derive(Debug, Args)]
pub struct Move {
    /// The configuration that the installation runs with
    #[arg(long, value_name = "FILE", env = "PASSERELLE_CONFIG")]
    config: Option<PathBuf>,
    /// The configuration that it is to run with
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Only say what would be moved
    #[arg(long)]
    dry_run: bool,
    /// Print JSON, an object a line
    #[arg(long)]
    json: bool,
}

impl Move {
    pub async fn run(self) -> Result<(), Failure> {
        let fail = |error: anyhow::Error| {
            if store::is_out_of_reach(&error) { Failure::Unreachable(error) } else { Failure::input(error, self.json) }
        };
        let from = Configuration::load(self.config.as_deref()).map_err(fail)?;
        let to = Configuration::load(Some(&self.to)).map_err(fail)?;
        let moved = move_to(&from, &to, self.dry_run).await.map_err(fail)?;
        for one in &moved {
            self.tell(one);
        }
        if !self.json {
            say(if self.dry_run { "nothing was moved" } else { "moved, and equal on both sides" });
            let keys = from.settings.keys_file();
            if !self.dry_run && keys.is_file() {
                say(&format!(
                    "`{}` still holds the keys of persons: delete it with its `-wal` and `-shm` once the new installation \
                     works; what is erased there is not erased here",
                    keys.display()
                ));
            }
        }
        Ok(())
    }

    fn tell(&self, moved: &Moved) {
        let hash = moved.hash.map(|hash| hash.to_string());
        if self.json {
            let Moved { name, count, made_again, .. } = moved;
            say(&json!({"name": name, "count": count, "hash": hash, "made_again": made_again}).to_string());
            return;
        }
        let short = hash.as_deref().and_then(|hash| hash.get(..16)).unwrap_or_default();
        let again = match moved.made_again {
            0 => String::new(),
            again => format!(" and {again} that are made again"),
        };
        say(&format!("{:28} {:>12} {short}{again}", moved.name, moved.count));
    }
}
