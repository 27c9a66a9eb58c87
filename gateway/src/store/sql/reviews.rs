//! Persons who are looked at again, and what follows.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use async_trait::async_trait;
use schemas::{Hash, Kind, Origin, PartnerId};
use sqlx::Row as _;
use uuid::Uuid;

use super::{Connection, Engine, Row, recalls, replays, versions::parsed};
use crate::store::{Due, InstrumentReview, Review, Reviews, Shown};

const DUE: &str = "SELECT subject, 1 AS by_time FROM ( \
       SELECT subject FROM subjects WHERE review_at <= $1 ORDER BY review_at LIMIT $2) AS begun \
     UNION SELECT subject, 1 AS by_time FROM ( \
       SELECT subject FROM disclosures WHERE valid_until <= $1 AND taken_back_at IS NULL ORDER BY valid_until LIMIT $2) AS run_out \
     UNION SELECT subject, 0 AS by_time FROM (SELECT subject FROM subjects WHERE reviewed <> version LIMIT $2) AS changed";

const NEXT: &str = "SELECT MIN(at) FROM (SELECT MIN(review_at) AS at FROM subjects WHERE review_at IS NOT NULL UNION ALL \
     SELECT MIN(valid_until) FROM disclosures WHERE valid_until IS NOT NULL AND taken_back_at IS NULL) AS moments";

const SHOWN: &str = "SELECT d.partner, d.entity_key, d.kind, d.origin, d.sent_at, d.permit, d.valid_until, EXISTS ( \
       SELECT 1 FROM recalls AS r WHERE r.subject = d.subject AND r.partner = d.partner AND r.entity_key = d.entity_key \
       AND r.version > d.version) AS is_recalled \
     FROM disclosures AS d WHERE d.subject = $1 AND d.taken_back_at IS NULL ORDER BY d.partner, d.entity_key";

#[async_trait]
impl Reviews for Engine {
    async fn due_for_review(&self, now: i64, limit: usize) -> Result<Vec<Due>> {
        self.read((now, i64::try_from(limit)?), |connection, (now, limit)| {
            Box::pin(async move {
                let mut due = BTreeMap::new();
                for row in sqlx::query(DUE).bind(now).bind(limit).fetch_all(connection).await? {
                    let is_by_time = i64::from(row.get::<i32, _>("by_time")) == 1;
                    *due.entry(row.get::<Uuid, _>("subject")).or_default() |= is_by_time;
                }
                Ok(due.into_iter().map(|(subject, is_by_time)| Due { subject, is_by_time }).collect())
            })
        })
        .await
    }

    async fn next_review_at(&self) -> Result<Option<i64>> {
        self.read((), |connection, ()| {
            Box::pin(async move { Ok(sqlx::query_scalar(NEXT).fetch_one(connection).await?) })
        })
        .await
    }

    async fn shown_of(&self, subject: Uuid) -> Result<Vec<Shown>> {
        self.read(subject, |connection, subject| Box::pin(shown_of(connection, *subject))).await
    }

    async fn keep_review(&self, review: Review) -> Result<Option<Vec<PartnerId>>> {
        self.write(review, |connection, review| Box::pin(keep(connection, review))).await
    }

    async fn persons_after(&self, after: Option<Uuid>, limit: usize) -> Result<Vec<Uuid>> {
        self.read((after, i64::try_from(limit)?), |connection, (after, limit)| {
            Box::pin(async move {
                let sql = "SELECT subject FROM subjects WHERE ($1 IS NULL OR subject > $1) ORDER BY subject LIMIT $2";
                Ok(sqlx::query_scalar(sql).bind(after).bind(limit).fetch_all(connection).await?)
            })
        })
        .await
    }

    async fn instrument_review(&self) -> Result<Option<InstrumentReview>> {
        self.read((), |connection, ()| {
            Box::pin(async move {
                let sql = "SELECT generation, instruments, begun_at, subject, persons, finished_at FROM instrument_reviews \
                           ORDER BY generation DESC LIMIT 1";
                let row = sqlx::query(sql).fetch_optional(connection).await?;
                row.as_ref().map(instrument_review_of).transpose()
            })
        })
        .await
    }

