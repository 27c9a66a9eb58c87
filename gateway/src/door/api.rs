//! The description of the API (OpenAPI 3.1), completed with what holds for every address: limits, links, examples.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};

use super::problem::Problem;
use crate::code::code;

/// The form of every refusal.
const PROBLEM: &str = "application/problem+json";
/// Who shows such a key is limited.
const LIMITED: &str = "partner key";

/// What stands beside the addresses.
#[derive(OpenApi)]
#[openapi(
    info(title = "Passerelle", description = "The gateway between employment services.", license(name = "Apache-2.0", identifier = "Apache-2.0")),
    modifiers(&Keys)
)]
pub struct Api;

struct Keys;

impl Modify for Keys {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        for name in [LIMITED, "operator token", "puller token"] {
            components.add_security_scheme(name, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        }
    }
}

/// The description as it is served.
pub fn described(api: &utoipa::openapi::OpenApi) -> Value {
    let mut api = serde_json::to_value(api).expect("the description has no maps with other keys than text");
    api["components"]["headers"] = headers();
    let paths = api["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        complete(operation);
    }
    api
}

/// Headers that answers have in common.
fn headers() -> Value {
    let header = |description: &str, example: &str| json!({"description": description, "schema": {"type": "string"}, "example": example});
    json!({
        "RateLimit": header("What the key has left in each window (draft-ietf-httpapi-ratelimit-headers).", "\"10s\";r=49;t=1"),
        "RateLimit-Policy": header("What the key may ask for in each window.", "\"10s\";q=50;w=10"),
        "Retry-After": header("When to come again, in seconds.", "1"),
        "Link": header("What stands in the way; `see` in the body says the same.", "</v1/messages/01932c3e-7d5a-7c11-9a53-1f1c7f2b0a10>; rel=\"related\""),
    })
}

fn complete(operation: &mut Value) {
    let is_limited =
        operation["security"].as_array().is_some_and(|ways| ways.iter().any(|way| way.get(LIMITED).is_some()));
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    if is_limited {
        let refused = json!({"description": "The key has used up its requests; `Retry-After` says when to go on.",
            "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}});
        responses.entry("429").or_insert(refused);
    }
    for (status, response) in responses {
        let status: u16 = status.parse().unwrap_or_default();
        let mut names = match status {
            409 => vec!["Link"],
            429 | 503 => vec!["Retry-After"],
            _ => vec![],
        };
        if is_limited && status != 401 {
            names.extend(["RateLimit", "RateLimit-Policy"]);
        }
        for name in names {
            response["headers"][name] = json!({"$ref": format!("#/components/headers/{name}")});
        }
        if status >= 400 {
            complete_refusal(status, response);
        }
    }
}

/// Gives a refusal its media type and an example.
fn complete_refusal(status: u16, response: &mut Value) {
    let Some(content) = response["content"].as_object_mut() else { return };
    if let Some(plain) = content.remove("application/json") {
        content.insert(PROBLEM.to_owned(), plain);
    }
    if let (Some(described), Some(example)) = (content.get_mut(PROBLEM).and_then(Value::as_object_mut), example(status))
    {
        described.entry("example").or_insert_with(|| json!(example));
    }
}

/// A refusal as it looks, by its status.
fn example(status: u16) -> Option<Problem> {
    let of = |status: StatusCode, code, title: &str| Problem::new(status, code, title);
    Some(match status {
        400 => Problem::unknown_dialect("`klingon` is none of those that `passerelle mappings list` shows"),
        401 => Problem::unauthorized(),
        403 => Problem::forbidden("this key belongs to another partner"),
        404 => Problem::not_found("partner"),
        408 => of(StatusCode::REQUEST_TIMEOUT, const { code("slow_body") }, "the body does not come"),
        409 => of(
            StatusCode::CONFLICT,
            const { code("carried_elsewhere") },
            "another channel of this partner carries this vacancy",
        )
        .see("/v1/messages/01932c3e-7d5a-7c11-9a53-1f1c7f2b0a10".to_owned()),
        413 => of(StatusCode::PAYLOAD_TOO_LARGE, const { code("too_large") }, "the body is too large")
            .detail("send at most 4194304 bytes; `door.max_body_bytes` sets the limit"),
        415 => of(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            const { code("encoding_unknown") },
            "this content coding is not understood",
        ),
        422 => of(StatusCode::UNPROCESSABLE_ENTITY, const { code("unreadable") }, "the document cannot be read")
            .detail("nothing was stored; correct what `errors` points at and send it again")
            .faults(vec![mappings::Fault {
                pointer: "/aantalJobs".to_owned(),
                code: "no_canonical_record".to_owned(),
                problem: "a whole number is expected".to_owned(),
            }]),
        429 => Problem::too_many(const { code("rate_limited") }, "this key has used up its requests", 1),
        503 => Problem::unavailable(const { code("busy") }, "the gateway has no room for this now", 1)
            .detail("nothing was accepted; send it again in 1 s"),
        _ => return None,
    })
}
