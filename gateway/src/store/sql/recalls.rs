//! Disclosures and recalls: who was sent what of a person, and what becomes of asking it back.

use anyhow::{Context, Result};
use async_trait::async_trait;
use schemas::{Kind, PartnerId};
use sqlx::Row as _;
use uuid::Uuid;

use super::{
    Connection, Database, Engine, Row, dialect,
    dispatches::{begin_recall, lock_recalled},
    subjects,
    versions::{parsed, position_of},
};
use crate::store::{
    Claim, Decided, Disclosed, DispatchRow, DispatchState, Permission, Recall, RecallFilter, RecallKey, RecallState,
    Recalls, Settlement, Superseded, reviews::mark_of,
};

/// Rows of one statement.
const ROWS: usize = 64;

/// A recall goes at the newest version whose send has begun, so that nothing that was sent makes it late.
const SELECT: &str = "SELECT r.*, d.kind, d.message_id, d.origin, COALESCE(s.generation, d.generation) AS generation, \
     COALESCE(s.log_offset, d.log_offset) AS log_offset FROM recalls AS r \
     JOIN disclosures AS d ON d.subject = r.subject AND d.partner = r.partner AND d.entity_key = r.entity_key \
     LEFT JOIN sent AS s ON s.partner = r.partner AND s.entity_key = r.entity_key";

const THAT_ONE: &str = " WHERE subject = $1 AND partner = $2 AND entity_key = $3 AND version = $4";

#[async_trait]
impl Recalls for Engine {
    async fn recall(&self, subject: Uuid, code: &str, at: i64) -> Result<Vec<Recall>> {
        self.write((subject, code.to_owned(), at), |connection, (subject, code, at)| {
            Box::pin(async move {
                let version = subjects::change(connection, *subject).await?;
                owe(connection, Which::all_of(*subject), version, code, *at).await?;
                of(connection, *subject).await
            })
        })
        .await
    }

    async fn recalls(&self, filter: &RecallFilter, limit: usize) -> Result<Vec<Recall>> {
        self.read((filter.clone(), i64::try_from(limit)?), |connection, (filter, limit)| {
            Box::pin(async move {
                let mut sql = sqlx::QueryBuilder::<Database>::new(SELECT);
                match filter.subject {
                    Some(subject) => sql.push(" WHERE r.subject = ").push_bind(subject),
                    None => sql.push(" WHERE r.state <> 'acknowledged'"),
                };
                if let Some(partner) = &filter.partner {
                    sql.push(" AND r.partner = ").push_bind(partner.as_str());
                }
                if filter.escalated {
                    sql.push(" AND r.state <> 'acknowledged' AND r.escalated_at IS NOT NULL");
                }
                sql.push(" ORDER BY r.owed_at, r.subject, r.partner, r.entity_key, r.version LIMIT ").push_bind(*limit);
                sql.build().fetch_all(connection).await?.iter().map(recall_of).collect()
            })
        })
        .await
    }

    async fn recalls_to_begin(&self, partner: &PartnerId, limit: usize) -> Result<Vec<Recall>> {
        self.read((partner.clone(), i64::try_from(limit)?), |connection, (partner, limit)| {
            Box::pin(async move {
                let sql = format!(
                    "{SELECT} WHERE r.partner = $1 AND r.state = 'owed' AND r.dispatch_id IS NULL ORDER BY r.owed_at LIMIT $2"
                );
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(partner.as_str()).bind(*limit);
                rows.fetch_all(connection).await?.iter().map(recall_of).collect()
            })
        })
        .await
    }

    async fn begin_recalls(&self, closings: Vec<(RecallKey, DispatchRow)>) -> Result<Vec<Superseded>> {
        self.write(closings, |connection, closings| {
            Box::pin(async move {
                lock_recalled(connection, closings).await?;
                let mut superseded = Vec::new();
                for (key, row) in closings {
                    let sql = format!(
                        "UPDATE recalls SET dispatch_id = $5{THAT_ONE} AND state = 'owed' AND dispatch_id IS NULL"
                    );
                    let id = row.owed.dispatch_id.as_uuid();
                    let begun = keyed(&sql, key).bind(id).execute(&mut *connection).await?;
                    if begun.rows_affected() > 0 {
                        superseded.extend(begin_recall(connection, row.clone()).await?);
                    }
                }
                Ok(superseded)
            })
        })
        .await
    }

