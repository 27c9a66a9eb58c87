//! Recalls: what recipients are asked to delete because a person took back what they allowed, chased until they answer.
//!
//! **Invariant:** a recall is owed by the very transaction that makes it due, to everybody to whom a send about the
//! person has ever begun and who has not agreed since that nothing is left; it is acknowledged only by a closing that
//! was delivered.

use anyhow::Result;
use async_trait::async_trait;
use schemas::{EntityKey, Kind, MessageId, Origin, PartnerId, Position};
use uuid::Uuid;

use super::{DispatchRow, dispatches::Superseded};

/// Where a recall stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecallState {
    /// Nothing was sent yet.
    Owed,
    /// It was sent at least once, and is sent again until there is an answer.
    Sent,
    /// The recipient has taken it.
    Acknowledged,
    /// The recipient refused it.
    Refused,
    /// It cannot be sent, or nobody can know whether it came.
    Impossible,
}

const STATES: [(RecallState, &str); 5] = [
    (RecallState::Owed, "owed"),
    (RecallState::Sent, "sent"),
    (RecallState::Acknowledged, "acknowledged"),
    (RecallState::Refused, "refused"),
    (RecallState::Impossible, "impossible"),
];

impl RecallState {
    /// The word in the store, the API and the metrics.
    pub fn as_str(self) -> &'static str {
        STATES[self as usize].1
    }
}

impl std::str::FromStr for RecallState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = STATES.iter().find(|(_, word)| *word == text);
        found.map(|(state, _)| *state).ok_or_else(|| format!("`{text}` is no state of a recall"))
    }
}

/// Which recall.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecallKey {
    /// The person.
    pub subject: Uuid,
    /// The recipient.
    pub partner: PartnerId,
    /// What it was sent.
    pub entity_key: EntityKey,
    /// The change of the person's that it follows from.
    pub version: i64,
}

/// A recall as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recall {
    /// Which.
    pub key: RecallKey,
    /// Why, as a code.
    pub code: String,
    /// Where it stands.
    pub state: RecallState,
    /// Since when it is owed, microseconds since 1970 UTC.
    pub owed_at: i64,
    /// When it was first sent.
    pub sent_at: Option<i64>,
    /// When it came to an end.
    pub settled_at: Option<i64>,
    /// When a person was called.
    pub escalated_at: Option<i64>,
    /// How often it was sent.
    pub attempts: i64,
    /// What the last attempt came to.
    pub detail: Option<String>,
    /// What the recipient was sent last.
    pub disclosed: Disclosed,
}

/// What a recipient was sent last of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosed {
    /// What it is about.
    pub kind: Kind,
    /// The newest version whose send has begun, be it a closing.
    pub position: Position,
    /// The message that it came with.
    pub message_id: MessageId,
    /// Where that came from.
    pub origin: Origin,
}

/// Which recalls.
#[derive(Debug, Clone, Default)]
pub struct RecallFilter {
    /// Of one person.
    pub subject: Option<Uuid>,
    /// To one recipient.
    pub partner: Option<PartnerId>,
    /// Only those that a person has to look at.
    pub escalated: bool,
}

/// Recalls that are owed and what came of them.
#[async_trait]
pub trait Recalls: Send + Sync {
    /// Makes a recall owed to everybody who was sent something of the person, and keeps every claim from committing
    /// that rests on what was decided before. Returns what is owed now.
    async fn recall(&self, subject: Uuid, code: &str, at: i64) -> Result<Vec<Recall>>;

    /// Recalls, the longest owed first; those of a person whatever they came to, else those without an answer.
    async fn recalls(&self, filter: &RecallFilter, limit: usize) -> Result<Vec<Recall>>;

    /// Recalls to a partner that nothing carries yet, the longest owed first.
    async fn recalls_to_begin(&self, partner: &PartnerId, limit: usize) -> Result<Vec<Recall>>;

    /// Puts the closings that carry recalls into the waiting room, in one transaction; not again what is carried
    /// already. Returns what that superseded.
    async fn begin_recalls(&self, closings: Vec<(RecallKey, DispatchRow)>) -> Result<Vec<Superseded>>;

    /// Gives up recalls that nothing can carry.
    async fn give_up_recall(&self, key: &RecallKey, detail: &str, at: i64) -> Result<()>;

    /// Recalls that a person has to be called for: refused, impossible, or owed since before that moment.
    async fn recalls_to_escalate(&self, owed_before: i64, limit: usize) -> Result<Vec<Recall>>;

    /// Notes that a person was called. Returns whether it was news.
    async fn mark_escalated(&self, key: &RecallKey, at: i64) -> Result<bool>;

    /// How many recalls stand in each state without an answer, and how many of them a person was called for.
    async fn recall_counts(&self) -> Result<Vec<(RecallState, bool, i64)>>;
}
