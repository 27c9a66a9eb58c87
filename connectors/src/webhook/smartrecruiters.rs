//! The signature of SmartRecruiters webhooks: `smartrecruiters-signature: v1=<hex>;v1=<hex>`, one per key that is valid, the
//! HMAC-SHA256 of time, raw body, id, name and version of the event, and link, with dots between them.
//!
//! Bodies hold ids only. A subscription is activated by a request with `X-Hook-Secret`, which is to be answered with the
//! same header within 20 s. Source: developers.smartrecruiters.com, "Webhooks"; the vector there.

use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::Deserialize;

use super::{Concern, Received, Verified, VerifyError, signature};

const SIGNATURE: &str = "smartrecruiters-signature";
const TIMESTAMP: &str = "smartrecruiters-timestamp";
const EVENT_ID: &str = "event-id";
const EVENT_NAME: &str = "event-name";
const HOOK_SECRET: &str = "x-hook-secret";
/// How far apart the clocks may be.
const WINDOW: SignedDuration = SignedDuration::from_mins(5);

#[derive(Deserialize)]
struct Ids {
    candidate_id: Option<String>,
}

pub(super) fn verify(secrets: &[SecretString], received: Received<'_>) -> Result<Verified, VerifyError> {
    let header = |name| signature::only(received.headers, name);
    let digests = header(SIGNATURE)?
        .split(';')
        .filter_map(|one| one.trim().strip_prefix("v1="))
        .map(signature::from_hexadecimal)
        .collect::<Result<Vec<_>, _>>()?;
    let (second, event_id) = (header(TIMESTAMP)?, header(EVENT_ID)?);
    let mut parts: Vec<&[u8]> = vec![second.as_bytes(), b".", received.body];
    for part in [event_id, header(EVENT_NAME)?, header("event-version")?, header("link")?] {
        parts.extend([b".", part.as_bytes()]);
    }
    signature::require(secrets, &parts, &digests)?;
    let signed = second.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
    signature::require_recent(signed.ok_or(VerifyError::Malformed)?, received.at, WINDOW)?;
    Ok(Verified { event_id: signature::harmless_id(event_id), vendor_success: StatusCode::OK })
}

pub(super) fn concern(headers: &HeaderMap, body: &[u8]) -> Concern {
    let name = signature::only(headers, EVENT_NAME).unwrap_or_default();
    match name.split_once('.') {
        Some(("candidate" | "application", _)) => {
            let ids: Option<Ids> = serde_json::from_slice(body).ok();
            let id = ids.and_then(|ids| ids.candidate_id);
            id.map_or(Concern::Person, |id| Concern::CandidateToRead { reference: Some(id.clone()), id })
        }
        Some(("job" | "position", _)) => Concern::Other,
        _ => Concern::Person,
    }
}

pub(super) fn greeting(headers: &HeaderMap) -> Option<HeaderMap> {
    let secret = headers.get(HOOK_SECRET).filter(|_| !headers.contains_key(SIGNATURE))?;
    Some(HeaderMap::from_iter([(http::HeaderName::from_static(HOOK_SECRET), secret.clone())]))
}
