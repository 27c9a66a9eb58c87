//! The journal's read model.

use anyhow::Result;
use async_trait::async_trait;
use futures::TryStreamExt;
use schemas::{MessageId, PartnerId};
use sqlx::Row as _;

use super::{
    Connection, Database, Engine, Row,
    dialect::storable,
    versions::{parsed, position_of},
};
use crate::store::{EventRow, FoundMessages, Journal, MessagePlace, MessageQuery, MessageRow};

/// Rows of one statement.
const ROWS: usize = 256;
/// Messages that one search looks at: a rare state is looked for page by page, never through everything at once.
const LOOK_AT: i64 = 5_000;

const SELECT_MESSAGE: &str = "SELECT message_id, entity_key, partner, kind, operation, dialect, channel, reference, generation, \
                              log_offset, received_at FROM messages";

#[async_trait]
impl Journal for Engine {
    async fn journal(&self, messages: Vec<MessageRow>, events: Vec<EventRow>) -> Result<()> {
        self.write((messages, events), |connection, (messages, events)| {
            Box::pin(async move {
                for messages in messages.chunks(ROWS) {
                    insert_messages(connection, messages).await?;
                }
                for events in events.chunks(ROWS) {
                    insert_events(connection, events).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn message(&self, id: MessageId) -> Result<Option<(MessageRow, Vec<EventRow>)>> {
        self.read(id, |connection, id| {
            Box::pin(async move {
                let sql = sqlx::AssertSqlSafe(format!("{SELECT_MESSAGE} WHERE message_id = $1"));
                let message = sqlx::query(sql).bind(id.as_uuid()).fetch_optional(&mut *connection).await?;
                let Some(message) = message else { return Ok(None) };
                let events = sqlx::query(
                    "SELECT message_id, recipient, step, attempt, at, code, detail, losses, versions FROM events \
                     WHERE message_id = $1 ORDER BY at, recipient, attempt",
                )
                .bind(id.as_uuid())
                .fetch_all(connection)
                .await?;
                let events = events.iter().map(event_of).collect::<Result<Vec<_>>>()?;
                Ok(Some((message_of(&message)?, events)))
            })
        })
        .await
    }

    async fn messages(&self, query: MessageQuery) -> Result<FoundMessages> {
        self.read(query, |connection, query| Box::pin(search(connection, query))).await
    }
}

async fn search(connection: &mut Connection, query: &MessageQuery) -> Result<FoundMessages> {
    let mut sql = search_sql(query);
    let mut rows = sql.build().fetch(connection);
    let mut found = FoundMessages::default();
    let mut looked_at = 0;
    while let Some(row) = rows.try_next().await? {
        looked_at += 1;
        let message = message_of(&row)?;
        let place = MessagePlace { received_at: message.received_at, message_id: message.message_id };
        if row.get("is_hit") {
            found.messages.push(message);
        }
        if found.messages.len() >= query.limit || looked_at >= LOOK_AT {
            found.next = Some(place);
            break;
        }
    }
    Ok(found)
}

/// The messages that a search looks at, in its order, each with whether its steps match.
fn search_sql(query: &MessageQuery) -> sqlx::QueryBuilder<Database> {
    let mut sql = sqlx::QueryBuilder::new("SELECT m.*, ");
    if query.state.is_some() || query.recipient.is_some() {
        sql.push("EXISTS (SELECT 1 FROM events AS e WHERE e.message_id = m.message_id");
        if let Some(recipient) = &query.recipient {
            sql.push(" AND e.recipient = ").push_bind(recipient.to_string());
        }
        if let Some(state) = &query.state {
            sql.push(" AND e.step = ").push_bind(storable(state).into_owned());
            sql.push(
                " AND NOT EXISTS (SELECT 1 FROM events AS n WHERE n.message_id = e.message_id AND n.recipient = e.recipient \
                 AND (n.at, n.attempt) > (e.at, e.attempt))",
            );
        }
        sql.push(") AS is_hit");
    } else {
        sql.push("TRUE AS is_hit");
    }
    sql.push(" FROM (").push(SELECT_MESSAGE).push(" WHERE TRUE");
    if let Some(reference) = &query.reference {
        sql.push(" AND reference = ").push_bind(storable(reference).into_owned());
    }
    if let Some(entity) = query.entity_key {
        sql.push(" AND entity_key = ").push_bind(entity.as_uuid());
    }
    if let Some(employer) = &query.employer {
        sql.push(" AND entity_key IN (SELECT entity_key FROM employers WHERE employer = ");
        sql.push_bind(storable(employer).into_owned()).push(")");
    }
    if let Some(partner) = &query.partner {
        sql.push(" AND partner = ").push_bind(partner.to_string());
    }
    if let Some(after) = query.after {
        sql.push(" AND (received_at, message_id) < (").push_bind(after.received_at);
        sql.push(", ").push_bind(after.message_id.as_uuid()).push(")");
    }
    sql.push(" ORDER BY received_at DESC, message_id DESC LIMIT ").push_bind(LOOK_AT);
    sql.push(") AS m ORDER BY received_at DESC, message_id DESC");
    sql
}

async fn insert_messages(connection: &mut Connection, messages: &[MessageRow]) -> Result<()> {
    let mut insert = sqlx::QueryBuilder::<Database>::new(
        "INSERT INTO messages (message_id, entity_key, partner, kind, operation, dialect, channel, reference, generation, \
         log_offset, received_at) ",
    );
    insert.push_values(messages, |mut row, message| {
        row.push_bind(message.message_id.as_uuid())
            .push_bind(message.entity_key.as_uuid())
            .push_bind(message.partner.as_str())
            .push_bind(&message.kind)
            .push_bind(&message.operation)
            .push_bind(&message.dialect)
            .push_bind(&message.channel)
            .push_bind(message.reference.as_deref().map(storable))
            .push_bind(message.position.generation)
            .push_bind(message.position.offset)
            .push_bind(message.received_at);
    });
    insert.push(" ON CONFLICT DO NOTHING").build().execute(connection).await?;
    Ok(())
}

async fn insert_events(connection: &mut Connection, events: &[EventRow]) -> Result<()> {
    let encoded = events
        .iter()
        .map(|event| Ok((serde_json::to_string(&event.losses)?, serde_json::to_string(&event.versions)?)))
        .collect::<Result<Vec<_>>>()?;
    let mut insert = sqlx::QueryBuilder::<Database>::new(
        "INSERT INTO events (message_id, recipient, step, attempt, occurrence, at, code, detail, losses, versions) ",
    );
    insert.push_values(events.iter().zip(encoded), |mut row, (event, (losses, versions))| {
        row.push_bind(event.message_id.as_uuid())
            .push_bind(event.recipient.as_ref().map(PartnerId::as_str).unwrap_or_default())
            .push_bind(&event.step)
            .push_bind(event.attempt)
            .push_bind(if event.attempt > 0 { event.at } else { 0 })
            .push_bind(event.at)
            .push_bind(event.code.as_deref().map(storable))
            .push_bind(event.detail.as_deref().map(storable))
            .push_bind(losses)
            .push_bind(versions);
    });
    insert.push(" ON CONFLICT DO NOTHING").build().execute(connection).await?;
    Ok(())
}

fn message_of(row: &Row) -> Result<MessageRow> {
    Ok(MessageRow {
        message_id: row.get::<uuid::Uuid, _>("message_id").into(),
        entity_key: row.get::<uuid::Uuid, _>("entity_key").into(),
        partner: parsed(row, "partner")?,
        kind: row.get("kind"),
        operation: row.get("operation"),
        dialect: row.get("dialect"),
        channel: row.get("channel"),
        reference: row.get("reference"),
        position: position_of(row),
        received_at: row.get("received_at"),
    })
}

fn event_of(row: &Row) -> Result<EventRow> {
    let recipient: &str = row.get("recipient");
    Ok(EventRow {
        message_id: row.get::<uuid::Uuid, _>("message_id").into(),
        recipient: if recipient.is_empty() { None } else { Some(recipient.parse()?) },
        step: row.get("step"),
        attempt: row.get("attempt"),
        at: row.get("at"),
        code: row.get("code"),
        detail: row.get("detail"),
        losses: serde_json::from_str(row.get("losses"))?,
        versions: serde_json::from_str(row.get("versions"))?,
    })
}
