//! The store in one SQLite file.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use sqlx::{
    Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Store, writer::Writer};
use crate::supervisor::Supervisor;

/// Connections that read.
const READERS: u32 = 4;

/// The embedded store: many readers, one writer.
#[derive(Clone)]
pub struct SqliteStore {
    pub(super) pool: SqlitePool,
    pub(super) writer: Writer,
}

impl SqliteStore {
    /// Opens the store, making or migrating it if need be.
    pub async fn open(path: &Path, supervisor: &Supervisor) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(std::time::Duration::from_secs(10));
        let mut connection = SqliteConnection::connect_with(&options)
            .await
            .with_context(|| format!("cannot open the store `{}`", path.display()))?;
        sqlx::migrate!("src/store/migrations").run(&mut connection).await.context("cannot migrate the store")?;
        let pool = SqlitePoolOptions::new().max_connections(READERS).connect_with(options.read_only(true)).await?;
        Ok(Self { pool, writer: Writer::start(connection, supervisor) })
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn take_over(&self, resource: &str) -> Result<i64> {
        let resource = resource.to_owned();
        self.writer
            .write(move |connection| {
                Box::pin(async move {
                    let epoch = sqlx::query_scalar(
                        "INSERT INTO ownership (resource, epoch) VALUES ($1, 1) \
                         ON CONFLICT (resource) DO UPDATE SET epoch = ownership.epoch + 1 RETURNING epoch",
                    )
                    .bind(resource)
                    .fetch_one(connection)
                    .await?;
                    Ok(epoch)
                })
            })
            .await
    }

    async fn probe(&self) -> Result<()> {
        ensure!(self.writer.is_open(), "the store is closed");
        sqlx::query("SELECT 1").execute(&self.pool).await.context("the store does not answer")?;
        Ok(())
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
            let store = SqliteStore::open(&path, &supervisor).await.unwrap();
            (Box::new(store) as Box<dyn Store>, supervisor)
        })
        .await;
    }
}
