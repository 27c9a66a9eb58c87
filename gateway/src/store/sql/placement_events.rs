//! Events about persons: they come with what the router decides, and are read by person.

use anyhow::Result;
use async_trait::async_trait;
use schemas::{EntityKey, Hash, PartnerId};
use sqlx::Row as _;
use uuid::Uuid;

use super::{
    Connection, Database, Engine, Row,
    versions::{parsed, position_of},
};
use crate::store::{PlacementEvent, PlacementEvents};

const COLUMNS: &str = "SELECT message_id, entity_key, partner, generation, log_offset, received_at, canonical, programme \
                       FROM placement_events";

#[async_trait]
impl PlacementEvents for Engine {
    async fn placement_events(&self, entity: EntityKey, limit: usize) -> Result<Vec<PlacementEvent>> {
        self.read((entity, i64::try_from(limit)?), |connection, (entity, limit)| {
            Box::pin(async move {
                let sql = format!("{COLUMNS} WHERE entity_key = $1 ORDER BY generation, log_offset LIMIT $2");
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql));
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

    async fn events_of_programme(
        &self,
        programme: Hash,
        after: Option<EntityKey>,
        persons: usize,
    ) -> Result<Vec<PlacementEvent>> {
        // Nobody is called nil.
        let after = after.map_or(Uuid::nil(), EntityKey::as_uuid);
        self.read((programme.to_string(), after, i64::try_from(persons)?), |connection, (programme, after, persons)| {
            Box::pin(async move {
                let sql = format!(
                    "{COLUMNS} WHERE entity_key IN (SELECT DISTINCT entity_key FROM placement_events \
                     WHERE programme = $1 AND entity_key > $2 ORDER BY entity_key LIMIT $3) \
                     ORDER BY entity_key, generation, log_offset"
                );
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(programme).bind(*after).bind(*persons);
                rows.fetch_all(connection).await?.iter().map(event_of).collect()
            })
        })
        .await
    }

    async fn was_disclosed(&self, subject: Uuid, partner: &PartnerId) -> Result<bool> {
        self.read((subject, partner.clone()), |connection, (subject, partner)| {
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
        "INSERT INTO placement_events (message_id, entity_key, partner, generation, log_offset, received_at, canonical, \
         programme) ",
    );
    insert.push_values(events, |mut row, event| {
        row.push_bind(event.message_id.as_uuid())
            .push_bind(event.entity_key.as_uuid())
            .push_bind(event.partner.as_str())
            .push_bind(event.position.generation)
            .push_bind(event.position.offset)
            .push_bind(event.received_at)
            .push_bind(&event.canonical)
            .push_bind(event.programme.map(|programme| programme.to_string()));
    });
    insert.push(" ON CONFLICT DO NOTHING").build().execute(connection).await?;
    Ok(())
}

fn event_of(row: &Row) -> Result<PlacementEvent> {
    let programme: Option<String> = row.get("programme");
    Ok(PlacementEvent {
        message_id: row.get::<Uuid, _>("message_id").into(),
        entity_key: row.get::<Uuid, _>("entity_key").into(),
        partner: parsed(row, "partner")?,
        position: position_of(row),
        received_at: row.get("received_at"),
        canonical: row.get("canonical"),
        programme: programme.map(|hash| hash.parse()).transpose().map_err(anyhow::Error::msg)?,
    })
}
