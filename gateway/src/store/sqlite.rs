//! The store in one SQLite file.

mod blobs;
mod departure;
mod dialect;
mod leases;
#[expect(clippy::duplicate_mod, reason = "one text of the statements, compiled for each engine")]
#[path = "sql/mod.rs"]
mod sql;
pub(super) mod upkeep;
mod writer;

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;

use self::{
    blobs::BlobFolder,
    dialect::{lock_entities, lock_feed},
    leases::Held,
    sql::{Job, dispatches::Steps, lookups::Lookups},
};
pub use self::{departure::LeavingStore, writer::Writer};
use super::{OldOwner, Store};
use crate::{
    clock::Clock,
    sqlite_file::{Readers, WriteConnection},
    supervisor::Supervisor,
};

type Connection = sqlx::SqliteConnection;
type Database = sqlx::Sqlite;
type Engine = SqliteStore;
type Row = sqlx::sqlite::SqliteRow;
type Writers = Writer;

/// The migrations of this version.
static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("src/store/migrations/sqlite");

/// The embedded store: many readers, one writer.
#[derive(Clone)]
pub struct SqliteStore {
    readers: Readers,
    writer: Writer,
    lookups: Lookups,
    steps: Steps,
    held: Held,
    blobs: BlobFolder,
}

impl SqliteStore {
    /// Opens the store, making or migrating it if need be.
    pub async fn open(path: &Path, supervisor: &Supervisor, clock: Clock) -> Result<Self> {
        let mut connection = WriteConnection::open(path).await?;
        MIGRATIONS.run(connection.get().await?).await.context("cannot migrate the store")?;
        let readers = Readers::open(path).await?;
        let lookups = Lookups::start(&readers, supervisor);
        let writer = Writer::start(connection, supervisor);
        let steps = Steps::new(&writer, supervisor, clock);
        let blobs = BlobFolder::beside(path);
        Ok(Self { readers, writer, lookups, steps, held: Held::default(), blobs })
    }

    async fn read<A: Send + Sync + 'static, T: Send + 'static>(&self, asked: A, job: Job<A, T>) -> Result<T> {
        self.readers.read(asked, job).await
    }

    async fn write<A: Send + Sync + 'static, T: Send + 'static>(&self, args: A, job: Job<A, T>) -> Result<T> {
        self.writer.write(args, job).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn probe(&self) -> Result<()> {
        ensure!(self.writer.is_open(), "the store is closed");
        self.readers.probe().await.context("the store does not answer")
    }

    fn old_owner(&self) -> OldOwner {
        OldOwner::IsDead
    }

    fn look_every(&self) -> Option<Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;

    #[tokio::test]
    async fn embedded_passes_the_conformance_suite() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        conformance::run(async || {
            let supervisor = Supervisor::default();
            let store = SqliteStore::open(&path, &supervisor, Clock::system()).await.unwrap();
            (Box::new(store) as Box<dyn Store>, supervisor)
        })
        .await;
    }
}
