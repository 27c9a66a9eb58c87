//! Versions of entities, idempotency and complements.

use anyhow::{Context, Result};
use async_trait::async_trait;
use schemas::{EntityKey, Hash, Kind, PartnerId, Position};
use sqlx::Row as _;

use super::{
    Connection, Database, Engine, Row, dialect::storable, lengths::padded, media, placement_events, replays, subjects,
};
use crate::store::{Histories, KeyUse, Routed, Version, Versions};

/// Entities of one look-up; SQLite binds up to 32,766.
const LOOK_UP: usize = 500;
/// Rows of one statement.
const ROWS: usize = 256;

pub(super) const COLUMNS: &str = "SELECT entity_key, generation, log_offset, message_id, partner, kind, reference, content_hash, is_open, \
                       modified_at, recipients, canonical FROM versions";

#[async_trait]
impl Versions for Engine {
    async fn newest_version(&self, entity: EntityKey) -> Result<Option<Version>> {
        self.lookups.newest.ask(entity).await
    }

    async fn histories(&self, entities: &[EntityKey]) -> Result<Histories> {
        self.read(entities.to_vec(), |connection, entities| Box::pin(histories(connection, entities))).await
    }

    async fn key_uses(&self, partner: &PartnerId, kind: Kind, key_hash: Hash, at: i64) -> Result<Vec<KeyUse>> {
        self.lookups.key_uses.ask((partner.clone(), kind, key_hash, at)).await
    }

    async fn complement(&self, entity: EntityKey, dialect: &str) -> Result<Option<Vec<u8>>> {
        self.read((entity, dialect.to_owned()), |connection, (entity, dialect)| {
            Box::pin(async move {
                let complement =
                    sqlx::query_scalar("SELECT complement FROM complements WHERE entity_key = $1 AND dialect = $2")
                        .bind(entity.as_uuid())
                        .bind(dialect)
                        .fetch_optional(connection)
                        .await?;
                Ok(complement)
            })
        })
        .await
    }

    async fn record_routed(&self, routed: Routed) -> Result<()> {
        self.write(routed, |connection, routed| Box::pin(record(connection, routed))).await
    }
}

async fn histories(connection: &mut Connection, entities: &[EntityKey]) -> Result<Histories> {
    let mut histories = Histories::default();
    for entities in entities.chunks(LOOK_UP) {
        let mut sql = sqlx::QueryBuilder::<Database>::new(COLUMNS);
        sql.push(" WHERE entity_key IN ");
        sql.push_tuples(padded(entities), |mut tuple, entity| {
            tuple.push_bind(entity.as_uuid());
        });
        sql.push(" ORDER BY generation, log_offset");
        for row in sql.build().fetch_all(&mut *connection).await? {
            histories.push(version_of(&row)?);
        }
    }
    Ok(histories)
}

async fn record(connection: &mut Connection, routed: &Routed) -> Result<()> {
    for versions in routed.versions.chunks(ROWS) {
        insert_versions(connection, versions).await?;
        if let Some(committed) = routed.committed {
            prune(connection, versions, committed).await?;
        }
    }
    for employers in routed.employers.chunks(ROWS) {
        let mut insert = sqlx::QueryBuilder::<Database>::new("INSERT INTO employers (employer, entity_key) ");
        insert.push_values(employers, |mut row, (employer, entity)| {
            row.push_bind(storable(employer)).push_bind(entity.as_uuid());
        });
        insert.push(" ON CONFLICT DO NOTHING").build().execute(&mut *connection).await?;
    }
    for events in routed.events.chunks(ROWS) {
        placement_events::insert(connection, events).await?;
    }
    for (person, progress) in &routed.progress {
        subjects::keep_progress(connection, person.as_uuid(), progress).await?;
    }
    for replay in &routed.replays {
        replays::want(connection, replay).await?;
    }
    for referred in &routed.media {
        media::refer(connection, referred).await?;
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

async fn insert_versions(connection: &mut Connection, versions: &[Version]) -> Result<()> {
    let recipients =
        versions.iter().map(|version| serde_json::to_string(&version.recipients)).collect::<Result<Vec<_>, _>>()?;
    let mut insert = sqlx::QueryBuilder::<Database>::new(
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
            .push_bind(version.reference.as_deref().map(storable))
            .push_bind(version.content_hash.to_string())
            .push_bind(version.is_open)
            .push_bind(version.modified_at.as_deref().map(storable))
            .push_bind(recipients)
            .push_bind(&version.canonical);
    });
    insert.push(" ON CONFLICT DO NOTHING").build().execute(connection).await?;
    Ok(())
}

/// Drops the versions of those entities that no record still to be read can be compared with.
async fn prune(connection: &mut Connection, versions: &[Version], committed: Position) -> Result<()> {
    let mut delete = sqlx::QueryBuilder::<Database>::new("DELETE FROM versions AS v WHERE entity_key IN ");
    delete.push_tuples(padded(versions), |mut tuple, version| {
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

pub(super) fn version_of(row: &Row) -> Result<Version> {
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
pub(super) fn position_of(row: &Row) -> Position {
    Position { generation: row.get("generation"), offset: row.get("log_offset") }
}

/// A typed value from a text column.
pub(super) fn parsed<T: std::str::FromStr>(row: &Row, column: &str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    let text: &str = row.get(column);
    text.parse()
        .map_err(|error: T::Err| anyhow::anyhow!("{error}"))
        .with_context(|| format!("damaged column `{column}`"))
}
