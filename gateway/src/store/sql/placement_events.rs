//! Events about persons: they come with what the router decides, and are read by person.

use anyhow::Result;
use async_trait::async_trait;
use schemas::{EntityKey, PartnerId};
use sqlx::Row as _;
use uuid::Uuid;

use super::{
    Connection, Database, Engine, Row,
    versions::{parsed, position_of},
};
use crate::store::{PlacementEvent, PlacementEvents};

#[async_trait]
impl PlacementEvents for Engine {
    async fn placement_events(&self, entity: EntityKey, limit: usize) -> Result<Vec<PlacementEvent>> {
        self.read((entity, i64::try_from(limit)?), |connection, (entity, limit)| {
            Box::pin(async move {
                let rows = sqlx::query(
                    "SELECT message_id, entity_key, partner, generation, log_offset, received_at, canonical \
                     FROM placement_events WHERE entity_key = $1 ORDER BY generation, log_offset LIMIT $2",
                );
                let rows = rows.bind(entity.as_uuid()).bind(*limit).fetch_all(connection).await?;
                rows.iter().map(event_of).collect()
            })
        })
        .await
    }

    async fn placement_subjects(&self, after: Option<EntityKey>, limit: usize) -> Result<Vec<EntityKey>> {
        // The nil UUID is nobody's.
        let after = after.map_or(Uuid::nil(), EntityKey::as_uuid);
        self.read((after, i64::try_from(limit)?), |connection, (after, limit)| {
            Box::pin(async move {
                let rows = sqlx::query(
                    "SELECT DISTINCT entity_key FROM placement_events WHERE entity_key > $1 ORDER BY entity_key LIMIT $2",
                );
                let rows = rows.bind(*after).bind(*limit).fetch_all(connection).await?;
                Ok(rows.iter().map(|row| row.get::<Uuid, _>("entity_key").into()).collect())
            })
        })
        .await
    }

    async fn was_disclosed(&self, subject: Uuid, partner: &PartnerId) -> Result<bool> {
        self.read((subject, partner), |connection, (subject, partner)| {
            Box::pin(async move {
                let found = sqlx::query("SELECT 1 FROM disclosures WHERE subject = $1 AND partner = $2 LIMIT 1");
                Ok(found.bind(*subject).bind(partner.as_str()).fetch_optional(connection).await?.is_some())
            })
        })
        .await
    }
}

/// Keeps events; those that are kept already stay as they are.
pub(super) async fn insert(connection: &mut Connection, events: &[PlacementEvent]) -> Result<()> {
    let mut insert = sqlx::QueryBuilder::<Database>::new(
        "INSERT INTO placement_events (message_id, entity_key, partner, generation, log_offset, received_at, canonical) ",
    );
    insert.push_values(events, |mut row, event| {
        row.push_bind(event.message_id.as_uuid())
            .push_bind(event.entity_key.as_uuid())
            .push_bind(event.partner.as_str())
            .push_bind(event.position.generation)
            .push_bind(event.position.offset)
            .push_bind(event.received_at)
            .push_bind(&event.canonical);
    });
    insert.push(" ON CONFLICT DO NOTHING").build().execute(connection).await?;
    Ok(())
}

fn event_of(row: &Row) -> Result<PlacementEvent> {
    Ok(PlacementEvent {
        message_id: row.get::<Uuid, _>("message_id").into(),
        entity_key: row.get::<Uuid, _>("entity_key").into(),
        partner: parsed(row, "partner")?,
        position: position_of(row),
        received_at: row.get("received_at"),
        canonical: row.get("canonical"),
    })
}
