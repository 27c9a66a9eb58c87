//! Partners push documents and close vacancies.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use mappings::Fault;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemas::{Channel, DialectName, EntityKey, Kind, Lane, MessageId, PartnerId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Door, body::Bounded, identity::Identity, problem::Problem};
use crate::{
    code::code,
    config::Partner,
    intake::{Carrier, Document, Taken},
};

/// What was made of a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct Receipt {
    /// The message; `GET /v1/messages/{id}` tells what became of it.
    #[schema(value_type = String, example = "01932c3e-7d5a-7c11-9a53-1f1c7f2b0a10")]
    message_id: MessageId,
    /// The source's reference; of a person the pseudonym, since what the source calls the person is repeated to nobody.
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
        ("Content-Encoding" = Option<String>, Header, description = "`gzip` or `zstd`; the document may hold `door.max_inflated_bytes`.", example = "gzip"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat harmless for 7 days, if not configured otherwise.", example = "\"2f1b9a\"")),
    request_body(content = String, content_type = "application/json", description = "One document in the partner's dialect.",
        example = r#"{"reference":"REQ-50","status":"published","profiles":[{"language":"nl","title":"Lasser"}]}"#),
    responses(
        (status = 202, description = "Durable; will be routed.", body = Receipt,
            example = json!({"message_id": "01932c3e-7d5a-7c11-9a53-1f1c7f2b0a10", "reference": "REQ-50", "entity_key": "0c6f0a5e-7f0c-5c8a-9d55-5f8e3f1f9d11", "status": "accepted"})),
        (status = 200, description = "It says what the newest version says; nothing was appended.", body = Receipt,
            example = json!({"message_id": "01932c3e-7d5a-7c11-9a53-1f1c7f2b0a10", "reference": "REQ-50", "entity_key": "0c6f0a5e-7f0c-5c8a-9d55-5f8e3f1f9d11", "status": "unchanged"})),
        (status = 400, description = "The request is not well-formed.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No valid key.", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key belongs to somebody else.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such partner or kind.", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body does not come.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is an echo of what we sent, or comes in by another channel; the link leads to what is known of it.", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large, or holds too much.", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The content coding is unknown.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It cannot be read: one entry per fault.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "There is no room, or log or store do not answer; nothing was accepted.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("partner key" = []))
)]
pub async fn push(
    State(door): State<Door>,
    identity: Identity,
    Path((partner, kind)): Path<(String, String)>,
    Query(options): Query<PushOptions>,
    headers: HeaderMap,
    body: Bounded,
) -> Result<Response, Problem> {
    let route = door.route(&identity, &partner, &kind, options)?;
    let document = Document {
        partner: &route.partner,
        kind: route.kind,
        dialect: route.dialect,
        channel: Channel::Push,
        lane: Lane::Live,
        media_type: text_header(&headers, &header::CONTENT_TYPE).map(str::to_owned),
        idempotency_key: idempotency_key(&headers)?,
        body: &body.bytes,
    };
    let _place = door.admission.place()?;
    answer(door.intake.take(document).await?)
}

