//! Inputs that wait for a person.

use anyhow::Result;
use async_trait::async_trait;
use sqlx::Row as _;
use uuid::Uuid;

use super::{Database, Engine, Row, dialect::storable};
use crate::store::{ParkedFilter, ParkedInput, ParkedInputs};

const SELECT: &str = "SELECT parked_id, partner, kind, dialect, channel, code, faults, media_type, raw, received_at, state FROM parked_inputs";

#[async_trait]
impl ParkedInputs for Engine {
    async fn park_input(&self, input: ParkedInput) -> Result<()> {
        self.write(input, |connection, input| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO parked_inputs (parked_id, partner, kind, dialect, channel, code, faults, media_type, raw, \
                     received_at, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
                )
                .bind(input.parked_id)
                .bind(&input.partner)
                .bind(&input.kind)
                .bind(&input.dialect)
                .bind(&input.channel)
                .bind(&input.code)
                .bind(storable(&input.faults))
                .bind(input.media_type.as_deref().map(storable))
                .bind(&input.raw)
                .bind(input.received_at)
                .bind(&input.state)
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn parked_inputs(&self, filter: &ParkedFilter, limit: i64) -> Result<Vec<ParkedInput>> {
        self.read((filter.clone(), limit), |connection, (filter, limit)| {
            Box::pin(async move {
                let mut sql = sqlx::QueryBuilder::<Database>::new(SELECT);
                sql.push(" WHERE state = 'parked'");
                push_filter(&mut sql, filter);
                sql.push(" ORDER BY received_at DESC, parked_id LIMIT ").push_bind(*limit);
                let rows = sql.build().fetch_all(connection).await?;
                Ok(rows.iter().map(input_of).collect())
            })
        })
        .await
    }

    async fn parked_input(&self, id: Uuid) -> Result<Option<ParkedInput>> {
        self.read(id, |connection, id| {
            Box::pin(async move {
                let sql = format!("{SELECT} WHERE parked_id = $1");
                let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(connection).await?;
                Ok(row.as_ref().map(input_of))
            })
        })
        .await
    }

    async fn resolve_input(&self, id: Uuid, state: &'static str) -> Result<bool> {
        self.write((id, state), |connection, (id, state)| {
            Box::pin(async move {
                let changed =
                    sqlx::query("UPDATE parked_inputs SET state = $2 WHERE parked_id = $1 AND state = 'parked'")
                        .bind(id)
                        .bind(*state)
                        .execute(connection)
                        .await?;
                Ok(changed.rows_affected() == 1)
            })
        })
        .await
    }
}

/// Adds the conditions of a filter to a statement.
pub(super) fn push_filter(sql: &mut sqlx::QueryBuilder<Database>, filter: &ParkedFilter) {
    if let Some(partner) = &filter.partner {
        sql.push(" AND partner = ").push_bind(storable(partner).into_owned());
    }
    if let Some(code) = &filter.code {
        sql.push(" AND code = ").push_bind(storable(code).into_owned());
    }
}

fn input_of(row: &Row) -> ParkedInput {
    ParkedInput {
        parked_id: row.get("parked_id"),
        partner: row.get("partner"),
        kind: row.get("kind"),
        dialect: row.get("dialect"),
        channel: row.get("channel"),
        code: row.get("code"),
        faults: row.get("faults"),
        media_type: row.get("media_type"),
        raw: row.get("raw"),
        received_at: row.get("received_at"),
        state: row.get("state"),
    }
}
