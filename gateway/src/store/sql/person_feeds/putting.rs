//! Deliveries into a feed: documents, and what takes them away.

use std::collections::BTreeSet;

use anyhow::Result;
use schemas::EntityKey;
use sqlx::Row as _;
use uuid::Uuid;

use super::{Connection, feed::next_stamp, lock_feed, subjects};
use crate::store::{PersonDocument, PersonFeed};

const THAT_ONE: &str = " WHERE partner = $1 AND kind = $2 AND entity_key = $3";

/// What stands in the feed already.
struct Standing {
    is_active: bool,
    is_withheld: bool,
    awaits_pull: bool,
    content_hash: Option<String>,
    created_at: i64,
}

async fn standing(connection: &mut Connection, feed: &PersonFeed, entity: EntityKey) -> Result<Option<Standing>> {
    let sql = format!(
        "SELECT is_active, is_withheld, awaits_pull, content_hash, created_at FROM person_feed_items{THAT_ONE}"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(feed.partner.as_str())
        .bind(feed.kind.as_str())
        .bind(entity.as_uuid())
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|row| Standing {
        is_active: row.get("is_active"),
        is_withheld: row.get("is_withheld"),
        awaits_pull: row.get("awaits_pull"),
        content_hash: row.get("content_hash"),
        created_at: row.get("created_at"),
    }))
}

/// Puts a document there; `now` in microseconds and in milliseconds. Returns whether its decision still holds.
pub(super) async fn show(
    connection: &mut Connection,
    feed: &PersonFeed,
    document: &PersonDocument,
    (now, now_ms): (i64, i64),
) -> Result<bool> {
    lock_feed(connection, feed.partner.as_str()).await?;
    let person = document.decided.person;
    let held = subjects::held(connection, BTreeSet::from([person.subject])).await?;
    let is_over = document.decided.valid_until.is_some_and(|end| end <= now);
    if held.get(&person.subject) != Some(&person.version) || is_over {
        return Ok(false);
    }
    let before = standing(connection, feed, document.entity_key).await?;
    let content_hash = document.content_hash.to_string();
    // What was left out is news to whoever passed it.
    let visible = before.as_ref().filter(|before| before.is_active && !before.is_withheld);
    if visible.is_some_and(|before| before.content_hash.as_deref() == Some(content_hash.as_str())) {
        renew(connection, feed, document).await?;
        return Ok(true);
    }
    let stamp = next_stamp(connection, feed.partner.as_str(), now_ms).await?;
    let created_at = visible.map_or(stamp, |before| before.created_at);
    sqlx::query(
        "INSERT INTO person_feed_items (partner, kind, entity_key, subject, source, is_active, sealed, content_hash, version, \
         permit, valid_until, rules, is_withheld, created_at, modified_at, awaits_pull) \
         VALUES ($1, $2, $3, $4, $5, TRUE, $6, $7, $8, $9, $10, $11, FALSE, $12, $13, FALSE) \
         ON CONFLICT (partner, kind, entity_key) DO UPDATE SET subject = excluded.subject, source = excluded.source, \
         is_active = TRUE, sealed = excluded.sealed, content_hash = excluded.content_hash, version = excluded.version, \
         permit = excluded.permit, valid_until = excluded.valid_until, rules = excluded.rules, is_withheld = FALSE, \
         created_at = excluded.created_at, modified_at = excluded.modified_at, closed_at = NULL, reason = NULL, ended_send = NULL",
    )
    .bind(feed.partner.as_str())
    .bind(feed.kind.as_str())
    .bind(document.entity_key.as_uuid())
    .bind(person.subject)
    .bind(document.source.as_str())
    .bind(&document.sealed)
    .bind(content_hash)
    .bind(person.version)
    .bind(document.decided.permit.to_string())
    .bind(document.decided.valid_until)
    .bind(document.rules.to_string())
    .bind(created_at)
    .bind(stamp)
    .execute(connection)
    .await?;
    Ok(true)
}

/// The same document again, by a newer decision.
async fn renew(connection: &mut Connection, feed: &PersonFeed, document: &PersonDocument) -> Result<()> {
    let sql = format!("UPDATE person_feed_items SET version = $4, permit = $5, valid_until = $6, rules = $7{THAT_ONE}");
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(feed.partner.as_str())
        .bind(feed.kind.as_str())
        .bind(document.entity_key.as_uuid())
        .bind(document.decided.person.version)
        .bind(document.decided.permit.to_string())
        .bind(document.decided.valid_until)
        .bind(document.rules.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes an item away. Returns whether the puller has yet to hear of it.
pub(super) async fn close(
    connection: &mut Connection,
    feed: &PersonFeed,
    entity: EntityKey,
    reason: Option<&str>,
    now_ms: i64,
) -> Result<bool> {
    lock_feed(connection, feed.partner.as_str()).await?;
    let Some(before) = standing(connection, feed, entity).await? else { return Ok(false) };
    if !before.is_active && !before.awaits_pull {
        return Ok(false);
    }
    let sql = "SELECT MAX(sent_at) FROM disclosures WHERE partner = $1 AND entity_key = $2";
    let ended_send: Option<i64> =
        sqlx::query_scalar(sql).bind(feed.partner.as_str()).bind(entity.as_uuid()).fetch_one(&mut *connection).await?;
    if !before.is_active {
        let sql = format!("UPDATE person_feed_items SET ended_send = $4{THAT_ONE}");
        keyed(&sql, feed, entity.as_uuid()).bind(ended_send).execute(connection).await?;
        return Ok(true);
    }
    let stamp = next_stamp(connection, feed.partner.as_str(), now_ms).await?;
    let sql = format!(
        "UPDATE person_feed_items SET is_active = FALSE, is_withheld = FALSE, awaits_pull = TRUE, sealed = NULL, \
         content_hash = NULL, ended_send = $4, modified_at = $5, closed_at = $5, reason = $6{THAT_ONE}"
    );
    keyed(&sql, feed, entity.as_uuid()).bind(ended_send).bind(stamp).bind(reason).execute(connection).await?;
    Ok(true)
}

type Arguments = <super::Database as sqlx::Database>::Arguments;

pub(super) fn keyed<'q>(
    sql: &str,
    feed: &'q PersonFeed,
    entity: Uuid,
) -> sqlx::query::Query<'q, super::Database, Arguments> {
    sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).bind(feed.partner.as_str()).bind(feed.kind.as_str()).bind(entity)
}
