//! The keys' database in PostgreSQL, beside the store's and never the same.

#[expect(clippy::duplicate_mod, reason = "one text of the statements, compiled for each engine")]
#[path = "sql.rs"]
mod sql;

use anyhow::{Context, Result, ensure};
use futures::future::BoxFuture;
use sqlx::{ConnectOptions, Connection as _};

use crate::{
    config::{PostgresqlSettings, Secret},
    store::{self, Connections},
};

type Connection = sqlx::PgConnection;
type Engine = PostgresKeys;
type Row = sqlx::postgres::PgRow;
type Job<A, T> = for<'c> fn(&'c mut Connection, &'c A) -> BoxFuture<'c, Result<T>>;

/// Whoever wants to change the row waits until this transaction has ended, and the other way round.
const FOR_SHARE: &str = " FOR SHARE";

/// A table of the store, whatever schema it is in.
const IS_THE_STORES: &str = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_tables WHERE tablename = 'dispatches')";

/// The keys in PostgreSQL.
#[derive(Clone)]
pub struct PostgresKeys(Connections);

impl PostgresKeys {
    /// Connects, and migrates if need be and if it may.
    ///
    /// # Errors
    /// If it cannot be reached, lacks migrations, or is the store's own database.
    pub async fn open(settings: &PostgresqlSettings, password: Option<&Secret>) -> Result<Self> {
        let options = store::postgres_options(settings, password)?;
        let connected = tokio::time::timeout(settings.connect_timeout, options.connect()).await;
        let mut connection =
            connected.context("PostgreSQL did not answer in time")?.context("cannot reach PostgreSQL")?;
        let is_the_stores: bool = sqlx::query_scalar(IS_THE_STORES).fetch_one(&mut connection).await?;
        ensure!(
            !is_the_stores,
            "it is the store's database: its backups would bring destroyed keys back; name another one as `vault.url`"
        );
        let mut migrator = sqlx::migrate!("src/vault/migrations/postgres");
        // What a newer version has made is left alone: both run in one group for a while.
        migrator.set_ignore_missing(true);
        if settings.migrate {
            migrator.run(&mut connection).await.context("cannot migrate the keys' database")?;
        }
        let is_ready: bool =
            sqlx::query_scalar("SELECT to_regclass('data_keys') IS NOT NULL").fetch_one(&mut connection).await?;
        ensure!(is_ready, "it has no tables yet and `postgresql.migrate` is false; start one node with it once");
        connection.close().await.context("cannot leave PostgreSQL")?;
        Ok(Self(Connections::open(options, settings).await?))
    }

    async fn read<A: Send + Sync + 'static, T: Send + 'static>(&self, asked: A, job: Job<A, T>) -> Result<T> {
        self.0.read(asked, job).await
    }

    async fn write<A: Send + Sync + 'static, T: Send + 'static>(&self, args: A, job: Job<A, T>) -> Result<T> {
        self.0.write(args, job).await
    }

    /// Frees what the rows were before for being overwritten. Copies in the server's own log go with its retention;
    /// they are wrapped, and unreadable once the version that wrapped them is taken out of the key file.
    async fn wipe(&self) -> Result<()> {
        self.read((), |connection, ()| {
            Box::pin(async move {
                for sql in ["VACUUM data_keys", "VACUUM foreign_ids"] {
                    sqlx::query(sql).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Clock,
        store::{PostgresStore, database_of_a_test},
        supervisor::Supervisor,
        vault::database::{KeyDatabase, conformance},
    };

    #[tokio::test]
    async fn postgres_keys_pass_the_conformance_suite() {
        let Some(settings) = database_of_a_test("keys").await else { return };
        conformance::run(async || {
            let keys = PostgresKeys::open(&settings, None).await.unwrap();
            (Box::new(keys) as Box<dyn KeyDatabase>, Supervisor::default())
        })
        .await;
    }

    #[tokio::test]
    async fn the_stores_own_database_is_refused() {
        let Some(settings) = database_of_a_test("keys_of_store").await else { return };
        PostgresStore::open(&settings, None, &Supervisor::default(), Clock::system()).await.unwrap();
        let refusal = PostgresKeys::open(&settings, None).await.err().expect("it is the store's").to_string();
        assert!(refusal.contains("vault.url"), "{refusal}");
    }

    #[tokio::test]
    async fn two_nodes_make_one_subject_and_nothing_outlives_its_destruction() {
        let Some(settings) = database_of_a_test("keys_race").await else { return };
        let (one, other) = tokio::join!(PostgresKeys::open(&settings, None), PostgresKeys::open(&settings, None));
        conformance::race(&one.unwrap(), &other.unwrap()).await;
    }
}
