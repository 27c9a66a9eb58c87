//! Many documents in one request: streamed in and out, one result a line.

mod line;
mod source;
mod worker;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use mappings::{CANONICAL, Format};
use schemas::{DialectName, Kind};

pub use self::line::Line;
use self::{
    source::Source,
    worker::{Terms, Worker},
};
use super::{
    Door,
    encoding::Encoding,
    framing::Framer,
    identity::Caller,
    problem::Problem,
    push::{PushOptions, idempotency_key, text_header},
};
use crate::code::code;

/// Takes many documents in the partner's dialect.
///
/// JSON dialects: one document a line (`application/x-ndjson`), or documents one behind the other. XML dialects:
/// documents one behind the other; begin each with its declaration. What an envelope holds is taken one by one.
/// Versions of one vacancy are taken in the order in which they come.
///
/// The answer is a line per document, written as soon as the document is durable or refused, in the order in which
/// that happens: read it while you send. A document that cannot be read takes no other one with it. If the body itself
/// breaks off, or cannot be inflated, the last line says so.
#[utoipa::path(
    post, path = "/v1/{partner}/{kind}/batch", tag = "documents",
    params(("partner" = String, Path, example = "acme"), ("kind" = String, Path, example = "vacancy"), PushOptions,
        ("Content-Encoding" = Option<String>, Header, description = "`gzip` or `zstd`; each document may hold `door.max_inflated_bytes`.", example = "gzip"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat of the whole batch harmless: it counts for each document by its place.", example = "\"2f1b9a\"")),
    request_body(content(
        (String = "application/x-ndjson", example = "{\"reference\":\"REQ-50\",\"status\":\"published\"}\n{\"reference\":\"REQ-51\",\"status\":\"published\"}\n"),
        (String = "application/json", example = "{\"reference\":\"REQ-50\",\"status\":\"published\"}{\"reference\":\"REQ-51\",\"status\":\"published\"}"),
        (String = "application/xml", example = "<?xml version=\"1.0\"?><PositionOpening/><?xml version=\"1.0\"?><PositionOpening/>"),
    ), description = "Documents in the partner's dialect; `Content-Encoding: gzip` or `zstd` is understood."),
    responses(
        (status = 200, description = "One line per document.", body = Line, content_type = "application/x-ndjson",
            example = r#"{"index":0,"at":0,"status":202,"receipt":{"message_id":"01932c3e-7d5a-7c11-9a53-1f1c7f2b0a10","reference":"REQ-50","entity_key":"0c6f0a5e-7f0c-5c8a-9d55-5f8e3f1f9d11","status":"accepted"}}"#),
        (status = 401, description = "No valid key.", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key belongs to somebody else.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such partner or kind.", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The content coding is unknown, or documents of this dialect cannot be told apart.", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "The key has used up its requests.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too many batches are open.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("partner key" = []))
)]
pub async fn receive(
    State(door): State<Door>,
    caller: Caller,
    Path((partner, kind)): Path<(String, String)>,
    Query(options): Query<PushOptions>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let route = door.route(&caller.identity, &partner, &kind, options)?;
    let media_type = text_header(&headers, &header::CONTENT_TYPE).map(str::to_owned);
    let rules = door.intake.in_force.now();
    let settings = &rules.configuration.settings;
    let framer = door.framer(&route.dialect, route.kind, media_type.as_deref(), settings.max_inflated_bytes)?;
    let place = door.admission.batch(&route.partner.id)?;
    let source = Source::new(body, Encoding::of(&headers)?, settings);
    let terms = Terms {
        partner: route.partner,
        kind: route.kind,
        dialect: route.dialect,
        media_type,
        idempotency_key: idempotency_key(&headers)?.map(str::to_owned),
        key: caller.key,
    };
    let worker = Worker::new(door, Arc::new(terms), framer, source, place);
    let lines = futures::stream::unfold(worker, |mut worker| async move {
        let line = worker.next_line().await?;
        Some((Ok::<_, std::convert::Infallible>(line.to_bytes()), worker))
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

/// The same, for vacancies: the address looks like that of a vacancy which is called `batch`.
pub async fn receive_vacancies(
    door: State<Door>,
    caller: Caller,
    Path(partner): Path<String>,
    options: Query<PushOptions>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    receive(door, caller, Path((partner, Kind::Vacancy.to_string())), options, headers, body).await
}

impl Door {
    /// What takes a stream of documents of a dialect apart.
    fn framer(
        &self,
        dialect: &DialectName,
        kind: Kind,
        media_type: Option<&str>,
        limit: usize,
    ) -> Result<Framer, Problem> {
        let rules = self.intake.in_force.now();
        let mapping = rules.dialects.catalogue().mapping(dialect, kind);
        let format = match mapping {
            _ if dialect.as_str() == CANONICAL => Format::Json,
            Some(mapping) => mapping.format(),
            None => return Err(Problem::unknown_dialect(&format!("there is no mapping of `{dialect}` for `{kind}`"))),
        };
        Framer::new(format, media_type, limit).ok_or_else(|| {
            let title = "documents of this dialect cannot be told apart";
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, const { code("no_batches") }, title)
                .detail(format!("a document of `{dialect}` does not say where it ends; send them one by one"))
        })
    }
}
