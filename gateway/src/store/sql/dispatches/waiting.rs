//! The waiting room: lanes, order per entity, and newer versions that supersede what they correct.

use anyhow::Result;
use schemas::{EntityKey, Kind, PartnerId};
use sqlx::Row as _;

use super::super::lengths::padded;
use super::{
    Connection, Database, DispatchRow, DispatchState, LOOK_UP, Superseded, Waiting, claims, position_of, rows,
};

/// The code of a claim whose owner has been replaced.
pub(super) const OWNER_DIED: &str = "owner_died";

/// What those entities have open with a partner.
pub(super) async fn open(
    connection: &mut Connection,
    partner: &PartnerId,
    entities: &[EntityKey],
) -> Result<Vec<Waiting>> {
    let mut found = Vec::new();
    for entities in entities.chunks(LOOK_UP) {
        let mut sql = sqlx::QueryBuilder::<Database>::new(
            "SELECT entity_key, generation, log_offset, state FROM dispatches WHERE partner = ",
        );
        sql.push_bind(partner.as_str());
        sql.push(" AND state IN ('claimed', 'deferred', 'rejected', 'ambiguous') AND entity_key IN ");
        sql.push_tuples(padded(entities), |mut tuple, entity| {
            tuple.push_bind(entity.as_uuid());
        });
        for row in sql.build().fetch_all(&mut *connection).await? {
            let entity_key = row.get::<uuid::Uuid, _>("entity_key").into();
            found.push(Waiting { entity_key, position: position_of(&row), state: claims::state_of(&row)? });
        }
    }
    Ok(found)
}

/// Puts one dispatch into the waiting room and returns what that superseded.
pub(super) async fn defer(
    connection: &mut Connection,
    mut row: DispatchRow,
    by_reference: bool,
) -> Result<Vec<Superseded>> {
    if !coalesces(row.owed.kind) {
        rows::put(connection, &row).await?;
        return Ok(Vec::new());
    }
    // What takes back is behind everything that it takes back, whatever became of that.
    let takes_back = row.owed.takes_back();
    let is_replaceable = |row: &DispatchRow| match row.state {
        _ if row.owed.takes_back() && !takes_back => false,
        // What may have reached the partner is never overtaken, unless it upserts by reference.
        DispatchState::Deferred | DispatchState::Rejected => !row.in_doubt || by_reference || takes_back,
        DispatchState::Ambiguous => by_reference || takes_back,
        _ => false,
    };
    let mut superseded = Vec::new();
    let mut is_late = false;
    for mut other in open_rows(connection, &row).await? {
        if other.owed.position == row.owed.position {
            // The closing of a version that has ended, and the version itself: neither corrects the other.
            continue;
        }
        if other.owed.position > row.owed.position {
            // A newer version waits already.
            is_late = is_late
                || (is_replaceable(&row)
                    && takes_back == other.owed.takes_back()
                    && other.state != DispatchState::Claimed);
            continue;
        }
        if !is_replaceable(&other) {
            continue;
        }
        // What is urgent stays urgent, whatever takes its place; a doubt stays until the reference is written again.
        row.owed.lane = row.owed.lane.min(other.owed.lane);
        if other.code.as_deref() == Some(OWNER_DIED) {
            // The old owner may still be sending: nothing of the entity goes before it has given up.
            row.due_at = row.due_at.max(other.due_at);
        }
        supersede(&mut other, row.updated_at);
        rows::put(connection, &other).await?;
        superseded.push(other);
    }
    if is_late {
        let now = row.updated_at;
        supersede(&mut row, now);
        superseded.push(row.clone());
    }
    rows::put(connection, &row).await?;
    Ok(superseded)
}

/// Vacancies and profiles state the whole entity; statuses are events, each of which counts.
fn coalesces(kind: Kind) -> bool {
    matches!(kind, Kind::Vacancy | Kind::TalentProfile)
}

fn supersede(row: &mut DispatchRow, now: i64) {
    row.state = DispatchState::Superseded;
    row.code = Some("newer_version".to_owned());
    row.detail = None;
    row.faults = None;
    row.updated_at = now;
    row.envelope = None;
}

