//! The keys' database: subjects, what partners call them, and their wrapped keys. Never the store's own database, and
//! never in its backups: what is destroyed here must not come back with them.

#[cfg(test)]
pub mod conformance;
mod postgres;
mod sqlite;
mod tables;

use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use schemas::{Hash, PartnerId};
use uuid::Uuid;

pub use self::{postgres::PostgresKeys, sqlite::SqliteKeys, tables::TABLES};
use super::{Subject, Wrapped};
use crate::{
    config::{Configuration, StoreEngine},
    supervisor::Supervisor,
};

/// A key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptKey {
    /// Its id, which stands beside everything that it seals.
    pub key_id: Uuid,
    /// Whose data it seals.
    pub subject: Subject,
    /// The only partner that it seals for; none for what stays here.
    pub recipient: Option<PartnerId>,
    /// The key; none once it is destroyed.
    pub wrapped: Option<Wrapped>,
    /// When it was made, microseconds since 1970 UTC.
    pub created_at: i64,
}

/// A number of a person that a partner has verified.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VerifiedNumber {
    /// Which kind of number, such as `ma-cin`.
    pub scheme: String,
    /// A keyed hash of it.
    pub number: Hash,
}

/// What the keys' database can do.
#[async_trait]
pub trait KeyDatabase: Send + Sync {
    /// Whether the engine answers.
    async fn probe(&self) -> Result<()>;

    /// The subjects that are known by these hashes, each in its place.
    async fn subjects(&self, id_hashes: Vec<Hash>) -> Result<Vec<Option<Subject>>>;

    /// The subject that is known by a hash: the one of the key that is offered, unless there is another already.
    async fn make_subject(&self, id_hash: Hash, offered: KeptKey) -> Result<Subject>;

    /// A key by its id, also when it is destroyed.
    async fn key(&self, key_id: Uuid) -> Result<Option<KeptKey>>;

    /// A subject's key for a recipient, also when it is destroyed.
    async fn key_of(&self, subject: Subject, recipient: Option<&PartnerId>) -> Result<Option<KeptKey>>;

    /// Keeps a key, unless there is one for the same already, and returns which it is. None for a subject that is
    /// unknown or whose keys were destroyed.
    async fn add_key(&self, offered: KeptKey) -> Result<Option<KeptKey>>;

    /// Destroys every key of a subject, and what it is known by, for good. Returns how many keys there were; none for
    /// an unknown subject.
    async fn destroy(&self, subject: Subject, now: i64) -> Result<Option<u64>>;

    /// The numbers of a subject that are verified.
    async fn numbers_of(&self, subject: Subject) -> Result<Vec<VerifiedNumber>>;

    /// Keeps what numbers of a subject its partner has verified, in place of those before; of a subject that is unknown or
    /// whose keys were destroyed, none.
    async fn keep_numbers(&self, subject: Subject, partner: &PartnerId, numbers: Vec<VerifiedNumber>) -> Result<()>;

    /// Whose number this is, by whom it was verified, in their order.
    async fn holders(&self, number: Hash) -> Result<Vec<(Subject, PartnerId)>>;

    /// Some keys that another version has wrapped.
    async fn keys_not_under(&self, version: &str, limit: i64) -> Result<Vec<KeptKey>>;

    /// Puts keys in the place of what they were, where nobody has changed or destroyed them meanwhile; returns how many.
    async fn rewrap(&self, keys: Vec<(KeptKey, Wrapped)>) -> Result<u64>;

    /// How many keys each version has wrapped, and how many were destroyed (no version).
    async fn counts(&self) -> Result<Vec<(Option<String>, i64)>>;
}

/// Opens the keys' database that goes with the store that is configured.
///
/// # Errors
/// If it cannot be opened or reached, or is the store's own.
pub async fn open(configuration: &Configuration, supervisor: &Supervisor) -> Result<Arc<dyn KeyDatabase>> {
    let settings = &configuration.settings;
    Ok(match settings.store {
        StoreEngine::Embedded => Arc::new(SqliteKeys::open(&settings.keys_file(), supervisor).await?),
        StoreEngine::Postgresql => {
            let (server, password) = configuration.keys_database()?;
            let opened = PostgresKeys::open(&server, password).await;
            Arc::new(opened.context("the keys' database of `[vault]` cannot be used")?)
        }
    })
}
