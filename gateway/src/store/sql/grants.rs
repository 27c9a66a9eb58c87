//! Grants, and what happened to them.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use async_trait::async_trait;
use consent::{Event, Grant, Method};
use sqlx::Row as _;
use uuid::Uuid;

use super::{Connection, Engine, Row, identities, recalls, subjects};
use crate::store::{Grants, Kept, Standing, SubjectVersion};

const SELECT: &str = "SELECT g.record_id, g.record, e.event FROM grants AS g \
    LEFT JOIN grant_events AS e ON e.record_id = g.record_id AND e.version <= g.version";

#[async_trait]
impl Grants for Engine {
    async fn put_grant(&self, grant: Grant, recorded_at: i64) -> Result<Kept> {
        let record = serde_json::to_string(grant.record()).context("cannot write a record of consent")?;
        self.write((grant, record, recorded_at), |connection, (grant, record, recorded_at)| {
            Box::pin(async move {
                let made = sqlx::query(
                    "INSERT INTO grants (record_id, subject, version, state, record, made_at) \
                     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
                )
                .bind(grant.id())
                .bind(grant.record().header.subject)
                .bind(i64::try_from(grant.version())?)
                .bind(grant.state().as_str())
                .bind(record)
                .bind(*recorded_at)
                .execute(&mut *connection)
                .await?;
                if made.rows_affected() == 0 {
                    let known = one(connection, grant.id()).await?;
                    return Ok(if known.as_ref() == Some(grant) { Kept::Known } else { Kept::Conflict });
                }
                for (event, version) in grant.events().iter().zip(1..) {
                    put_event(connection, grant.id(), version, event, *recorded_at).await?;
                }
                subjects::change(connection, grant.record().header.subject).await?;
                Ok(Kept::New)
            })
        })
        .await
    }

    async fn add_grant_event(&self, record_id: Uuid, after: usize, event: Event, recorded_at: i64) -> Result<Kept> {
        let after = i64::try_from(after)?;
        self.write((record_id, after, event, recorded_at), |connection, (record_id, after, event, recorded_at)| {
            Box::pin(async move {
                let sql = "UPDATE grants SET version = $1, state = $2 WHERE record_id = $3 AND version = $4 RETURNING subject";
                let moved: Option<Uuid> = sqlx::query_scalar(sql)
                    .bind(after + 1)
                    .bind(event.state.as_str())
                    .bind(*record_id)
                    .bind(*after)
                    .fetch_optional(&mut *connection)
                    .await?;
                let Some(subject) = moved else {
                    let known = one(connection, *record_id).await?;
                    let there = known.as_ref().and_then(|grant| grant.events().get(usize::try_from(*after).ok()?));
                    return Ok(if there == Some(event) { Kept::Known } else { Kept::Conflict });
                };
                put_event(connection, *record_id, after + 1, event, *recorded_at).await?;
                let version = subjects::change(connection, subject).await?;
                if let Some(code) = event.state.ended_by() {
                    recalls::owe(connection, recalls::Which::all_of(subject), version, code, *recorded_at).await?;
                }
                Ok(Kept::New)
            })
        })
        .await
    }

    async fn grant(&self, record_id: Uuid) -> Result<Option<Grant>> {
        self.read(record_id, |connection, record_id| Box::pin(one(connection, *record_id))).await
    }

    async fn grants_of(&self, subject: Uuid) -> Result<Vec<Grant>> {
        self.read(subject, |connection, subject| Box::pin(of(connection, *subject))).await
    }

    async fn restrict(&self, subject: Uuid, is_restricted: bool, method: Method, at: i64) -> Result<Option<i64>> {
        self.write(((subject, is_restricted), method, at), |connection, (what, method, at)| {
            Box::pin(subjects::restrict(connection, *what, method.as_str(), *at))
        })
        .await
    }

    async fn standing_of(&self, subject: Uuid) -> Result<Standing> {
        self.read(subject, |connection, subject| {
            Box::pin(async move {
                // The version first: what changes in between makes it too old, never too new.
                let subjects::Now { version, restricted_since, progress } = subjects::now(connection, *subject).await?;
                let version = SubjectVersion { subject: *subject, version };
                let mut standing = Standing {
                    version,
                    grants: of(connection, *subject).await?,
                    progress,
                    restricted_since,
                    linked: BTreeSet::new(),
                    other_sources: BTreeSet::new(),
                };
                identities::stand_together(connection, &mut standing).await?;
                Ok(standing)
            })
        })
        .await
    }
}

async fn of(connection: &mut Connection, subject: Uuid) -> Result<Vec<Grant>> {
    let statement = format!("{SELECT} WHERE g.subject = $1 ORDER BY g.made_at, g.record_id, e.version");
    let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(subject).fetch_all(connection).await?;
    folded(&rows)
}

async fn one(connection: &mut Connection, record_id: Uuid) -> Result<Option<Grant>> {
    let statement = format!("{SELECT} WHERE g.record_id = $1 ORDER BY e.version");
    let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(record_id).fetch_all(connection).await?;
    Ok(folded(&rows)?.pop())
}

async fn put_event(
    connection: &mut Connection,
    record_id: Uuid,
    version: i64,
    event: &Event,
    recorded_at: i64,
) -> Result<()> {
    let event = serde_json::to_string(event).context("cannot write an event of consent")?;
    sqlx::query("INSERT INTO grant_events (record_id, version, event, recorded_at) VALUES ($1, $2, $3, $4)")
        .bind(record_id)
        .bind(version)
        .bind(event)
        .bind(recorded_at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Rows of one grant after the other, each with an event, folded again: what is not legal is not a grant here either.
fn folded(rows: &[Row]) -> Result<Vec<Grant>> {
    let mut grants = Vec::new();
    for rows in rows.chunk_by(|one, other| one.get::<Uuid, _>("record_id") == other.get::<Uuid, _>("record_id")) {
        let [first, ..] = rows else { continue };
        let record = serde_json::from_str(first.get("record")).context("cannot read a record of consent")?;
        let texts = rows.iter().filter_map(|row| row.get::<Option<&str>, _>("event"));
        let events =
            texts.map(serde_json::from_str).collect::<Result<_, _>>().context("cannot read an event of consent")?;
        grants.push(Grant::fold(record, events).context("a grant that was kept is not legal")?);
    }
    Ok(grants)
}
