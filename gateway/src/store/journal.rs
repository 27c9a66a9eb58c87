//! The journal's read model: one searchable timeline per message and per business key. Derived from the log.

use anyhow::Result;
use async_trait::async_trait;
use schemas::{EntityKey, LossCounts, MessageId, PartnerId, Position, Versions};
use serde::Serialize;

/// A message that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// The message.
    pub message_id: MessageId,
    /// The entity it is about.
    pub entity_key: EntityKey,
    /// Who sent it.
    pub partner: PartnerId,
    /// What it is about.
    pub kind: String,
    /// What it does.
    pub operation: String,
    /// The dialect it came in.
    pub dialect: String,
    /// How it came in.
    pub channel: String,
    /// The source's reference; vacancies only.
    pub reference: Option<String>,
    /// Where it stands in the log.
    pub position: Position,
    /// When, microseconds since 1970 UTC.
    pub received_at: i64,
}

/// Something that happened to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventRow {
    /// The message.
    pub message_id: MessageId,
    /// The partner concerned, if one is.
    pub recipient: Option<PartnerId>,
    /// What happened.
    pub step: String,
    /// Which attempt; 0 where none was made.
    pub attempt: i64,
    /// When, microseconds since 1970 UTC.
    pub at: i64,
    /// Why, as a code.
    pub code: Option<String>,
    /// More, in words.
    pub detail: Option<String>,
    /// What the translation carried.
    pub losses: LossCounts,
    /// What was in force.
    pub versions: Versions,
}

/// Which messages.
#[derive(Debug, Clone, Default)]
pub struct MessageQuery {
    /// By the source's reference.
    pub reference: Option<String>,
    /// By entity: the reference that we give out.
    pub entity_key: Option<EntityKey>,
    /// Of one partner only.
    pub partner: Option<PartnerId>,
    /// By a name or legal identifier of the employer.
    pub employer: Option<String>,
    /// By the newest step, of the message itself or of what it owes to one partner.
    pub state: Option<String>,
    /// By the partner that it went to, or should have.
    pub recipient: Option<PartnerId>,
    /// Only what stands behind this in the order of the search.
    pub after: Option<MessagePlace>,
    /// At most so many, newest first.
    pub limit: usize,
}

/// A place in the order of a search: newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagePlace {
    /// When the message was taken in, microseconds since 1970 UTC.
    pub received_at: i64,
    /// The message.
    pub message_id: MessageId,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundMessages {
    /// Messages that match, newest first.
    pub messages: Vec<MessageRow>,
    /// Where to go on, if more may match: a search looks at a bounded number of messages at once.
    pub next: Option<MessagePlace>,
}

/// The journal's read model.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Keeps messages and events; the same ones again change nothing.
    async fn journal(&self, messages: Vec<MessageRow>, events: Vec<EventRow>) -> Result<()>;

    /// A message with its events, oldest first.
    async fn message(&self, id: MessageId) -> Result<Option<(MessageRow, Vec<EventRow>)>>;

    /// Messages that match, newest first, a page at a time.
    async fn messages(&self, query: MessageQuery) -> Result<FoundMessages>;
}
