//! API keys. Only their hashes are kept; a key is shown once, when it is made.

use anyhow::Result;
use async_trait::async_trait;
use schemas::{Hash, PartnerId};
use sqlx::{Row, sqlite::SqliteRow};

use super::{SqliteStore, versions::parsed};

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The public part of its name.
    pub key_id: String,
    /// The partner that may use it; none is an operator.
    pub partner: Option<PartnerId>,
    /// What it is for.
    pub label: String,
    /// When it was made, microseconds since 1970 UTC.
    pub created_at: i64,
    /// When it was revoked, microseconds since 1970 UTC.
    pub revoked_at: Option<i64>,
}

/// API keys.
#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// Keeps a key under the hash of its secret.
    async fn add_key(&self, key: ApiKey, secret_hash: Hash) -> Result<()>;

    /// The key with that secret, if it is not revoked. The look-up by hash tells nothing by its duration.
    async fn key_by_secret(&self, secret_hash: Hash) -> Result<Option<ApiKey>>;

    /// Every key, oldest first.
    async fn keys(&self) -> Result<Vec<ApiKey>>;

    /// Revokes a key; returns whether it was valid.
    async fn revoke_key(&self, key_id: &str, now: i64) -> Result<bool>;
}

#[async_trait]
impl ApiKeys for SqliteStore {
    async fn add_key(&self, key: ApiKey, secret_hash: Hash) -> Result<()> {
        self.writer
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query("INSERT INTO api_keys (key_id, key_hash, partner, label, created_at) VALUES ($1, $2, $3, $4, $5)")
                        .bind(key.key_id)
                        .bind(secret_hash.to_string())
                        .bind(key.partner.map(String::from))
                        .bind(key.label)
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
        let rows =
            sqlx::query("SELECT key_id, partner, label, created_at, revoked_at FROM api_keys ORDER BY created_at")
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(key_of).collect()
    }

    async fn revoke_key(&self, key_id: &str, now: i64) -> Result<bool> {
        let key_id = key_id.to_owned();
        self.writer
            .write(move |connection| {
                Box::pin(async move {
                    let revoked =
                        sqlx::query("UPDATE api_keys SET revoked_at = $2 WHERE key_id = $1 AND revoked_at IS NULL")
                            .bind(key_id)
                            .bind(now)
                            .execute(connection)
                            .await?;
                    Ok(revoked.rows_affected() == 1)
                })
            })
            .await
    }
}

pub(super) fn key_of(row: &SqliteRow) -> Result<ApiKey> {
    let has_partner = row.get::<Option<&str>, _>("partner").is_some();
    Ok(ApiKey {
        key_id: row.get("key_id"),
        partner: if has_partner { Some(parsed(row, "partner")?) } else { None },
        label: row.get("label"),
        created_at: row.get("created_at"),
        revoked_at: row.get("revoked_at"),
    })
}
