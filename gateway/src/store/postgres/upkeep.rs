//! PostgreSQL from outside: how it stands, and what is due.

use anyhow::{Context, Result};
use sqlx::{Connection as _, PgConnection};

use super::{leases, migrations, options};
use crate::{
    config::{PostgresqlSettings, Secret},
    store::{tables::TABLES, upkeep::StoreStatus},
};

/// How the store stands.
pub async fn status(settings: &PostgresqlSettings, password: Option<&Secret>) -> Result<StoreStatus> {
    let mut connection = migrations::connect(&options(settings, password)?, settings).await?;
    let (made, due) = migrations::made_and_due(&mut connection).await?;
    if made.is_empty() {
        return Ok(StoreStatus::nothing(due));
    }
    let mut rows = Vec::with_capacity(TABLES.len());
    for table in TABLES.iter().map(|table| table.name).chain(["leases"]) {
        rows.push((table, count(&mut connection, table).await?));
    }
    let leases = leases::all(&mut connection).await?;
    connection.close().await.context("cannot leave PostgreSQL")?;
    Ok(StoreStatus { version: made.into_iter().max(), due, rows, leases })
}

/// Makes what is due, and returns it.
pub async fn migrate(settings: &PostgresqlSettings, password: Option<&Secret>) -> Result<Vec<i64>> {
    let mut connection = migrations::connect(&options(settings, password)?, settings).await?;
    let (_, due) = migrations::made_and_due(&mut connection).await?;
    migrations::migrate(&mut connection).await?;
    connection.close().await.context("cannot leave PostgreSQL")?;
    Ok(due)
}

async fn count(connection: &mut PgConnection, table: &'static str) -> Result<i64> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
    sqlx::query_scalar(sql).fetch_one(connection).await.with_context(|| format!("cannot count `{table}`"))
}
