//! Rows of the table `dispatches`, in and out.

use std::collections::HashMap;

use anyhow::{Context, Result};
use schemas::{DispatchId, Lane};
use sqlx::Row as _;

use super::super::versions::parsed;
use super::{Connection, Database, DispatchRow, LOOK_UP, Row, dialect::storable, position_of};
use crate::store::Owed;

/// Every column, as [`row_of`] reads them.
pub(super) const SELECT: &str = "SELECT dispatch_id, partner, entity_key, generation, log_offset, message_id, kind, operation, origin, \
     state, lane, due_at, attempt, epoch, body_hash, in_doubt, code, detail, faults, losses, versions, updated_at, envelope \
     FROM dispatches";

/// A row as it stands.
pub(super) fn row_of(row: &Row) -> Result<DispatchRow> {
    let body_hash: Option<&str> = row.get("body_hash");
    Ok(DispatchRow {
        owed: Owed {
            dispatch_id: row.get::<uuid::Uuid, _>("dispatch_id").into(),
            partner: parsed(row, "partner")?,
            entity_key: row.get::<uuid::Uuid, _>("entity_key").into(),
            position: position_of(row),
            message_id: row.get::<uuid::Uuid, _>("message_id").into(),
            kind: parsed(row, "kind")?,
            operation: parsed(row, "operation")?,
            lane: lane_of(row.get("lane")).context("damaged column `lane`")?,
            origin: serde_json::from_str(row.get("origin")).context("damaged column `origin`")?,
        },
        state: parsed(row, "state")?,
        due_at: row.get("due_at"),
        attempt: row.get("attempt"),
        epoch: row.get("epoch"),
        body_hash: body_hash.map(str::parse).transpose().map_err(anyhow::Error::msg)?,
        in_doubt: row.get("in_doubt"),
        code: row.get("code"),
        detail: row.get("detail"),
        faults: row.get("faults"),
        losses: json(row.get("losses"))?,
        versions: json(row.get("versions"))?,
        updated_at: row.get("updated_at"),
        envelope: row.get("envelope"),
    })
}

/// Puts a row in, over what stood there before; but what is final stays so, and what a newer owner has claimed is no
/// business of an older one any more.
pub(super) async fn put(connection: &mut Connection, row: &DispatchRow) -> Result<()> {
    let owed = &row.owed;
    sqlx::query(
        "INSERT INTO dispatches (dispatch_id, partner, entity_key, generation, log_offset, message_id, kind, operation, origin, \
         state, lane, due_at, attempt, epoch, body_hash, in_doubt, deadline, code, detail, faults, losses, versions, updated_at, \
         journaled, envelope) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0, $17, $18, $19, $20, $21, $22, $23, $24) \
         ON CONFLICT (dispatch_id) DO UPDATE SET state = excluded.state, lane = excluded.lane, due_at = excluded.due_at, \
         attempt = excluded.attempt, epoch = excluded.epoch, body_hash = COALESCE(excluded.body_hash, dispatches.body_hash), \
         in_doubt = excluded.in_doubt, code = excluded.code, detail = excluded.detail, faults = excluded.faults, \
         losses = excluded.losses, versions = excluded.versions, updated_at = excluded.updated_at, journaled = excluded.journaled, \
         envelope = excluded.envelope \
         WHERE dispatches.state IN ('claimed', 'deferred', 'rejected', 'ambiguous') AND dispatches.epoch <= excluded.epoch",
    )
    .bind(owed.dispatch_id.as_uuid())
    .bind(owed.partner.as_str())
    .bind(owed.entity_key.as_uuid())
    .bind(owed.position.generation)
    .bind(owed.position.offset)
    .bind(owed.message_id.as_uuid())
    .bind(owed.kind.as_str())
    .bind(owed.operation.as_str())
    .bind(serde_json::to_string(&owed.origin)?)
    .bind(row.state.as_str())
    .bind(lane_number(owed.lane))
    .bind(row.due_at)
    .bind(row.attempt)
    .bind(row.epoch)
    .bind(row.body_hash.map(|hash| hash.to_string()))
    .bind(row.in_doubt)
    .bind(row.code.as_deref().map(storable))
    .bind(row.detail.as_deref().map(storable))
    .bind(row.faults.as_deref().map(storable))
    .bind(serde_json::to_string(&row.losses)?)
    .bind(serde_json::to_string(&row.versions)?)
    .bind(row.updated_at)
    // A new row in the waiting room is no outcome yet; whatever has a reason is told to the journal.
    .bind(row.code.is_none() && !row.state.is_final())
    .bind(&row.envelope)
    .execute(connection)
    .await?;
    Ok(())
}

/// The rows of those dispatches that have one.
pub(super) async fn of(connection: &mut Connection, ids: &[DispatchId]) -> Result<HashMap<DispatchId, DispatchRow>> {
    let mut found = HashMap::new();
    for ids in ids.chunks(LOOK_UP) {
        let mut sql = sqlx::QueryBuilder::<Database>::new(SELECT);
        sql.push(" WHERE dispatch_id IN ");
        sql.push_tuples(ids, |mut tuple, id| {
            tuple.push_bind(id.as_uuid());
        });
        for row in sql.build().fetch_all(&mut *connection).await? {
            let row = row_of(&row)?;
            found.insert(row.owed.dispatch_id, row);
        }
    }
    Ok(found)
}

/// One row by its id.
pub(super) async fn find(connection: &mut Connection, id: DispatchId) -> Result<Option<DispatchRow>> {
    let sql = sqlx::AssertSqlSafe(format!("{SELECT} WHERE dispatch_id = $1"));
    let row = sqlx::query(sql).bind(id.as_uuid()).fetch_optional(connection).await?;
    row.as_ref().map(row_of).transpose()
}

const LANES: [Lane; 4] = [Lane::Closing, Lane::Live, Lane::Retry, Lane::Backfill];

/// The lane as a number that sorts by urgency.
pub(super) fn lane_number(lane: Lane) -> i64 {
    lane as i64
}

fn lane_of(number: i64) -> Option<Lane> {
    LANES.get(usize::try_from(number).ok()?).copied()
}

fn json<T: Default + serde::de::DeserializeOwned>(text: Option<&str>) -> Result<T> {
    text.map_or_else(|| Ok(T::default()), |text| Ok(serde_json::from_str(text)?))
}
