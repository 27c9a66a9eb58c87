//! What pulls leave behind: their decisions, and how far the puller has come.

use std::collections::BTreeSet;

use anyhow::Result;
use schemas::EntityKey;
use sqlx::Row as _;
use uuid::Uuid;

use super::{
    Connection, Database, feed::next_stamp, lengths::padded, lock_entities, lock_feed, putting::keyed, recalls,
    subjects,
};
use crate::store::{PersonFeed, PullDecision, PulledPast};

/// Items of one statement.
const LOOK_UP: usize = 256;

/// Keeps decisions about items that are as they were read, of persons who are as they were decided on.
pub(super) async fn decide(
    connection: &mut Connection,
    feed: &PersonFeed,
    decisions: &[PullDecision],
    now_ms: i64,
) -> Result<()> {
    lock_feed(connection, feed.partner.as_str()).await?;
    let persons: BTreeSet<Uuid> = decisions.iter().map(|decision| decision.person.subject).collect();
    let held = subjects::held(connection, persons).await?;
    for decision in decisions {
        let person = decision.person;
        if held.get(&person.subject).copied().unwrap_or(0) != person.version {
            continue;
        }
        let was_withheld: Option<bool> = sqlx::query_scalar(
            "SELECT i.is_withheld FROM person_feed_items AS i WHERE i.partner = $1 AND i.kind = $2 AND i.entity_key = $3 \
             AND i.modified_at = $4 AND i.is_active AND NOT EXISTS (SELECT 1 FROM recalls AS r WHERE r.subject = i.subject \
             AND r.partner = i.partner AND r.entity_key = i.entity_key AND r.version > i.version)",
        )
        .bind(feed.partner.as_str())
        .bind(feed.kind.as_str())
        .bind(decision.entity_key.as_uuid())
        .bind(decision.seen)
        .fetch_optional(&mut *connection)
        .await?;
        let Some(was_withheld) = was_withheld else { continue };
        // Whoever passed it while it was left out meets it again: as something new, for it was not there.
        let stamp = if was_withheld && !decision.is_withheld {
            Some(next_stamp(connection, feed.partner.as_str(), now_ms).await?)
        } else {
            None
        };
        let sql = "UPDATE person_feed_items SET version = $4, valid_until = $5, rules = $6, is_withheld = $7, \
                   created_at = COALESCE($8, created_at), modified_at = COALESCE($8, modified_at) \
                   WHERE partner = $1 AND kind = $2 AND entity_key = $3";
        keyed(sql, feed, decision.entity_key.as_uuid())
            .bind(person.version)
            .bind(decision.valid_until)
            .bind(decision.rules.to_string())
            .bind(decision.is_withheld)
            .bind(stamp)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Something that the puller has yet to hear of.
pub(super) struct Awaiting {
    entity: Uuid,
    is_active: bool,
    version: i64,
    ended_send: Option<i64>,
}

/// What the puller has heard of, if it has come so far.
pub(super) async fn awaiting(
    connection: &mut Connection,
    feed: &PersonFeed,
    past: &PulledPast,
) -> Result<Vec<Awaiting>> {
    let entities: Vec<Option<&[EntityKey]>> = match past {
        PulledPast::Stamp(_) => vec![None],
        PulledPast::These(entities) => entities.chunks(LOOK_UP).map(Some).collect(),
    };
    let mut found = Vec::new();
    for entities in entities {
        let mut sql = sqlx::QueryBuilder::<Database>::new(
            "SELECT entity_key, is_active, version, ended_send FROM person_feed_items WHERE awaits_pull AND partner = ",
        );
        sql.push_bind(feed.partner.as_str()).push(" AND kind = ").push_bind(feed.kind.as_str());
        if let PulledPast::Stamp(stamp) = past {
            sql.push(" AND modified_at < ").push_bind(*stamp);
        }
        if let Some(entities) = entities {
            sql.push(" AND entity_key IN ");
            sql.push_tuples(padded(entities), |mut tuple, entity| {
                tuple.push_bind(entity.as_uuid());
            });
        }
        let rows = sql.build().fetch_all(&mut *connection).await?;
        found.extend(rows.iter().map(|row| Awaiting {
            entity: row.get("entity_key"),
            is_active: row.get("is_active"),
            version: row.get("version"),
            ended_send: row.get("ended_send"),
        }));
    }
    Ok(found)
}

/// Acknowledges what the puller has heard of.
pub(super) async fn note(connection: &mut Connection, feed: &PersonFeed, past: &PulledPast, at: i64) -> Result<()> {
    lock_feed(connection, feed.partner.as_str()).await?;
    let heard = awaiting(connection, feed, past).await?;
    let entities = heard.iter().map(|one| (&feed.partner, EntityKey::from(one.entity)));
    lock_entities(connection, entities).await?;
    for one in heard {
        let sql =
            "UPDATE person_feed_items SET awaits_pull = FALSE WHERE partner = $1 AND kind = $2 AND entity_key = $3";
        keyed(sql, feed, one.entity).execute(&mut *connection).await?;
        let ended_send = one.ended_send.filter(|_| !one.is_active);
        recalls::pulled(connection, (feed.partner.as_str(), one.entity), (ended_send, one.version), at).await?;
    }
    Ok(())
}
