//! What happened on the ways of persons to jobs, as each party says it: events, never changed afterwards.

use anyhow::Result;
use async_trait::async_trait;
use schemas::{EntityKey, Hash, MessageId, PartnerId, Position};
use uuid::Uuid;

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacementEvent {
    /// The message that brought it.
    pub message_id: MessageId,
    /// Whom it is about.
    pub entity_key: EntityKey,
    /// Who says it.
    pub partner: PartnerId,
    /// Where its record stands.
    pub position: Position,
    /// When it came, microseconds since 1970 UTC.
    pub received_at: i64,
    /// The canonical record in Avro, sealed.
    pub canonical: Vec<u8>,
    /// The programme that it is a step of, by a keyed hash of its name.
    pub programme: Option<Hash>,
}

/// Events about persons.
#[async_trait]
pub trait PlacementEvents: Send + Sync {
    /// The events about somebody, in the order in which they came.
    async fn placement_events(&self, entity: EntityKey, limit: usize) -> Result<Vec<PlacementEvent>>;

    /// Whom there are events about, in the order of their pseudonyms: those after the one that is named.
    async fn placement_subjects(&self, after: Option<EntityKey>, limit: usize) -> Result<Vec<EntityKey>>;

    /// Every event about the next persons of whom there is one of a programme, so many persons after that one: by person,
    /// in the order in which they came.
    async fn events_of_programme(
        &self,
        programme: Hash,
        after: Option<EntityKey>,
        persons: usize,
    ) -> Result<Vec<PlacementEvent>>;

    /// Whether a send to a partner about somebody has ever begun.
    async fn was_disclosed(&self, subject: Uuid, partner: &PartnerId) -> Result<bool>;
}
