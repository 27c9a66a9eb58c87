//! Dispatches on SQLite.

use std::collections::HashMap;

use anyhow::Result;
use async_trait::async_trait;
use schemas::{DispatchId, EntityKey, PartnerId};
use sqlx::Row;

use super::{
    Claim, Claimed, DispatchRow, DispatchState, Dispatches, End, Ended, Sent, Settlement, Superseded, Waiting, claims,
    ends, parking, rows, waiting,
};
use crate::store::{ParkedFilter, SqliteStore, versions::position_of};

/// Ids of one look-up; SQLite binds up to 32,766.
const LOOK_UP: usize = 500;

#[async_trait]
impl Dispatches for SqliteStore {
    async fn dispatch_rows(&self, ids: &[DispatchId]) -> Result<HashMap<DispatchId, DispatchRow>> {
        let mut found = HashMap::new();
        for ids in ids.chunks(LOOK_UP) {
            let mut sql = sqlx::QueryBuilder::new(rows::SELECT);
            sql.push(" WHERE dispatch_id IN ");
            sql.push_tuples(ids, |mut tuple, id| {
                tuple.push_bind(id.as_uuid());
            });
            for row in sql.build().fetch_all(&self.pool).await? {
                let row = rows::row_of(&row)?;
                found.insert(row.owed.dispatch_id, row);
            }
        }
        Ok(found)
    }

    async fn waiting(&self, partner: &PartnerId, entities: &[EntityKey]) -> Result<Vec<Waiting>> {
        let mut found = Vec::new();
        for entities in entities.chunks(LOOK_UP) {
            let mut sql = sqlx::QueryBuilder::new(
                "SELECT entity_key, generation, log_offset, state FROM dispatches WHERE partner = ",
            );
            sql.push_bind(partner.as_str());
            sql.push(" AND state IN ('claimed', 'deferred', 'rejected', 'ambiguous') AND entity_key IN ");
            sql.push_tuples(entities, |mut tuple, entity| {
                tuple.push_bind(entity.as_uuid());
            });
            for row in sql.build().fetch_all(&self.pool).await? {
                let entity_key = row.get::<uuid::Uuid, _>("entity_key").into();
                found.push(Waiting { entity_key, position: position_of(&row), state: claims::state_of(&row)? });
            }
        }
        Ok(found)
    }

    async fn defer(&self, rows: Vec<DispatchRow>, by_reference: bool) -> Result<Vec<Superseded>> {
        self.writer
            .write(move |connection| {
                Box::pin(async move {
                    let mut superseded = Vec::new();
                    for row in rows {
                        superseded.extend(waiting::defer(connection, row, by_reference).await?);
                    }
                    Ok(superseded)
                })
            })
            .await
    }

    async fn due(&self, partner: &PartnerId, now: i64, limit: usize) -> Result<Vec<DispatchRow>> {
        let due = sqlx::query(sqlx::AssertSqlSafe(waiting::due_sql()))
            .bind(partner.as_str())
            .bind(now)
            .bind(i64::try_from(limit)?)
            .fetch_all(&self.pool)
            .await?;
        due.iter().map(rows::row_of).collect()
    }

    async fn next_due_at(&self, partner: &PartnerId) -> Result<Option<i64>> {
        waiting::next_due_at(&self.pool, partner.as_str()).await
    }

    async fn rewind(&self, partner: &PartnerId, now: i64) -> Result<()> {
        let partner = partner.to_string();
        self.writer
            .write(move |connection| Box::pin(async move { waiting::rewind(connection, &partner, now).await }))
            .await
    }

    async fn hasten(&self, partner: &PartnerId, now: i64) -> Result<()> {
        let partner = partner.to_string();
        self.writer
            .write(move |connection| Box::pin(async move { waiting::hasten(connection, &partner, now).await }))
            .await
    }

    async fn reconsider(&self, partner: &PartnerId, now: i64) -> Result<()> {
        let partner = partner.to_string();
        self.writer
            .write(move |connection| Box::pin(async move { waiting::reconsider(connection, &partner, now).await }))
            .await
    }

