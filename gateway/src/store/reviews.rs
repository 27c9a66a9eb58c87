//! Reviews: persons who are looked at again because time, an event or other instruments may have changed what they permit.
//!
//! **Invariant:** whoever was sent something under a permission is looked at when that permission runs out, by whatever
//! clock it was decided: the claim itself says when.

use anyhow::Result;
use async_trait::async_trait;
use schemas::{EntityKey, Hash, Kind, PartnerId, hash_of};
use uuid::Uuid;

use super::{Replay, SubjectVersion};

/// A person to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Who.
    pub subject: Uuid,
    /// Whether a moment has come at which something begins or ends; else something has happened.
    pub is_by_time: bool,
}

/// What a recipient may have of a person, and has not said to have deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Who.
    pub partner: PartnerId,
    /// What.
    pub entity_key: EntityKey,
    /// What kind of thing.
    pub kind: Kind,
    /// Who said it.
    pub source: PartnerId,
    /// When the newest send began, microseconds since 1970 UTC.
    pub sent_at: i64,
    /// The mark of the permission that it went under; none if an earlier version sent it.
    pub mark: Option<Hash>,
    /// Until when that permission holds.
    pub valid_until: Option<i64>,
    /// Whether it is asked back already.
    pub is_recalled: bool,
}

impl Shown {
    /// Whether it went under that permission; none if nobody knows.
    pub fn went_under(&self, permit: Hash) -> Option<bool> {
        // A mark of another send was left behind by an earlier version, which writes none.
        self.mark.map(|mark| mark == mark_of(permit, self.sent_at))
    }
}

/// The mark of a permission and of a send under it.
pub(super) fn mark_of(permit: Hash, sent_at: i64) -> Hash {
    hash_of(&[permit.as_bytes(), &sent_at.to_be_bytes()])
}

/// What follows from a look at a person.
#[derive(Debug, Clone)]
pub struct Review {
    /// Whom it looked at, as of when: what it came to is kept only if nothing has changed since.
    pub as_of: SubjectVersion,
    /// When, microseconds since 1970 UTC.
    pub at: i64,
    /// When to look again, if nothing happens.
    pub next_at: Option<i64>,
    /// Who may have nothing of that kind any more, and why. Whoever was sent some is asked to delete it.
    pub denied: Vec<(PartnerId, Kind, &'static str)>,
    /// Whose permission has run out, with the send that it was looked at for.
    pub run_out: Vec<(PartnerId, EntityKey, i64)>,
    /// What is dispatched again.
    pub replays: Vec<Replay>,
    /// Whether nothing may be claimed any more that was decided before.
    pub is_decided_anew: bool,
}

/// How far it is that every person is looked at because other instruments are in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstrumentReview {
    /// Counts them.
    pub generation: i64,
    /// The instruments.
    pub instruments: Hash,
    /// When it was begun, microseconds since 1970 UTC.
    pub begun_at: i64,
    /// The last person that was looked at.
    pub after: Option<Uuid>,
    /// How many were.
    pub persons: i64,
    /// When everybody had been looked at.
    pub finished_at: Option<i64>,
}

/// Persons who are looked at again.
#[async_trait]
pub trait Reviews: Send + Sync {
    /// Persons to look at, at most so many for each reason.
    async fn due_for_review(&self, now: i64, limit: usize) -> Result<Vec<Due>>;

    /// The next moment at which somebody is to be looked at.
    async fn next_review_at(&self) -> Result<Option<i64>>;

    /// What recipients may have of a person.
    async fn shown_of(&self, subject: Uuid) -> Result<Vec<Shown>>;

    /// Keeps what follows from a look at a person, in one transaction. Returns to whom recalls became owed; none if the person
    /// has changed since, and is to be looked at again.
    async fn keep_review(&self, review: Review) -> Result<Option<Vec<PartnerId>>>;

    /// Persons after one, in their order.
    async fn persons_after(&self, after: Option<Uuid>, limit: usize) -> Result<Vec<Uuid>>;

    /// The newest review of everybody; none if there was never one.
    async fn instrument_review(&self) -> Result<Option<InstrumentReview>>;

    /// Keeps how far a review of everybody is; one that has gone further stays as it is.
    async fn keep_instrument_review(&self, review: InstrumentReview) -> Result<()>;
}
