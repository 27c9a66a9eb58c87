//! API keys.

use anyhow::Result;
use async_trait::async_trait;
use schemas::Hash;
use sqlx::Row as _;

use super::{Engine, Row, dialect::storable, versions::parsed};
use crate::store::{ApiKey, ApiKeys};

#[async_trait]
impl ApiKeys for Engine {
    async fn add_key(&self, key: ApiKey, secret_hash: Hash) -> Result<()> {
        self.write((key, secret_hash), |connection, (key, secret_hash)| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO api_keys (key_id, key_hash, partner, label, created_at) VALUES ($1, $2, $3, $4, $5)",
                )
                .bind(&key.key_id)
                .bind(secret_hash.to_string())
                .bind(key.partner.as_ref().map(schemas::PartnerId::as_str))
                .bind(storable(&key.label))
                .bind(key.created_at)
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn key_by_secret(&self, secret_hash: Hash) -> Result<Option<ApiKey>> {
        self.lookups.keys.ask(secret_hash).await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>> {
        self.read((), |connection, ()| {
            Box::pin(async move {
                let rows = sqlx::query(
                    "SELECT key_id, partner, label, created_at, revoked_at FROM api_keys ORDER BY created_at, key_id",
                )
                .fetch_all(connection)
                .await?;
                rows.iter().map(key_of).collect()
            })
        })
        .await
    }

    async fn revoke_key(&self, key_id: &str, now: i64) -> Result<bool> {
        self.write((key_id.to_owned(), now), |connection, (key_id, now)| {
            Box::pin(async move {
                let revoked =
                    sqlx::query("UPDATE api_keys SET revoked_at = $2 WHERE key_id = $1 AND revoked_at IS NULL")
                        .bind(storable(key_id))
                        .bind(now)
                        .execute(connection)
                        .await?;
                Ok(revoked.rows_affected() == 1)
            })
        })
        .await
    }
}

pub(super) fn key_of(row: &Row) -> Result<ApiKey> {
    let has_partner = row.get::<Option<&str>, _>("partner").is_some();
    Ok(ApiKey {
        key_id: row.get("key_id"),
        partner: if has_partner { Some(parsed(row, "partner")?) } else { None },
        label: row.get("label"),
        created_at: row.get("created_at"),
        revoked_at: row.get("revoked_at"),
    })
}
