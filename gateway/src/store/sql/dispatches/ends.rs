//! Publications that end: what a partner shows, and until when it may.

use anyhow::Result;
use schemas::{DispatchId, PartnerId};
use sqlx::Row as _;

use super::{Connection, DispatchRow, End, Ended, Row, Superseded, lock_entities, position_of, rows, waiting};

/// The SQL of what is shown beyond its end, with the row of the dispatch that brought it.
const ENDED: &str = "SELECT dispatch_id, generation, log_offset, ends_at, ends_code FROM sent \
     WHERE partner = $1 AND is_active AND ends_at <= $2 ORDER BY ends_at LIMIT $3";

/// The SQL of the next end.
pub(super) const NEXT: &str = "SELECT MIN(ends_at) FROM sent WHERE partner = $1 AND is_active AND ends_at IS NOT NULL";

/// What is shown beyond its end, the longest ended first.
pub(super) async fn ended(
    connection: &mut Connection,
    partner: &PartnerId,
    now: i64,
    limit: i64,
) -> Result<Vec<Ended>> {
    let found = sqlx::query(ENDED).bind(partner.as_str()).bind(now).bind(limit).fetch_all(&mut *connection).await?;
    let ids: Vec<DispatchId> = found.iter().map(|row| row.get::<uuid::Uuid, _>("dispatch_id").into()).collect();
    let mut brought = rows::of(connection, &ids).await?;
    let pairs = found.iter().zip(ids);
    Ok(pairs.filter_map(|(row, id)| Some(ended_of(row, brought.remove(&id)?))).collect())
}

/// What has ended, from a row of [`ENDED`] and the dispatch that brought it.
fn ended_of(row: &Row, brought: DispatchRow) -> Ended {
    let end = End { at: row.get("ends_at"), code: row.get::<Option<String>, _>("ends_code").unwrap_or_default() };
    let mut owed = brought.owed;
    // A later version may have been sent and refused since: whatever is sent now is no older than that.
    owed.position = position_of(row);
    Ended { owed, attempt: brought.attempt, end }
}

/// Puts closings into the waiting room and forgets the ends that they follow from.
pub(super) async fn defer_closings(
    connection: &mut Connection,
    closings: &[(DispatchRow, End)],
    by_reference: bool,
) -> Result<Vec<Superseded>> {
    lock_entities(connection, closings.iter().map(|(row, _)| (&row.owed.partner, row.owed.entity_key))).await?;
    let mut superseded = Vec::new();
    for (row, end) in closings {
        sqlx::query(
            "UPDATE sent SET ends_at = NULL, ends_code = NULL WHERE partner = $1 AND entity_key = $2 AND ends_at = $3",
        )
        .bind(row.owed.partner.as_str())
        .bind(row.owed.entity_key.as_uuid())
        .bind(end.at)
        .execute(&mut *connection)
        .await?;
        if rows::find(connection, row.owed.dispatch_id).await?.is_none() {
            superseded.extend(waiting::defer(connection, row.clone(), by_reference).await?);
        }
    }
    Ok(superseded)
}
