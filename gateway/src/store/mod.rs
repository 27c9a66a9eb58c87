//! All SQL of the store. Grants, keys, claims, outcomes, cursors and idempotency live here first:
//! losing the store is a restore, never a rebuild.
//!
//! **Invariant:** writes are upserts keyed by message id or position, made before the log's offsets are
//! committed, so that whatever is read again changes nothing.

mod api_keys;
#[cfg(test)]
pub mod conformance;
mod dispatches;
mod feed;
mod gatherer;
mod journal;
mod lookups;
mod parked;
mod polls;
mod replays;
mod sqlite;
mod syncs;
mod versions;
mod writer;

use anyhow::Result;
use async_trait::async_trait;

pub use self::{
    api_keys::{ApiKey, ApiKeys},
    dispatches::{
        Claim, Claimed, DispatchRow, DispatchState, Dispatches, End, Ended, Owed, Sent, Settlement, resource_of,
    },
    feed::{Feed, FeedBound, FeedChange, FeedItem},
    journal::{EventRow, Journal, MessagePlace, MessageQuery, MessageRow},
    parked::{ParkedFilter, ParkedInput, ParkedInputs},
    polls::{Poll, Polled, Polls},
    replays::{Replay, Replays},
    sqlite::SqliteStore,
    syncs::{Sync, Syncs},
    versions::{Histories, KeyUse, Routed, Version, Versions},
};

/// The store engine.
#[async_trait]
pub trait Store: Versions + Dispatches + Feed + ParkedInputs + Polls + Replays + Syncs + ApiKeys + Journal {
    /// Takes a resource over and returns the new epoch; whoever held it before has the lower one.
    async fn take_over(&self, resource: &str) -> Result<i64>;

    /// Whether the engine answers and can write.
    async fn probe(&self) -> Result<()>;
}
