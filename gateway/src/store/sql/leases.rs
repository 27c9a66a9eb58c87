//! Epochs: which owner of a resource is the newest.

use anyhow::Result;

use super::Connection;

/// Raises the epoch of a resource and returns it.
pub async fn raise_epoch(connection: &mut Connection, resource: &str) -> Result<i64> {
    let epoch = sqlx::query_scalar(
        "INSERT INTO ownership (resource, epoch) VALUES ($1, 1) \
         ON CONFLICT (resource) DO UPDATE SET epoch = ownership.epoch + 1 RETURNING epoch",
    );
    Ok(epoch.bind(resource).fetch_one(connection).await?)
}
