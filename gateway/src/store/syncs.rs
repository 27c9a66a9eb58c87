//! Initial syncs: how far each partner has been given what was open when it joined.

use anyhow::Result;
use async_trait::async_trait;
use schemas::{EntityKey, PartnerId};
use sqlx::Row;

use super::{
    SqliteStore,
    versions::{COLUMNS, Version, version_of},
};

/// How far the initial sync of a partner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sync {
    /// The last entity that was looked at; none at the beginning.
    pub after: Option<EntityKey>,
    /// Whether every entity was looked at.
    pub is_done: bool,
}

impl Sync {
    /// A sync that has not begun.
    pub const NEW: Self = Self { after: None, is_done: false };
}

/// Initial syncs.
#[async_trait]
pub trait Syncs: Send + std::marker::Sync {
    /// How far a partner's sync is; none if it was never begun.
    async fn sync(&self, partner: &PartnerId) -> Result<Option<Sync>>;

    /// Keeps how far a partner's sync is.
    async fn keep_sync(&self, partner: &PartnerId, sync: Sync) -> Result<()>;

    /// The newest versions of the open entities after one, by entity key.
    async fn open_versions(&self, after: Option<EntityKey>, limit: usize) -> Result<Vec<Version>>;

    /// Keeps to whom those versions are owed.
    async fn keep_recipients(&self, versions: Vec<Version>) -> Result<()>;
}

#[async_trait]
impl Syncs for SqliteStore {
    async fn sync(&self, partner: &PartnerId) -> Result<Option<Sync>> {
        let row = sqlx::query("SELECT entity_key, is_done FROM syncs WHERE partner = $1")
            .bind(partner.as_str())
            .fetch_optional(&self.pool)
            .await?;
        let sync = |row: sqlx::sqlite::SqliteRow| Sync {
            after: row.get::<Option<uuid::Uuid>, _>("entity_key").map(EntityKey::from),
            is_done: row.get("is_done"),
        };
        Ok(row.map(sync))
    }

    async fn keep_sync(&self, partner: &PartnerId, sync: Sync) -> Result<()> {
        let partner = partner.to_string();
        self.writer
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO syncs (partner, entity_key, is_done) VALUES ($1, $2, $3) \
                         ON CONFLICT (partner) DO UPDATE SET entity_key = excluded.entity_key, is_done = excluded.is_done",
                    )
                    .bind(partner)
                    .bind(sync.after.map(EntityKey::as_uuid))
                    .bind(sync.is_done)
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn open_versions(&self, after: Option<EntityKey>, limit: usize) -> Result<Vec<Version>> {
        let sql = format!(
            "{COLUMNS} AS v WHERE v.is_open AND ($1 IS NULL OR v.entity_key > $1) AND NOT EXISTS ( \
             SELECT 1 FROM versions AS n WHERE n.entity_key = v.entity_key \
             AND (n.generation, n.log_offset) > (v.generation, v.log_offset)) ORDER BY v.entity_key LIMIT $2"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(after.map(EntityKey::as_uuid))
            .bind(i64::try_from(limit)?)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(version_of).collect()
    }

    async fn keep_recipients(&self, versions: Vec<Version>) -> Result<()> {
        self.writer
            .write(move |connection| {
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
