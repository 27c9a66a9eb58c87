//! The signature of Greenhouse webhooks: `Signature: sha256 <hex>`, the HMAC-SHA256 of the raw body.
//!
//! The vendor escapes `<`, `>` and `&` as `\u003c` and so on before it signs, so a body that was read and
//! written again never fits (grnhse/greenhouse-api-docs#276). It takes 200 and nothing else for success.
//! Source: <https://developers.greenhouse.io/webhooks.html#authentication>

use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde_json::Value;

use super::{Concern, Received, Verified, VerifyError, signature};

/// The header with the signature.
pub(crate) const SIGNATURE: &str = "signature";
/// The header with the id of the delivery.
pub(crate) const EVENT_ID: &str = "greenhouse-event-id";

/// Events that hold a candidate, or say that one is gone.
/// Source: <https://developers.greenhouse.io/webhooks.html#candidate-events> and `#application-events`.
const CANDIDATES: [&str; 12] = [
    "new_candidate_application",
    "new_prospect_application",
    "application_updated",
    "candidate_stage_change",
    "hire_candidate",
    "unhire_candidate",
    "reject_candidate",
    "unreject_candidate",
    "update_candidate",
    "delete_candidate",
    "merge_candidate",
    "candidate_anonymized",
];

pub(super) fn verify(secrets: &[SecretString], received: Received<'_>) -> Result<Verified, VerifyError> {
    let (algorithm, hexadecimal) =
        signature::only(received.headers, SIGNATURE)?.split_once(' ').ok_or(VerifyError::Malformed)?;
    if algorithm != "sha256" {
        return Err(VerifyError::Malformed);
    }
    let digest = signature::from_hexadecimal(hexadecimal.trim())?;
    signature::require(secrets, &[received.body], &[digest])?;
    Ok(Verified { event_id: event_id(received.headers), vendor_success: StatusCode::OK })
}

/// Sorts events by `action`, before anything else is read.
///
/// An event about an application holds its candidate; offers and interviews do not, and nobody here knows what to do
/// with them. What nobody knows counts as about a person: it may be. A body that is no JSON counts as a vacancy, so that it is
/// parked. A ping must be answered with 200, else the vendor disables the webhook; its shape is not published,
/// so whatever has no `action` is taken for harmless too.
pub(super) fn concern(_: &HeaderMap, body: &[u8]) -> Concern {
    let Ok(event) = serde_json::from_slice::<Value>(body) else { return Concern::Vacancy };
    let Some(action) = event.get("action").and_then(Value::as_str) else { return Concern::Other };
    match action {
        "ping" => Concern::Ping,
        // About the way of hiring, not about the vacancy.
        "job_interview_stage_deleted" => Concern::Other,
        _ if action.starts_with("job_") => Concern::Vacancy,
        _ if CANDIDATES.contains(&action) => Concern::Candidate,
        _ if action.starts_with("department_") || action.starts_with("office_") => Concern::Other,
        _ => Concern::Person,
    }
}

/// Of two candidates whom an event says to be one: who is gone, and who is left.
/// Source: <https://developers.greenhouse.io/webhooks.html#merge-candidate>
pub(super) fn merged(body: &[u8]) -> Option<[String; 2]> {
    let event: Value = serde_json::from_slice(body).ok()?;
    if event.get("action").and_then(Value::as_str) != Some("merge_candidate") {
        return None;
    }
    let number = |name: &str| event.pointer(&format!("/payload/person/{name}"))?.as_u64();
    Some([number("id")?.to_string(), number("new_candidate_id")?.to_string()])
}

