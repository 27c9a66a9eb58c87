//! The signature of Teamtailor's company webhooks, version 2: `TT-Signature`, base64 of `t=<seconds>,v2=<hex>`, the
//! HMAC-SHA256 of the time, a dot and the raw body.
//!
//! The vendor never repeats a delivery and gives it no id. What stands in an event is a part of the candidate only: it is
//! read at the vendor. Source: docs.teamtailor.com, "Company webhooks".

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::Deserialize;

use super::{Concern, Received, Verified, VerifyError, signature};

const SIGNATURE: &str = "tt-signature";
/// How far apart the clocks may be.
const WINDOW: SignedDuration = SignedDuration::from_mins(5);

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    payload: Payload<'a>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    event_name: &'a str,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    id: &'a str,
}

pub(super) fn verify(secrets: &[SecretString], received: Received<'_>) -> Result<Verified, VerifyError> {
    let encoded = signature::only(received.headers, SIGNATURE)?;
    let decoded = STANDARD.decode(encoded).map_err(|_| VerifyError::Malformed)?;
    let text = str::from_utf8(&decoded).map_err(|_| VerifyError::Malformed)?;
    let (time, digest) = text.split_once(',').ok_or(VerifyError::Malformed)?;
    let second = time.trim().strip_prefix("t=").ok_or(VerifyError::Malformed)?;
    let digest = signature::from_hexadecimal(digest.trim().strip_prefix("v2=").ok_or(VerifyError::Malformed)?)?;
    signature::require(secrets, &[second.as_bytes(), b".", received.body], &[digest])?;
    let signed = second.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
    signature::require_recent(signed.ok_or(VerifyError::Malformed)?, received.at, WINDOW)?;
    Ok(Verified { event_id: None, vendor_success: StatusCode::OK })
}

pub(super) fn concern(_: &HeaderMap, body: &[u8]) -> Concern {
    let Ok(Event { payload: Payload { event_name, data: Data { id } } }) = serde_json::from_slice(body) else {
        return Concern::Person;
    };
    match event_name.split_once('.') {
        Some(("candidate", _)) => Concern::CandidateToRead { id: id.to_owned(), reference: Some(id.to_owned()) },
        Some(("job", _)) => Concern::Other,
        _ => Concern::Person,
    }
}
