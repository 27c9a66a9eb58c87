//! Files that profiles link to.

use std::collections::HashSet;

use anyhow::{Context, Result};
use async_trait::async_trait;
use sqlx::Row as _;
use uuid::Uuid;

use super::{
    Connection, Database, Engine, Row, dialect,
    lengths::padded,
    versions::{parsed, position_of},
};
use crate::store::{BlobId, FetchOutcome, Media, Medium, MediumId, MediumState, Referred};

/// Files of one statement.
const LOOK_UP: usize = 256;

const COLUMNS: &str = "media_id, entity_key, generation, log_offset, message_id, origin, category, sealed, state, blob_id, \
     attempt, wanted_at, code, settled_at, dropped_at";

#[async_trait]
impl Media for Engine {
    async fn refer_to_media(&self, referred: Referred) -> Result<()> {
        self.write(referred, |connection, referred| Box::pin(refer(connection, referred))).await
    }

    async fn known_media(&self, ids: &[MediumId]) -> Result<HashSet<MediumId>> {
        self.read(ids.to_vec(), |connection, ids| {
            Box::pin(async move {
                let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
                let found = those(connection, "SELECT media_id FROM media WHERE media_id IN ", &ids).await?;
                Ok(found.into_iter().map(MediumId::from).collect())
            })
        })
        .await
    }

    async fn medium(&self, id: MediumId) -> Result<Option<Medium>> {
        self.read(id, |connection, id| {
            Box::pin(async move {
                let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM media WHERE media_id = $1"));
                let row = sqlx::query(sql).bind(id.as_uuid()).fetch_optional(connection).await?;
                row.as_ref().map(medium_of).transpose()
            })
        })
        .await
    }

    async fn take_media(&self, now: i64, taken_until: i64, limit: usize) -> Result<Vec<Medium>> {
        self.write((now, taken_until, i64::try_from(limit)?), |connection, (now, taken_until, limit)| {
            Box::pin(async move {
                let free = "state = 'wanted' AND dropped_at IS NULL AND due_at <= $1 AND (taken_until IS NULL OR taken_until <= $1)";
                let sql = format!(
                    "UPDATE media SET taken_until = $2, attempt = attempt + 1 WHERE media_id IN ( \
                     SELECT media_id FROM media WHERE {free} ORDER BY due_at LIMIT $3{}) RETURNING {COLUMNS}",
                    dialect::SKIP_LOCKED
                );
                let taken = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(now).bind(taken_until).bind(limit);
                taken.fetch_all(connection).await?.iter().map(medium_of).collect()
            })
        })
        .await
    }

    async fn hold_medium(&self, id: MediumId, attempt: i64, taken_until: i64) -> Result<bool> {
        self.write((id, attempt, taken_until), |connection, (id, attempt, taken_until)| {
            Box::pin(async move {
                let sql = "UPDATE media SET taken_until = $3 WHERE media_id = $1 AND attempt = $2 AND state = 'wanted'";
                let held = sqlx::query(sql).bind(id.as_uuid()).bind(attempt).bind(taken_until);
                Ok(held.execute(connection).await?.rows_affected() == 1)
            })
        })
        .await
    }

    async fn settle_medium(&self, id: MediumId, attempt: i64, outcome: FetchOutcome, at: i64) -> Result<bool> {
        self.write((id, attempt, outcome, at), |connection, (id, attempt, outcome, at)| {
            Box::pin(settle(connection, (*id, *attempt), outcome, *at))
        })
        .await
    }

    async fn release_media(&self) -> Result<()> {
        self.write((), |connection, ()| {
            Box::pin(async move {
                let sql = "UPDATE media SET taken_until = NULL WHERE taken_until IS NOT NULL";
                sqlx::query(sql).execute(connection).await?;
                Ok(())
            })
        })
        .await
    }

    async fn next_medium_at(&self) -> Result<Option<i64>> {
        self.read((), |connection, ()| {
            Box::pin(async move {
                let sql = "SELECT MIN(CASE WHEN taken_until > due_at THEN taken_until ELSE due_at END) FROM media \
                           WHERE state = 'wanted' AND dropped_at IS NULL";
                Ok(sqlx::query_scalar(sql).fetch_one(connection).await?)
            })
        })
        .await
    }

    async fn untold_media(&self, limit: usize) -> Result<Vec<Medium>> {
        self.read(i64::try_from(limit)?, |connection, limit| {
            Box::pin(async move {
                let sql = format!("SELECT {COLUMNS} FROM media WHERE is_untold ORDER BY settled_at LIMIT $1");
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(limit).fetch_all(connection).await?;
                rows.iter().map(medium_of).collect()
            })
        })
        .await
    }

    async fn mark_medium_told(&self, id: MediumId, attempt: i64) -> Result<()> {
        self.write((id, attempt), |connection, (id, attempt)| {
            Box::pin(async move {
                let sql = "UPDATE media SET is_untold = $3 WHERE media_id = $1 AND attempt = $2";
                sqlx::query(sql).bind(id.as_uuid()).bind(attempt).bind(false).execute(connection).await?;
                Ok(())
            })
        })
        .await
    }

