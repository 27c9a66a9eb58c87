//! Items, each with its person as of one snapshot: one statement reads both.

use anyhow::{Context, Result};
use futures::TryStreamExt;
use schemas::{EntityKey, Hash};
use sqlx::Row as _;
use uuid::Uuid;

use super::{Connection, Database, Row, lengths::padded, versions::parsed};
use crate::store::{Decided, FeedBound, PersonFeed, PersonItem, PersonItems, SubjectVersion, WhichPersons};

/// Items of one statement.
const LOOK_UP: usize = 256;

/// An item, but for its document.
const COLUMNS: &str = "i.entity_key, i.subject, i.source, i.is_active, i.version, i.permit, i.valid_until, i.rules, \
     i.is_withheld, i.created_at, i.modified_at, i.closed_at, i.reason, COALESCE(s.version, 0) AS person_version, EXISTS ( \
       SELECT 1 FROM recalls AS r WHERE r.subject = i.subject AND r.partner = i.partner AND r.entity_key = i.entity_key \
       AND r.version > i.version) AS is_recalled";
const TABLES: &str = "FROM person_feed_items AS i LEFT JOIN subjects AS s ON s.subject = i.subject";

pub(super) async fn items(connection: &mut Connection, feed: &PersonFeed, which: &WhichPersons) -> Result<PersonItems> {
    if let WhichPersons::These(entities) = which {
        return these(connection, feed, entities).await;
    }
    let is_whole = matches!(which, WhichPersons::From(..));
    let mut sql = select(feed, is_whole);
    let mut bound = FeedBound { items: usize::MAX, size_bytes: usize::MAX };
    match which {
        WhichPersons::From(from, most) => {
            bound = *most;
            sql.push(" AND i.modified_at >= ").push_bind(*from);
            sql.push(" ORDER BY i.modified_at LIMIT ").push_bind(i64::try_from(most.items.saturating_add(1))?);
        }
        WhichPersons::Active => {
            sql.push(" AND i.is_active ORDER BY i.modified_at");
        }
        WhichPersons::Since(since) => {
            sql.push(" AND i.modified_at >= ").push_bind(*since).push(" ORDER BY i.modified_at");
        }
        WhichPersons::ToReconsider(now, rules, most) => {
            sql.push(" AND i.is_withheld AND (i.version <> COALESCE(s.version, 0) OR i.valid_until <= ")
                .push_bind(*now);
            sql.push(" OR i.rules <> ").push_bind(rules.to_string());
            sql.push(") ORDER BY i.modified_at LIMIT ").push_bind(i64::try_from(*most)?);
        }
        WhichPersons::These(_) => {}
    }
    let mut rows = sql.build().fetch(connection);
    let (mut read, mut size_bytes) = (PersonItems::default(), 0);
    while let Some(row) = rows.try_next().await? {
        let item = item_of(&row)?;
        size_bytes += item.sealed.as_ref().map_or(0, Vec::len);
        if read.items.len() >= bound.items || (!read.items.is_empty() && size_bytes > bound.size_bytes) {
            read.has_more = true;
            break;
        }
        read.items.push(item);
    }
    Ok(read)
}

async fn these(connection: &mut Connection, feed: &PersonFeed, entities: &[EntityKey]) -> Result<PersonItems> {
    let mut read = PersonItems::default();
    for entities in entities.chunks(LOOK_UP) {
        let mut sql = select(feed, true);
        sql.push(" AND i.entity_key IN ");
        sql.push_tuples(padded(entities), |mut tuple, entity| {
            tuple.push_bind(entity.as_uuid());
        });
        let rows = sql.build().fetch_all(&mut *connection).await?;
        read.items.extend(rows.iter().map(item_of).collect::<Result<Vec<_>>>()?);
    }
    Ok(read)
}

fn select(feed: &PersonFeed, is_whole: bool) -> sqlx::QueryBuilder<Database> {
    let sealed = if is_whole { "i.sealed" } else { "NULL AS sealed" };
    let mut sql = sqlx::QueryBuilder::new(format!("SELECT {COLUMNS}, {sealed} {TABLES} WHERE i.partner = "));
    sql.push_bind(feed.partner.as_str()).push(" AND i.kind = ").push_bind(feed.kind.as_str());
    sql
}

fn item_of(row: &Row) -> Result<PersonItem> {
    let hash = |column: &str| -> Result<Hash> {
        let text: &str = row.get(column);
        text.parse().map_err(anyhow::Error::msg).with_context(|| format!("damaged column `{column}`"))
    };
    Ok(PersonItem {
        entity_key: row.get::<Uuid, _>("entity_key").into(),
        source: parsed(row, "source")?,
        is_active: row.get("is_active"),
        sealed: row.get("sealed"),
        decided: Decided {
            person: SubjectVersion { subject: row.get("subject"), version: row.get("version") },
            permit: hash("permit")?,
            valid_until: row.get("valid_until"),
        },
        rules: hash("rules")?,
        is_withheld: row.get("is_withheld"),
        person_version: row.get("person_version"),
        is_recalled: row.get("is_recalled"),
        created_at: row.get("created_at"),
        modified_at: row.get("modified_at"),
        closed_at: row.get("closed_at"),
        reason: row.get("reason"),
    })
}
