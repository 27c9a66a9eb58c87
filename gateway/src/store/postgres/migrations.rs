//! Migrations of PostgreSQL, each safe beside the version still running: see `store/migrations/README.md`.

use anyhow::{Context, Result, ensure};
use sqlx::{
    ConnectOptions, Connection as _,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgConnection},
};

use super::arrival::require_finished;
use crate::config::PostgresqlSettings;

/// The migrations of this version. What a newer version has made is left alone: both run in one group for a while.
fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("src/store/migrations/postgres");
    migrator.set_ignore_missing(true);
    migrator
}

/// Makes the migrations that are due, if `serve` may.
///
/// # Errors
/// If some are due and it may not, or the server cannot be reached.
pub(super) async fn prepare(options: &PgConnectOptions, settings: &PostgresqlSettings) -> Result<()> {
    let mut connection = connect(options, settings).await?;
    let (_, due) = made_and_due(&mut connection).await?;
    if !due.is_empty() {
        ensure!(
            settings.migrate,
            "the store lacks {} migrations and `postgresql.migrate` is false; run `passerelle store migrate`",
            due.len()
        );
        migrate(&mut connection).await?;
    }
    require_finished(&mut connection).await?;
    connection.close().await.context("cannot leave PostgreSQL")
}

/// A connection without the limits of a working one: a migration takes what it takes.
pub(super) async fn connect(options: &PgConnectOptions, settings: &PostgresqlSettings) -> Result<PgConnection> {
    let connected = tokio::time::timeout(settings.connect_timeout, options.connect()).await;
    connected.context("PostgreSQL did not answer in time")?.context("cannot reach PostgreSQL")
}

/// Makes the migrations that are due; one node at a time (sqlx holds an advisory lock of the database).
pub(super) async fn migrate(connection: &mut PgConnection) -> Result<()> {
    migrator().run(connection).await.context("cannot migrate the store")
}

/// The migrations that were made, those of newer versions included, and the ones of this version that are due.
pub(super) async fn made_and_due(connection: &mut PgConnection) -> Result<(Vec<i64>, Vec<i64>)> {
    let is_prepared: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await
        .context("cannot read the migrations")?;
    let made: Vec<i64> = if is_prepared {
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success")
            .fetch_all(connection)
            .await
            .context("cannot read the migrations")?
    } else {
        Vec::new()
    };
    let ours = migrator();
    let due = ours.iter().map(|migration| migration.version).filter(|version| !made.contains(version)).collect();
    Ok((made, due))
}
