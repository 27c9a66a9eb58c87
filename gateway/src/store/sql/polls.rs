//! Where pollers are, and what their runs have seen.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use async_trait::async_trait;
use futures::TryStreamExt;
use schemas::{EntityKey, Kind, PartnerId};
use sqlx::Row as _;
use uuid::Uuid;

use super::{
    Connection, Database, Engine, Row,
    dialect::storable,
    versions::{parsed, position_of},
};
use crate::{
    backbone::Frontier,
    store::{Poll, Polled, Polls},
};

/// References of one look-up; SQLite binds up to 32,766.
const LOOK_UP: usize = 500;

/// The newest version of every entity of a partner, if it is open.
const OPEN: &str = "FROM versions AS v WHERE v.partner = $1 AND v.kind = $2 AND v.is_open AND NOT EXISTS ( \
                    SELECT 1 FROM versions AS n WHERE n.entity_key = v.entity_key \
                    AND (n.generation, n.log_offset) > (v.generation, v.log_offset))";

#[async_trait]
impl Polls for Engine {
    async fn poll(&self, partner: &PartnerId) -> Result<Option<Poll>> {
        self.read(partner.clone(), |connection, partner| {
            Box::pin(async move {
                let row = sqlx::query("SELECT cursor, run, before, is_doubted FROM polls WHERE partner = $1")
                    .bind(partner.as_str())
                    .fetch_optional(connection)
                    .await?;
                let poll = |row: Row| {
                    Ok(Poll {
                        cursor: row.get("cursor"),
                        run: row.get("run"),
                        before: parsed(&row, "before")?,
                        is_doubted: row.get("is_doubted"),
                    })
                };
                row.map(poll).transpose()
            })
        })
        .await
    }

    async fn marks(&self, partner: &PartnerId, references: &[String]) -> Result<HashMap<String, String>> {
        self.read((partner.clone(), references.to_vec()), |connection, (partner, references)| {
            Box::pin(async move {
                let mut found = HashMap::new();
                for references in references.chunks(LOOK_UP) {
                    let mut sql =
                        sqlx::QueryBuilder::<Database>::new("SELECT reference, mark FROM poll_marks WHERE partner = ");
                    sql.push_bind(partner.as_str());
                    sql.push(" AND reference IN ");
                    sql.push_tuples(references, |mut tuple, reference| {
                        tuple.push_bind(storable(reference));
                    });
                    let rows = sql.build().fetch_all(&mut *connection).await?;
                    found.extend(rows.iter().map(|row| (row.get("reference"), row.get("mark"))));
                }
                Ok(found)
            })
        })
        .await
    }

    async fn record_polled(&self, polled: Polled) -> Result<()> {
        self.write(polled, |connection, polled| Box::pin(record(connection, polled))).await
    }

    async fn absent(
        &self,
        partner: &PartnerId,
        kind: Kind,
        run: &str,
        before: &Frontier,
    ) -> Result<(Vec<String>, usize)> {
        let asked = (partner.clone(), kind, run.to_owned(), before.clone());
        self.read(asked, |connection, (partner, kind, run, before)| {
            Box::pin(absent(connection, (partner, *kind), run, before))
        })
        .await
    }

    async fn forget_poll(&self, partner: &PartnerId) -> Result<()> {
        self.write(partner.to_string(), |connection, partner| {
            Box::pin(async move {
                for sql in ["DELETE FROM polls WHERE partner = $1", "DELETE FROM poll_seen WHERE partner = $1"] {
                    sqlx::query(sql).bind(partner).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

async fn absent(
    connection: &mut Connection,
    (partner, kind): (&PartnerId, Kind),
    run: &str,
    before: &Frontier,
) -> Result<(Vec<String>, usize)> {
    let seen: HashSet<String> = sqlx::query_scalar("SELECT reference FROM poll_seen WHERE partner = $1 AND run = $2")
        .bind(partner.as_str())
        .bind(run)
        .fetch_all(&mut *connection)
        .await?
        .into_iter()
        .collect();
    let sql = format!("SELECT v.entity_key, v.reference, v.generation, v.log_offset {OPEN} ORDER BY v.reference");
    let mut rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(partner.as_str()).bind(kind.as_str()).fetch(connection);
    let (mut absent, mut open) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await? {
        open += 1;
        // What a source calls persons is not kept: they are seen under their pseudonyms.
        let name = row.get::<Option<String>, _>("reference");
        let name = name.unwrap_or_else(|| EntityKey::from(row.get::<Uuid, _>("entity_key")).to_string());
        if before.covers(position_of(&row)) && !seen.contains(&name) {
            absent.push(name);
        }
    }
    Ok((absent, open))
}

async fn record(connection: &mut Connection, polled: &Polled) -> Result<()> {
    let Polled { partner, poll, seen, marks } = polled;
    sqlx::query(
        "INSERT INTO polls (partner, cursor, run, before, is_doubted) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (partner) DO UPDATE SET cursor = excluded.cursor, run = excluded.run, \
         before = excluded.before, is_doubted = excluded.is_doubted",
    )
    .bind(partner.as_str())
    .bind(storable(&poll.cursor))
    .bind(&poll.run)
    .bind(poll.before.to_string())
    .bind(poll.is_doubted)
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM poll_seen WHERE partner = $1 AND run <> COALESCE($2, '')")
        .bind(partner.as_str())
        .bind(&poll.run)
        .execute(&mut *connection)
        .await?;
    if let Some(run) = &poll.run {
        for reference in seen {
            sqlx::query("INSERT INTO poll_seen (partner, run, reference) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind(partner.as_str())
                .bind(run)
                .bind(storable(reference))
                .execute(&mut *connection)
                .await?;
        }
    }
    for (reference, mark) in marks {
        sqlx::query(
            "INSERT INTO poll_marks (partner, reference, mark) VALUES ($1, $2, $3) \
             ON CONFLICT (partner, reference) DO UPDATE SET mark = excluded.mark",
        )
        .bind(partner.as_str())
        .bind(storable(reference))
        .bind(storable(mark))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
