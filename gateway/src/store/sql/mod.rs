//! The statements of the store: one text, compiled once for each engine.
//!
//! `store/sqlite.rs` and `store/postgres.rs` each include this folder and say what differs: connections,
//! transactions, locks, and the few pieces of SQL that the two engines spell differently.

pub(super) mod api_keys;
pub(super) mod dispatches;
pub(super) mod feed;
pub(super) mod grants;
pub(super) mod identities;
pub(super) mod journal;
pub(super) mod leases;
mod lengths;
pub(super) mod lookups;
pub(super) mod media;
pub(super) mod media_tokens;
pub(super) mod parked;
pub(super) mod person_feeds;
pub(super) mod placement_events;
pub(super) mod polls;
pub(super) mod recalls;
pub(super) mod replays;
pub(super) mod reviews;
pub(super) mod rows;
pub(super) mod subjects;
pub(super) mod syncs;
pub(super) mod versions;

use futures::future::BoxFuture;

use super::{Connection, Database, Engine, Readers, Row, Writers, dialect, lock_entities, lock_feed};

/// What is to be done on a connection with what was handed in; it may be done again if the engine asks for that.
pub(super) type Job<A, T> = for<'c> fn(&'c mut Connection, &'c A) -> BoxFuture<'c, anyhow::Result<T>>;
