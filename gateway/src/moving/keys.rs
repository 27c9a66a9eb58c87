//! The keys of persons, which lie in a database of their own on either side.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use futures::TryStreamExt;
use indicatif::ProgressBar;

use super::{Moved, log::MovedLog, state};
use crate::{
    config::Configuration,
    store::{Filling, LeavingStore, Value},
    supervisor::Supervisor,
    vault::database::{self, KeyDatabase, PostgresKeys, TABLES},
};

/// The keys that an installation leaves.
pub(super) struct LeavingKeys(LeavingStore);

impl LeavingKeys {
    /// Opens the keys of an installation, if it has any, and looks whether the other one could use them.
    ///
    /// # Errors
    /// If they cannot be read, or the other configuration has no place for them or lacks what wrapped them.
    pub(super) async fn open(from: &Configuration, to: &Configuration) -> Result<Option<Self>> {
        let file = from.settings.keys_file();
        if !file.is_file() {
            return Ok(None);
        }
        to.keys_database().context("there are keys of persons to be moved")?;
        let keys = Self(LeavingStore::open(&file).await?);
        let ring = to.key_ring.as_ref();
        let known: BTreeSet<&str> = ring.iter().flat_map(|ring| ring.versions()).collect();
        for version in keys.versions().await? {
            ensure!(
                known.contains(version.as_str()),
                "keys of persons are wrapped under `{version}`, which the other configuration does not have: let its \
                 `vault.key_file` hold all keys of the one it runs with"
            );
        }
        Ok(Some(keys))
    }

    /// The versions of the keys that wrapped them.
    async fn versions(&self) -> Result<BTreeSet<String>> {
        let [_, _, keys, _] = &TABLES;
        let place = keys.place("version").context("`data_keys` has no version")?;
        let mut versions = BTreeSet::new();
        let mut rows = Box::pin(self.0.rows(keys));
        while let Some(mut row) = rows.try_next().await? {
            if let Value::Text(Some(version)) = row.swap_remove(place) {
                versions.insert(version);
            }
        }
        Ok(versions)
    }

    /// What there is.
    pub(super) async fn plan(&self) -> Result<Vec<Moved>> {
        let mut planned = Vec::new();
        for table in &TABLES {
            planned.push(Moved {
                name: name_of(table.name),
                count: self.0.count(table).await?,
                hash: None,
                made_again: 0,
            });
        }
        Ok(planned)
    }

    /// Refuses a database that holds keys.
    pub(super) async fn require_empty(&self, to: &Configuration) -> Result<()> {
        let (server, password) = to.keys_database()?;
        let there =
            PostgresKeys::open(&server, password).await.context("the keys' database of `[vault]` cannot be used")?;
        ensure!(
            there.counts().await?.is_empty(),
            "the keys' database there is in use: it holds keys already; name an empty one as `vault.url`"
        );
        Ok(())
    }

    /// Copies every row, and compares it with what is there then.
    pub(super) async fn copy(&self, to: &Configuration, progress: &ProgressBar) -> Result<Vec<Moved>> {
        let (server, password) = to.keys_database()?;
        let mut filling = Filling::connect(&server, password).await?;
        let mut moved = state::copy(&self.0, &mut filling, &TABLES, &MovedLog::default(), progress).await?;
        filling.close().await?;
        for one in &mut moved {
            one.name = name_of(&one.name);
        }
        Ok(moved)
    }
}

/// Brings the keys' database of an installation to what this version knows.
pub(super) async fn migrate(from: &Configuration, supervisor: &Supervisor) -> Result<()> {
    if from.settings.keys_file().is_file() {
        database::open(from, supervisor).await?;
    }
    Ok(())
}

/// The store has tables of the same names.
fn name_of(table: &str) -> String {
    format!("keys.{table}")
}
