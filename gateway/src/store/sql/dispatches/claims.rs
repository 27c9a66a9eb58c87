//! Claims: who takes over those of a former owner.

use anyhow::Result;
use schemas::PartnerId;

use super::super::versions::parsed;
use super::{Connection, DispatchRow, DispatchState, OldOwner, Row, rows, waiting};

/// What is taken over from former owners, and how.
pub(super) struct Adoption {
    pub(super) partner: PartnerId,
    pub(super) epoch: i64,
    pub(super) old_owner: OldOwner,
    pub(super) may_repeat: bool,
    pub(super) now: i64,
}

/// Takes over the claims of former owners that stand with their record.
pub(super) async fn adopt(connection: &mut Connection, adoption: &Adoption) -> Result<Vec<DispatchRow>> {
    let state = if adoption.may_repeat { DispatchState::Deferred } else { DispatchState::Ambiguous };
    // While a row is claimed, it is due at the deadline of the send.
    let due_at = match adoption.old_owner {
        OldOwner::IsDead => "$3",
        OldOwner::MayLive => "CASE WHEN due_at > $3 THEN due_at ELSE $3 END",
    };
    let sql = format!(
        "UPDATE dispatches SET state = $4, in_doubt = TRUE, due_at = {due_at}, updated_at = $3, code = $5, journaled = FALSE \
         WHERE partner = $1 AND state = 'claimed' AND epoch < $2 AND envelope IS NOT NULL RETURNING dispatch_id"
    );
    let adopted = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(adoption.partner.as_str())
        .bind(adoption.epoch)
        .bind(adoption.now)
        .bind(state.as_str())
        .bind(waiting::OWNER_DIED)
        .fetch_all(&mut *connection)
        .await?;
    let mut standing = Vec::with_capacity(adopted.len());
    for row in &adopted {
        let id: uuid::Uuid = sqlx::Row::get(row, "dispatch_id");
        standing.extend(rows::find(connection, id.into()).await?);
    }
    Ok(standing)
}

/// The state in a row of `SELECT state, …`.
pub(super) fn state_of(row: &Row) -> Result<DispatchState> {
    parsed(row, "state")
}
