//! Parked dispatches: what waits for a person.

use anyhow::Result;
use schemas::{DispatchId, Lane};
use sqlx::SqliteConnection;

use super::{DispatchRow, DispatchState, rows};

/// Lets a parked dispatch go again.
pub(super) async fn release(
    connection: &mut SqliteConnection,
    id: DispatchId,
    now: i64,
) -> Result<Option<DispatchRow>> {
    let Some(mut row) = parked(connection, id).await? else { return Ok(None) };
    row.state = DispatchState::Deferred;
    row.owed.lane = row.owed.lane.min(Lane::Retry);
    row.due_at = now;
    row.updated_at = now;
    row.code = Some("released".to_owned());
    rows::put(connection, &row).await?;
    Ok(Some(row))
}

/// Gives a parked dispatch up.
pub(super) async fn drop(connection: &mut SqliteConnection, id: DispatchId, now: i64) -> Result<Option<DispatchRow>> {
    let Some(mut row) = parked(connection, id).await? else { return Ok(None) };
    row.state = DispatchState::Dropped;
    row.updated_at = now;
    row.code = Some("given_up".to_owned());
    row.envelope = None;
    rows::put(connection, &row).await?;
    Ok(Some(row))
}

async fn parked(connection: &mut SqliteConnection, id: DispatchId) -> Result<Option<DispatchRow>> {
    let row = rows::find(connection, id).await?;
    Ok(row.filter(|row| matches!(row.state, DispatchState::Rejected | DispatchState::Ambiguous)))
}