/// Closes a vacancy.
#[utoipa::path(
    delete, path = "/v1/{partner}/vacancy/{reference}", tag = "documents",
    params(("partner" = String, Path, example = "acme"),
        ("reference" = String, Path, description = "The source's reference, percent-encoded.", example = "REQ%2F50"), CloseOptions,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat harmless.")),
    responses(
        (status = 202, description = "Durable; will be routed.", body = Receipt,
            example = json!({"message_id": "01932c3e-7d5a-7c11-9a53-1f1c7f2b0a10", "reference": "REQ-50", "entity_key": "0c6f0a5e-7f0c-5c8a-9d55-5f8e3f1f9d11", "status": "accepted"})),
        (status = 401, description = "No valid key.", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key belongs to somebody else.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such partner.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The idempotency key was used for something else.", body = Problem, content_type = "application/problem+json",
            example = json!({"type": "/errors/idempotency_key_reused", "title": "this idempotency key was used with another body", "status": 422, "code": "idempotency_key_reused"})),
        (status = 503, description = "There is no room, or log or store do not answer; nothing was accepted.", body = Problem, content_type = "application/problem+json"),
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
    let _place = door.admission.place()?;
    answer(door.intake.close(document, &reference, options.reason).await?)
}

/// Closes the vacancy that is called `batch`.
pub async fn close_batch(
    door: State<Door>,
    identity: Identity,
    Path(partner): Path<String>,
    options: Query<CloseOptions>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    close(door, identity, Path((partner, "batch".to_owned())), options, headers).await
}

/// Where a document belongs.
pub struct Route {
    pub partner: Arc<Partner>,
    pub kind: Kind,
    pub dialect: DialectName,
}

impl Door {
    /// The partner of a path, if this key may act for it.
    pub fn partner_for(&self, identity: &Identity, id: &str) -> Result<Arc<Partner>, Problem> {
        let id: PartnerId = id.parse().map_err(|_| Problem::not_found("partner"))?;
        identity.require_partner(&id)?;
        self.intake.in_force.now().configuration.partners.get(&id).cloned().ok_or_else(|| Problem::not_found("partner"))
    }

    /// Where a document belongs that is pushed to a path.
    pub fn route(
        &self,
        identity: &Identity,
        partner: &str,
        kind: &str,
        options: PushOptions,
    ) -> Result<Route, Problem> {
        let partner = self.partner_for(identity, partner)?;
        let kind: Kind = kind.parse().map_err(|error: String| Problem::not_found("kind").detail(error))?;
        let usual = partner.incoming.get(&kind).map(|incoming| incoming.dialect.clone());
        // Who sends nothing about persons by its file sends nothing about them in another dialect either.
        let is_foreign = kind.is_personal() && usual.is_none();
        let dialect = match options.dialect {
            _ if is_foreign => None,
            Some(name) => Some(name.parse().map_err(|error| Problem::unknown_dialect(&format!("{error}")))?),
            None => usual,
        };
        let Some(dialect) = dialect else {
            let title = format!("`{}` sends no `{kind}`", partner.id);
            return Err(
                Problem::not_found("route").detail(format!("{title}: its partner file has no `[incoming.{kind}]`"))
            );
        };
        Ok(Route { partner, kind, dialect })
    }
}

fn answer(taken: Taken) -> Result<Response, Problem> {
    let (status, receipt) = receipt(taken)?;
    Ok(receipt.into_response(status))
}

/// What to tell whoever pushed a document.
pub fn receipt(taken: Taken) -> Result<(StatusCode, Receipt), Problem> {
    match taken {
        Taken::Accepted { message_id, entity_key, reference } => {
            Ok((StatusCode::ACCEPTED, Receipt { message_id, reference, entity_key, status: "accepted" }))
        }
        Taken::Unchanged { message_id, entity_key, reference } => {
            Ok((StatusCode::OK, Receipt { message_id, reference, entity_key, status: "unchanged" }))
        }
        Taken::Unreadable(faults) => Err(unreadable(faults)),
        Taken::KeyReused => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            const { code("idempotency_key_reused") },
            "this idempotency key was used with another body",
        )
        .detail("use a new key for a new document; the same key is good for the same bytes only")),
        Taken::Echo(entity) => {
            Err(Problem::new(StatusCode::CONFLICT, const { code("echo") }, "this vacancy came from us")
                .detail(format!("we sent it as `{entity}`; only a co-owner may send it back changed")))
        }
        Taken::Carried { reference, carrier } => Err(carried(&reference, carrier)),
    }
}

/// What to tell whoever pushed what comes in another way; the address leads to what is known of it.
fn carried(reference: &str, carrier: Carrier) -> Problem {
    let (title, detail, address) = match carrier {
        Carrier::OtherChannel(message) => (
            "another channel of this partner carries this vacancy",
            "nothing was accepted; change it where it comes from, or switch that channel off in the partner file",
            format!("/v1/messages/{message}"),
        ),
        Carrier::OtherPartner => (
            "another partner carries this vacancy of the same employer",
            "nothing was accepted; leave it to whoever sent it first, or send it under a reference of its own",
            format!("/v1/messages?reference={}", utf8_percent_encode(reference, NON_ALPHANUMERIC)),
        ),
    };
    Problem::new(StatusCode::CONFLICT, const { code("carried_elsewhere") }, title).detail(detail).see(address)
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

/// What to tell whoever pushed what cannot be read.
pub fn unreadable(faults: Vec<Fault>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, const { code("unreadable") }, "the document cannot be read")
        .detail("nothing was stored; correct what `errors` points at and send it again")
        .faults(faults)
}

/// The idempotency key: a structured-field string, or the bare characters that many clients send.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let wrong = || {
        Problem::bad_request(const { code("idempotency_key") }, "the idempotency key is not well-formed")
            .detail("send 1 to 255 visible ASCII characters, in double quotes")
    };
    let text = value.to_str().map_err(|_| wrong())?.trim();
    let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let is_well_formed =
        (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if is_well_formed { Ok(Some(key)) } else { Err(wrong()) }
}

/// A header, if it is text.
pub fn text_header<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
