//! Claims: the stored fact that a send begins, and who may make one.

use anyhow::Result;
use schemas::PartnerId;

use super::super::versions::parsed;
use super::{
    Claim, Claimed, Connection, DispatchRow, DispatchState, OldOwner, Row, Settlement, dialect, lock_entities, rows,
    waiting,
};
use crate::store::resource_of;

/// Makes a claim, unless another owner has taken over or the dispatch is final.
pub(super) async fn claim(connection: &mut Connection, claim: &Claim) -> Result<Claimed> {
    lock_entities(connection, [(&claim.owed.partner, claim.owed.entity_key)].into_iter()).await?;
    // Shared until the commit: a new owner raises the epoch before this claim is read or after it is committed.
    let sql = format!("SELECT epoch FROM ownership WHERE resource = $1{}", dialect::FOR_SHARE);
    let owner: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(resource_of(&claim.owed.partner))
        .fetch_optional(&mut *connection)
        .await?;
    if owner != Some(claim.epoch) {
        return Ok(Claimed::Lost);
    }
    let before = rows::find(connection, claim.owed.dispatch_id).await?;
    if before.as_ref().is_some_and(|row| row.state.is_final()) {
        return Ok(Claimed::Final);
    }
    let row = DispatchRow {
        state: DispatchState::Claimed,
        due_at: claim.deadline,
        attempt: claim.attempt,
        epoch: claim.epoch,
        body_hash: Some(claim.body_hash),
        in_doubt: before.as_ref().is_some_and(|row| row.in_doubt),
        code: None,
        detail: None,
        faults: None,
        losses: schemas::LossCounts::default(),
        versions: schemas::Versions::default(),
        updated_at: claim.at,
        envelope: before.and_then(|row| row.envelope),
        owed: claim.owed.clone(),
    };
    rows::put(connection, &row).await?;
    let is_active = row.owed.operation == schemas::Operation::Upsert;
    sqlx::query(
        "INSERT INTO sent (partner, entity_key, generation, log_offset, is_active) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (partner, entity_key) DO UPDATE SET generation = excluded.generation, log_offset = excluded.log_offset, \
         is_active = sent.is_active OR excluded.is_active",
    )
    .bind(row.owed.partner.as_str())
    .bind(row.owed.entity_key.as_uuid())
    .bind(row.owed.position.generation)
    .bind(row.owed.position.offset)
    .bind(is_active)
    .execute(connection)
    .await?;
    Ok(Claimed::Yes)
}

/// Records what came of a dispatch.
pub(super) async fn settle(
    connection: &mut Connection,
    settlement: &Settlement,
    by_reference: bool,
) -> Result<Vec<DispatchRow>> {
    let owed = &settlement.owed;
    lock_entities(connection, [(&owed.partner, owed.entity_key)].into_iter()).await?;
    let before = rows::find(connection, settlement.owed.dispatch_id).await?;
    if before.as_ref().is_some_and(|row| row.state.is_final()) {
        return Ok(Vec::new());
    }
    if !settlement.state.is_final() && before.as_ref().is_some_and(|row| row.attempt > settlement.attempt) {
        // An owner that was replaced hears late of an attempt that has been made again since: no news but a final one.
        return Ok(Vec::new());
    }
    if settlement.foreign_reference.is_some() || settlement.is_active.is_some() {
        sqlx::query(
            "UPDATE sent SET foreign_reference = COALESCE($3, foreign_reference), is_active = COALESCE($4, is_active), \
             dispatch_id = CASE WHEN $4 IS NULL THEN dispatch_id ELSE $5 END, \
             ends_at = CASE WHEN $4 IS NULL THEN ends_at ELSE $6 END, \
             ends_code = CASE WHEN $4 IS NULL THEN ends_code ELSE $7 END \
             WHERE partner = $1 AND entity_key = $2",
        )
        .bind(owed.partner.as_str())
        .bind(owed.entity_key.as_uuid())
        .bind(settlement.foreign_reference.as_deref().map(dialect::storable))
        .bind(settlement.is_active)
        .bind(owed.dispatch_id.as_uuid())
        .bind(settlement.end.as_ref().map(|end| end.at))
        .bind(settlement.end.as_ref().map(|end| end.code.as_str()))
        .execute(&mut *connection)
        .await?;
    }
    let row = DispatchRow {
        state: settlement.state,
        due_at: settlement.due_at,
        attempt: settlement.attempt,
        epoch: before.as_ref().map_or(0, |row| row.epoch),
        body_hash: None,
        in_doubt: settlement.in_doubt,
        code: settlement.code.clone(),
        detail: settlement.detail.clone(),
        faults: settlement.faults.clone(),
        losses: settlement.losses,
        versions: settlement.versions.clone(),
        updated_at: settlement.at,
        envelope: if settlement.state.is_final() {
            None
        } else {
            settlement.envelope.clone().or(before.and_then(|row| row.envelope))
        },
        owed: owed.clone(),
    };
    if row.state.is_final() {
        rows::put(connection, &row).await?;
        return Ok(Vec::new());
    }
    waiting::defer(connection, row, by_reference).await
}

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

/// Records that outcomes are in the journal, unless they have moved on since.
pub(super) async fn mark_journaled(
    connection: &mut Connection,
    outcomes: &[(schemas::DispatchId, DispatchState, i64)],
) -> Result<()> {
    for (id, state, attempt) in outcomes {
        sqlx::query("UPDATE dispatches SET journaled = TRUE WHERE dispatch_id = $1 AND state = $2 AND attempt = $3")
            .bind(id.as_uuid())
            .bind(state.as_str())
            .bind(attempt)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// The state in a row of `SELECT state, …`.
pub(super) fn state_of(row: &Row) -> Result<DispatchState> {
    parsed(row, "state")
}
