//! Dispatches that were claimed or have to wait.
//!
//! **Invariant:** whoever reads rows of an entity in order to write them holds [`lock_entities`] from before the
//! read until the commit: an operator's node or an owner that does not know yet that it has been replaced may write too.

mod claims;
mod ends;
mod parking;
mod rows;
mod steps;
mod waiting;

use std::collections::HashMap;

use anyhow::{Result, bail};
use async_trait::async_trait;
use schemas::{DispatchId, EntityKey, PartnerId};
use sqlx::Row as _;

pub(in crate::store) use self::steps::Steps;
use self::steps::{Done, Step};
use super::{Connection, Database, Engine, Row, dialect, lock_entities, parked::push_filter, versions::position_of};
use crate::store::{
    Claim, Claimed, DispatchRow, DispatchState, Dispatches, End, Ended, OldOwner, ParkedFilter, RecallKey, Sent,
    Settlement,
    dispatches::{Superseded, Waiting},
};

/// Waits until nobody else has the entities that are recalled.
pub(in crate::store) async fn lock_recalled(
    connection: &mut Connection,
    closings: &[(RecallKey, DispatchRow)],
) -> Result<()> {
    lock_entities(connection, closings.iter().map(|(_, row)| (&row.owed.partner, row.owed.entity_key))).await
}

/// Puts the closing that carries a recall into the waiting room, unless it has been there before.
pub(in crate::store) async fn begin_recall(
    connection: &mut Connection,
    closing: DispatchRow,
) -> Result<Vec<Superseded>> {
    match rows::find(connection, closing.owed.dispatch_id).await? {
        Some(_) => Ok(Vec::new()),
        None => waiting::defer(connection, closing, false).await,
    }
}

/// Ids of one look-up; SQLite binds up to 32,766.
const LOOK_UP: usize = 500;

#[async_trait]
impl Dispatches for Engine {
    async fn dispatch_rows(&self, ids: &[DispatchId]) -> Result<HashMap<DispatchId, DispatchRow>> {
        self.read(ids.to_vec(), |connection, ids| Box::pin(rows::of(connection, ids))).await
    }

    async fn waiting(&self, partner: &PartnerId, entities: &[EntityKey]) -> Result<Vec<Waiting>> {
        self.read((partner.clone(), entities.to_vec()), |connection, (partner, entities)| {
            Box::pin(waiting::open(connection, partner, entities))
        })
        .await
    }

    async fn defer(&self, rows: Vec<DispatchRow>, by_reference: bool) -> Result<Vec<Superseded>> {
        self.write((rows, by_reference), |connection, (rows, by_reference)| {
            Box::pin(async move {
                lock_entities(connection, rows.iter().map(|row| (&row.owed.partner, row.owed.entity_key))).await?;
                let mut superseded = Vec::new();
                for row in rows {
                    superseded.extend(waiting::defer(connection, row.clone(), *by_reference).await?);
                }
                Ok(superseded)
            })
        })
        .await
    }

    async fn due(&self, partner: &PartnerId, now: i64, limit: usize) -> Result<Vec<DispatchRow>> {
        self.read((partner.clone(), now, i64::try_from(limit)?), |connection, (partner, now, limit)| {
            Box::pin(async move {
                let due = sqlx::query(sqlx::AssertSqlSafe(waiting::due_sql()))
                    .bind(partner.as_str())
                    .bind(now)
                    .bind(limit)
                    .fetch_all(connection)
                    .await?;
                due.iter().map(rows::row_of).collect()
            })
        })
        .await
    }

    async fn next_due_at(&self, partner: &PartnerId) -> Result<Option<i64>> {
        self.read(partner.clone(), |connection, partner| Box::pin(waiting::next_due_at(connection, partner.as_str())))
            .await
    }

    async fn rewind(&self, partner: &PartnerId, now: i64) -> Result<()> {
        self.write((partner.to_string(), now), |connection, (partner, now)| {
            Box::pin(waiting::rewind(connection, partner, *now))
        })
        .await
    }

    async fn hasten(&self, partner: &PartnerId, now: i64) -> Result<()> {
        self.write((partner.to_string(), now), |connection, (partner, now)| {
            Box::pin(waiting::hasten(connection, partner, *now))
        })
        .await
    }

    async fn reconsider(&self, partner: &PartnerId, now: i64) -> Result<()> {
        self.write((partner.to_string(), now), |connection, (partner, now)| {
            Box::pin(waiting::reconsider(connection, partner, *now))
        })
        .await
    }

    async fn ended(&self, partner: &PartnerId, now: i64, limit: usize) -> Result<Vec<Ended>> {
        self.read((partner.clone(), now, i64::try_from(limit)?), |connection, (partner, now, limit)| {
            Box::pin(ends::ended(connection, partner, *now, *limit))
        })
        .await
    }

