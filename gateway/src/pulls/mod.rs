//! What a partner pulls: one surface for every kind of feed, whatever interface it is read through.
//!
//! **Invariant:** what is about persons is decided on at the pull (`persons.rs`); nobody reads such a feed past that.

mod document;
mod persons;

use std::sync::Arc;

use anyhow::Result;
use connectors::Notice;
use schemas::{EntityKey, Kind, PartnerId};

pub use self::document::Document;
use self::persons::PersonPull;
use crate::{
    clock::Clock,
    in_force::InForce,
    store::{FeedBound, FeedItem, PersonFeed, PulledPast, Store, WhichPersons},
    vault::Bodies,
};

/// Reads feeds for those who pull them.
#[derive(Clone)]
pub struct Pulls {
    pub store: Arc<dyn Store>,
    pub bodies: Bodies,
    pub in_force: InForce,
    pub clock: Clock,
}

/// The feed of one partner and kind, for one pull.
pub struct Pull<'a> {
    pulls: &'a Pulls,
    partner: &'a PartnerId,
    kind: Kind,
}

/// An item as it is shown.
#[derive(Debug)]
pub struct Item {
    /// The item.
    pub item: FeedItem,
    /// What is told beside a document about a person.
    pub notice: Option<Notice>,
}

/// A stretch of a feed as it is shown.
#[derive(Debug)]
pub struct Stretch {
    /// What changed, oldest first.
    pub items: Vec<Item>,
    /// The stamp from which to go on.
    pub next: i64,
    /// Whether more stands there already.
    pub has_more: bool,
}

impl Pulls {
    /// A pull of a feed.
    pub fn of<'a>(&'a self, partner: &'a PartnerId, kind: Kind) -> Pull<'a> {
        Pull { pulls: self, partner, kind }
    }
}

impl Pull<'_> {
    /// The last stamp of the feed.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn end(&self) -> Result<i64> {
        self.pulls.store.feed_end(self.partner).await
    }

    /// What changed at or after a stamp, with the documents, as far as the bound goes. Whoever asks has everything before.
    ///
    /// # Errors
    /// If store or vault do not answer.
    pub async fn stretch(&self, from: i64, bound: FeedBound) -> Result<Stretch> {
        if let Some(persons) = self.persons() {
            persons.note(PulledPast::Stamp(from)).await?;
            return persons.stretch(from, bound).await;
        }
        let stretch = self.pulls.store.feed_stretch(self.partner, from, bound).await?;
        let items = stretch.items.into_iter().map(Item::from).collect();
        Ok(Stretch { items, next: stretch.next, has_more: stretch.has_more })
    }

    /// Everything that stands there, without the documents.
    ///
    /// # Errors
    /// If store or vault do not answer.
    pub async fn active(&self) -> Result<Vec<FeedItem>> {
        match self.persons() {
            Some(persons) => persons.overview(WhichPersons::Active).await,
            None => self.pulls.store.feed_active(self.partner).await,
        }
    }

    /// Everything that changed at or after that time, without the documents.
    ///
    /// # Errors
    /// If store or vault do not answer.
    pub async fn changes(&self, since_ms: i64) -> Result<Vec<FeedItem>> {
        match self.persons() {
            Some(persons) => persons.overview(WhichPersons::Since(since_ms)).await,
            None => self.pulls.store.feed_changes(self.partner, since_ms).await,
        }
    }

    /// Those items, with the documents.
    ///
    /// # Errors
    /// If store or vault do not answer.
    pub async fn details(&self, references: &[String]) -> Result<Vec<FeedItem>> {
        let Some(persons) = self.persons() else {
            return self.pulls.store.feed_details(self.partner, references).await;
        };
        let entities: Vec<EntityKey> = references.iter().filter_map(|reference| reference.parse().ok()).collect();
        let items = persons.details(entities).await?;
        let gone = items.iter().filter(|item| !item.is_active).filter_map(|item| item.reference.parse().ok());
        persons.note(PulledPast::These(gone.collect())).await?;
        Ok(items)
    }

    fn persons(&self) -> Option<PersonPull<'_>> {
        let feed = || PersonFeed { partner: self.partner.clone(), kind: self.kind };
        self.kind.is_personal().then(|| PersonPull { pulls: self.pulls, feed: feed() })
    }
}

impl From<FeedItem> for Item {
    fn from(item: FeedItem) -> Self {
        Self { item, notice: None }
    }
}
