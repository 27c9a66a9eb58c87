//! Versions of entities: what the router decided, at which position. Position decides the version.

use anyhow::{Context, Result};
use async_trait::async_trait;
use schemas::{EntityKey, Hash, Kind, MessageId, PartnerId, Position};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::SqliteStore;

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
    /// Everything at or below is settled: older versions may go.
    pub committed: Option<Position>,
}

/// Versions of entities.
#[async_trait]
pub trait Versions: Send + Sync {
    /// The newest version of an entity.
    async fn newest_version(&self, entity: EntityKey) -> Result<Option<Version>>;

    /// The newest version below a position: what a record at that position is compared with.
    async fn version_before(&self, entity: EntityKey, position: Position) -> Result<Option<Version>>;

    /// The version that the record at exactly that position made.
    async fn version_at(&self, entity: EntityKey, position: Position) -> Result<Option<Version>>;

    /// The uses of a key that had not expired at that time, oldest first.
    async fn key_uses(&self, partner: &PartnerId, kind: Kind, key_hash: Hash, at: i64) -> Result<Vec<KeyUse>>;

    /// What the canonical record cannot hold of an entity's document in a dialect.
    async fn complement(&self, entity: EntityKey, dialect: &str) -> Result<Option<Vec<u8>>>;

    /// Keeps what the router decided; the same decisions again change nothing.
    async fn record_routed(&self, routed: Routed) -> Result<()>;
}

pub(super) const COLUMNS: &str = "SELECT entity_key, generation, log_offset, message_id, partner, kind, reference, content_hash, is_open, \
                       modified_at, recipients, canonical FROM versions";

impl SqliteStore {
    async fn one_version(&self, entity: EntityKey, condition: &str, position: Position) -> Result<Option<Version>> {
        let sql = format!(
            "{COLUMNS} WHERE entity_key = $1 AND {condition} ORDER BY generation DESC, log_offset DESC LIMIT 1"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(entity.as_uuid())
            .bind(position.generation)
            .bind(position.offset)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| version_of(&row)).transpose()
    }
}

#[async_trait]
impl Versions for SqliteStore {
    async fn newest_version(&self, entity: EntityKey) -> Result<Option<Version>> {
        self.one_version(
            entity,
            "(generation, log_offset) <= ($2, $3)",
            Position { generation: i64::MAX, offset: i64::MAX },
        )
        .await
    }

    async fn version_before(&self, entity: EntityKey, position: Position) -> Result<Option<Version>> {
        self.one_version(entity, "(generation, log_offset) < ($2, $3)", position).await
    }

    async fn version_at(&self, entity: EntityKey, position: Position) -> Result<Option<Version>> {
        self.one_version(entity, "(generation, log_offset) = ($2, $3)", position).await
    }

    async fn key_uses(&self, partner: &PartnerId, kind: Kind, key_hash: Hash, at: i64) -> Result<Vec<KeyUse>> {
        let rows = sqlx::query(
            "SELECT generation, log_offset, body_hash, message_id, expires_at FROM idempotency \
             WHERE partner = $1 AND kind = $2 AND key_hash = $3 AND expires_at > $4 ORDER BY generation, log_offset",
        )
        .bind(partner.as_str())
        .bind(kind.as_str())
        .bind(key_hash.to_string())
        .bind(at)
        .fetch_all(&self.pool)
        .await?;
        let key_use = |row: &SqliteRow| -> Result<KeyUse> {
            Ok(KeyUse {
                partner: partner.clone(),
                kind,
                key_hash,
                position: position_of(row),
                body_hash: parsed(row, "body_hash")?,
                message_id: row.get::<uuid::Uuid, _>("message_id").into(),
                expires_at: row.get("expires_at"),
            })
        };
        rows.iter().map(key_use).collect()
    }

    async fn complement(&self, entity: EntityKey, dialect: &str) -> Result<Option<Vec<u8>>> {
        let complement =
            sqlx::query_scalar("SELECT complement FROM complements WHERE entity_key = $1 AND dialect = $2")
                .bind(entity.as_uuid())
                .bind(dialect)
                .fetch_optional(&self.pool)
                .await?;
        Ok(complement)
    }

