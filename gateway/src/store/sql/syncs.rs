//! How far initial syncs are.

use anyhow::Result;
use async_trait::async_trait;
use schemas::{EntityKey, PartnerId};
use sqlx::Row as _;

use super::{
    Engine, Row,
    versions::{COLUMNS, version_of},
};
use crate::store::{Sync, Syncs, Version};

#[async_trait]
impl Syncs for Engine {
    async fn sync(&self, partner: &PartnerId, share: u32) -> Result<Option<Sync>> {
        self.read((partner.clone(), i64::from(share)), |connection, (partner, share)| {
            Box::pin(async move {
                let row = sqlx::query("SELECT entity_key, is_done FROM syncs WHERE partner = $1 AND share = $2")
                    .bind(partner.as_str())
                    .bind(share)
                    .fetch_optional(connection)
                    .await?;
                let sync = |row: Row| Sync {
                    after: row.get::<Option<uuid::Uuid>, _>("entity_key").map(EntityKey::from),
                    is_done: row.get("is_done"),
                };
                Ok(row.map(sync))
            })
        })
        .await
    }

    async fn keep_sync(&self, partner: &PartnerId, share: u32, sync: Sync) -> Result<()> {
        self.write((partner.to_string(), i64::from(share), sync), |connection, (partner, share, sync)| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO syncs (partner, share, entity_key, is_done) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (partner, share) DO UPDATE SET entity_key = excluded.entity_key, is_done = excluded.is_done",
                )
                .bind(partner)
                .bind(share)
                .bind(sync.after.map(EntityKey::as_uuid))
                .bind(sync.is_done)
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn restart_sync(&self, partner: &PartnerId) -> Result<()> {
        self.write(partner.to_string(), |connection, partner| {
            Box::pin(async move {
                sqlx::query("DELETE FROM syncs WHERE partner = $1").bind(partner).execute(connection).await?;
                Ok(())
            })
        })
        .await
    }

    async fn open_versions(&self, after: Option<EntityKey>, limit: usize) -> Result<Vec<Version>> {
        self.read((after, i64::try_from(limit)?), |connection, (after, limit)| {
            Box::pin(async move {
                let sql = format!(
                    "{COLUMNS} AS v WHERE v.is_open AND ($1 IS NULL OR v.entity_key > $1) AND NOT EXISTS ( \
                     SELECT 1 FROM versions AS n WHERE n.entity_key = v.entity_key \
                     AND (n.generation, n.log_offset) > (v.generation, v.log_offset)) ORDER BY v.entity_key LIMIT $2"
                );
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
                    .bind(after.map(EntityKey::as_uuid))
                    .bind(limit)
                    .fetch_all(connection)
                    .await?;
                rows.iter().map(version_of).collect()
            })
        })
        .await
    }

    async fn keep_recipients(&self, versions: Vec<Version>) -> Result<()> {
        self.write(versions, |connection, versions| {
            Box::pin(async move {
                for version in versions {
                    sqlx::query(
                        "UPDATE versions SET recipients = $4 WHERE entity_key = $1 AND generation = $2 AND log_offset = $3",
                    )
                    .bind(version.entity_key.as_uuid())
                    .bind(version.position.generation)
                    .bind(version.position.offset)
                    .bind(serde_json::to_string(&version.recipients)?)
                    .execute(&mut *connection)
                    .await?;
                }
                Ok(())
            })
        })
        .await
    }
}
