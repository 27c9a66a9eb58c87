//! The embedded store as it is left for another one: every row of every table.

use std::path::Path;

use anyhow::{Context, Result};
use futures::{Stream, TryStreamExt};
use sqlx::SqlitePool;

use super::{blobs::BlobFolder, sql::rows::values_of};
use crate::{
    sqlite_file::readers,
    store::tables::{Table, Value},
};

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

    /// Whether there are blobs beside the rows.
    ///
    /// # Errors
    /// If their folder cannot be read.
    pub fn has_blobs(&self) -> Result<bool> {
        self.blobs.holds_any()
    }

    /// Every row of a table.
    pub fn rows<'a>(&'a self, table: &'static Table) -> impl Stream<Item = Result<Vec<Value>>> + 'a {
        let sql = sqlx::AssertSqlSafe(format!("SELECT {} FROM {}", table.column_names(), table.name));
        let rows = sqlx::query(sql).fetch(&self.rows).map_err(anyhow::Error::from);
        rows.and_then(async move |row| values_of(table, &row))
    }
}
