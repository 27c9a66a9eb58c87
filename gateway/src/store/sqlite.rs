//! The store in one SQLite file.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use sqlx::SqlitePool;

use super::{Store, lookups::Lookups, writer::Writer};
use crate::{
    sqlite_file::{WriteConnection, readers},
    supervisor::Supervisor,
};

/// The embedded store: many readers, one writer.
#[derive(Clone)]
pub struct SqliteStore {
    pub(super) pool: SqlitePool,
    pub(super) writer: Writer,
    pub(super) lookups: Lookups,
}

impl SqliteStore {
    /// Opens the store, making or migrating it if need be.
    pub async fn open(path: &Path, supervisor: &Supervisor) -> Result<Self> {
        let mut connection = WriteConnection::open(path).await?;
        sqlx::migrate!("src/store/migrations")
            .run(connection.get().await?)
            .await
            .context("cannot migrate the store")?;
        let pool = readers(path).await?;
        let lookups = Lookups::start(&pool, supervisor);
        Ok(Self { pool, writer: Writer::start(connection, supervisor), lookups })
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
