//! A SQLite file as log and store open it: many connections that read, one that writes.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use futures::future::BoxFuture;
use sqlx::{
    Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::supervisor::apart;

/// Connections that read.
const READERS: u32 = 4;
/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(10);

/// Pages of 4 KiB in the write-ahead log after which they are moved into the file.
const CHECKPOINT_PAGES: &str = "4000";

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A commit is on the disk when it returns.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
}

/// Connections that only read.
///
/// # Errors
/// If the file cannot be opened.
pub async fn readers(path: &Path) -> Result<SqlitePool> {
    // A file does not go away as a server does: nothing is asked of a connection before it is used.
    let pool = SqlitePoolOptions::new().max_connections(READERS).test_before_acquire(false);
    let pool = pool.connect_with(options(path).read_only(true)).await;
    pool.with_context(|| format!("cannot read `{}`", path.display()))
}

/// What is done on a connection.
pub type Job<A, T> = for<'c> fn(&'c mut SqliteConnection, &'c A) -> BoxFuture<'c, Result<T>>;

/// The connections that only read, for many at once.
#[derive(Clone)]
pub struct Readers(SqlitePool);

impl Readers {
    /// Opens them.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub async fn open(path: &Path) -> Result<Self> {
        Ok(Self(readers(path).await?))
    }

    /// Reads; a connection is held only while something is read on it.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn read<A, T>(&self, asked: A, job: Job<A, T>) -> Result<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let pool = self.0.clone();
        apart(async move { job(&mut *pool.acquire().await?, &asked).await }).await
    }

    /// Reads nothing.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn probe(&self) -> Result<()> {
        self.read((), |connection, ()| {
            Box::pin(async move {
                sqlx::query("SELECT 1").execute(connection).await?;
                Ok(())
            })
        })
        .await
    }
}

/// The one connection that writes, made anew after a failure.
///
/// After a full disk or an I/O error SQLite may have rolled back by itself
/// (<https://www.sqlite.org/lang_transaction.html>, section 3). The driver goes on believing in the transaction and
/// would refuse to begin another one for good.
pub struct WriteConnection {
    options: SqliteConnectOptions,
    current: Option<SqliteConnection>,
}

impl WriteConnection {
    /// Opens the file, making it if there is none.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub async fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, options(path)).await
    }

    /// Opens the file as [`Self::open`] does; what is deleted is overwritten with zeros.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub async fn open_overwriting(path: &Path) -> Result<Self> {
        Self::open_with(path, options(path).pragma("secure_delete", "ON")).await
    }

    async fn open_with(path: &Path, options: SqliteConnectOptions) -> Result<Self> {
        let mut connection = Self { options, current: None };
        connection.get().await.with_context(|| format!("cannot open `{}`", path.display()))?;
        Ok(connection)
    }

    /// The connection, opened again if the last one failed.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub async fn get(&mut self) -> sqlx::Result<&mut SqliteConnection> {
        let connection = match self.current.take() {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&self.options).await?,
        };
        Ok(self.current.insert(connection))
    }

    /// Gives up a connection of which nobody knows any more how it stands.
    pub async fn give_up(&mut self) {
        if let Some(connection) = self.current.take() {
            // It failed already; what matters is that it lets go of the file.
            let _ = connection.close().await;
        }
    }

    /// Closes the file.
    ///
    /// # Errors
    /// If something cannot be written any more.
    pub async fn close(self) -> sqlx::Result<()> {
        match self.current {
            Some(connection) => connection.close().await,
            None => Ok(()),
        }
    }
}
