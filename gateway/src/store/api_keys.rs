//! API keys. Only their hashes are kept; a key is shown once, when it is made.

use anyhow::Result;
use async_trait::async_trait;
use schemas::{Hash, PartnerId};

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
