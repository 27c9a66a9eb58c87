//! The store in PostgreSQL: several nodes read and write at once.

mod arrival;
mod blobs;
mod connections;
mod dialect;
mod leases;
mod migrations;
#[expect(clippy::duplicate_mod, reason = "one text of the statements, compiled for each engine")]
#[path = "sql/mod.rs"]
mod sql;
pub(super) mod upkeep;

use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use secrecy::ExposeSecret;
use sqlx::postgres::PgConnectOptions;

pub use self::{
    arrival::{Arrival, Filling},
    connections::Connections,
};
use self::{
    dialect::{lock_entities, lock_feed},
    sql::{Job, dispatches::Steps, lookups::Lookups},
};
use super::{OldOwner, Store};
use crate::{
    clock::Clock,
    config::{PostgresqlSettings, Secret},
    supervisor::Supervisor,
};

type Connection = sqlx::PgConnection;
type Database = sqlx::Postgres;
type Engine = PostgresStore;
type Readers = Connections;
type Row = sqlx::postgres::PgRow;
type Writers = Connections;

/// How often a node looks for what others have put into the store.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The store in PostgreSQL.
#[derive(Clone)]
pub struct PostgresStore {
    connections: Connections,
    lookups: Lookups,
    steps: Steps,
}

impl PostgresStore {
    /// Connects to the store, and migrates it if need be and if it may.
    ///
    /// # Errors
    /// If it cannot be reached, or lacks migrations.
    pub async fn open(
        settings: &PostgresqlSettings,
        password: Option<&Secret>,
        supervisor: &Supervisor,
        clock: Clock,
    ) -> Result<Self> {
        let options = options(settings, password)?;
        migrations::prepare(&options, settings).await?;
        let connections = Connections::open(options, settings).await?;
        let lookups = Lookups::start(&connections, supervisor);
        let steps = Steps::new(&connections, supervisor, clock);
        Ok(Self { connections, lookups, steps })
    }

    async fn read<A: Send + std::marker::Sync + 'static, T: Send + 'static>(
        &self,
        asked: A,
        job: Job<A, T>,
    ) -> Result<T> {
        self.connections.read(asked, job).await
    }

    async fn write<A: Send + std::marker::Sync + 'static, T: Send + 'static>(
        &self,
        args: A,
        job: Job<A, T>,
    ) -> Result<T> {
        self.connections.write(args, job).await
    }
}

/// How to connect, without the limits of a working connection.
pub fn options(settings: &PostgresqlSettings, password: Option<&Secret>) -> Result<PgConnectOptions> {
    let options: PgConnectOptions = settings.url.parse().context("`postgresql.url` is wrong")?;
    let options = options.application_name("passerelle");
    Ok(match password {
        Some(password) => options.password(password.current().expose_secret()),
        None => options,
    })
}

#[async_trait]
impl Store for PostgresStore {
    async fn probe(&self) -> Result<()> {
        // A server that is being recovered or follows another one answers, but takes nothing.
        let takes_nothing: bool = self
            .read((), |connection, ()| {
                Box::pin(async move {
                    let sql = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::BOOLEAN";
                    Ok(sqlx::query_scalar(sql).fetch_one(connection).await?)
                })
            })
            .await
            .context("the store does not answer")?;
        anyhow::ensure!(!takes_nothing, "the store is read-only");
        Ok(())
    }

    fn old_owner(&self) -> OldOwner {
        OldOwner::MayLive
    }

    fn look_every(&self) -> Option<Duration> {
        Some(LOOK_EVERY)
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub use self::tests::database as database_of_a_test;