    async fn keep_instrument_review(&self, review: InstrumentReview) -> Result<()> {
        self.write(review, |connection, review| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO instrument_reviews (generation, instruments, begun_at, subject, persons, finished_at) \
                     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (generation) DO UPDATE SET subject = excluded.subject, \
                     persons = excluded.persons, finished_at = excluded.finished_at \
                     WHERE instrument_reviews.instruments = excluded.instruments \
                     AND instrument_reviews.persons <= excluded.persons AND instrument_reviews.finished_at IS NULL",
                )
                .bind(review.generation)
                .bind(review.instruments.to_string())
                .bind(review.begun_at)
                .bind(review.after)
                .bind(review.persons)
                .bind(review.finished_at)
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }
}

async fn shown_of(connection: &mut Connection, subject: Uuid) -> Result<Vec<Shown>> {
    let rows = sqlx::query(SHOWN).bind(subject).fetch_all(connection).await?;
    rows.iter().map(shown_from).collect()
}

async fn keep(connection: &mut Connection, review: &Review) -> Result<Option<Vec<PartnerId>>> {
    let subject = review.as_of.subject;
    // First of all: from here on no claim about the person commits, and those before are seen.
    let kept =
        sqlx::query("UPDATE subjects SET reviewed = version, review_at = $3 WHERE subject = $1 AND version = $2")
            .bind(subject)
            .bind(review.as_of.version)
            .bind(review.next_at)
            .execute(&mut *connection)
            .await?;
    if kept.rows_affected() == 0 {
        return Ok(None);
    }
    let shown = shown_of(connection, subject).await?;
    let is_owed = |(partner, kind, _): &&(PartnerId, Kind, &'static str)| {
        shown.iter().any(|one| (&one.partner, &one.kind) == (partner, kind) && !one.is_recalled)
    };
    let owed: Vec<_> = review.denied.iter().filter(is_owed).collect();
    if !owed.is_empty() || review.is_decided_anew {
        let sql = "UPDATE subjects SET version = version + 1, reviewed = version + 1 WHERE subject = $1";
        sqlx::query(sql).bind(subject).execute(&mut *connection).await?;
    }
    for (partner, kind, code) in &owed {
        let which = recalls::Which { subject, only: Some((partner, *kind)) };
        recalls::owe(connection, which, review.as_of.version + 1, code, review.at).await?;
    }
    for (partner, entity, sent_at) in &review.run_out {
        let sql = "UPDATE disclosures SET valid_until = NULL \
                   WHERE subject = $1 AND partner = $2 AND entity_key = $3 AND sent_at = $4";
        let update = sqlx::query(sql).bind(subject).bind(partner.as_str()).bind(entity.as_uuid()).bind(sent_at);
        update.execute(&mut *connection).await?;
    }
    for replay in &review.replays {
        replays::want(connection, replay).await?;
    }
    Ok(Some(owed.into_iter().map(|(partner, ..)| partner.clone()).collect()))
}

fn shown_from(row: &Row) -> Result<Shown> {
    let origin: Origin = serde_json::from_str(row.get("origin")).context("damaged column `origin`")?;
    Ok(Shown {
        partner: parsed(row, "partner")?,
        entity_key: row.get::<Uuid, _>("entity_key").into(),
        kind: parsed(row, "kind")?,
        source: origin.partner,
        sent_at: row.get("sent_at"),
        mark: row.get::<Option<&str>, _>("permit").map(hash).transpose()?,
        valid_until: row.get("valid_until"),
        is_recalled: row.get("is_recalled"),
    })
}

fn instrument_review_of(row: &Row) -> Result<InstrumentReview> {
    Ok(InstrumentReview {
        generation: row.get("generation"),
        instruments: hash(row.get("instruments"))?,
        begun_at: row.get("begun_at"),
        after: row.get("subject"),
        persons: row.get("persons"),
        finished_at: row.get("finished_at"),
    })
}

fn hash(text: &str) -> Result<Hash> {
    text.parse().map_err(anyhow::Error::msg)
}
