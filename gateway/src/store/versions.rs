//! Versions of entities: what the router decided, at which position. Position decides the version.

use std::collections::HashMap;

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
    /// Names and legal identifiers of employers, with their entities.
    pub employers: Vec<(String, EntityKey)>,
    /// Everything at or below is settled: older versions may go.
    pub committed: Option<Position>,
}

/// The versions of some entities, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Histories(HashMap<EntityKey, Vec<Version>>);

impl Histories {
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

/// Entities of one look-up; SQLite binds up to 32,766.
const LOOK_UP: usize = 500;
/// Rows of one statement.
const ROWS: usize = 256;

pub(super) const COLUMNS: &str = "SELECT entity_key, generation, log_offset, message_id, partner, kind, reference, content_hash, is_open, \
                       modified_at, recipients, canonical FROM versions";

#[async_trait]
impl Versions for SqliteStore {
    async fn newest_version(&self, entity: EntityKey) -> Result<Option<Version>> {
        self.lookups.newest.ask(entity).await
    }

    async fn histories(&self, entities: &[EntityKey]) -> Result<Histories> {
        let mut histories = Histories::default();
        for entities in entities.chunks(LOOK_UP) {
            let mut sql = sqlx::QueryBuilder::new(COLUMNS);
            sql.push(" WHERE entity_key IN ");
            sql.push_tuples(entities, |mut tuple, entity| {
                tuple.push_bind(entity.as_uuid());
            });
            sql.push(" ORDER BY generation, log_offset");
            for row in sql.build().fetch_all(&self.pool).await? {
                let version = version_of(&row)?;
                histories.0.entry(version.entity_key).or_default().push(version);
            }
        }
        Ok(histories)
    }

    async fn key_uses(&self, partner: &PartnerId, kind: Kind, key_hash: Hash, at: i64) -> Result<Vec<KeyUse>> {
        self.lookups.key_uses.ask((partner.clone(), kind, key_hash, at)).await
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
    for versions in routed.versions.chunks(ROWS) {
        insert_versions(connection, versions).await?;
        if let Some(committed) = routed.committed {
            prune(connection, versions, committed).await?;
        }
    }
    for employers in routed.employers.chunks(ROWS) {
        let mut insert = sqlx::QueryBuilder::new("INSERT INTO employers (employer, entity_key) ");
        insert.push_values(employers, |mut row, (employer, entity)| {
            row.push_bind(employer).push_bind(entity.as_uuid());
        });
        insert.push(" ON CONFLICT DO NOTHING").build().execute(&mut *connection).await?;
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

async fn insert_versions(connection: &mut SqliteConnection, versions: &[Version]) -> Result<()> {
    let recipients =
        versions.iter().map(|version| serde_json::to_string(&version.recipients)).collect::<Result<Vec<_>, _>>()?;
    let mut insert = sqlx::QueryBuilder::new(
        "INSERT INTO versions (entity_key, generation, log_offset, message_id, partner, kind, reference, content_hash, is_open, \
         modified_at, recipients, canonical) ",
    );
    insert.push_values(versions.iter().zip(recipients), |mut row, (version, recipients)| {
        row.push_bind(version.entity_key.as_uuid())
            .push_bind(version.position.generation)
            .push_bind(version.position.offset)
            .push_bind(version.message_id.as_uuid())
            .push_bind(version.partner.as_str())
            .push_bind(version.kind.as_str())
            .push_bind(&version.reference)
            .push_bind(version.content_hash.to_string())
            .push_bind(version.is_open)
            .push_bind(&version.modified_at)
            .push_bind(recipients)
            .push_bind(&version.canonical);
    });
    insert.push(" ON CONFLICT DO NOTHING").build().execute(connection).await?;
    Ok(())
}

/// Drops the versions of those entities that no record still to be read can be compared with.
async fn prune(connection: &mut SqliteConnection, versions: &[Version], committed: Position) -> Result<()> {
    let mut delete = sqlx::QueryBuilder::new("DELETE FROM versions AS v WHERE entity_key IN ");
    delete.push_tuples(versions, |mut tuple, version| {
        tuple.push_bind(version.entity_key.as_uuid());
    });
    delete.push(
        " AND (generation, log_offset) < (SELECT n.generation, n.log_offset FROM versions AS n \
         WHERE n.entity_key = v.entity_key AND (n.generation, n.log_offset) <= (",
    );
    delete.push_bind(committed.generation).push(", ").push_bind(committed.offset);
    delete.push(") ORDER BY n.generation DESC, n.log_offset DESC LIMIT 1)");
    delete.build().execute(connection).await?;
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
