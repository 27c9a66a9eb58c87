//! Media: files that profiles link to, wanted since a version links to them, then kept or failed.
//!
//! **Invariant:** what is wanted is written by the transaction that keeps the version which links to it. An attempt settles
//! what became of it only while no other has begun.

use std::{collections::HashSet, str::FromStr};

use anyhow::Result;
use async_trait::async_trait;
use schemas::{Category, EntityKey, MessageId, Origin, Position};
use uuid::Uuid;

use super::BlobId;

/// A file that a profile links to: derived from person, category and link by a key of the person's, so that it says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediumId(Uuid);

/// What a version of an entity links to.
#[derive(Debug, Clone)]
pub struct Referred {
    /// The entity.
    pub entity_key: EntityKey,
    /// The version.
    pub position: Position,
    /// The message that made it.
    pub message_id: MessageId,
    /// Where that came from.
    pub origin: Origin,
    /// All of it; nothing for one that is closed.
    pub media: Vec<WantedMedium>,
    /// Now, microseconds since 1970 UTC.
    pub at: i64,
}

/// A file that is wanted.
#[derive(Debug, Clone)]
pub struct WantedMedium {
    /// Which.
    pub id: MediumId,
    /// What of the person it shows.
    pub category: Category,
    /// Where it lies, sealed.
    pub sealed: Vec<u8>,
}

/// Where a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediumState {
    /// It is to be fetched.
    Wanted,
    /// It is here.
    Kept,
    /// It cannot be had.
    Failed,
}

const STATES: [(MediumState, &str); 3] =
    [(MediumState::Wanted, "wanted"), (MediumState::Kept, "kept"), (MediumState::Failed, "failed")];

/// A file as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Medium {
    /// Which.
    pub id: MediumId,
    /// Whose profile links to it.
    pub entity_key: EntityKey,
    /// The newest version that does.
    pub position: Position,
    /// The message that made that.
    pub message_id: MessageId,
    /// Where that came from.
    pub origin: Origin,
    /// What of the person it shows.
    pub category: Category,
    /// Where it lies, sealed.
    pub sealed: Vec<u8>,
    /// Where it stands.
    pub state: MediumState,
    /// The blob, if it is kept.
    pub blob: Option<BlobId>,
    /// Attempts that have begun.
    pub attempt: i64,
    /// Since when it is wanted, microseconds since 1970 UTC.
    pub wanted_at: i64,
    /// Why it failed, or did the last time, as a code.
    pub code: Option<String>,
    /// When it was settled.
    pub settled_at: Option<i64>,
    /// Since when no version links to it any more.
    pub dropped_at: Option<i64>,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchOutcome {
    /// It is here.
    Kept(BlobId),
    /// It cannot be had, for that reason.
    Failed(&'static str),
    /// It did not work, for that reason, and is tried again at that time.
    Later(&'static str, i64),
}

/// Media.
#[async_trait]
pub trait Media: Send + Sync {
    /// Notes what a version links to, and that what only versions before it did is dropped; a newer version counts more. One
    /// that had failed is wanted anew.
    async fn refer_to_media(&self, referred: Referred) -> Result<()>;

    /// Those of the files that were ever referred to.
    async fn known_media(&self, ids: &[MediumId]) -> Result<HashSet<MediumId>>;

    /// A file.
    async fn medium(&self, id: MediumId) -> Result<Option<Medium>>;

    /// Begins attempts: of those that are due and nobody fetches, for as long as until `taken_until`.
    async fn take_media(&self, now: i64, taken_until: i64, limit: usize) -> Result<Vec<Medium>>;

    /// Goes on with an attempt. Returns whether it is still the last one.
    async fn hold_medium(&self, id: MediumId, attempt: i64, taken_until: i64) -> Result<bool>;

    /// Settles an attempt. Returns whether it was the last one; else nothing changes.
    async fn settle_medium(&self, id: MediumId, attempt: i64, outcome: FetchOutcome, at: i64) -> Result<bool>;

    /// Gives up every attempt: whoever made them has ended.
    async fn release_media(&self) -> Result<()>;

    /// When the next attempt may begin.
    async fn next_medium_at(&self) -> Result<Option<i64>>;

    /// Files that were settled and that the journal has not heard of.
    async fn untold_media(&self, limit: usize) -> Result<Vec<Medium>>;

    /// Notes that the journal has heard what became of an attempt.
    async fn mark_medium_told(&self, id: MediumId, attempt: i64) -> Result<()>;

    /// Those of the blobs that are files of profiles.
    async fn blobs_of_media(&self, blobs: &[BlobId]) -> Result<HashSet<BlobId>>;

    /// Forgets files that were dropped before that time; their blobs are nobody's then.
    async fn forget_media(&self, dropped_before: i64) -> Result<u64>;
}

impl MediumState {
    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        STATES[self as usize].1
    }
}

impl FromStr for MediumState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = STATES.iter().find(|(_, word)| *word == text);
        found.map(|(state, _)| *state).ok_or_else(|| format!("`{text}` is no state of a file"))
    }
}

impl MediumId {
    /// The id.
    pub fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for MediumId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}
