//! Rows of the table `dispatches`, in and out.

use std::collections::HashMap;

use anyhow::{Context, Result};
use schemas::{DispatchId, Lane};
use sqlx::Row as _;

use super::super::{lengths::padded, versions::parsed};
use super::{Connection, Database, DispatchRow, LOOK_UP, Row, dialect::storable, position_of};
use crate::store::Owed;

/// Rows of one statement.
const ROWS: usize = 64;

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
    put_all(connection, std::slice::from_ref(row)).await
}

/// Puts rows of different dispatches in, as [`put`] does it.
pub(super) async fn put_all(connection: &mut Connection, rows: &[DispatchRow]) -> Result<()> {
    for rows in rows.chunks(ROWS) {
        put_piece(connection, rows).await?;
    }
    Ok(())
}

async fn put_piece(connection: &mut Connection, rows: &[DispatchRow]) -> Result<()> {
    let encoded = rows.iter().map(|row| {
        let (origin, losses) = (serde_json::to_string(&row.owed.origin)?, serde_json::to_string(&row.losses)?);
        Ok((origin, losses, serde_json::to_string(&row.versions)?))
    });
    let encoded = encoded.collect::<Result<Vec<_>>>()?;
    let mut insert = sqlx::QueryBuilder::<Database>::new(
        "INSERT INTO dispatches (dispatch_id, partner, entity_key, generation, log_offset, message_id, kind, operation, origin, \
         state, lane, due_at, attempt, epoch, body_hash, in_doubt, deadline, code, detail, faults, losses, versions, updated_at, \
         journaled, envelope) ",
    );
    insert.push_values(rows.iter().zip(encoded), |mut tuple, (row, (origin, losses, versions))| {
        let owed = &row.owed;
        tuple
            .push_bind(owed.dispatch_id.as_uuid())
            .push_bind(owed.partner.as_str())
            .push_bind(owed.entity_key.as_uuid())
            .push_bind(owed.position.generation)
            .push_bind(owed.position.offset)
            .push_bind(owed.message_id.as_uuid())
            .push_bind(owed.kind.as_str())
            .push_bind(owed.operation.as_str())
            .push_bind(origin)
            .push_bind(row.state.as_str())
            .push_bind(lane_number(owed.lane))
            .push_bind(row.due_at)
            .push_bind(row.attempt)
            .push_bind(row.epoch)
            .push_bind(row.body_hash.map(|hash| hash.to_string()))
            .push_bind(row.in_doubt)
            .push_bind(0_i64)
            .push_bind(row.code.as_deref().map(storable))
            .push_bind(row.detail.as_deref().map(storable))
            .push_bind(row.faults.as_deref().map(storable))
            .push_bind(losses)
            .push_bind(versions)
            .push_bind(row.updated_at)
            // A new row in the waiting room is no outcome yet; whatever has a reason is told to the journal.
            .push_bind(row.code.is_none() && !row.state.is_final())
            .push_bind(row.envelope.as_deref());
    });
    insert.push(
        " ON CONFLICT (dispatch_id) DO UPDATE SET state = excluded.state, lane = excluded.lane, due_at = excluded.due_at, \
         attempt = excluded.attempt, epoch = excluded.epoch, body_hash = COALESCE(excluded.body_hash, dispatches.body_hash), \
         in_doubt = excluded.in_doubt, code = excluded.code, detail = excluded.detail, faults = excluded.faults, \
         losses = excluded.losses, versions = excluded.versions, updated_at = excluded.updated_at, journaled = excluded.journaled, \
         envelope = excluded.envelope \
         WHERE dispatches.state IN ('claimed', 'deferred', 'rejected', 'ambiguous') AND dispatches.epoch <= excluded.epoch",
    );
    insert.build().execute(connection).await?;
    Ok(())
}

/// The rows of those dispatches that have one.
pub(super) async fn of(connection: &mut Connection, ids: &[DispatchId]) -> Result<HashMap<DispatchId, DispatchRow>> {
    let mut found = HashMap::new();
    for ids in ids.chunks(LOOK_UP) {
        let mut sql = sqlx::QueryBuilder::<Database>::new(SELECT);
        sql.push(" WHERE dispatch_id IN ");
        sql.push_tuples(padded(ids), |mut tuple, id| {
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