fn event_id(headers: &HeaderMap) -> Option<String> {
    signature::harmless_id(headers.get(EVENT_ID)?.to_str().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// HMAC-SHA256 of RFC 4231, test case 2.
    const KEY: &str = "Jefe";
    const BODY: &[u8] = b"what do ya want for nothing?";
    const DIGEST: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    fn headers(signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE, signature.parse().unwrap());
        headers
    }

    fn verify(secrets: &[SecretString], headers: &HeaderMap, body: &[u8]) -> Result<Verified, VerifyError> {
        super::verify(secrets, Received { headers, body, at: jiff::Timestamp::UNIX_EPOCH })
    }

    fn check(signature: &str) -> Result<Verified, VerifyError> {
        verify(&[KEY.into()], &headers(signature), BODY)
    }

    #[test]
    fn the_digest_of_the_raw_bytes_is_believed() {
        let verified = Verified { event_id: None, vendor_success: StatusCode::OK };
        assert_eq!(check(&format!("sha256 {DIGEST}")), Ok(verified.clone()));
        assert_eq!(check(&format!("sha256 {}", DIGEST.to_uppercase())), Ok(verified));
    }

    #[test]
    fn another_body_or_secret_is_not() {
        let headers = headers(&format!("sha256 {DIGEST}"));
        assert_eq!(verify(&[KEY.into()], &headers, b"what do ya want for nothing!"), Err(VerifyError::Wrong));
        assert_eq!(verify(&["jefe".into()], &headers, BODY), Err(VerifyError::Wrong));
    }

    #[test]
    fn without_a_secret_nothing_is_believed() {
        // The HMAC of no bytes under no key.
        let empty = headers("sha256 b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
        assert_eq!(verify(&[], &empty, b""), Err(VerifyError::NoSecret));
        assert_eq!(verify(&["".into()], &empty, b""), Err(VerifyError::NoSecret));
        assert_eq!(verify(&["".into(), KEY.into()], &empty, b""), Err(VerifyError::Wrong));
    }

    #[test]
    fn both_secrets_are_good_while_they_change() {
        let headers = headers(&format!("sha256 {DIGEST}"));
        assert!(verify(&["new".into(), KEY.into()], &headers, BODY).is_ok());
        assert!(verify(&[KEY.into(), "new".into()], &headers, BODY).is_ok());
    }

    #[test]
    fn other_forms_are_not_guessed_at() {
        let short = &DIGEST[..62];
        for signature in
            [DIGEST, &format!("sha256={DIGEST}"), &format!("sha1 {DIGEST}"), &format!("sha256 {short}"), "sha256 ", ""]
        {
            assert_eq!(check(signature), Err(VerifyError::Malformed), "{signature}");
        }
        assert_eq!(verify(&[KEY.into()], &HeaderMap::new(), BODY), Err(VerifyError::Missing));
        let mut twice = headers(&format!("sha256 {DIGEST}"));
        twice.append(SIGNATURE, format!("sha256 {DIGEST}").parse().unwrap());
        assert_eq!(verify(&[KEY.into()], &twice, BODY), Err(VerifyError::Malformed));
    }

    #[test]
    fn events_are_sorted_by_their_name() {
        for (body, expected) in [
            (r#"{"action":"job_post_updated"}"#, Concern::Vacancy),
            (r#"{"payload":{"action":"ping"},"action":"job_updated"}"#, Concern::Vacancy),
            (r#"{"action":"job_interview_stage_deleted"}"#, Concern::Other),
            (r#"{"action":"new_candidate_application"}"#, Concern::Candidate),
            (r#"{"action":"merge_candidate"}"#, Concern::Candidate),
            (r#"{"action":"delete_application"}"#, Concern::Person),
            (r#"{"action":"offer_created"}"#, Concern::Person),
            (r#"{"action":"what_will_come_next"}"#, Concern::Person),
            (r#"{"action":"office_deleted"}"#, Concern::Other),
            (r#"{"action":"ping"}"#, Concern::Ping),
            (r#"{"web_hook":{}}"#, Concern::Other),
            ("{", Concern::Vacancy),
        ] {
            assert_eq!(concern(&HeaderMap::new(), body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn a_merge_names_both() {
        let merge = r#"{"action":"merge_candidate","payload":{"person":{"id":1,"new_candidate_id":2}}}"#;
        assert_eq!(merged(merge.as_bytes()), Some(["1".to_owned(), "2".to_owned()]));
        for other in [
            merge.replace("merge", "delete"),
            merge.replace(":2", ":null"),
            merge.replace(":1,", ":\"1\","),
            "{".to_owned(),
        ] {
            assert_eq!(merged(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn the_event_id_is_taken_over_if_it_is_harmless() {
        let mut headers = headers(&format!("sha256 {DIGEST}"));
        headers.insert(EVENT_ID, "evt-1".parse().unwrap());
        assert_eq!(verify(&[KEY.into()], &headers, BODY).unwrap().event_id.as_deref(), Some("evt-1"));
        headers.insert(EVENT_ID, "x".repeat(129).parse().unwrap());
        assert_eq!(verify(&[KEY.into()], &headers, BODY).unwrap().event_id, None);
    }
}
