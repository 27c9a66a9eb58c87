//! What happens, as it happens: lines of JSON for as long as somebody listens. Metadata only, unless an operator asks
//! for the vacancies too.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use futures::{Stream, stream};
use schemas::{Content, Kind, PartnerId, Record};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use utoipa::{IntoParams, ToSchema};

use super::{
    Door,
    identity::Identity,
    messages::{instant, tells_of_identities},
    problem::Problem,
};
use crate::backbone::{Stored, Subscription, Topic};

/// Records that are read at once.
const READ: usize = 64;
/// How often a line is sent when nothing happens, so that both sides notice when the other has gone.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What to listen to.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TapOptions {
    /// Messages from or to this partner only; a partner's key hears of its own messages only.
    #[param(example = "acme")]
    partner: Option<String>,
    /// Of this kind only.
    #[param(example = "vacancy")]
    kind: Option<String>,
    /// The accepted vacancies too, as canonical JSON. Operators only.
    #[serde(default)]
    bodies: bool,
}

/// Something that happened: one line.
#[derive(Debug, Serialize, ToSchema)]
pub struct TapEvent {
    /// When.
    #[schema(example = "2026-11-22T08:30:00.000000Z")]
    at: String,
    /// What: `accepted`, `routed`, `delivered`, …
    #[schema(example = "delivered")]
    step: String,
    /// The message.
    message_id: String,
    /// The reference that it goes out under.
    entity_key: String,
    /// Who sent it.
    #[schema(example = "acme")]
    partner: String,
    /// What it is about.
    #[schema(example = "vacancy")]
    kind: String,
    /// The source's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// The partner concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "agency")]
    recipient: Option<String>,
    /// Which attempt to send; 0 where none was made.
    attempt: i64,
    /// Why, as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The accepted vacancy, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    body: Option<serde_json::Value>,
}

/// Tells what happens from now on, a line of JSON each; an empty line now and then says that nothing does.
#[utoipa::path(get, path = "/v1/tap", tag = "messages", params(TapOptions),
    responses(
        (status = 200, description = "Lines, until either side ends it.", body = TapEvent, content_type = "application/x-ndjson"),
        (status = 401, description = "No valid key.", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Only an operator may see bodies.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such partner or kind.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("partner key" = []), ("operator token" = [])))]
pub async fn tap(
    State(door): State<Door>,
    identity: Identity,
    Query(options): Query<TapOptions>,
) -> Result<Response, Problem> {
    let own = match identity {
        Identity::Operator => None,
        Identity::Partner(_) if options.bodies => return Err(Problem::forbidden("only an operator may see bodies")),
        Identity::Partner(own) => Some(own),
    };
    if let Some(partner) = &options.partner
        && !door.intake.in_force.now().configuration.partners.keys().any(|known| known.as_str() == partner)
    {
        return Err(Problem::not_found("partner").detail(format!("no file in `partners/` is called `{partner}.toml`")));
    }
    if let Some(kind) = &options.kind {
        kind.parse::<Kind>().map_err(|error| Problem::not_found("kind").detail(error))?;
    }
    let backbone = &door.intake.backbone;
    let tap = Tap {
        accepted: backbone.tail(Topic::accepted()).await?,
        journal: backbone.tail(Topic::journal()).await?,
        options,
        own,
        stop: door.stop.clone(),
        lines: VecDeque::new(),
    };
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(tap.stream())).into_response())
}

/// Somebody who listens.
struct Tap {
    accepted: Box<dyn Subscription>,
    journal: Box<dyn Subscription>,
    options: TapOptions,
    own: Option<PartnerId>,
    stop: CancellationToken,
    lines: VecDeque<String>,
}

impl Tap {
    fn stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, async |mut tap| {
            let line = tap.next().await?;
            Some((Ok(Bytes::from(line)), tap))
        })
    }

    /// The next line; none when the daemon stops or the log does not answer.
    async fn next(&mut self) -> Option<String> {
        while self.lines.is_empty() {
            let records = tokio::select! {
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep(HEARTBEAT) => return Some("\n".to_owned()),
                records = self.accepted.next(READ) => records,
                records = self.journal.next(READ) => records,
            };
            match records {
                Ok(records) => {
                    let lines: Vec<_> = records.iter().filter_map(|record| self.line(record)).collect();
                    self.lines.extend(lines);
                }
                Err(error) => {
                    warn!(error = format!("{error:#}"), "a tap ends: the log does not answer");
                    return None;
                }
            }
        }
        self.lines.pop_front()
    }

    fn line(&self, record: &Stored) -> Option<String> {
        let header = &record.envelope.header;
        let kind = record.envelope.kind();
        let is_of = |partner: &str| {
            header.origin.partner.as_str() == partner
                || header.recipient.as_ref().is_some_and(|one| one.as_str() == partner)
        };
        let is_wanted = self.own.as_ref().is_none_or(|own| *own == header.origin.partner)
            && self.options.partner.as_deref().is_none_or(is_of)
            && self.options.kind.as_deref().is_none_or(|wanted| wanted == kind.as_str());
        if !is_wanted {
            return None;
        }
        let event = header.event.as_ref();
        if self.own.is_some() && event.is_some_and(|event| tells_of_identities(&event.step, event.code.as_deref())) {
            return None;
        }
        let event = TapEvent {
            at: instant(event.map_or(header.origin.received_at, |event| event.at)),
            step: event.map_or_else(|| "accepted".to_owned(), |event| event.step.clone()),
            message_id: header.message_id.to_string(),
            entity_key: header.entity_key.to_string(),
            partner: header.origin.partner.to_string(),
            kind: kind.to_string(),
            reference: header.origin.reference.clone().filter(|_| kind == Kind::Vacancy),
            recipient: header.recipient.as_ref().map(ToString::to_string),
            attempt: event.map_or(0, |event| event.attempt),
            code: event.and_then(|event| event.code.clone()),
            body: if self.options.bodies { body_of(record) } else { None },
        };
        let mut line = serde_json::to_string(&event).ok()?;
        line.push('\n');
        Some(line)
    }
}

/// The canonical vacancy of an accepted record. What is sealed stays so.
fn body_of(record: &Stored) -> Option<serde_json::Value> {
    let content = Content::from_avro(record.envelope.plain()?).ok().filter(|content| !content.canonical.is_empty())?;
    let record = Record::from_avro(record.envelope.kind(), &content.canonical).ok()?;
    serde_json::from_slice(&mappings::write_canonical(&record).bytes).ok()
}
