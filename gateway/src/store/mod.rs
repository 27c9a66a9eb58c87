//! All SQL of the store. Grants, keys, claims, outcomes, cursors and idempotency live here first:
//! losing the store is a restore, never a rebuild.
//!
//! What the store can do are the traits of this folder; the statements are written once, in `sql/`, and compiled for
//! each engine. `sqlite/dialect.rs` and `postgres/dialect.rs` say what the engines spell differently.
//!
//! **Invariant:** writes are upserts keyed by message id or position, made before the log's offsets are
//! committed, so that whatever is read again changes nothing.

mod api_keys;
mod blobs;
#[cfg(test)]
pub mod conformance;
mod dispatches;
mod feed;
mod gatherer;
mod grants;
mod identities;
mod journal;
mod leases;
mod media;
mod media_tokens;
mod parked;
mod person_feeds;
mod placement_events;
mod polls;
mod postgres;
mod recalls;
mod replays;
mod reviews;
mod sqlite;
mod subjects;
mod syncs;
mod tables;
mod upkeep;
mod versions;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use async_trait::async_trait;

#[cfg(test)]
pub use self::postgres::database_of_a_test;
pub use self::{
    api_keys::{ApiKey, ApiKeys},
    blobs::{BlobId, Blobs, CHUNK_BYTES},
    dispatches::{
        Claim, Claimed, DispatchRow, DispatchState, Dispatches, End, Ended, OldOwner, Owed, Sent, Settlement,
        Superseded, resource_of,
    },
    feed::{Feed, FeedBound, FeedChange, FeedItem, FeedStretch},
    grants::{Grants, Kept},
    identities::{Confirmation, Evidence, Identified, Identities, IdentityEvent, Pair, Said, Shares},
    journal::{EventRow, FoundMessages, Journal, MessagePlace, MessageQuery, MessageRow},
    leases::{Lease, Leases},
    media::{FetchOutcome, Media, Medium, MediumId, MediumState, Referred, WantedMedium},
    media_tokens::{Lent, MediaToken, MediaTokens, Showing},
    parked::{ParkedFilter, ParkedInput, ParkedInputs},
    person_feeds::{
        PersonDocument, PersonFeed, PersonFeeds, PersonItem, PersonItems, PullDecision, PulledPast, WhichPersons,
    },
    placement_events::{PlacementEvent, PlacementEvents},
    polls::{Poll, Polled, Polls},
    postgres::{Arrival, Connections, Filling, PostgresStore, options as postgres_options},
    recalls::{Disclosed, Recall, RecallFilter, RecallKey, RecallState, Recalls},
    replays::{Replay, Replays},
    reviews::{Due, InstrumentReview, Review, Reviews, Shown},
    sqlite::{LeavingStore, SqliteStore, Writer},
    subjects::{Decided, Permission, Standing, SubjectVersion},
    syncs::{Sync, Syncs},
    tables::{Digest, Kind as ColumnKind, TABLES, Table, Value},
    upkeep::{StoreStatus, is_of_engine, is_out_of_reach, migrate, status},
    versions::{Histories, KeyUse, Routed, Version, Versions},
};
use crate::{
    clock::Clock,
    config::{Configuration, StoreEngine},
    supervisor::Supervisor,
};

/// The store engine.
#[async_trait]
pub trait Store:
    Versions
    + Dispatches
    + Feed
    + PersonFeeds
    + PlacementEvents
    + ParkedInputs
    + Polls
    + Replays
    + Syncs
    + ApiKeys
    + Journal
    + Leases
    + Grants
    + Identities
    + Recalls
    + Reviews
    + Blobs
    + Media
    + MediaTokens
{
    /// Whether the engine answers and can write.
    async fn probe(&self) -> Result<()>;

    /// What is certain of an owner once its successor has taken over.
    fn old_owner(&self) -> OldOwner;

    /// How often to look for what other nodes have put here; none if there are no other nodes.
    fn look_every(&self) -> Option<Duration>;
}

/// Opens the store that is configured.
///
/// # Errors
/// If it cannot be opened or reached, or lacks migrations that it may not make by itself.
pub async fn open(configuration: &Configuration, supervisor: &Supervisor, clock: Clock) -> Result<Arc<dyn Store>> {
    let settings = &configuration.settings;
    Ok(match settings.store {
        StoreEngine::Embedded => Arc::new(SqliteStore::open(&settings.store_file(), supervisor, clock).await?),
        StoreEngine::Postgresql => {
            let password = configuration.store_password().context("`[postgresql]` needs it")?;
            Arc::new(PostgresStore::open(&settings.postgresql, password, supervisor, clock).await?)
        }
    })
}