    async fn record_routed(&self, routed: Routed) -> Result<()> {
        self.writer.write(move |connection| Box::pin(record(connection, routed))).await
    }
}

async fn record(connection: &mut SqliteConnection, routed: Routed) -> Result<()> {
    for version in &routed.versions {
        insert_version(connection, version).await?;
        if let Some(committed) = routed.committed {
            prune(connection, version.entity_key, committed).await?;
        }
    }
    for key_use in &routed.key_uses {
        sqlx::query(
            "INSERT INTO idempotency (partner, kind, key_hash, generation, log_offset, body_hash, message_id, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(key_use.partner.as_str())
        .bind(key_use.kind.as_str())
        .bind(key_use.key_hash.to_string())
        .bind(key_use.position.generation)
        .bind(key_use.position.offset)
        .bind(key_use.body_hash.to_string())
        .bind(key_use.message_id.as_uuid())
        .bind(key_use.expires_at)
        .execute(&mut *connection)
        .await?;
    }
    for (entity, dialect, position, complement) in &routed.complements {
        sqlx::query(
            "INSERT INTO complements (entity_key, dialect, generation, log_offset, complement) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (entity_key, dialect) DO UPDATE SET generation = excluded.generation, log_offset = excluded.log_offset, \
             complement = excluded.complement \
             WHERE (complements.generation, complements.log_offset) < (excluded.generation, excluded.log_offset)",
        )
        .bind(entity.as_uuid())
        .bind(dialect)
        .bind(position.generation)
        .bind(position.offset)
        .bind(complement)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn insert_version(connection: &mut SqliteConnection, version: &Version) -> Result<()> {
    sqlx::query(
        "INSERT INTO versions (entity_key, generation, log_offset, message_id, partner, kind, reference, content_hash, is_open, \
         modified_at, recipients, canonical) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
    )
    .bind(version.entity_key.as_uuid())
    .bind(version.position.generation)
    .bind(version.position.offset)
    .bind(version.message_id.as_uuid())
    .bind(version.partner.as_str())
    .bind(version.kind.as_str())
    .bind(&version.reference)
    .bind(version.content_hash.to_string())
    .bind(version.is_open)
    .bind(&version.modified_at)
    .bind(serde_json::to_string(&version.recipients)?)
    .bind(&version.canonical)
    .execute(connection)
    .await?;
    Ok(())
}

/// Drops the versions that no record still to be read can be compared with.
async fn prune(connection: &mut SqliteConnection, entity: EntityKey, committed: Position) -> Result<()> {
    sqlx::query(
        "DELETE FROM versions WHERE entity_key = $1 AND (generation, log_offset) < \
         (SELECT generation, log_offset FROM versions WHERE entity_key = $1 AND (generation, log_offset) <= ($2, $3) \
          ORDER BY generation DESC, log_offset DESC LIMIT 1)",
    )
    .bind(entity.as_uuid())
    .bind(committed.generation)
    .bind(committed.offset)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) fn version_of(row: &SqliteRow) -> Result<Version> {
    Ok(Version {
        entity_key: row.get::<uuid::Uuid, _>("entity_key").into(),
        position: position_of(row),
        message_id: row.get::<uuid::Uuid, _>("message_id").into(),
        partner: parsed(row, "partner")?,
        kind: parsed(row, "kind")?,
        reference: row.get("reference"),
        content_hash: parsed(row, "content_hash")?,
        is_open: row.get("is_open"),
        modified_at: row.get("modified_at"),
        recipients: serde_json::from_str(row.get("recipients"))?,
        canonical: row.get("canonical"),
    })
}

/// The position in the columns `generation` and `log_offset`.
pub(super) fn position_of(row: &SqliteRow) -> Position {
    Position { generation: row.get("generation"), offset: row.get("log_offset") }
}

/// A typed value from a text column.
pub(super) fn parsed<T: std::str::FromStr>(row: &SqliteRow, column: &str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    let text: &str = row.get(column);
    text.parse()
        .map_err(|error: T::Err| anyhow::anyhow!("{error}"))
        .with_context(|| format!("damaged column `{column}`"))
}