    async fn give_up_recall(&self, key: &RecallKey, detail: &str, at: i64) -> Result<()> {
        self.write((key.clone(), detail.to_owned(), at), |connection, (key, detail, at)| {
            Box::pin(async move {
                let sql = format!(
                    "UPDATE recalls SET state = 'impossible', detail = $5, settled_at = $6{THAT_ONE} \
                     AND state = 'owed' AND dispatch_id IS NULL"
                );
                keyed(&sql, key).bind(detail).bind(*at).execute(connection).await?;
                Ok(())
            })
        })
        .await
    }

    async fn recalls_to_escalate(&self, owed_before: i64, limit: usize) -> Result<Vec<Recall>> {
        self.read((owed_before, i64::try_from(limit)?), |connection, (owed_before, limit)| {
            Box::pin(async move {
                let sql = format!(
                    "{SELECT} WHERE r.state <> 'acknowledged' AND r.escalated_at IS NULL \
                     AND (r.owed_at <= $1 OR r.state IN ('refused', 'impossible')) ORDER BY r.owed_at LIMIT $2"
                );
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(*owed_before).bind(*limit);
                rows.fetch_all(connection).await?.iter().map(recall_of).collect()
            })
        })
        .await
    }

    async fn mark_escalated(&self, key: &RecallKey, at: i64) -> Result<bool> {
        self.write((key.clone(), at), |connection, (key, at)| {
            Box::pin(async move {
                let sql = format!("UPDATE recalls SET escalated_at = $5{THAT_ONE} AND escalated_at IS NULL");
                Ok(keyed(&sql, key).bind(*at).execute(connection).await?.rows_affected() > 0)
            })
        })
        .await
    }

    async fn recall_counts(&self) -> Result<Vec<(RecallState, bool, i64)>> {
        self.read((), |connection, ()| {
            Box::pin(async move {
                let counted = sqlx::query(
                    "SELECT state, escalated_at IS NOT NULL AS escalated, COUNT(*) AS count FROM recalls \
                     WHERE state <> 'acknowledged' GROUP BY 1, 2",
                )
                .fetch_all(connection)
                .await?;
                counted.iter().map(|row| Ok((parsed(row, "state")?, row.get("escalated"), row.get("count")))).collect()
            })
        })
        .await
    }
}

/// What is recalled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Which<'a> {
    /// Of whom.
    pub(super) subject: Uuid,
    /// From whom, and what kind; none for everything from everybody.
    pub(super) only: Option<(&'a PartnerId, Kind)>,
}

impl Which<'_> {
    /// Everything of a person.
    pub(super) fn all_of(subject: Uuid) -> Self {
        Self { subject, only: None }
    }
}

/// Makes a recall owed to whoever may have something of a person, unless one is owed that no send came after. The
/// person's row is held by now, so that no claim is missed.
pub(super) async fn owe(
    connection: &mut Connection,
    Which { subject, only }: Which<'_>,
    version: i64,
    code: &str,
    at: i64,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO recalls (subject, partner, entity_key, version, code, state, owed_at, attempts) \
         SELECT d.subject, d.partner, d.entity_key, $2, $3, 'owed', $4, 0 FROM disclosures AS d \
         WHERE d.subject = $1 AND d.taken_back_at IS NULL AND ($5 IS NULL OR (d.partner = $5 AND d.kind = $6)) AND NOT EXISTS (SELECT 1 FROM recalls AS r WHERE r.subject = d.subject \
         AND r.partner = d.partner AND r.entity_key = d.entity_key AND r.version > d.version)",
    )
    .bind(subject)
    .bind(version)
    .bind(code)
    .bind(at)
    .bind(only.map(|(partner, _)| partner.as_str()))
    .bind(only.map(|(_, kind)| kind.as_str()))
    .execute(connection)
    .await?;
    Ok(())
}

/// Every recall of a person.
pub(super) async fn of(connection: &mut Connection, subject: Uuid) -> Result<Vec<Recall>> {
    let sql = format!("{SELECT} WHERE r.subject = $1 ORDER BY r.owed_at, r.partner, r.version");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(subject).fetch_all(connection).await?;
    rows.iter().map(recall_of).collect()
}

