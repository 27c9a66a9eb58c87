//! Connections to PostgreSQL: bounded in number, and nothing on them lasts longer than it may.
//!
//! The server ends a statement, a wait for a lock and an idle transaction by itself. A server that is frozen or cut
//! off does not: then the call is given up here, and its connection with it.

use std::time::Duration;

use anyhow::{Context, Result};
use sqlx::{
    Connection as _, PgPool,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{Connection, Job};
use crate::{config::PostgresqlSettings, supervisor::apart};

/// After so long without use a connection is tried before anything is asked of it.
const TRY_AFTER: Duration = Duration::from_secs(1);

/// SQLSTATE of what may go well when it is done again: serialization_failure, deadlock_detected
/// (<https://www.postgresql.org/docs/15/errcodes-appendix.html>).
const CONFLICTS: [&str; 2] = ["40001", "40P01"];

/// Connections to one database.
#[derive(Clone)]
pub struct Connections {
    pool: PgPool,
    longest: Duration,
}

impl Connections {
    /// Connects.
    ///
    /// # Errors
    /// If the server cannot be reached in time.
    pub async fn open(options: PgConnectOptions, settings: &PostgresqlSettings) -> Result<Self> {
        let longest = settings.statement_timeout * 2;
        let milliseconds = |duration: Duration| duration.as_millis().to_string();
        let options = options.options([
            ("statement_timeout", milliseconds(settings.statement_timeout)),
            ("lock_timeout", milliseconds(settings.lock_timeout)),
            // Locks of a node that stands still in the middle of a transaction are not waited for any longer.
            ("idle_in_transaction_session_timeout", milliseconds(longest)),
            // A commit is on the disk when it returns, whatever the server's own default is.
            ("synchronous_commit", "on".to_owned()),
            // A plan that was made while a table was empty would read all of it until the server has looked at it again.
            ("plan_cache_mode", "force_custom_plan".to_owned()),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(settings.connect_timeout)
            .test_before_acquire(false)
            .before_acquire(|connection, usage| {
                Box::pin(async move {
                    if usage.idle_for > TRY_AFTER {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options)
            .await
            .context("cannot reach PostgreSQL")?;
        Ok(Self { pool, longest })
    }

    /// Reads in as many statements as the job has, each seeing what was committed before it.
    pub async fn read<A, T>(&self, asked: A, job: Job<A, T>) -> Result<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let connections = self.clone();
        apart(async move {
            let mut connection = connections.acquire().await?;
            let outcome = tokio::time::timeout(connections.longest, job(&mut connection, &asked)).await;
            outcome.unwrap_or_else(|_| Err(give_up(connection)))
        })
        .await
    }

    /// Runs a job in a transaction of its own, durable when this returns; once more if it collided with another one.
    pub async fn write<A, T>(&self, args: A, job: Job<A, T>) -> Result<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let connections = self.clone();
        apart(async move {
            match connections.transact(&args, job).await {
                Err(error) if is_conflict(&error) => connections.transact(&args, job).await,
                outcome => outcome,
            }
        })
        .await
    }

    async fn transact<A: Send + Sync, T>(&self, args: &A, job: Job<A, T>) -> Result<T> {
        let mut connection = self.acquire().await?;
        let work = async {
            let mut transaction = connection.begin().await?;
            let done = job(&mut transaction, args).await?;
            transaction.commit().await?;
            Ok(done)
        };
        let outcome = tokio::time::timeout(self.longest, work).await;
        outcome.unwrap_or_else(|_| Err(give_up(connection)))
    }

    async fn acquire(&self) -> Result<PoolConnection<sqlx::Postgres>> {
        self.pool.acquire().await.context("cannot reach PostgreSQL")
    }
}

/// Closes a connection on which nothing comes back: kept, it would be waited for.
fn give_up(connection: PoolConnection<sqlx::Postgres>) -> anyhow::Error {
    drop::<Connection>(connection.detach());
    let silence = sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    anyhow::Error::new(silence).context("PostgreSQL did not answer in time")
}

fn is_conflict(error: &anyhow::Error) -> bool {
    let database = error.chain().find_map(|cause| cause.downcast_ref::<sqlx::Error>()?.as_database_error()?.code());
    database.is_some_and(|code| CONFLICTS.contains(&&*code))
}
