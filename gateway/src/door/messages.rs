//! What became of a message.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use jiff::Timestamp;
use schemas::{LossCounts, Versions};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Door, identity::Identity, problem::Problem};
use crate::code::code;
use crate::store::{EventRow, MessageQuery, MessageRow};

/// How long a look-up waits for the journal to have read what was just accepted.
const PATIENCE: Duration = Duration::from_secs(2);
/// Messages of one answer.
const PAGE: i64 = 100;

/// A message and what became of it. Metadata only: never the document.
#[derive(Debug, Serialize, ToSchema)]
pub struct Message {
    /// The message.
    #[schema(example = "01932c3e-7d5a-7c11-9a53-1f1c7f2b0a10")]
    message_id: String,
    /// The reference that it goes out under.
    entity_key: String,
    /// Who sent it.
    #[schema(example = "acme")]
    partner: String,
    /// What it is about.
    #[schema(example = "vacancy")]
    kind: String,
    /// What it does: `upsert` or `close`.
    operation: String,
    /// The dialect it came in.
    dialect: String,
    /// How it came in: `push`, `webhook`, …
    channel: String,
    /// The source's reference.
    reference: Option<String>,
    /// Where it stands in the log: generation and offset.
    #[schema(example = "1:42")]
    position: String,
    /// When it was taken in.
    #[schema(example = "2026-11-22T08:30:00.000000Z")]
    received_at: String,
    /// What happened, oldest first; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<MessageEvent>>,
}

/// Something that happened to a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageEvent {
    /// What: `routed`, `delivered`, `deferred`, `rejected`, …
    #[schema(example = "delivered")]
    step: String,
    /// The partner concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<String>,
    /// Which attempt to send; 0 where none was made.
    attempt: i64,
    /// When.
    at: String,
    /// Why, as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// More, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// What the translation carried, counted.
    #[schema(value_type = Object)]
    losses: LossCounts,
    /// Hashes of the schema, mapping, code lists and configuration in force.
    #[schema(value_type = Object)]
    versions: Versions,
}

/// Which messages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct MessageFilter {
    /// The source's reference.
    reference: Option<String>,
    /// The reference that it went out under.
    entity_key: Option<String>,
    /// The partner that sent it; a partner's key sees its own only.
    partner: Option<String>,
}

/// Messages that match.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageList {
    /// Newest first, at most 100.
    messages: Vec<Message>,
}

/// Tells what became of one message.
#[utoipa::path(
    get, path = "/v1/messages/{id}", tag = "messages",
    params(("id" = String, Path, example = "01932c3e-7d5a-7c11-9a53-1f1c7f2b0a10")),
    responses(
        (status = 200, description = "The message with its events.", body = Message),
        (status = 401, description = "No valid key.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such message, or not for this key.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("partner key" = []), ("operator token" = []))
)]
pub async fn show(
    State(door): State<Door>,
    identity: Identity,
    Path(id): Path<String>,
) -> Result<Json<Message>, Problem> {
    let id = id.parse().map_err(|_| Problem::not_found("message"))?;
    let mut found = door.intake.store.message(id).await?;
    if found.is_none() {
        door.wait_for_journal(PATIENCE).await?;
        found = door.intake.store.message(id).await?;
    }
    let (message, events) =
        found.filter(|(message, _)| identity.may_see(&message.partner)).ok_or_else(|| Problem::not_found("message"))?;
    Ok(Json(Message::new(message, Some(events))))
}

/// Finds messages by reference.
#[utoipa::path(
    get, path = "/v1/messages", tag = "messages", params(MessageFilter),
    responses(
        (status = 200, description = "Messages, newest first, without their events.", body = MessageList),
        (status = 400, description = "The filter is wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid key.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("partner key" = []), ("operator token" = []))
)]
pub async fn list(
    State(door): State<Door>,
    identity: Identity,
    Query(filter): Query<MessageFilter>,
) -> Result<Json<MessageList>, Problem> {
    let partner = match (&identity, filter.partner) {
        (Identity::Partner(own), _) => Some(own.clone()),
        (Identity::Operator, Some(partner)) => Some(partner.parse().map_err(|_| wrong_filter("partner"))?),
        (Identity::Operator, None) => None,
    };
    let entity_key = filter.entity_key.map(|key| key.parse().map_err(|_| wrong_filter("entity_key"))).transpose()?;
    let query = MessageQuery { reference: filter.reference, entity_key, partner, limit: PAGE };
    let messages = door.intake.store.messages(query).await?;
    Ok(Json(MessageList { messages: messages.into_iter().map(|message| Message::new(message, None)).collect() }))
}

impl Message {
    fn new(row: MessageRow, events: Option<Vec<EventRow>>) -> Self {
        Self {
            message_id: row.message_id.to_string(),
            entity_key: row.entity_key.to_string(),
            partner: row.partner.to_string(),
            kind: row.kind,
            operation: row.operation,
            dialect: row.dialect,
            channel: row.channel,
            reference: row.reference,
            position: row.position.to_string(),
            received_at: instant(row.received_at),
            events: events.map(|events| events.into_iter().map(MessageEvent::new).collect()),
        }
    }
}

impl MessageEvent {
    fn new(row: EventRow) -> Self {
        Self {
            step: row.step,
            recipient: row.recipient.map(String::from),
            attempt: row.attempt,
            at: instant(row.at),
            code: row.code,
            detail: row.detail,
            losses: row.losses,
            versions: row.versions,
        }
    }
}

/// Microseconds since 1970 as RFC 3339.
pub fn instant(micros: i64) -> String {
    Timestamp::from_microsecond(micros).map(|at| format!("{at:.6}")).unwrap_or_default()
}

fn wrong_filter(name: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, const { code("wrong_filter") }, &format!("`{name}` is not well-formed"))
}
