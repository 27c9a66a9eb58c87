//! Partners push documents and close vacancies.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use mappings::Fault;
use schemas::{Channel, DialectName, EntityKey, Kind, Lane, MessageId, PartnerId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Door, body::Bounded, identity::Identity, problem::Problem};
use crate::{
    config::Partner,
    intake::{Document, Taken},
};

/// What was made of a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct Receipt {
    /// The message; `GET /v1/messages/{id}` tells what became of it.
    #[schema(value_type = String, example = "01932c3e-7d5a-7c11-9a53-1f1c7f2b0a10")]
    message_id: MessageId,
    /// The source's reference.
    #[schema(example = "REQ-50")]
    reference: String,
    /// The reference that it goes out under.
    #[schema(value_type = String, example = "0c6f0a5e-7f0c-5c8a-9d55-5f8e3f1f9d11")]
    entity_key: EntityKey,
    /// `accepted`: durable, will be routed. `unchanged`: says what is known already.
    #[schema(example = "accepted")]
    status: &'static str,
}

/// How to read the document.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PushOptions {
    /// The dialect, if it is another one than the partner's usual.
    dialect: Option<String>,
}

/// Why a vacancy is closed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct CloseOptions {
    /// In the source's own words or code, such as `filled`.
    reason: Option<String>,
}

/// Takes one document in the partner's dialect.
#[utoipa::path(
    post, path = "/v1/{partner}/{kind}", tag = "documents",
    params(("partner" = String, Path, example = "acme"), ("kind" = String, Path, example = "vacancy"), PushOptions,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat harmless for 7 days, if not configured otherwise.", example = "\"2f1b9a\"")),
    request_body(content = String, content_type = "application/json", description = "One document in the partner's dialect.",
        example = r#"{"reference":"REQ-50","status":"published","profiles":[{"language":"nl","title":"Lasser"}]}"#),
    responses(
        (status = 202, description = "Durable; will be routed.", body = Receipt),
        (status = 200, description = "It says what the newest version says; nothing was appended.", body = Receipt),
        (status = 400, description = "The request is not well-formed.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid key.", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key belongs to somebody else.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such partner or kind.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is an echo of what we sent.", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It cannot be read: one entry per fault.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Log or store do not answer; nothing was accepted.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("partner key" = []))
)]
pub async fn push(
    State(door): State<Door>,
    identity: Identity,
    Path((partner, kind)): Path<(String, String)>,
    Query(options): Query<PushOptions>,
    headers: HeaderMap,
    Bounded(body): Bounded,
) -> Result<Response, Problem> {
    let partner = door.partner_for(&identity, &partner)?;
    let kind = accepted_kind(&kind)?;
    let usual = partner.incoming.get(&kind).map(|incoming| incoming.dialect.clone());
    let dialect = match options.dialect {
        Some(name) => Some(name.parse::<DialectName>().map_err(|error| unknown_dialect(&error.to_string()))?),
        None => usual,
    };
    let Some(dialect) = dialect else {
        let title = format!("`{}` sends no `{kind}`", partner.id);
        return Err(Problem::not_found("route").detail(format!("{title}: its partner file has no `[incoming.{kind}]`")));
    };
    let document = Document {
        partner: &partner,
        kind,
        dialect,
        channel: Channel::Push,
        lane: Lane::Live,
        media_type: text_header(&headers, &header::CONTENT_TYPE).map(str::to_owned),
        idempotency_key: idempotency_key(&headers)?,
        body: &body,
    };
    answer(door.intake.take(document).await?)
}

/// Closes a vacancy.
#[utoipa::path(
    delete, path = "/v1/{partner}/vacancy/{reference}", tag = "documents",
    params(("partner" = String, Path, example = "acme"),
        ("reference" = String, Path, description = "The source's reference, percent-encoded.", example = "REQ%2F50"), CloseOptions,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat harmless.")),
    responses(
        (status = 202, description = "Durable; will be routed.", body = Receipt),
        (status = 401, description = "No valid key.", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key belongs to somebody else.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such partner.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The idempotency key was used for something else.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("partner key" = []))
)]
pub async fn close(
    State(door): State<Door>,
    identity: Identity,
    Path((partner, reference)): Path<(String, String)>,
    Query(options): Query<CloseOptions>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let partner = door.partner_for(&identity, &partner)?;
    let Some(incoming) = partner.incoming.get(&Kind::Vacancy) else {
        return Err(Problem::not_found("route"));
    };
    let document = Document {
        partner: &partner,
        kind: Kind::Vacancy,
        dialect: incoming.dialect.clone(),
        channel: Channel::Push,
        lane: Lane::Live,
        media_type: None,
        idempotency_key: idempotency_key(&headers)?,
        body: &[],
    };
    answer(door.intake.close(document, &reference, options.reason).await?)
}

impl Door {
    /// The partner of a path, if this key may act for it.
    fn partner_for(&self, identity: &Identity, id: &str) -> Result<std::sync::Arc<Partner>, Problem> {
        let id: PartnerId = id.parse().map_err(|_| Problem::not_found("partner"))?;
        identity.require_partner(&id)?;
        self.intake.in_force.now().configuration.partners.get(&id).cloned().ok_or_else(|| Problem::not_found("partner"))
    }
}

fn accepted_kind(kind: &str) -> Result<Kind, Problem> {
    match kind.parse() {
        Ok(Kind::Vacancy) => Ok(Kind::Vacancy),
        Ok(kind) => {
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "kind_not_accepted", "this kind is not accepted yet")
                .detail(format!("`{kind}` holds personal data; it is accepted once consent can be checked")))
        }
        Err(error) => Err(Problem::not_found("kind").detail(error)),
    }
}

fn answer(taken: Taken) -> Result<Response, Problem> {
    match taken {
        Taken::Accepted { message_id, entity_key, reference } => {
            let receipt = Receipt { message_id, reference, entity_key, status: "accepted" };
            Ok(receipt.into_response(StatusCode::ACCEPTED))
        }
        Taken::Unchanged { message_id, entity_key, reference } => {
            let receipt = Receipt { message_id, reference, entity_key, status: "unchanged" };
            Ok(receipt.into_response(StatusCode::OK))
        }
        Taken::Unreadable(faults) => Err(unreadable(faults)),
        Taken::KeyReused => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "this idempotency key was used with another body",
        )
        .detail("use a new key for a new document; the same key is good for the same bytes only")),
        Taken::Echo(entity) => Err(Problem::new(StatusCode::CONFLICT, "echo", "this vacancy came from us")
            .detail(format!("we sent it as `{entity}`; only a co-owner may send it back changed"))),
    }
}

impl Receipt {
    fn into_response(self, status: StatusCode) -> Response {
        let location = HeaderValue::from_str(&format!("/v1/messages/{}", self.message_id));
        let mut response = (status, Json(self)).into_response();
        if let Ok(location) = location {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

fn unreadable(faults: Vec<Fault>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unreadable", "the document cannot be read")
        .detail("nothing was stored; correct what `errors` points at and send it again")
        .faults(faults)
}

fn unknown_dialect(detail: &str) -> Problem {
    Problem::bad_request("unknown_dialect", "there is no such dialect").detail(detail)
}

/// The idempotency key: a structured-field string, or the bare characters that many clients send.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let wrong = || {
        Problem::bad_request("idempotency_key", "the idempotency key is not well-formed")
            .detail("send 1 to 255 visible ASCII characters, in double quotes")
    };
    let text = value.to_str().map_err(|_| wrong())?.trim();
    let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let is_well_formed =
        (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if is_well_formed { Ok(Some(key)) } else { Err(wrong()) }
}

fn text_header<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
