//! The address at which the receiver wants to be told of closings by signed events (<https://www.standardwebhooks.com>).

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Method};
use jiff::{SignedDuration, Timestamp};
use schemas::{Kind, Operation};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::Sha256;

use super::{
    checks::{Asked, Refusal, refuse},
    received::Rule,
};

/// Where it listens for events.
pub(super) const PATH: &str = "/hooks";
/// How old a signature may be.
const FRESH_FOR: SignedDuration = SignedDuration::from_mins(5);

/// What it reads of an event; nothing else may be there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    r#type: String,
    kind: Kind,
    reference: String,
    #[serde(rename = "reason")]
    _reason: Option<String>,
}

/// What an event asks for, once its signature is known to be ours.
pub(super) fn read(secret: &SecretString, method: &Method, headers: &HeaderMap, body: &[u8]) -> Result<Asked, Refusal> {
    if method != Method::POST {
        return refuse(Rule::Method, 405, "an event is posted");
    }
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, second, signatures) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let Some(signed_at) = second.parse().ok().and_then(|second| Timestamp::from_second(second).ok()) else {
        return refuse(Rule::Signature, 401, "`webhook-timestamp` is no number of seconds");
    };
    if signed_at.duration_until(Timestamp::now()).abs() > FRESH_FOR {
        return refuse(Rule::Signature, 401, "the signature is too old, or of a time to come");
    }
    let mut signatures = signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,"));
    if id.is_empty() || !signatures.any(|signature| fits(secret, signature, &[id, ".", second, "."], body)) {
        return refuse(Rule::Signature, 401, "no signature fits the event");
    }
    let Ok(event) = serde_json::from_slice::<Event>(body) else {
        return refuse(Rule::Body, 422, "the event has other members than were agreed");
    };
    if event.r#type != format!("{}.closed", event.kind) {
        return refuse(Rule::Body, 422, "the type of the event is not that of its kind");
    }
    Ok(Asked {
        kind: event.kind,
        reference: event.reference,
        operation: Operation::Close,
        idempotency_key: id.to_owned(),
        media_type: None,
        notice: None,
    })
}

fn fits(secret: &SecretString, signature: &str, before: &[&str], body: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { return false };
    for part in before {
        mac.update(part.as_bytes());
    }
    mac.update(body);
    STANDARD.decode(signature).is_ok_and(|signature| mac.verify_slice(&signature).is_ok())
}