/// Notes that sends about persons begin: of data, which may have to be recalled, and of what takes it back.
pub(super) async fn note_begun(connection: &mut Connection, claims: &[&Claim]) -> Result<()> {
    let decided: Vec<(&Claim, Decided)> = claims
        .iter()
        .filter_map(|claim| match claim.permission {
            Permission::Decided(decided) => Some((*claim, decided)),
            Permission::NotPersonal | Permission::TakesBack => None,
        })
        .collect();
    for claims in decided.chunks(ROWS) {
        let origins: Vec<String> = claims
            .iter()
            .map(|(claim, ..)| serde_json::to_string(&claim.owed.origin).context("cannot write an origin"))
            .collect::<Result<_>>()?;
        let mut insert = sqlx::QueryBuilder::<Database>::new(
            "INSERT INTO disclosures (subject, partner, entity_key, kind, version, generation, log_offset, message_id, origin, sent_at, \
             permit, valid_until) ",
        );
        insert.push_values(claims.iter().zip(&origins), |mut tuple, ((claim, decided), origin)| {
            let owed = &claim.owed;
            tuple
                .push_bind(decided.person.subject)
                .push_bind(owed.partner.as_str())
                .push_bind(owed.entity_key.as_uuid())
                .push_bind(owed.kind.as_str())
                .push_bind(decided.person.version)
                .push_bind(owed.position.generation)
                .push_bind(owed.position.offset)
                .push_bind(owed.message_id.as_uuid())
                .push_bind(origin)
                .push_bind(claim.at)
                .push_bind(mark_of(decided.permit, claim.at).to_string())
                .push_bind(decided.valid_until);
        });
        insert.push(
            " ON CONFLICT (subject, partner, entity_key) DO UPDATE SET version = excluded.version, \
             generation = excluded.generation, log_offset = excluded.log_offset, message_id = excluded.message_id, \
             origin = excluded.origin, sent_at = excluded.sent_at, taken_back_at = NULL, permit = excluded.permit, \
             valid_until = excluded.valid_until",
        );
        insert.build().execute(&mut *connection).await?;
    }
    for claim in claims.iter().filter(|claim| claim.permission == Permission::TakesBack) {
        sqlx::query(
            "UPDATE recalls SET state = 'sent', attempts = attempts + 1, sent_at = COALESCE(sent_at, $3), settled_at = NULL \
             WHERE partner = $1 AND entity_key = $2 AND state <> 'acknowledged'",
        )
        .bind(claim.owed.partner.as_str())
        .bind(claim.owed.entity_key.as_uuid())
        .bind(claim.at)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Notes what recipients said of what is about persons.
pub(super) async fn note_answers(connection: &mut Connection, settlements: &[&Settlement]) -> Result<()> {
    for settlement in settlements.iter().filter(|settlement| settlement.owed.kind.is_personal()) {
        if settlement.awaits_pull {
            not_pulled_yet(connection, settlement).await?;
        } else if settlement.is_active == Some(false) {
            taken_back(connection, settlement).await?;
        } else {
            note_answer(connection, settlement).await?;
        }
    }
    Ok(())
}

/// A recipient has nothing any more, whatever it was that told it so: every recall that it owes an answer to is answered.
async fn taken_back(connection: &mut Connection, settlement: &Settlement) -> Result<()> {
    let owed = &settlement.owed;
    for sql in [
        "UPDATE disclosures SET taken_back_at = $3, valid_until = NULL WHERE partner = $1 AND entity_key = $2",
        "UPDATE recalls SET state = 'acknowledged', settled_at = $3, detail = NULL \
         WHERE partner = $1 AND entity_key = $2 AND state <> 'acknowledged'",
    ] {
        let update = sqlx::query(sql).bind(owed.partner.as_str()).bind(owed.entity_key.as_uuid()).bind(settlement.at);
        update.execute(&mut *connection).await?;
    }
    Ok(())
}

/// What was taken away has yet to be pulled: see [`pulled`].
async fn not_pulled_yet(connection: &mut Connection, settlement: &Settlement) -> Result<()> {
    let owed = &settlement.owed;
    sqlx::query(
        "UPDATE recalls SET detail = 'not_pulled_yet' WHERE partner = $1 AND entity_key = $2 AND state = 'sent'",
    )
    .bind(owed.partner.as_str())
    .bind(owed.entity_key.as_uuid())
    .execute(connection)
    .await?;
    Ok(())
}

/// A recipient has pulled how an item stands: recalls of what it was shown before are answered. `ended_send` is the send
/// that has gone from there, if it has; `version` is the person's that the item rests on else.
pub(super) async fn pulled(
    connection: &mut Connection,
    (partner, entity): (&str, Uuid),
    (ended_send, version): (Option<i64>, i64),
    at: i64,
) -> Result<()> {
    let mut answered = version;
    if let Some(ended_send) = ended_send {
        // A send that has begun since is another matter.
        sqlx::query(
            "UPDATE disclosures SET taken_back_at = $4, valid_until = NULL \
             WHERE partner = $1 AND entity_key = $2 AND sent_at = $3",
        )
        .bind(partner)
        .bind(entity)
        .bind(ended_send)
        .bind(at)
        .execute(&mut *connection)
        .await?;
        let sql = "SELECT MIN(CASE WHEN sent_at = $3 THEN $4 ELSE version END) FROM disclosures \
                   WHERE partner = $1 AND entity_key = $2";
        let newest = sqlx::query_scalar(sql).bind(partner).bind(entity).bind(ended_send).bind(i64::MAX);
        answered = newest.fetch_one(&mut *connection).await.map(|found: Option<i64>| found.unwrap_or(i64::MAX))?;
    }
    sqlx::query(
        "UPDATE recalls SET state = 'acknowledged', settled_at = $4, detail = NULL \
         WHERE partner = $1 AND entity_key = $2 AND version <= $3 AND state <> 'acknowledged'",
    )
    .bind(partner)
    .bind(entity)
    .bind(answered)
    .bind(at)
    .execute(connection)
    .await?;
    Ok(())
}

/// What became of the closing that carries a recall, if it is one.
async fn note_answer(connection: &mut Connection, settlement: &Settlement) -> Result<()> {
    let (sql, settled_at) = match settlement.state {
        DispatchState::Claimed | DispatchState::Deferred | DispatchState::Delivered => ("detail = $2", None),
        // Something newer was sent meanwhile: it goes again, behind that.
        DispatchState::Superseded => ("detail = $2, state = 'owed', dispatch_id = NULL", None),
        DispatchState::Rejected => ("detail = $2, state = 'refused'", Some(settlement.at)),
        DispatchState::Ambiguous | DispatchState::Expired | DispatchState::Refused | DispatchState::Dropped => {
            ("detail = $2, state = 'impossible'", Some(settlement.at))
        }
    };
    let sql = format!("UPDATE recalls SET {sql}, settled_at = $3 WHERE dispatch_id = $1 AND state <> 'acknowledged'");
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(settlement.owed.dispatch_id.as_uuid())
        .bind(settlement.code.as_deref().map(dialect::storable))
        .bind(settled_at)
        .execute(connection)
        .await?;
    Ok(())
}

type Arguments = <Database as sqlx::Database>::Arguments;

fn keyed<'q>(sql: &str, key: &'q RecallKey) -> sqlx::query::Query<'q, Database, Arguments> {
    sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()))
        .bind(key.subject)
        .bind(key.partner.as_str())
        .bind(key.entity_key.as_uuid())
        .bind(key.version)
}

fn recall_of(row: &Row) -> Result<Recall> {
    Ok(Recall {
        key: RecallKey {
            subject: row.get("subject"),
            partner: parsed(row, "partner")?,
            entity_key: row.get::<Uuid, _>("entity_key").into(),
            version: row.get("version"),
        },
        code: row.get("code"),
        state: parsed(row, "state")?,
        owed_at: row.get("owed_at"),
        sent_at: row.get("sent_at"),
        settled_at: row.get("settled_at"),
        escalated_at: row.get("escalated_at"),
        attempts: row.get("attempts"),
        detail: row.get("detail"),
        disclosed: Disclosed {
            kind: parsed(row, "kind")?,
            position: position_of(row),
            message_id: row.get::<Uuid, _>("message_id").into(),
            origin: serde_json::from_str(row.get("origin")).context("damaged column `origin`")?,
        },
    })
}
