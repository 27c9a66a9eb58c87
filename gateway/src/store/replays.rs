//! Replays: entities that an operator wants to be dispatched again, until the router has taken them up.

use anyhow::Result;
use async_trait::async_trait;
use schemas::{EntityKey, PartnerId};
use uuid::Uuid;

/// An entity that is to be dispatched again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Its own id; what it dispatches is known by it.
    pub replay_id: Uuid,
    /// The entity.
    pub entity_key: EntityKey,
    /// The share of the log that the entity belongs to.
    pub share: u32,
    /// The partner that it goes to; none for everybody entitled.
    pub recipient: Option<PartnerId>,
    /// When it was wanted, microseconds since 1970 UTC.
    pub wanted_at: i64,
}

/// Replays that are still to be done.
#[async_trait]
pub trait Replays: Send + Sync {
    /// Keeps a replay; the same id again changes nothing.
    async fn want_replay(&self, replay: Replay) -> Result<()>;

    /// Replays in one share that are still to be done, oldest first.
    async fn replays(&self, share: u32, limit: usize) -> Result<Vec<Replay>>;

    /// How many replays are still to be done, counted no further than that.
    async fn wanted_replays(&self, at_most: usize) -> Result<usize>;

    /// Forgets replays that are done.
    async fn finish_replays(&self, ids: Vec<Uuid>) -> Result<()>;
}
