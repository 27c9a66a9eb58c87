//! Feeds about persons.
//!
//! Locks are taken in one order: the feed, then entities, then persons, then rows.

mod pulling;
mod putting;
mod reading;

use anyhow::Result;
use async_trait::async_trait;
use schemas::EntityKey;

use super::{Connection, Database, Engine, Row, feed, lengths, lock_entities, lock_feed, recalls, subjects, versions};
use crate::store::{PersonDocument, PersonFeed, PersonFeeds, PersonItems, PullDecision, PulledPast, WhichPersons};

#[async_trait]
impl PersonFeeds for Engine {
    async fn show_person(&self, feed: &PersonFeed, document: PersonDocument, now: (i64, i64)) -> Result<bool> {
        self.write((feed.clone(), document, now), |connection, (feed, document, now)| {
            Box::pin(putting::show(connection, feed, document, *now))
        })
        .await
    }

    async fn close_person(
        &self,
        feed: &PersonFeed,
        entity_key: EntityKey,
        reason: Option<String>,
        now_ms: i64,
    ) -> Result<bool> {
        self.write((feed.clone(), entity_key, reason, now_ms), |connection, (feed, entity_key, reason, now_ms)| {
            Box::pin(putting::close(connection, feed, *entity_key, reason.as_deref(), *now_ms))
        })
        .await
    }

    async fn persons(&self, feed: &PersonFeed, which: WhichPersons) -> Result<PersonItems> {
        self.read((feed.clone(), which), |connection, (feed, which)| Box::pin(reading::items(connection, feed, which)))
            .await
    }

    async fn decide_persons(&self, feed: &PersonFeed, decisions: Vec<PullDecision>, now_ms: i64) -> Result<()> {
        self.write((feed.clone(), decisions, now_ms), |connection, (feed, decisions, now_ms)| {
            Box::pin(pulling::decide(connection, feed, decisions, *now_ms))
        })
        .await
    }

    async fn note_pulled(&self, feed: &PersonFeed, past: PulledPast, at: i64) -> Result<()> {
        let awaiting = self.read((feed.clone(), past.clone()), |connection, (feed, past)| {
            Box::pin(pulling::awaiting(connection, feed, past))
        });
        if awaiting.await?.is_empty() {
            return Ok(());
        }
        self.write((feed.clone(), past, at), |connection, (feed, past, at)| {
            Box::pin(pulling::note(connection, feed, past, *at))
        })
        .await
    }
}