/// Every open row of the entity but the one itself.
async fn open_rows(connection: &mut Connection, row: &DispatchRow) -> Result<Vec<DispatchRow>> {
    let sql = format!(
        "{} WHERE partner = $1 AND entity_key = $2 AND dispatch_id <> $3 AND state IN ('claimed', 'deferred', 'rejected', 'ambiguous') \
         ORDER BY generation, log_offset",
        rows::SELECT
    );
    let open = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(row.owed.partner.as_str())
        .bind(row.owed.entity_key.as_uuid())
        .bind(row.owed.dispatch_id.as_uuid())
        .fetch_all(connection)
        .await?;
    open.iter().map(rows::row_of).collect()
}

/// The SQL of dispatches that are due and that nothing older of their entity holds back; a closing neither by the very
/// version that it closes, as long as that may be under way.
pub(super) fn due_sql() -> String {
    format!(
        "{} AS d WHERE d.partner = $1 AND d.state = 'deferred' AND d.due_at <= $2 AND NOT EXISTS ( \
           SELECT 1 FROM dispatches AS o WHERE o.partner = d.partner AND o.entity_key = d.entity_key \
           AND o.state IN ('claimed', 'deferred', 'rejected', 'ambiguous') \
           AND ((o.generation, o.log_offset) < (d.generation, d.log_offset) OR (d.operation = 'close' AND o.operation <> 'close' \
           AND (o.generation, o.log_offset) = (d.generation, d.log_offset) AND o.due_at > $2 \
           AND (o.state = 'claimed' OR o.code = 'owner_died')))) \
         ORDER BY d.lane, d.due_at, d.generation, d.log_offset LIMIT $3",
        rows::SELECT
    )
}

/// Mends waiting times after the clock went back.
pub(super) async fn rewind(connection: &mut Connection, partner: &str, now: i64) -> Result<()> {
    const SQL: &str = "UPDATE dispatches SET due_at = $2 + CASE WHEN due_at > updated_at THEN due_at - updated_at ELSE 0 END, updated_at = $2 WHERE partner = $1 \
         AND state = 'deferred' AND lane IN (0, 1, 2, 3) AND due_at > $2 AND updated_at > $2";
    update(connection, SQL, partner, now).await
}

/// Makes due now what waits because the partner did not answer; what it asked to be left alone for keeps its time.
pub(super) async fn hasten(connection: &mut Connection, partner: &str, now: i64) -> Result<()> {
    const SQL: &str = "UPDATE dispatches SET due_at = $2 WHERE partner = $1 AND state = 'deferred' AND lane IN (0, 1, 2, 3) \
         AND due_at > $2 AND code IS NOT NULL AND code NOT IN ('later', 'embargo', 'not_yet_valid', 'not_before', 'owner_died')";
    update(connection, SQL, partner, now).await
}

/// Makes due now what waits for its publication window.
pub(super) async fn reconsider(connection: &mut Connection, partner: &str, now: i64) -> Result<()> {
    const SQL: &str = "UPDATE dispatches SET due_at = $2 WHERE partner = $1 AND state = 'deferred' AND lane IN (0, 1, 2, 3) \
         AND due_at > $2 AND code IN ('embargo', 'not_yet_valid', 'not_before')";
    update(connection, SQL, partner, now).await
}

async fn update(connection: &mut Connection, sql: &'static str, partner: &str, now: i64) -> Result<()> {
    sqlx::query(sql).bind(partner).bind(now).execute(connection).await?;
    Ok(())
}

/// When the next deferred dispatch comes due: one look into the index per lane.
pub(super) async fn next_due_at(connection: &mut Connection, partner: &str) -> Result<Option<i64>> {
    let row = sqlx::query(
        "SELECT MIN(due_at) AS due_at FROM ( \
           SELECT MIN(due_at) AS due_at FROM dispatches WHERE partner = $1 AND state = 'deferred' AND lane = 0 UNION ALL \
           SELECT MIN(due_at) FROM dispatches WHERE partner = $1 AND state = 'deferred' AND lane = 1 UNION ALL \
           SELECT MIN(due_at) FROM dispatches WHERE partner = $1 AND state = 'deferred' AND lane = 2 UNION ALL \
           SELECT MIN(due_at) FROM dispatches WHERE partner = $1 AND state = 'deferred' AND lane = 3) AS lanes",
    )
    .bind(partner)
    .fetch_one(connection)
    .await?;
    Ok(row.get("due_at"))
}
