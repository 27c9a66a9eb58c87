//! What is done with a store from outside, without a daemon: looking at it, and migrating it.

use anyhow::Result;

use super::{Lease, postgres, sqlite};
use crate::config::{Configuration, StoreEngine};

/// How a store stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreStatus {
    /// The last migration that was made; none if there is nothing yet.
    pub version: Option<i64>,
    /// Migrations that are due.
    pub due: Vec<i64>,
    /// Rows per table.
    pub rows: Vec<(&'static str, i64)>,
    /// Who does what; known to PostgreSQL only.
    pub leases: Vec<Lease>,
}

impl StoreStatus {
    /// A store in which nothing has been made yet.
    pub(super) fn nothing(due: Vec<i64>) -> Self {
        Self { version: None, due, rows: Vec::new(), leases: Vec::new() }
    }
}

/// How the configured store stands. Changes nothing.
///
/// # Errors
/// If it cannot be read.
pub async fn status(configuration: &Configuration) -> Result<StoreStatus> {
    match configuration.settings.store {
        StoreEngine::Embedded => sqlite::upkeep::status(&configuration.settings.store_file()).await,
        StoreEngine::Postgresql => {
            postgres::upkeep::status(&configuration.settings.postgresql, configuration.store_password()?).await
        }
    }
}

/// Makes the migrations that are due, and returns them. An embedded store has to have nobody else: its data directory
/// is locked by the caller.
///
/// # Errors
/// If one cannot be made; what was made before it stays.
pub async fn migrate(configuration: &Configuration) -> Result<Vec<i64>> {
    match configuration.settings.store {
        StoreEngine::Embedded => sqlite::upkeep::migrate(&configuration.settings.store_file()).await,
        StoreEngine::Postgresql => {
            postgres::upkeep::migrate(&configuration.settings.postgresql, configuration.store_password()?).await
        }
    }
}

/// Whether an error says something of the engine, and nothing of what it holds.
pub fn is_of_engine(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<sqlx::Error>() || cause.is::<tokio::time::error::Elapsed>())
}

/// Whether an error says that the store could not be reached, and nothing about what it holds.
pub fn is_out_of_reach(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let driver = cause.downcast_ref::<sqlx::Error>();
        driver
            .is_some_and(|error| matches!(error, sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut))
            || cause.is::<tokio::time::error::Elapsed>()
    })
}
