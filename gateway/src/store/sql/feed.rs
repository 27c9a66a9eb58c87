//! Feeds that partners pull.

use anyhow::Result;
use async_trait::async_trait;
use futures::TryStreamExt;
use schemas::PartnerId;
use sqlx::Row as _;

use super::{Connection, Database, Engine, Row, dialect::storable, lock_feed};
use crate::store::{Feed, FeedBound, FeedChange, FeedItem, FeedStretch};

const SELECT: &str = "SELECT reference, is_active, content, media_type, created_at, modified_at, closed_at, reason, source_reason \
                      FROM feed_items";
/// The same without the documents.
const OVERVIEW: &str = "SELECT reference, is_active, '' AS content, media_type, created_at, modified_at, closed_at, reason, \
                        source_reason FROM feed_items";

#[async_trait]
impl Feed for Engine {
    async fn change_feed(&self, partner: &PartnerId, reference: &str, change: FeedChange, now_ms: i64) -> Result<()> {
        let args = (partner.to_string(), reference.to_owned(), change, now_ms);
        self.write(args, |connection, (partner, reference, change, now_ms)| {
            Box::pin(make_change(connection, partner, reference, change, *now_ms))
        })
        .await
    }

    async fn feed_active(&self, partner: &PartnerId) -> Result<Vec<FeedItem>> {
        self.read(partner.clone(), |connection, partner| {
            Box::pin(async move {
                let sql = format!("{OVERVIEW} WHERE partner = $1 AND is_active ORDER BY modified_at");
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(partner.as_str()).fetch_all(connection).await?;
                Ok(rows.iter().map(item_of).collect())
            })
        })
        .await
    }

    async fn feed_changes(&self, partner: &PartnerId, since_ms: i64) -> Result<Vec<FeedItem>> {
        self.read((partner.clone(), since_ms), |connection, (partner, since_ms)| {
            Box::pin(async move {
                let sql = format!("{OVERVIEW} WHERE partner = $1 AND modified_at >= $2 ORDER BY modified_at");
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
                    .bind(partner.as_str())
                    .bind(since_ms)
                    .fetch_all(connection)
                    .await?;
                Ok(rows.iter().map(item_of).collect())
            })
        })
        .await
    }

    async fn feed_stretch(&self, partner: &PartnerId, from: i64, bound: FeedBound) -> Result<FeedStretch> {
        self.read((partner.clone(), from, bound), |connection, (partner, from, bound)| {
            Box::pin(read_stretch(connection, partner, *from, *bound))
        })
        .await
    }

    async fn feed_end(&self, partner: &PartnerId) -> Result<i64> {
        self.read(partner.clone(), |connection, partner| {
            Box::pin(async move {
                let end = sqlx::query_scalar("SELECT last_at FROM feed_clocks WHERE partner = $1")
                    .bind(partner.as_str())
                    .fetch_optional(connection)
                    .await?;
                Ok(end.unwrap_or(0))
            })
        })
        .await
    }

    async fn feed_details(&self, partner: &PartnerId, references: &[String]) -> Result<Vec<FeedItem>> {
        self.read((partner.clone(), references.to_vec()), |connection, (partner, references)| {
            Box::pin(async move {
                let mut found = Vec::new();
                for references in references.chunks(500) {
                    let mut sql = sqlx::QueryBuilder::<Database>::new(SELECT);
                    sql.push(" WHERE partner = ").push_bind(partner.as_str());
                    sql.push(" AND reference IN ");
                    sql.push_tuples(references, |mut tuple, reference| {
                        tuple.push_bind(storable(reference));
                    });
                    found.extend(sql.build().fetch_all(&mut *connection).await?.iter().map(item_of));
                }
                Ok(found)
            })
        })
        .await
    }
}

async fn read_stretch(
    connection: &mut Connection,
    partner: &PartnerId,
    from: i64,
    bound: FeedBound,
) -> Result<FeedStretch> {
    let sql = format!("{SELECT} WHERE partner = $1 AND modified_at >= $2 ORDER BY modified_at LIMIT $3");
    let mut rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(partner.as_str())
        .bind(from)
        .bind(i64::try_from(bound.items.saturating_add(1))?)
        .fetch(connection);
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

async fn make_change(
    connection: &mut Connection,
    partner: &str,
    reference: &str,
    change: &FeedChange,
    now_ms: i64,
) -> Result<()> {
    lock_feed(connection, partner).await?;
    let standing = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} WHERE partner = $1 AND reference = $2")))
        .bind(partner)
        .bind(reference)
        .fetch_optional(&mut *connection)
        .await?
        .as_ref()
        .map(item_of);
    let unchanged = match (&standing, change) {
        (Some(item), FeedChange::Show { content, .. }) => item.is_active && item.content == *content,
        (Some(item), FeedChange::Close { .. }) => !item.is_active,
        (None, FeedChange::Close { .. }) => true,
        (None, FeedChange::Show { .. }) => false,
    };
    if unchanged {
        return Ok(());
    }
    let now = next_stamp(connection, partner, now_ms).await?;
    let item = match (standing, change.clone()) {
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

async fn put(connection: &mut Connection, partner: &str, item: &FeedItem) -> Result<()> {
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
    .bind(storable(&item.content))
    .bind(&item.media_type)
    .bind(item.created_at)
    .bind(item.modified_at)
    .bind(item.closed_at)
    .bind(&item.reason)
    .bind(item.source_reason.as_deref().map(storable))
    .execute(connection)
    .await?;
    Ok(())
}

/// The next stamp of a feed: later than every stamp before, whatever the clock does.
pub(super) async fn next_stamp(connection: &mut Connection, partner: &str, now_ms: i64) -> Result<i64> {
    let stamp = sqlx::query_scalar(
        "INSERT INTO feed_clocks (partner, last_at) VALUES ($1, $2) \
         ON CONFLICT (partner) DO UPDATE SET last_at = \
         CASE WHEN excluded.last_at > feed_clocks.last_at THEN excluded.last_at ELSE feed_clocks.last_at + 1 END RETURNING last_at",
    )
    .bind(partner)
    .bind(now_ms)
    .fetch_one(connection)
    .await?;
    Ok(stamp)
}

fn item_of(row: &Row) -> FeedItem {
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
