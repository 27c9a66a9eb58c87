//! Replays: entities that an operator wants to be dispatched again, until the router has taken them up.

use anyhow::Result;
use async_trait::async_trait;
use schemas::{EntityKey, PartnerId};
use sqlx::{Row, sqlite::SqliteRow};
use uuid::Uuid;

use super::SqliteStore;

/// An entity that is to be dispatched again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Its own id; what it dispatches is known by it.
    pub replay_id: Uuid,
    /// The entity.
    pub entity_key: EntityKey,
    /// The partner that it goes to; none for everybody entitled.
    pub recipient: Option<PartnerId>,
    /// When it was wanted, microseconds since 1970 UTC.
    pub wanted_at: i64,
}

/// Replays that are still to be done.
#[async_trait]
pub trait Replays: Send + Sync {
    /// Keeps a replay; the same id again changes nothing.
    async fn want_replay(&self, replay: Replay) -> Result<()>;

    /// Replays that are still to be done, oldest first.
    async fn replays(&self, limit: usize) -> Result<Vec<Replay>>;

    /// Forgets replays that are done.
    async fn finish_replays(&self, ids: Vec<Uuid>) -> Result<()>;
}

#[async_trait]
impl Replays for SqliteStore {
    async fn want_replay(&self, replay: Replay) -> Result<()> {
        self.writer
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO replays (replay_id, entity_key, recipient, wanted_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                    )
                    .bind(replay.replay_id)
                    .bind(replay.entity_key.as_uuid())
                    .bind(replay.recipient.as_ref().map(PartnerId::as_str))
                    .bind(replay.wanted_at)
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn replays(&self, limit: usize) -> Result<Vec<Replay>> {
        let rows = sqlx::query(
            "SELECT replay_id, entity_key, recipient, wanted_at FROM replays ORDER BY wanted_at, replay_id LIMIT $1",
        )
        .bind(i64::try_from(limit)?)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(replay_of).collect()
    }

    async fn finish_replays(&self, ids: Vec<Uuid>) -> Result<()> {
        self.writer
            .write(move |connection| {
                Box::pin(async move {
                    for id in ids {
                        sqlx::query("DELETE FROM replays WHERE replay_id = $1")
                            .bind(id)
                            .execute(&mut *connection)
                            .await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

fn replay_of(row: &SqliteRow) -> Result<Replay> {
    let recipient: Option<&str> = row.get("recipient");
    Ok(Replay {
        replay_id: row.get("replay_id"),
        entity_key: row.get::<Uuid, _>("entity_key").into(),
        recipient: recipient.map(str::parse).transpose()?,
        wanted_at: row.get("wanted_at"),
    })
}
