//! Feeds about persons: what stands there is sealed, and every pull decides anew whether it is shown.
//!
//! **Invariant:** an item comes with the person's version and the recalls of the very snapshot in which it was read, so that
//! no pull that begins after a withdrawal shows what was withdrawn. What a pull leaves out gets a new stamp before it is
//! shown again: no puller misses it.

use anyhow::Result;
use async_trait::async_trait;
use schemas::{EntityKey, Hash, Kind, PartnerId};

use super::{Decided, FeedBound, SubjectVersion};

/// Which feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonFeed {
    /// Whose.
    pub partner: PartnerId,
    /// Of what.
    pub kind: Kind,
}

/// A document that is to stand in a feed.
#[derive(Debug, Clone)]
pub struct PersonDocument {
    /// Our outgoing reference.
    pub entity_key: EntityKey,
    /// Who said it.
    pub source: PartnerId,
    /// The document and what is told beside it, sealed.
    pub sealed: Vec<u8>,
    /// A keyed hash of that.
    pub content_hash: Hash,
    /// Why it may.
    pub decided: Decided,
    /// Under which rules that was decided.
    pub rules: Hash,
}

/// An item of a feed, with how its person stands at the same moment. Times of the feed are milliseconds since 1970 UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonItem {
    /// Our outgoing reference.
    pub entity_key: EntityKey,
    /// Who said it.
    pub source: PartnerId,
    /// Whether it stands there.
    pub is_active: bool,
    /// The sealed document, if it was asked for.
    pub sealed: Option<Vec<u8>>,
    /// The last decision.
    pub decided: Decided,
    /// Under which rules that was made.
    pub rules: Hash,
    /// Whether it says to leave the item out.
    pub is_withheld: bool,
    /// How far the person has come meanwhile.
    pub person_version: i64,
    /// Whether it is asked back.
    pub is_recalled: bool,
    /// When it came to stand there.
    pub created_at: i64,
    /// When it last changed.
    pub modified_at: i64,
    /// When it went.
    pub closed_at: Option<i64>,
    /// Why it went, as a code.
    pub reason: Option<String>,
}

/// Which items.
#[derive(Debug, Clone)]
pub enum WhichPersons {
    /// What changed at or after that stamp, oldest first, with the documents.
    From(i64, FeedBound),
    /// Everything that stands there, without the documents.
    Active,
    /// Everything that changed at or after that time, without the documents.
    Since(i64),
    /// Those, with the documents.
    These(Vec<EntityKey>),
    /// What is left out by a decision that holds no more at that time or under those rules, without the documents; at most
    /// so many.
    ToReconsider(i64, Hash, usize),
}

/// Items as they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonItems {
    /// The items.
    pub items: Vec<PersonItem>,
    /// Whether the bound has kept some back.
    pub has_more: bool,
}

/// A decision that a pull has made about an item.
#[derive(Debug, Clone)]
pub struct PullDecision {
    /// Which item.
    pub entity_key: EntityKey,
    /// As it was read: one that has changed since is not touched.
    pub seen: i64,
    /// The person, as of when it was decided: nothing is kept if something has changed since.
    pub person: SubjectVersion,
    /// From when on it may come out differently, microseconds since 1970 UTC.
    pub valid_until: Option<i64>,
    /// Under which rules.
    pub rules: Hash,
    /// Whether the item is left out.
    pub is_withheld: bool,
}

/// How far a puller has come.
#[derive(Debug, Clone)]
pub enum PulledPast {
    /// It has everything before that stamp.
    Stamp(i64),
    /// It was told of those.
    These(Vec<EntityKey>),
}

/// Feeds about persons.
#[async_trait]
pub trait PersonFeeds: Send + Sync {
    /// Puts a document into a feed; the same again only renews its decision. Returns whether the decision still holds:
    /// else nothing is put.
    async fn show_person(&self, feed: &PersonFeed, document: PersonDocument, now: (i64, i64)) -> Result<bool>;

    /// Takes an item away, its document with it. Returns whether the puller has yet to hear of it.
    async fn close_person(
        &self,
        feed: &PersonFeed,
        entity_key: EntityKey,
        reason: Option<String>,
        now_ms: i64,
    ) -> Result<bool>;

    /// Items, each with its person as of one snapshot.
    async fn persons(&self, feed: &PersonFeed, which: WhichPersons) -> Result<PersonItems>;

    /// Keeps what a pull has decided, where nothing has changed since.
    async fn decide_persons(&self, feed: &PersonFeed, decisions: Vec<PullDecision>, now_ms: i64) -> Result<()>;

    /// Notes how far the puller has come: what it was asked to delete until there is acknowledged.
    async fn note_pulled(&self, feed: &PersonFeed, past: PulledPast, at: i64) -> Result<()>;
}
