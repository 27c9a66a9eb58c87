//! Parked dispatches: what waits for a person.

use anyhow::Result;
use schemas::{DispatchId, Lane};

use super::{Connection, DispatchRow, DispatchState, lock_entities, rows};

/// Lets a parked dispatch go again.
pub(super) async fn release(connection: &mut Connection, id: DispatchId, now: i64) -> Result<Option<DispatchRow>> {
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
pub(super) async fn drop(connection: &mut Connection, id: DispatchId, now: i64) -> Result<Option<DispatchRow>> {
    let Some(mut row) = parked(connection, id).await? else { return Ok(None) };
    row.state = DispatchState::Dropped;
    row.updated_at = now;
    row.code = Some("given_up".to_owned());
    row.envelope = None;
    rows::put(connection, &row).await?;
    Ok(Some(row))
}

/// The row, if it is parked once its entity is locked.
async fn parked(connection: &mut Connection, id: DispatchId) -> Result<Option<DispatchRow>> {
    let Some(row) = rows::find(connection, id).await? else { return Ok(None) };
    lock_entities(connection, [(&row.owed.partner, row.owed.entity_key)].into_iter()).await?;
    let row = rows::find(connection, id).await?;
    Ok(row.filter(|row| matches!(row.state, DispatchState::Rejected | DispatchState::Ambiguous)))
}
