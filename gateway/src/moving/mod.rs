//! Moves an embedded installation to other engines: its log, its state, keys and files of persons, and how far everybody is.
//!
//! Nobody works on either side meanwhile. What was moved is read back and compared, record by record and row by row.
//! **Invariant:** killed at any point and run again, it goes on: nothing is missing, nothing is there twice.

mod files;
mod keys;
mod log;
mod state;
#[cfg(test)]
mod tests;

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use schemas::Hash;

use self::{keys::LeavingKeys, log::MovedLog};
use crate::{
    backbone::{Topic, embedded::LeavingLog, kafka::KafkaBackbone, wire::Wire},
    config::{BackboneEngine, Configuration, StoreEngine},
    daemon,
    health::Health,
    store::{self, Arrival, LeavingStore},
    supervisor::Supervisor,
};

/// The file in the data directory by which a move that was broken off is known again.
const ID: &str = "move.id";

/// What was moved, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// A topic or a table.
    pub name: String,
    /// Its records or rows.
    pub count: i64,
    /// What they are, the same on both sides; none if nothing was moved yet.
    pub hash: Option<Hash>,
    /// Rows that the router makes again, since it had not committed what they follow from.
    pub made_again: i64,
}

/// Moves the embedded installation of one configuration to the engines of another.
///
/// # Errors
/// If either side is in use or holds something else, or both are not equal afterwards.
pub async fn move_to(from: &Configuration, to: &Configuration, is_dry: bool) -> Result<Vec<Moved>> {
    check_engines(from, to)?;
    let data_dir = &from.settings.data_dir;
    ensure!(from.settings.store_file().is_file(), "there is no embedded installation in `{}`", data_dir.display());
    let _lock = daemon::take_data_dir(data_dir)?;
    let moves_log = to.settings.backbone == BackboneEngine::Kafka;
    let supervisor = Supervisor::default();
    if !is_dry {
        // The rows are those that this version knows.
        store::migrate(from).await?;
        keys::migrate(from, &supervisor).await?;
    }
    let log = LeavingLog::open(&data_dir.join("log.db")).await?;
    let leaving = Leaving {
        log: moves_log.then_some(log),
        state: LeavingStore::open(&from.settings.store_file()).await?,
        keys: LeavingKeys::open(from, to).await?,
    };
    if is_dry {
        return leaving.plan().await;
    }
    let arrival = Arrival::begin(&to.settings.postgresql, to.store_password()?, &id_of(data_dir)?).await?;
    let moved = leaving.all(to, arrival, &supervisor).await;
    supervisor.stop(std::time::Duration::from_secs(10)).await;
    let moved = moved?;
    if moves_log {
        daemon::mark_moved(data_dir, daemon::LOG)?;
    }
    daemon::mark_moved(data_dir, daemon::STORE)?;
    Ok(moved)
}

fn check_engines(from: &Configuration, to: &Configuration) -> Result<()> {
    let (from, to) = (&from.settings, &to.settings);
    ensure!(
        (from.backbone, from.store) == (BackboneEngine::Embedded, StoreEngine::Embedded),
        "only an embedded installation can be moved: `engines` of the configuration it runs with say otherwise"
    );
    ensure!(
        to.store == StoreEngine::Postgresql,
        "the other configuration keeps its store embedded: nothing is to move"
    );
    ensure!(
        to.backbone == BackboneEngine::Kafka || to.data_dir == from.data_dir,
        "the other configuration has an embedded log in another data directory; a log moves to Kafka, or stays where it is"
    );
    Ok(())
}

/// What an installation leaves.
struct Leaving {
    /// None if it stays.
    log: Option<LeavingLog>,
    state: LeavingStore,
    /// None without persons.
    keys: Option<LeavingKeys>,
}

impl Leaving {
    async fn plan(&self) -> Result<Vec<Moved>> {
        let mut planned = Vec::new();
        let one = |name: &str, count| Moved { name: name.to_owned(), count, hash: None, made_again: 0 };
        if let Some(log) = &self.log {
            planned.extend(log.topics().await?.iter().map(|(topic, count)| one(topic.as_str(), *count)));
        }
        if let Some(keys) = &self.keys {
            planned.extend(keys.plan().await?);
        }
        for table in &store::TABLES {
            planned.push(one(table.name, self.state.count(table).await?));
        }
        planned.push(one(files::NAME, self.state.count_blobs().await?));
        Ok(planned)
    }

    async fn all(&self, to: &Configuration, mut arrival: Arrival, supervisor: &Supervisor) -> Result<Vec<Moved>> {
        let total: i64 = self.plan().await?.iter().map(|moved| moved.count).sum();
        // Everything is read twice: there, and back.
        let progress = ProgressBar::new(u64::try_from(total)? * 2);
        if let Some(keys) = &self.keys
            && !arrival.is_resumed
        {
            keys.require_empty(to).await?;
        }
        let mut moved = Vec::new();
        let mut moved_log = MovedLog::default();
        if let Some(log) = &self.log {
            KafkaBackbone::raise_generation(to, log.generation + 1).await?;
            let wire = Wire::start(to, &[], (supervisor, &Health::default())).await?;
            let kafka = KafkaBackbone::open(to, wire, supervisor).await?;
            ensure!(kafka.generation() > log.generation, "the log there is older than the one to be moved");
            if !arrival.is_resumed {
                log::require_empty(log, &kafka).await?;
            }
            arrival.mark_begun().await?;
            let (topics, places) = log::copy(log, &kafka, arrival.is_resumed, &progress).await?;
            moved.extend(topics);
            moved_log = places;
        } else {
            arrival.mark_begun().await?;
        }
        if let Some(keys) = &self.keys {
            moved.extend(keys.copy(to, &progress).await?);
        }
        moved.extend(state::copy(&self.state, &mut arrival.filling, &store::TABLES, &moved_log, &progress).await?);
        moved.push(files::copy(&self.state, &mut arrival.filling, &progress).await?);
        progress.finish_and_clear();
        arrival.finish().await?;
        Ok(moved)
    }
}

/// By what this installation is known, on every attempt.
fn id_of(data_dir: &Path) -> Result<String> {
    let path = data_dir.join(ID);
    match fs::read_to_string(&path) {
        Ok(id) if !id.is_empty() => Ok(id),
        Ok(_) => make_id(&path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make_id(&path),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}

fn make_id(path: &Path) -> Result<String> {
    let id = uuid::Uuid::new_v4().to_string();
    fs::write(path, &id).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(id)
}

/// The topic whose reader decides what follows from it.
fn accepted() -> Topic {
    Topic::accepted()
}
