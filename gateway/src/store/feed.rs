//! Feeds that partners pull: what stands there, since when, and what has gone.
//!
//! A send to a feed is an upsert, stamped max(now, last + 1) inside the writing transaction, so that no
//! change ever carries a stamp that a puller has already passed.

use anyhow::Result;
use async_trait::async_trait;
use futures::TryStreamExt;
use schemas::PartnerId;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::SqliteStore;

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

const SELECT: &str = "SELECT reference, is_active, content, media_type, created_at, modified_at, closed_at, reason, source_reason \
                      FROM feed_items";

#[async_trait]
impl Feed for SqliteStore {
    async fn change_feed(&self, partner: &PartnerId, reference: &str, change: FeedChange, now_ms: i64) -> Result<()> {
        let (partner, reference) = (partner.to_string(), reference.to_owned());
        self.writer
            .write(move |connection| {
                Box::pin(async move { make_change(connection, &partner, &reference, change, now_ms).await })
            })
            .await
    }

    async fn feed_active(&self, partner: &PartnerId) -> Result<Vec<FeedItem>> {
        let rows = sqlx::query(
            "SELECT reference, is_active, '' AS content, media_type, created_at, modified_at, closed_at, reason, source_reason FROM feed_items \
             WHERE partner = $1 AND is_active ORDER BY modified_at",
        )
        .bind(partner.as_str())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(item_of).collect())
    }

    async fn feed_changes(&self, partner: &PartnerId, since_ms: i64) -> Result<Vec<FeedItem>> {
        let rows = sqlx::query(
            "SELECT reference, is_active, '' AS content, media_type, created_at, modified_at, closed_at, reason, source_reason FROM feed_items \
             WHERE partner = $1 AND modified_at >= $2 ORDER BY modified_at",
        )
        .bind(partner.as_str())
        .bind(since_ms)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(item_of).collect())
    }

    async fn feed_stretch(&self, partner: &PartnerId, from: i64, bound: FeedBound) -> Result<FeedStretch> {
        let sql = format!("{SELECT} WHERE partner = $1 AND modified_at >= $2 ORDER BY modified_at LIMIT $3");
        let mut rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(partner.as_str())
            .bind(from)
            .bind(i64::try_from(bound.items.saturating_add(1))?)
            .fetch(&self.pool);
        let mut stretch = FeedStretch { items: Vec::new(), next: from, has_more: false };
        let mut size_bytes = 0;
        while let Some(row) = rows.try_next().await? {
            let item = item_of(&row);
            size_bytes += item.content.len();
            if stretch.items.len() >= bound.items || (!stretch.items.is_empty() && size_bytes > bound.size_bytes) {
                stretch.has_more = true;
                break;
            }
            // Stamps are unique within a feed and only grow: what changes from now on stands behind this one.
            stretch.next = item.modified_at + 1;
            stretch.items.push(item);
        }
        Ok(stretch)
    }

    async fn feed_end(&self, partner: &PartnerId) -> Result<i64> {
        let end = sqlx::query_scalar("SELECT last_at FROM feed_clocks WHERE partner = $1")
            .bind(partner.as_str())
            .fetch_optional(&self.pool)
            .await?;
        Ok(end.unwrap_or(0))
    }

    async fn feed_details(&self, partner: &PartnerId, references: &[String]) -> Result<Vec<FeedItem>> {
        let mut found = Vec::new();
        for references in references.chunks(500) {
            let mut sql = sqlx::QueryBuilder::new(SELECT);
            sql.push(" WHERE partner = ").push_bind(partner.as_str());
            sql.push(" AND reference IN ");
            sql.push_tuples(references, |mut tuple, reference| {
                tuple.push_bind(reference);
            });
            found.extend(sql.build().fetch_all(&self.pool).await?.iter().map(item_of));
        }
        Ok(found)
    }
}

async fn make_change(
    connection: &mut SqliteConnection,
    partner: &str,
    reference: &str,
    change: FeedChange,
    now_ms: i64,
) -> Result<()> {
    let standing = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} WHERE partner = $1 AND reference = $2")))
        .bind(partner)
        .bind(reference)
        .fetch_optional(&mut *connection)
        .await?
        .as_ref()
        .map(item_of);
    let unchanged = match (&standing, &change) {
        (Some(item), FeedChange::Show { content, .. }) => item.is_active && item.content == *content,
        (Some(item), FeedChange::Close { .. }) => !item.is_active,
        (None, FeedChange::Close { .. }) => true,
        (None, FeedChange::Show { .. }) => false,
    };
    if unchanged {
        return Ok(());
    }
    let now = next_stamp(connection, partner, now_ms).await?;
    let item = match (standing, change) {
        // Content changes: the time of creation stays (rule 4).
        (Some(item), FeedChange::Show { content, media_type }) if item.is_active => {
            FeedItem { content, media_type, modified_at: now, ..item }
        }
        // New, or available again: a new time of creation (rules 1 and 3).
        (_, FeedChange::Show { content, media_type }) => FeedItem {
            reference: reference.to_owned(),
            is_active: true,
            content,
            media_type,
            created_at: now,
            modified_at: now,
            closed_at: None,
            reason: None,
            source_reason: None,
        },
        // Made unavailable (rule 2). What is closed needs no document any more.
        (Some(item), FeedChange::Close { reason, source_reason }) => FeedItem {
            is_active: false,
            content: String::new(),
            media_type: String::new(),
            modified_at: now,
            closed_at: Some(now),
            reason,
            source_reason,
            ..item
        },
        (None, FeedChange::Close { .. }) => return Ok(()),
    };
    put(connection, partner, &item).await
}

async fn put(connection: &mut SqliteConnection, partner: &str, item: &FeedItem) -> Result<()> {
    sqlx::query(
        "INSERT INTO feed_items (partner, reference, is_active, content, media_type, created_at, modified_at, closed_at, reason, \
         source_reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (partner, reference) DO UPDATE SET \
         is_active = excluded.is_active, content = excluded.content, media_type = excluded.media_type, \
         created_at = excluded.created_at, modified_at = excluded.modified_at, closed_at = excluded.closed_at, \
         reason = excluded.reason, source_reason = excluded.source_reason",
    )
    .bind(partner)
    .bind(&item.reference)
    .bind(item.is_active)
    .bind(&item.content)
    .bind(&item.media_type)
    .bind(item.created_at)
    .bind(item.modified_at)
    .bind(item.closed_at)
    .bind(&item.reason)
    .bind(&item.source_reason)
    .execute(connection)
    .await?;
    Ok(())
}

/// The next stamp of a feed: later than every stamp before, whatever the clock does.
async fn next_stamp(connection: &mut SqliteConnection, partner: &str, now_ms: i64) -> Result<i64> {
    let stamp = sqlx::query_scalar(
        "INSERT INTO feed_clocks (partner, last_at) VALUES ($1, $2) \
         ON CONFLICT (partner) DO UPDATE SET last_at = MAX(excluded.last_at, feed_clocks.last_at + 1) RETURNING last_at",
    )
    .bind(partner)
    .bind(now_ms)
    .fetch_one(connection)
    .await?;
    Ok(stamp)
}

fn item_of(row: &SqliteRow) -> FeedItem {
    FeedItem {
        reference: row.get("reference"),
        is_active: row.get("is_active"),
        content: row.get("content"),
        created_at: row.get("created_at"),
        modified_at: row.get("modified_at"),
        closed_at: row.get("closed_at"),
        media_type: row.get("media_type"),
        reason: row.get("reason"),
        source_reason: row.get("source_reason"),
    }
}
