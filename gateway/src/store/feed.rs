//! Feeds that partners pull: what stands there, since when, and what has gone.
//!
//! A send to a feed is an upsert, stamped max(now, last + 1) inside the writing transaction, so that no
//! change ever carries a stamp that a puller has already passed.

use anyhow::Result;
use async_trait::async_trait;
use schemas::PartnerId;

/// An item of a feed. Times are milliseconds since 1970 UTC, of the feed and not of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedItem {
    /// Our outgoing reference.
    pub reference: String,
    /// Whether it stands there.
    pub is_active: bool,
    /// The document in the partner's dialect.
    pub content: String,
    /// Its media type.
    pub media_type: String,
    /// When it came to stand there.
    pub created_at: i64,
    /// When it last changed.
    pub modified_at: i64,
    /// When it went.
    pub closed_at: Option<i64>,
    /// Why it went, as a code.
    pub reason: Option<String>,
    /// Why it went, in the source's own words or code.
    pub source_reason: Option<String>,
}

/// What is to stand in a feed.
#[derive(Debug, Clone)]
pub enum FeedChange {
    /// This document.
    Show {
        /// The document in the partner's dialect.
        content: String,
        /// Its media type.
        media_type: String,
    },
    /// Nothing more.
    Close {
        /// Why, as a code.
        reason: Option<String>,
        /// Why, in the source's own words or code.
        source_reason: Option<String>,
    },
}

/// A stretch of a feed, in the order of its stamps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedStretch {
    /// What changed, oldest first, with the documents.
    pub items: Vec<FeedItem>,
    /// The stamp from which to go on: nothing before it is left out.
    pub next: i64,
    /// Whether more stands there already.
    pub has_more: bool,
}

/// How much of a feed is read at once.
#[derive(Debug, Clone, Copy)]
pub struct FeedBound {
    /// At most so many items.
    pub items: usize,
    /// About so many bytes of documents; one item is always read.
    pub size_bytes: usize,
}

/// Feeds that partners pull.
#[async_trait]
pub trait Feed: Send + Sync {
    /// Makes a change; the same change again changes nothing.
    async fn change_feed(&self, partner: &PartnerId, reference: &str, change: FeedChange, now_ms: i64) -> Result<()>;

    /// Everything that stands in a feed, without the documents.
    async fn feed_active(&self, partner: &PartnerId) -> Result<Vec<FeedItem>>;

    /// Everything that changed at or after that time, without the documents.
    async fn feed_changes(&self, partner: &PartnerId, since_ms: i64) -> Result<Vec<FeedItem>>;

    /// What changed at or after that stamp, with the documents, as far as the bound goes.
    async fn feed_stretch(&self, partner: &PartnerId, from: i64, bound: FeedBound) -> Result<FeedStretch>;

    /// The last stamp of a feed; 0 if it has none yet.
    async fn feed_end(&self, partner: &PartnerId) -> Result<i64>;

    /// Those items, with the documents.
    async fn feed_details(&self, partner: &PartnerId, references: &[String]) -> Result<Vec<FeedItem>>;
}
