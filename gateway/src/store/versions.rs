//! Versions of entities: what the router decided, at which position. Position decides the version.

use std::collections::HashMap;

use anyhow::Result;
use async_trait::async_trait;
use schemas::{EntityKey, Hash, Kind, MessageId, PartnerId, Position};

use super::{PlacementEvent, Referred, Replay};

/// A version of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The entity.
    pub entity_key: EntityKey,
    /// Where the record stands that made this version.
    pub position: Position,
    /// The message that made it.
    pub message_id: MessageId,
    /// The partner that said it.
    pub partner: PartnerId,
    /// What it is.
    pub kind: Kind,
    /// The source's reference; vacancies only.
    pub reference: Option<String>,
    /// The hash of its content, status included.
    pub content_hash: Hash,
    /// Whether the entity is open; a closed one is not sent out.
    pub is_open: bool,
    /// The source's own time of change.
    pub modified_at: Option<String>,
    /// Every partner that a version of this entity was ever owed to.
    pub recipients: Vec<PartnerId>,
    /// The canonical record in Avro.
    pub canonical: Vec<u8>,
}

/// The use of an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// Who used it.
    pub partner: PartnerId,
    /// For what.
    pub kind: Kind,
    /// The hash of the key.
    pub key_hash: Hash,
    /// Where the record stands that used it.
    pub position: Position,
    /// The hash of the body it came with.
    pub body_hash: Hash,
    /// The message it gave.
    pub message_id: MessageId,
    /// When it may be used anew, microseconds since 1970 UTC.
    pub expires_at: i64,
}

/// What the router decided about a batch of records.
#[derive(Debug, Clone, Default)]
pub struct Routed {
    /// New versions.
    pub versions: Vec<Version>,
    /// Key uses that counted.
    pub key_uses: Vec<KeyUse>,
    /// Complements: entity, dialect, position, JSON.
    pub complements: Vec<(EntityKey, String, Position, Vec<u8>)>,
    /// Names and legal identifiers of employers, with their entities.
    pub employers: Vec<(String, EntityKey)>,
    /// Events about persons.
    pub events: Vec<PlacementEvent>,
    /// How far persons have come since, sealed.
    pub progress: Vec<(EntityKey, Vec<u8>)>,
    /// What is dispatched again because of that.
    pub replays: Vec<Replay>,
    /// What the new versions of profiles link to.
    pub media: Vec<Referred>,
    /// Everything at or below is settled: older versions may go.
    pub committed: Option<Position>,
}

/// The versions of some entities, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Histories(HashMap<EntityKey, Vec<Version>>);

impl Histories {
    /// Adds the next version of an entity; they come oldest first.
    pub(super) fn push(&mut self, version: Version) {
        self.0.entry(version.entity_key).or_default().push(version);
    }

    /// The newest version below a position: what a record at that position is compared with.
    pub fn before(&self, entity: EntityKey, position: Position) -> Option<&Version> {
        self.0.get(&entity)?.iter().rfind(|version| version.position < position)
    }

    /// The version that the record at exactly that position made.
    pub fn at(&self, entity: EntityKey, position: Position) -> Option<&Version> {
        self.0.get(&entity)?.iter().find(|version| version.position == position)
    }
}

/// Versions of entities.
#[async_trait]
pub trait Versions: Send + Sync {
    /// The newest version of an entity.
    async fn newest_version(&self, entity: EntityKey) -> Result<Option<Version>>;

    /// The versions of entities that are still kept.
    async fn histories(&self, entities: &[EntityKey]) -> Result<Histories>;

    /// The uses of a key that had not expired at that time, oldest first.
    async fn key_uses(&self, partner: &PartnerId, kind: Kind, key_hash: Hash, at: i64) -> Result<Vec<KeyUse>>;

    /// What the canonical record cannot hold of an entity's document in a dialect.
    async fn complement(&self, entity: EntityKey, dialect: &str) -> Result<Option<Vec<u8>>>;

    /// Keeps what the router decided; the same decisions again change nothing.
    async fn record_routed(&self, routed: Routed) -> Result<()>;
}