    async fn blobs_of_media(&self, blobs: &[BlobId]) -> Result<HashSet<BlobId>> {
        self.read(blobs.to_vec(), |connection, blobs| {
            Box::pin(async move {
                let blobs: Vec<Uuid> = blobs.iter().map(|blob| blob.as_uuid()).collect();
                let found = those(connection, "SELECT blob_id FROM media WHERE blob_id IN ", &blobs).await?;
                Ok(found.into_iter().map(BlobId::from).collect())
            })
        })
        .await
    }

    async fn forget_media(&self, dropped_before: i64) -> Result<u64> {
        self.write(dropped_before, |connection, dropped_before| {
            Box::pin(async move {
                let sql = "DELETE FROM media WHERE dropped_at < $1";
                Ok(sqlx::query(sql).bind(dropped_before).execute(connection).await?.rows_affected())
            })
        })
        .await
    }
}

/// Notes what a version links to.
pub(super) async fn refer(connection: &mut Connection, referred: &Referred) -> Result<()> {
    let Referred { entity_key, position, message_id, media, at, .. } = referred;
    let origin = serde_json::to_string(&referred.origin).context("cannot write an origin")?;
    for medium in media {
        sqlx::query(
            "INSERT INTO media (media_id, entity_key, generation, log_offset, message_id, origin, category, sealed, state, \
             attempt, wanted_at, due_at, is_untold) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'wanted', 0, $9, $9, $10) \
             ON CONFLICT (media_id) DO UPDATE SET generation = excluded.generation, log_offset = excluded.log_offset, \
             message_id = excluded.message_id, origin = excluded.origin, sealed = excluded.sealed, dropped_at = NULL, \
             state = CASE WHEN media.state = 'failed' THEN 'wanted' ELSE media.state END, \
             wanted_at = CASE WHEN media.state = 'failed' THEN excluded.wanted_at ELSE media.wanted_at END, \
             due_at = CASE WHEN media.state = 'failed' THEN excluded.due_at ELSE media.due_at END \
             WHERE (media.generation, media.log_offset) < (excluded.generation, excluded.log_offset)",
        )
        .bind(medium.id.as_uuid())
        .bind(entity_key.as_uuid())
        .bind(position.generation)
        .bind(position.offset)
        .bind(message_id.as_uuid())
        .bind(&origin)
        .bind(medium.category.as_str())
        .bind(&medium.sealed)
        .bind(at)
        .bind(false)
        .execute(&mut *connection)
        .await?;
    }
    // What this version links to stands at its position by now, or at a later one.
    let sql = "UPDATE media SET dropped_at = $4 WHERE entity_key = $1 AND dropped_at IS NULL \
               AND (generation, log_offset) < ($2, $3)";
    let dropped = sqlx::query(sql).bind(entity_key.as_uuid()).bind(position.generation).bind(position.offset).bind(at);
    dropped.execute(connection).await?;
    Ok(())
}

async fn settle(
    connection: &mut Connection,
    (id, attempt): (MediumId, i64),
    outcome: &FetchOutcome,
    at: i64,
) -> Result<bool> {
    let (state, blob, code, due_at) = match outcome {
        FetchOutcome::Kept(blob) => (MediumState::Kept, Some(blob.as_uuid()), None, at),
        FetchOutcome::Failed(code) => (MediumState::Failed, None, Some(*code), at),
        FetchOutcome::Later(code, due_at) => (MediumState::Wanted, None, Some(*code), *due_at),
    };
    let is_final = !matches!(outcome, FetchOutcome::Later(..));
    let settled = sqlx::query(
        "UPDATE media SET state = $3, blob_id = $4, code = $5, due_at = $6, taken_until = NULL, is_untold = $7, settled_at = $8 \
         WHERE media_id = $1 AND attempt = $2 AND state = 'wanted'",
    )
    .bind(id.as_uuid())
    .bind(attempt)
    .bind(state.as_str())
    .bind(blob)
    .bind(code)
    .bind(due_at)
    .bind(is_final)
    .bind(is_final.then_some(at));
    Ok(settled.execute(connection).await?.rows_affected() == 1)
}

/// The ids that a statement finds of those.
async fn those(connection: &mut Connection, select: &'static str, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    let mut found = HashSet::new();
    for ids in ids.chunks(LOOK_UP) {
        let mut sql = sqlx::QueryBuilder::<Database>::new(select);
        sql.push_tuples(padded(ids), |mut tuple, id| {
            tuple.push_bind(*id);
        });
        found.extend(sql.build_query_scalar::<Uuid>().fetch_all(&mut *connection).await?);
    }
    Ok(found)
}

fn medium_of(row: &Row) -> Result<Medium> {
    Ok(Medium {
        id: row.get::<Uuid, _>("media_id").into(),
        entity_key: row.get::<Uuid, _>("entity_key").into(),
        position: position_of(row),
        message_id: row.get::<Uuid, _>("message_id").into(),
        origin: serde_json::from_str(row.get("origin")).context("damaged column `origin`")?,
        category: parsed(row, "category")?,
        sealed: row.get("sealed"),
        state: parsed(row, "state")?,
        blob: row.get::<Option<Uuid>, _>("blob_id").map(BlobId::from),
        attempt: row.get("attempt"),
        wanted_at: row.get("wanted_at"),
        code: row.get("code"),
        settled_at: row.get("settled_at"),
        dropped_at: row.get("dropped_at"),
    })
}
