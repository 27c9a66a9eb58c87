//! Replays that are still to be done.

use anyhow::Result;
use async_trait::async_trait;
use schemas::PartnerId;
use sqlx::Row as _;
use uuid::Uuid;

use super::{Connection, Engine, Row};
use crate::store::{Replay, Replays};

#[async_trait]
impl Replays for Engine {
    async fn want_replay(&self, replay: Replay) -> Result<()> {
        self.write(replay, |connection, replay| Box::pin(want(connection, replay))).await
    }

    async fn wanted_replays(&self, at_most: usize) -> Result<usize> {
        self.read(i64::try_from(at_most)?, |connection, at_most| {
            Box::pin(async move {
                let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM replays LIMIT $1) AS waiting";
                let count: i64 = sqlx::query_scalar(sql).bind(at_most).fetch_one(connection).await?;
                Ok(usize::try_from(count)?)
            })
        })
        .await
    }

    async fn replays(&self, share: u32, limit: usize) -> Result<Vec<Replay>> {
        self.read((i64::from(share), i64::try_from(limit)?), |connection, (share, limit)| {
            Box::pin(async move {
                let rows = sqlx::query(
                    "SELECT replay_id, entity_key, share, recipient, wanted_at FROM replays WHERE share = $1 \
                     ORDER BY wanted_at, replay_id LIMIT $2",
                )
                .bind(share)
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

/// Keeps a replay; the same id again changes nothing.
pub(super) async fn want(connection: &mut Connection, replay: &Replay) -> Result<()> {
    sqlx::query(
        "INSERT INTO replays (replay_id, entity_key, share, recipient, wanted_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT DO NOTHING",
    )
    .bind(replay.replay_id)
    .bind(replay.entity_key.as_uuid())
    .bind(i64::from(replay.share))
    .bind(replay.recipient.as_ref().map(PartnerId::as_str))
    .bind(replay.wanted_at)
    .execute(connection)
    .await?;
    Ok(())
}

fn replay_of(row: &Row) -> Result<Replay> {
    let recipient: Option<&str> = row.get("recipient");
    Ok(Replay {
        replay_id: row.get("replay_id"),
        entity_key: row.get::<Uuid, _>("entity_key").into(),
        share: u32::try_from(row.get::<i64, _>("share"))?,
        recipient: recipient.map(str::parse).transpose()?,
        wanted_at: row.get("wanted_at"),
    })
}
