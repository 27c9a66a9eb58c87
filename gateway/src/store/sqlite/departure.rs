//! The embedded store as it is left for another one: every row of every table.

use std::path::Path;

use anyhow::{Context, Result};
use futures::{Stream, TryStreamExt};
use sqlx::SqlitePool;
use tokio::task;

use super::{blobs::BlobFolder, sql::rows::values_of};
use crate::{
    sqlite_file::readers,
    store::{
        BlobId,
        tables::{Table, Value},
    },
};

/// Blobs that are looked at together.
const PAGE: usize = 500;

/// A store that nobody writes any more.
pub struct LeavingStore {
    rows: SqlitePool,
    blobs: BlobFolder,
}

impl LeavingStore {
    /// Opens the file; the caller has the lock on its folder.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn open(path: &Path) -> Result<Self> {
        Ok(Self { rows: readers(path).await?, blobs: BlobFolder::beside(path) })
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &Table) -> Result<i64> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {}", table.name));
        sqlx::query_scalar(sql).fetch_one(&self.rows).await.with_context(|| format!("cannot count `{}`", table.name))
    }

    /// The next blobs that are finished, after one, each with its head.
    ///
    /// # Errors
    /// If their folder cannot be read.
    pub async fn blobs(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<(BlobId, Vec<u8>)>> {
        self.on_files(move |folder| folder.finished_after(after, limit)).await.context("cannot read the blobs")
    }

    /// A chunk of a blob.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn blob_chunk(&self, blob: BlobId, place: u64) -> Result<Option<Vec<u8>>> {
        self.on_files(move |folder| folder.chunk(blob, place)).await.context("cannot read a blob")
    }

    /// How many blobs are finished.
    ///
    /// # Errors
    /// If their folder cannot be read.
    pub async fn count_blobs(&self) -> Result<i64> {
        let mut count = 0;
        let mut after = None;
        loop {
            let page = self.blobs(after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(count) };
            after = Some(*last);
            count += i64::try_from(page.len())?;
        }
    }

    async fn on_files<T: Send + 'static>(
        &self,
        work: impl FnOnce(&BlobFolder) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let folder = self.blobs.clone();
        task::spawn_blocking(move || work(&folder)).await.context("the work on a blob was broken off")?
    }

    /// Every row of a table.
    pub fn rows<'a>(&'a self, table: &'static Table) -> impl Stream<Item = Result<Vec<Value>>> + 'a {
        let sql = sqlx::AssertSqlSafe(format!("SELECT {} FROM {}", table.column_names(), table.name));
        let rows = sqlx::query(sql).fetch(&self.rows).map_err(anyhow::Error::from);
        rows.and_then(async move |row| values_of(table, &row))
    }
}
