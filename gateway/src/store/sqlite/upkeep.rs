//! The store's file from outside: how it stands, and what is due.

use std::path::Path;

use anyhow::{Context, Result};
use sqlx::SqlitePool;

use super::MIGRATIONS;
use crate::{
    sqlite_file::{WriteConnection, readers},
    store::{tables::TABLES, upkeep::StoreStatus},
};

/// How the store stands; a file that is not there holds nothing.
pub async fn status(path: &Path) -> Result<StoreStatus> {
    if !path.is_file() {
        return Ok(StoreStatus::nothing(due(&[])));
    }
    let pool = readers(path).await?;
    let made = made(&pool).await?;
    if made.is_empty() {
        return Ok(StoreStatus::nothing(due(&made)));
    }
    let mut rows = Vec::with_capacity(TABLES.len());
    for table in TABLES.iter().map(|table| table.name) {
        let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        let count: i64 =
            sqlx::query_scalar(sql).fetch_one(&pool).await.with_context(|| format!("cannot count `{table}`"))?;
        rows.push((table, count));
    }
    pool.close().await;
    Ok(StoreStatus { version: made.iter().max().copied(), due: due(&made), rows, leases: Vec::new() })
}

/// Makes what is due, and returns it.
pub async fn migrate(path: &Path) -> Result<Vec<i64>> {
    let before = status(path).await?.due;
    let mut connection = WriteConnection::open(path).await?;
    MIGRATIONS.run(connection.get().await?).await.context("cannot migrate the store")?;
    connection.close().await.context("cannot close the store")?;
    Ok(before)
}

async fn made(pool: &SqlitePool) -> Result<Vec<i64>> {
    let is_prepared: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations')")
            .fetch_one(pool)
            .await
            .context("cannot read the migrations")?;
    if !is_prepared {
        return Ok(Vec::new());
    }
    let made = sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success").fetch_all(pool).await;
    made.context("cannot read the migrations")
}

fn due(made: &[i64]) -> Vec<i64> {
    MIGRATIONS.iter().map(|migration| migration.version).filter(|version| !made.contains(version)).collect()
}
