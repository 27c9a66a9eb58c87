//! What became of a message.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use schemas::{LossCounts, Versions};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Door, identity::Identity, problem::Problem};
use crate::{
    code::code,
    eligibility::{Obstacle, spelling},
    identities,
    store::{EventRow, MessagePlace, MessageQuery, MessageRow},
};

/// Messages of one answer.
const PAGE: usize = 100;

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

/// Which messages. Every condition has to hold.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct MessageFilter {
    /// The source's reference.
    #[param(example = "REQ-50")]
    reference: Option<String>,
    /// The reference that it went out under.
    #[param(example = "0c6f0a5e-7f0c-5c8a-9d55-5f8e3f1f9d11")]
    entity_key: Option<String>,
    /// A name or a legal identifier of the employer, as the vacancy says it.
    #[param(example = "0000000097")]
    employer: Option<String>,
    /// The partner that sent it; a partner's key sees its own only.
    #[param(example = "acme")]
    partner: Option<String>,
    /// The partner that it went to, or should have.
    #[param(example = "agency")]
    recipient: Option<String>,
    /// The newest step of the message, or of what it owes to a partner: `delivered`, `deferred`, `rejected`, …
    #[param(example = "rejected")]
    state: Option<String>,
    /// The `cursor` of the page before.
    cursor: Option<String>,
}

/// Messages that match.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageList {
    /// Newest first, at most 100.
    messages: Vec<Message>,
    /// Where to go on, if more may match. A page may hold fewer messages than there are: rare ones are looked for page
    /// by page.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// Tells what became of one message.
#[utoipa::path(
    get, path = "/v1/messages/{id}", tag = "messages",
    params(("id" = String, Path, example = "01932c3e-7d5a-7c11-9a53-1f1c7f2b0a10")),
    responses(
        (status = 200, description = "The message with its events.", body = Message),
        (status = 401, description = "No valid key.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such message, or not for this key.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The journal is behind: ask again.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("partner key" = []), ("operator token" = []))
)]
pub async fn show(
    State(door): State<Door>,
    identity: Identity,
    Path(id): Path<String>,
) -> Result<Json<Message>, Problem> {
    let (message, events) = door.message(&id).await?;
    if !identity.may_see(&message.partner) {
        return Err(Problem::not_found("message"));
    }
    let events = events
        .into_iter()
        .filter(|event| identity == Identity::Operator || !tells_of_identities(&event.step, event.code.as_deref()));
    let events = events.collect();
    Ok(Json(Message::new(message, Some(events))))
}

/// Finds messages by reference, employer, partner or state, page by page.
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
    let is_hidden = |state: &String| identity != Identity::Operator && state.starts_with(identities::STEP);
    if filter.state.as_ref().is_some_and(is_hidden) {
        return Err(wrong_filter("state"));
    }
    let entity_key = filter.entity_key.map(|key| key.parse().map_err(|_| wrong_filter("entity_key"))).transpose()?;
    let recipient =
        filter.recipient.map(|partner| partner.parse().map_err(|_| wrong_filter("recipient"))).transpose()?;
    let after = filter.cursor.map(|cursor| place_of(&cursor).ok_or_else(|| wrong_filter("cursor"))).transpose()?;
    let (reference, employer, state) = (filter.reference, filter.employer.as_deref().map(spelling), filter.state);
    let query = MessageQuery { reference, entity_key, employer, partner, recipient, state, after, limit: PAGE };
    let found = door.intake.store.messages(query).await?;
    Ok(Json(MessageList {
        messages: found.messages.into_iter().map(|message| Message::new(message, None)).collect(),
        cursor: found.next.map(cursor_of),
    }))
}

/// Whether an event tells that others know the person, too: operators see it, and no partner.
pub fn tells_of_identities(step: &str, code: Option<&str>) -> bool {
    step.starts_with(identities::STEP) || code == Some(Obstacle::LinkedSource.code())
}

/// The cursor of a place; opaque to the caller.
fn cursor_of(place: MessagePlace) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}:{}", place.received_at, place.message_id))
}

fn place_of(cursor: &str) -> Option<MessagePlace> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (received_at, message_id) = text.split_once(':')?;
    Some(MessagePlace { received_at: received_at.parse().ok()?, message_id: message_id.parse().ok()? })
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

/// A filter that nobody could mean.
pub fn wrong_filter(name: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, const { code("wrong_filter") }, &format!("`{name}` is not well-formed"))
}
