//! Publications that end: what a partner shows, and until when it may.

use anyhow::Result;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{DispatchRow, End, Ended, Superseded, rows, waiting};
use crate::store::versions::position_of;

/// The SQL of what is shown beyond its end, with the row of the dispatch that brought it.
pub(super) const ENDED: &str = "SELECT dispatch_id, generation, log_offset, ends_at, ends_code FROM sent \
     WHERE partner = $1 AND is_active AND ends_at <= $2 ORDER BY ends_at LIMIT $3";

/// The SQL of the next end.
pub(super) const NEXT: &str = "SELECT MIN(ends_at) FROM sent WHERE partner = $1 AND is_active AND ends_at IS NOT NULL";

/// What has ended, from a row of [`ENDED`] and the dispatch that brought it.
pub(super) fn ended_of(row: &SqliteRow, brought: DispatchRow) -> Ended {
    let end = End { at: row.get("ends_at"), code: row.get::<Option<String>, _>("ends_code").unwrap_or_default() };
    let mut owed = brought.owed;
    // A later version may have been sent and refused since: whatever is sent now is no older than that.
    owed.position = position_of(row);
    Ended { owed, attempt: brought.attempt, end }
}

/// Puts closings into the waiting room and forgets the ends that they follow from.
pub(super) async fn defer_closings(
    connection: &mut SqliteConnection,
    closings: Vec<(DispatchRow, End)>,
    by_reference: bool,
) -> Result<Vec<Superseded>> {
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
            superseded.extend(waiting::defer(connection, row, by_reference).await?);
        }
    }
    Ok(superseded)
}