    async fn defer_closings(&self, closings: Vec<(DispatchRow, End)>, by_reference: bool) -> Result<Vec<Superseded>> {
        self.write((closings, by_reference), |connection, (closings, by_reference)| {
            Box::pin(ends::defer_closings(connection, closings, *by_reference))
        })
        .await
    }

    async fn next_end_at(&self, partner: &PartnerId) -> Result<Option<i64>> {
        self.read(partner.clone(), |connection, partner| {
            Box::pin(
                async move { Ok(sqlx::query_scalar(ends::NEXT).bind(partner.as_str()).fetch_one(connection).await?) },
            )
        })
        .await
    }

    async fn claim(&self, claim: Claim) -> Result<Claimed> {
        claim.permission.check(&claim.owed)?;
        match self.steps.take(Step::Claim(Box::new(claim))).await? {
            Done::Claimed(claimed) => Ok(claimed),
            other => bail!("a claim came to {other:?}"),
        }
    }

    async fn settle(&self, settlement: Settlement, by_reference: bool) -> Result<Vec<Superseded>> {
        match self.steps.take(Step::Settle(Box::new(settlement), by_reference)).await? {
            Done::Settled(superseded) => Ok(superseded),
            other => bail!("a settlement came to {other:?}"),
        }
    }

    async fn adopt_claims(
        &self,
        partner: &PartnerId,
        epoch: i64,
        old_owner: OldOwner,
        may_repeat: bool,
        now: i64,
    ) -> Result<Vec<DispatchRow>> {
        let adoption = claims::Adoption { partner: partner.clone(), epoch, old_owner, may_repeat, now };
        self.write(adoption, |connection, adoption| Box::pin(claims::adopt(connection, adoption))).await
    }

    async fn unjournaled(&self, partner: &PartnerId) -> Result<Vec<DispatchRow>> {
        self.read(partner.clone(), |connection, partner| {
            Box::pin(async move {
                let sql = format!("{} WHERE partner = $1 AND NOT journaled", rows::SELECT);
                let found = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(partner.as_str()).fetch_all(connection).await?;
                found.iter().map(rows::row_of).collect()
            })
        })
        .await
    }

    async fn mark_journaled(&self, outcomes: Vec<(DispatchId, DispatchState, i64)>) -> Result<()> {
        self.steps.take(Step::Told(outcomes)).await?;
        Ok(())
    }

    async fn sent(&self, partner: &PartnerId, entity: EntityKey) -> Result<Option<Sent>> {
        self.lookups.shown.ask((partner.clone(), entity)).await
    }

    async fn entity_sent_as(&self, partner: &PartnerId, reference: &str) -> Result<Option<EntityKey>> {
        self.lookups.sent.ask((partner.clone(), reference.to_owned())).await
    }

    async fn parked_dispatches(&self, filter: &ParkedFilter, limit: i64) -> Result<Vec<DispatchRow>> {
        self.read((filter.clone(), limit), |connection, (filter, limit)| {
            Box::pin(async move {
                let mut sql = sqlx::QueryBuilder::<Database>::new(rows::SELECT);
                sql.push(" WHERE state IN ('rejected', 'ambiguous')");
                push_filter(&mut sql, filter);
                sql.push(" ORDER BY updated_at DESC LIMIT ").push_bind(*limit);
                let found = sql.build().fetch_all(connection).await?;
                found.iter().map(rows::row_of).collect()
            })
        })
        .await
    }

    async fn release_dispatch(&self, id: DispatchId, now: i64) -> Result<Option<DispatchRow>> {
        self.write((id, now), |connection, (id, now)| Box::pin(parking::release(connection, *id, *now))).await
    }

    async fn drop_dispatch(&self, id: DispatchId, now: i64) -> Result<Option<DispatchRow>> {
        self.write((id, now), |connection, (id, now)| Box::pin(parking::drop(connection, *id, *now))).await
    }

    async fn open_counts(&self, partner: &PartnerId) -> Result<HashMap<DispatchState, i64>> {
        self.read(partner.clone(), |connection, partner| {
            Box::pin(async move {
                let counted = sqlx::query(
                    "SELECT state, COUNT(*) AS count FROM dispatches WHERE partner = $1 \
                     AND state IN ('claimed', 'deferred', 'rejected', 'ambiguous') GROUP BY state",
                )
                .bind(partner.as_str())
                .fetch_all(connection)
                .await?;
                counted.iter().map(|row| Ok((claims::state_of(row)?, row.get("count")))).collect()
            })
        })
        .await
    }
}
