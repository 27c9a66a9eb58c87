//! Initial syncs: how far each partner has been given what was open when it joined, in each share of the log.

use anyhow::Result;
use async_trait::async_trait;
use schemas::{EntityKey, PartnerId};

use super::Version;

/// How far the initial sync of a partner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sync {
    /// The last entity that was looked at; none at the beginning.
    pub after: Option<EntityKey>,
    /// Whether every entity was looked at.
    pub is_done: bool,
}

impl Sync {
    /// A sync that has not begun.
    pub const NEW: Self = Self { after: None, is_done: false };
}

/// Initial syncs.
#[async_trait]
pub trait Syncs: Send + std::marker::Sync {
    /// How far a partner's sync is with the entities of one share; none if it was never begun.
    async fn sync(&self, partner: &PartnerId, share: u32) -> Result<Option<Sync>>;

    /// Keeps how far a partner's sync is with the entities of one share.
    async fn keep_sync(&self, partner: &PartnerId, share: u32, sync: Sync) -> Result<()>;

    /// Begins a partner's sync anew, in every share.
    async fn restart_sync(&self, partner: &PartnerId) -> Result<()>;

    /// The newest versions of the open entities after one, by entity key.
    async fn open_versions(&self, after: Option<EntityKey>, limit: usize) -> Result<Vec<Version>>;

    /// Keeps to whom those versions are owed.
    async fn keep_recipients(&self, versions: Vec<Version>) -> Result<()>;
}
