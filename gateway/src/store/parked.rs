//! Inputs that could not be read and had nobody to correct them, with their bytes. Never deleted.

use anyhow::Result;
use async_trait::async_trait;
use sqlx::{Row, sqlite::SqliteRow};
use uuid::Uuid;

use super::SqliteStore;

/// An input that could not be read. Vacancies only: raw bytes of persons are not kept plain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedInput {
    /// Its own id.
    pub parked_id: Uuid,
    /// Who sent it.
    pub partner: String,
    /// What it should be about.
    pub kind: String,
    /// The dialect it should be in.
    pub dialect: String,
    /// How it came in.
    pub channel: String,
    /// Why it is parked.
    pub code: String,
    /// What is wrong with it, as JSON: pointers and problems.
    pub faults: String,
    /// Media type of the bytes.
    pub media_type: Option<String>,
    /// The bytes as they came in.
    pub raw: Vec<u8>,
    /// When, microseconds since 1970 UTC.
    pub received_at: i64,
    /// `parked`, `released` or `dropped`.
    pub state: String,
}

/// Which parked things.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParkedFilter {
    /// Of one partner only.
    pub partner: Option<String>,
    /// With that code only.
    pub code: Option<String>,
}

impl ParkedFilter {
    /// Adds its conditions to a statement.
    pub(super) fn push_to(&self, sql: &mut sqlx::QueryBuilder<sqlx::Sqlite>) {
        if let Some(partner) = &self.partner {
            sql.push(" AND partner = ").push_bind(partner.clone());
        }
        if let Some(code) = &self.code {
            sql.push(" AND code = ").push_bind(code.clone());
        }
    }
}

/// Inputs that wait for a person.
#[async_trait]
pub trait ParkedInputs: Send + Sync {
    /// Keeps an input; the same id again changes nothing.
    async fn park_input(&self, input: ParkedInput) -> Result<()>;

    /// Inputs that wait, newest first.
    async fn parked_inputs(&self, filter: &ParkedFilter, limit: i64) -> Result<Vec<ParkedInput>>;

    /// One input, whatever became of it.
    async fn parked_input(&self, id: Uuid) -> Result<Option<ParkedInput>>;

    /// Says what became of an input; returns whether it was waiting.
    async fn resolve_input(&self, id: Uuid, state: &'static str) -> Result<bool>;
}

const SELECT: &str = "SELECT parked_id, partner, kind, dialect, channel, code, faults, media_type, raw, received_at, state FROM parked_inputs";

#[async_trait]
impl ParkedInputs for SqliteStore {
    async fn park_input(&self, input: ParkedInput) -> Result<()> {
        self.writer
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO parked_inputs (parked_id, partner, kind, dialect, channel, code, faults, media_type, raw, \
                         received_at, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
                    )
                    .bind(input.parked_id)
                    .bind(input.partner)
                    .bind(input.kind)
                    .bind(input.dialect)
                    .bind(input.channel)
                    .bind(input.code)
                    .bind(input.faults)
                    .bind(input.media_type)
                    .bind(input.raw)
                    .bind(input.received_at)
                    .bind(input.state)
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn parked_inputs(&self, filter: &ParkedFilter, limit: i64) -> Result<Vec<ParkedInput>> {
        let mut sql = sqlx::QueryBuilder::new(SELECT);
        sql.push(" WHERE state = 'parked'");
        filter.push_to(&mut sql);
        sql.push(" ORDER BY received_at DESC LIMIT ").push_bind(limit);
        let rows = sql.build().fetch_all(&self.pool).await?;
        Ok(rows.iter().map(input_of).collect())
    }

    async fn parked_input(&self, id: Uuid) -> Result<Option<ParkedInput>> {
        let sql = format!("{SELECT} WHERE parked_id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&self.pool).await?;
        Ok(row.as_ref().map(input_of))
    }

    async fn resolve_input(&self, id: Uuid, state: &'static str) -> Result<bool> {
        self.writer
            .write(move |connection| {
                Box::pin(async move {
                    let changed =
                        sqlx::query("UPDATE parked_inputs SET state = $2 WHERE parked_id = $1 AND state = 'parked'")
                            .bind(id)
                            .bind(state)
                            .execute(connection)
                            .await?;
                    Ok(changed.rows_affected() == 1)
                })
            })
            .await
    }
}

fn input_of(row: &SqliteRow) -> ParkedInput {
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
