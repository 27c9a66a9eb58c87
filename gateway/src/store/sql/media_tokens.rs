//! Tokens by which recipients read files.

use anyhow::Result;
use async_trait::async_trait;
use schemas::Hash;
use sqlx::Row as _;
use uuid::Uuid;

use super::Engine;
use crate::store::{BlobId, Lent, MediaToken, MediaTokens, Showing, SubjectVersion};

/// Whether what was decided holds: asked with hash, rules and time.
const HOLDS: &str = "t.token_hash = $1 AND t.rules = $2 AND (t.valid_until IS NULL OR t.valid_until > $3) \
     AND t.version = COALESCE((SELECT s.version FROM subjects AS s WHERE s.subject = t.subject), 0) \
     AND EXISTS (SELECT 1 FROM media AS m WHERE m.media_id = t.media_id AND m.blob_id IS NOT NULL AND m.dropped_at IS NULL)";

#[async_trait]
impl MediaTokens for Engine {
    async fn keep_media_token(&self, token: MediaToken) -> Result<()> {
        self.write(token, |connection, token| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO media_tokens (token_hash, media_id, recipient, subject, version, valid_until, rules, \
                     expires_at, bytes_left) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                )
                .bind(token.hash.to_string())
                .bind(token.medium.as_uuid())
                .bind(token.recipient.as_str())
                .bind(token.person.subject)
                .bind(token.person.version)
                .bind(token.valid_until)
                .bind(token.rules.to_string())
                .bind(token.expires_at)
                .bind(i64::try_from(token.size_bytes)?)
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn media_token(&self, showing: Showing) -> Result<Option<Lent>> {
        self.read(showing, |connection, showing| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT t.subject, t.version, m.blob_id FROM media_tokens AS t JOIN media AS m ON m.media_id = t.media_id \
                     WHERE {HOLDS} AND t.expires_at > $3 AND t.bytes_left > 0"
                );
                let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(showing.hash.to_string());
                let query = query.bind(showing.rules.to_string()).bind(showing.now);
                let row = query.fetch_optional(connection).await?;
                Ok(row.map(|row| Lent {
                    person: SubjectVersion { subject: row.get("subject"), version: row.get("version") },
                    blob: BlobId::from(row.get::<Uuid, _>("blob_id")),
                }))
            })
        })
        .await
    }

    async fn use_media_token(&self, showing: Showing, bytes: u64) -> Result<bool> {
        self.write((showing, i64::try_from(bytes)?), |connection, (showing, bytes)| {
            Box::pin(async move {
                let sql = format!(
                    "UPDATE media_tokens AS t SET bytes_left = bytes_left - $4 \
                     WHERE {HOLDS} AND t.expires_at > $3 AND t.bytes_left >= $4"
                );
                let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(showing.hash.to_string());
                let query = query.bind(showing.rules.to_string()).bind(showing.now).bind(bytes);
                Ok(query.execute(connection).await?.rows_affected() == 1)
            })
        })
        .await
    }

    async fn media_token_holds(&self, showing: Showing) -> Result<bool> {
        self.read(showing, |connection, showing| {
            Box::pin(async move {
                let sql = format!("SELECT COUNT(*) FROM media_tokens AS t WHERE {HOLDS}");
                let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(showing.hash.to_string());
                let query = query.bind(showing.rules.to_string()).bind(showing.now);
                let found: i64 = query.fetch_one(connection).await?;
                Ok(found > 0)
            })
        })
        .await
    }

    async fn give_back_media_bytes(&self, hash: Hash, bytes: u64) -> Result<()> {
        self.write((hash, i64::try_from(bytes)?), |connection, (hash, bytes)| {
            Box::pin(async move {
                let sql = "UPDATE media_tokens SET bytes_left = bytes_left + $2 WHERE token_hash = $1";
                sqlx::query(sql).bind(hash.to_string()).bind(bytes).execute(connection).await?;
                Ok(())
            })
        })
        .await
    }

    async fn forget_media_tokens(&self, over_before: i64) -> Result<u64> {
        self.write(over_before, |connection, over_before| {
            Box::pin(async move {
                let sql = "DELETE FROM media_tokens WHERE expires_at < $1";
                Ok(sqlx::query(sql).bind(over_before).execute(connection).await?.rows_affected())
            })
        })
        .await
    }
}
