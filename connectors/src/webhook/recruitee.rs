//! The signature of Recruitee webhooks: `X-Recruitee-Signature`, the HMAC-SHA256 of the raw body in hexadecimal digits.
//!
//! There is neither a time nor an id in it, so that whoever has an event can send it again: candidates are read at the
//! vendor. When a webhook is set up, `{"test": true}` comes without a signature. 200 and nothing else is success.
//! Evidence: public receivers of these webhooks.

use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Number, Value, json};

use super::{Concern, Received, Verified, VerifyError, signature};

const SIGNATURE: &str = "x-recruitee-signature";

#[derive(Deserialize)]
struct Event<'a> {
    event_type: &'a str,
    #[serde(default)]
    payload: Payload,
}

#[derive(Deserialize, Default)]
struct Payload {
    candidate: Option<Candidate>,
}

#[derive(Deserialize)]
struct Candidate {
    id: Number,
}

pub(super) fn verify(secrets: &[SecretString], received: Received<'_>) -> Result<Verified, VerifyError> {
    let digest = signature::from_hexadecimal(signature::only(received.headers, SIGNATURE)?)?;
    signature::require(secrets, &[received.body], &[digest])?;
    Ok(Verified { event_id: None, vendor_success: StatusCode::OK })
}

pub(super) fn concern(_: &HeaderMap, body: &[u8]) -> Concern {
    let Ok(Event { event_type, payload }) = serde_json::from_slice(body) else { return Concern::Person };
    match payload.candidate {
        Some(Candidate { id }) if event_type.starts_with("candidate_") => {
            Concern::CandidateToRead { id: id.to_string(), reference: Some(id.to_string()) }
        }
        _ if event_type.starts_with("offer_") => Concern::Other,
        _ => Concern::Person,
    }
}

pub(super) fn greeting(headers: &HeaderMap, body: &[u8]) -> Option<HeaderMap> {
    let is_test = || serde_json::from_slice::<Value>(body).is_ok_and(|body| body == json!({"test": true}));
    (!headers.contains_key(SIGNATURE) && is_test()).then(HeaderMap::new)
}
