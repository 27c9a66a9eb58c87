//! The signature of Lever webhooks, which stands in the body: hexadecimal digits of the HMAC-SHA256 of `token` and
//! `triggeredAt`. **The body itself is not signed**: nothing in it is believed, whom it names is read at the vendor.
//!
//! The token is another one each time, and every event has a key of its own: all of them stand in the secret.
//! Source: hire.lever.co/developer/documentation, "Webhooks".

use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::Deserialize;

use super::{Concern, Received, Verified, VerifyError, signature};

/// The vendor repeats a delivery five times, with the time at which the event happened.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signed<'a> {
    signature: &'a str,
    token: &'a str,
    triggered_at: i64,
}

#[derive(Deserialize)]
struct Event<'a> {
    event: &'a str,
    #[serde(default)]
    data: Data,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Data {
    opportunity_id: Option<String>,
}

pub(super) fn verify(secrets: &[SecretString], received: Received<'_>) -> Result<Verified, VerifyError> {
    let Signed { signature, token, triggered_at } =
        serde_json::from_slice(received.body).map_err(|_| VerifyError::Missing)?;
    let digest = signature::from_hexadecimal(signature)?;
    signature::require(secrets, &[token.as_bytes(), triggered_at.to_string().as_bytes()], &[digest])?;
    let signed = Timestamp::from_millisecond(triggered_at).map_err(|_| VerifyError::Malformed)?;
    signature::require_recent(signed, received.at, WINDOW)?;
    Ok(Verified { event_id: signature::harmless_id(token), vendor_success: StatusCode::OK })
}

pub(super) fn concern(_: &HeaderMap, body: &[u8]) -> Concern {
    let Ok(Event { event, data }) = serde_json::from_slice(body) else { return Concern::Person };
    match data.opportunity_id {
        Some(id) if event.starts_with("candidate") || event.starts_with("application") => {
            Concern::CandidateToRead { id, reference: None }
        }
        _ => Concern::Person,
    }
}