    async fn ended(&self, partner: &PartnerId, now: i64, limit: usize) -> Result<Vec<Ended>> {
        let found = sqlx::query(ends::ENDED)
            .bind(partner.as_str())
            .bind(now)
            .bind(i64::try_from(limit)?)
            .fetch_all(&self.pool)
            .await?;
        let ids: Vec<DispatchId> = found.iter().map(|row| row.get::<uuid::Uuid, _>("dispatch_id").into()).collect();
        let mut brought = self.dispatch_rows(&ids).await?;
        let pairs = found.iter().zip(ids);
        Ok(pairs.filter_map(|(row, id)| Some(ends::ended_of(row, brought.remove(&id)?))).collect())
    }

    async fn defer_closings(&self, closings: Vec<(DispatchRow, End)>, by_reference: bool) -> Result<Vec<Superseded>> {
        self.writer.write(move |connection| Box::pin(ends::defer_closings(connection, closings, by_reference))).await
    }

    async fn next_end_at(&self, partner: &PartnerId) -> Result<Option<i64>> {
        Ok(sqlx::query_scalar(ends::NEXT).bind(partner.as_str()).fetch_one(&self.pool).await?)
    }

    async fn claim(&self, claim: Claim) -> Result<Claimed> {
        self.writer.write(move |connection| Box::pin(claims::claim(connection, claim))).await
    }

    async fn settle(&self, settlement: Settlement, by_reference: bool) -> Result<Vec<Superseded>> {
        self.writer.write(move |connection| Box::pin(claims::settle(connection, settlement, by_reference))).await
    }

    async fn adopt_claims(
        &self,
        partner: &PartnerId,
        epoch: i64,
        may_repeat: bool,
        now: i64,
    ) -> Result<Vec<DispatchRow>> {
        let partner = partner.to_string();
        self.writer
            .write(move |connection| {
                Box::pin(async move { claims::adopt(connection, &partner, epoch, may_repeat, now).await })
            })
            .await
    }

    async fn unjournaled(&self, partner: &PartnerId) -> Result<Vec<DispatchRow>> {
        let sql = format!("{} WHERE partner = $1 AND NOT journaled", rows::SELECT);
        let found = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(partner.as_str()).fetch_all(&self.pool).await?;
        found.iter().map(rows::row_of).collect()
    }

    async fn mark_journaled(&self, outcomes: Vec<(DispatchId, DispatchState, i64)>) -> Result<()> {
        self.writer.write(move |connection| Box::pin(claims::mark_journaled(connection, outcomes))).await
    }

    async fn sent(&self, partner: &PartnerId, entity: EntityKey) -> Result<Option<Sent>> {
        let row = sqlx::query(
            "SELECT generation, log_offset, is_active, foreign_reference FROM sent WHERE partner = $1 AND entity_key = $2",
        )
        .bind(partner.as_str())
        .bind(entity.as_uuid())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| Sent {
            position: position_of(&row),
            is_active: row.get("is_active"),
            foreign_reference: row.get("foreign_reference"),
        }))
    }

    async fn entity_sent_as(&self, partner: &PartnerId, reference: &str) -> Result<Option<EntityKey>> {
        self.lookups.sent.ask((partner.clone(), reference.to_owned())).await
    }

    async fn parked_dispatches(&self, filter: &ParkedFilter, limit: i64) -> Result<Vec<DispatchRow>> {
        let mut sql = sqlx::QueryBuilder::new(rows::SELECT);
        sql.push(" WHERE state IN ('rejected', 'ambiguous')");
        filter.push_to(&mut sql);
        sql.push(" ORDER BY updated_at DESC LIMIT ").push_bind(limit);
        let found = sql.build().fetch_all(&self.pool).await?;
        found.iter().map(rows::row_of).collect()
    }

    async fn release_dispatch(&self, id: DispatchId, now: i64) -> Result<Option<DispatchRow>> {
        self.writer.write(move |connection| Box::pin(parking::release(connection, id, now))).await
    }

    async fn drop_dispatch(&self, id: DispatchId, now: i64) -> Result<Option<DispatchRow>> {
        self.writer.write(move |connection| Box::pin(parking::drop(connection, id, now))).await
    }

    async fn open_counts(&self, partner: &PartnerId) -> Result<HashMap<DispatchState, i64>> {
        let counted = sqlx::query(
            "SELECT state, COUNT(*) AS count FROM dispatches WHERE partner = $1 \
             AND state IN ('claimed', 'deferred', 'rejected', 'ambiguous') GROUP BY state",
        )
        .bind(partner.as_str())
        .fetch_all(&self.pool)
        .await?;
        counted.iter().map(|row| Ok((claims::state_of(row)?, row.get("count")))).collect()
    }
}
