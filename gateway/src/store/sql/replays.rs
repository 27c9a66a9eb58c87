//! Replays that are still to be done.

use anyhow::Result;
use async_trait::async_trait;
use schemas::PartnerId;
use sqlx::Row as _;
use uuid::Uuid;

use super::{Engine, Row};
use crate::store::{Replay, Replays};

#[async_trait]
impl Replays for Engine {
    async fn want_replay(&self, replay: Replay) -> Result<()> {
        self.write(replay, |connection, replay| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO replays (replay_id, entity_key, recipient, wanted_at) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT DO NOTHING",
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
        self.read(i64::try_from(limit)?, |connection, limit| {
            Box::pin(async move {
                let rows = sqlx::query(
                    "SELECT replay_id, entity_key, recipient, wanted_at FROM replays ORDER BY wanted_at, replay_id LIMIT $1",
                )
                .bind(limit)
                .fetch_all(connection)
                .await?;
                rows.iter().map(replay_of).collect()
            })
        })
        .await
    }

    async fn finish_replays(&self, ids: Vec<Uuid>) -> Result<()> {
        self.write(ids, |connection, ids| {
            Box::pin(async move {
                for id in ids {
                    sqlx::query("DELETE FROM replays WHERE replay_id = $1").bind(id).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

fn replay_of(row: &Row) -> Result<Replay> {
    let recipient: Option<&str> = row.get("recipient");
    Ok(Replay {
        replay_id: row.get("replay_id"),
        entity_key: row.get::<Uuid, _>("entity_key").into(),
        recipient: recipient.map(str::parse).transpose()?,
        wanted_at: row.get("wanted_at"),
    })
}
