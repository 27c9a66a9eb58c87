//! Leases by the clock of the database, and epochs that only the holder of a lease may raise.

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use sqlx::Row as _;

use super::{Connection, PostgresStore, Row, sql::leases::raise_epoch};
use crate::store::{Lease, Leases};

#[async_trait]
impl Leases for PostgresStore {
    async fn lease(&self, resource: &str, holder: &str, lasting: Duration) -> Result<bool> {
        let micros = i64::try_from(lasting.as_micros())?;
        self.write((resource.to_owned(), holder.to_owned(), micros), |connection, (resource, holder, micros)| {
            Box::pin(async move {
                let taken: Option<bool> = sqlx::query_scalar(
                    "INSERT INTO leases (resource, holder, runs_out_at) \
                     VALUES ($1, $2, clock_timestamp() + $3 * INTERVAL '1 microsecond') \
                     ON CONFLICT (resource) DO UPDATE SET holder = excluded.holder, runs_out_at = excluded.runs_out_at \
                     WHERE leases.holder = excluded.holder OR leases.runs_out_at <= clock_timestamp() RETURNING TRUE",
                )
                .bind(resource)
                .bind(holder)
                .bind(micros)
                .fetch_optional(connection)
                .await?;
                Ok(taken.is_some())
            })
        })
        .await
    }

    async fn give_back(&self, resource: &str, holder: &str) -> Result<()> {
        self.write((resource.to_owned(), holder.to_owned()), |connection, (resource, holder)| {
            Box::pin(async move {
                sqlx::query("DELETE FROM leases WHERE resource = $1 AND holder = $2")
                    .bind(resource)
                    .bind(holder)
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn leases(&self) -> Result<Vec<Lease>> {
        self.read((), |connection, ()| Box::pin(all(connection))).await
    }

    async fn take_over(&self, resource: &str, holder: &str) -> Result<Option<i64>> {
        self.write((resource.to_owned(), holder.to_owned()), |connection, (resource, holder)| {
            Box::pin(take_over(connection, resource, holder))
        })
        .await
    }
}

/// Every lease, by resource.
pub(super) async fn all(connection: &mut Connection) -> Result<Vec<Lease>> {
    let rows = sqlx::query(
        "SELECT resource, holder, (EXTRACT(EPOCH FROM runs_out_at - clock_timestamp()) * 1000000)::BIGINT AS micros_left \
         FROM leases ORDER BY resource",
    )
    .fetch_all(connection)
    .await?;
    let lease = |row: &Row| Lease {
        resource: row.get("resource"),
        holder: row.get("holder"),
        left: Duration::from_micros(u64::try_from(row.get::<i64, _>("micros_left")).unwrap_or(0)),
    };
    Ok(rows.iter().map(lease).collect())
}

/// Raises the epoch, waiting for every claim that is being made under the one before.
async fn take_over(connection: &mut Connection, resource: &str, holder: &str) -> Result<Option<i64>> {
    // Shared until the commit: nobody else gets the lease before the epoch is raised.
    let held: Option<bool> = sqlx::query_scalar(
        "SELECT TRUE FROM leases WHERE resource = $1 AND holder = $2 AND runs_out_at > clock_timestamp() FOR SHARE",
    )
    .bind(resource)
    .bind(holder)
    .fetch_optional(&mut *connection)
    .await?;
    if held.is_none() {
        return Ok(None);
    }
    Ok(Some(raise_epoch(connection, resource).await?))
}
