//! The collected signature vectors and events, where they are at hand.

use std::{collections::HashMap, fs, path::PathBuf};

use connectors::webhook::{self, Concern, Received, Vendor, VerifyError};
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    provider: String,
    secret: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(default)]
    body: String,
    token: Option<String>,
    triggered_at: Option<i64>,
    signature: Option<String>,
}

/// The vendors, how a vector of theirs is called, and when it was signed.
const VENDORS: [(Vendor, &str, Option<i64>); 5] = [
    (Vendor::Greenhouse, "greenhouse recruiting webhooks", None),
    (Vendor::Lever, "lever", Some(1_431_454_330)),
    (Vendor::Recruitee, "recruitee", None),
    (Vendor::SmartRecruiters, "smartrecruiters", Some(1_574_080_897)),
    (Vendor::Teamtailor, "teamtailor company webhooks v2", Some(1_701_234_567)),
];

fn collected() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/ats");
    if !folder.exists() {
        eprintln!("skipped: no reference data at `{}`", folder.display());
        return None;
    }
    Some(folder)
}

#[test]
fn the_collected_vectors_hold() {
    let Some(folder) = collected() else { return };
    let text = fs::read(folder.join("webhook-signature-vectors.json")).unwrap();
    let vectors: Vec<Vector> = serde_json::from_slice(&text).unwrap();
    for (vendor, provider, signed) in VENDORS {
        let vector = vectors.iter().find(|vector| vector.provider == provider);
        let vector = vector.unwrap_or_else(|| panic!("the reference data holds no vector of {provider}"));
        let headers: HeaderMap = (&vector.headers).try_into().unwrap();
        let signed = signed.map(|second| Timestamp::from_second(second).unwrap());
        let body = vector.signature.as_ref().map_or_else(
            || vector.body.clone(),
            |signature| {
                json!({"signature": signature, "token": vector.token, "triggeredAt": vector.triggered_at}).to_string()
            },
        );
        let check = |secret: &str, body: &str, at: Timestamp| {
            let secrets = ["another".into(), secret.into()];
            webhook::verify(vendor, &secrets, Received { headers: &headers, body: body.as_bytes(), at })
        };
        let at = signed.unwrap_or(Timestamp::UNIX_EPOCH);
        let verified = check(&vector.secret, &body, at).unwrap_or_else(|error| panic!("{vendor}: {error}"));
        let numbers = [Vendor::Greenhouse, Vendor::Lever, Vendor::SmartRecruiters];
        assert_eq!(verified.event_id.is_some(), numbers.contains(&vendor), "{vendor}");
        assert_eq!(check("wrong", &body, at), Err(VerifyError::Wrong), "{vendor}");
        // What of a body is signed may not differ by a byte.
        let other = body.replacen(
            if vendor == Vendor::Lever { "be58" } else { ":" },
            if vendor == Vendor::Lever { "be59" } else { ": " },
            1,
        );
        assert_ne!(other, body);
        assert_eq!(check(&vector.secret, &other, at), Err(VerifyError::Wrong), "{vendor}");
        if signed.is_some() {
            for late in [SignedDuration::from_hours(25), SignedDuration::from_hours(-25)] {
                assert_eq!(check(&vector.secret, &body, at + late), Err(VerifyError::Stale), "{vendor}");
            }
        }
    }
}

#[test]
fn events_are_sorted_and_whom_they_name_is_found() {
    let named = |id: &str, reference: Option<&str>| Concern::CandidateToRead {
        id: id.to_owned(),
        reference: reference.map(str::to_owned),
    };
    let event_name =
        |name: &str| HeaderMap::from_iter([(http::HeaderName::from_static("event-name"), name.parse().unwrap())]);
    let teamtailor = |name: &str| json!({"payload": {"event_name": name, "data": {"id": "7", "type": "candidates"}}});
    for (vendor, headers, body, expected) in [
        (Vendor::Teamtailor, HeaderMap::new(), teamtailor("candidate.destroy"), named("7", Some("7"))),
        (Vendor::Teamtailor, HeaderMap::new(), teamtailor("job.update"), Concern::Other),
        (Vendor::Teamtailor, HeaderMap::new(), teamtailor("job_application.create"), Concern::Person),
        (Vendor::Teamtailor, HeaderMap::new(), json!({"payload": {}}), Concern::Person),
        (
            Vendor::SmartRecruiters,
            event_name("application.created"),
            json!({"candidate_id": "c"}),
            named("c", Some("c")),
        ),
        (Vendor::SmartRecruiters, event_name("candidate.deleted"), json!({}), Concern::Person),
        (Vendor::SmartRecruiters, event_name("job.ad.posted"), json!({}), Concern::Other),
        (Vendor::SmartRecruiters, HeaderMap::new(), json!({"candidate_id": "c"}), Concern::Person),
        (
            Vendor::Recruitee,
            HeaderMap::new(),
            json!({"event_type": "candidate_moved", "payload": {"candidate": {"id": 9}}}),
            named("9", Some("9")),
        ),
        (Vendor::Recruitee, HeaderMap::new(), json!({"event_type": "offer_published"}), Concern::Other),
        (Vendor::Recruitee, HeaderMap::new(), json!({"event_type": "candidate_moved", "payload": {}}), Concern::Person),
        (
            Vendor::Lever,
            HeaderMap::new(),
            json!({"event": "candidateHired", "data": {"opportunityId": "o", "contactId": "c"}}),
            named("o", None),
        ),
        (
            Vendor::Lever,
            HeaderMap::new(),
            json!({"event": "interviewCreated", "data": {"opportunityId": "o"}}),
            Concern::Person,
        ),
    ] {
        assert_eq!(webhook::concern(vendor, &headers, body.to_string().as_bytes()), expected, "{vendor} {body}");
    }
}

#[test]
fn whoever_sets_a_webhook_up_is_answered_and_nobody_else() {
    let secret = HeaderMap::from_iter([(http::HeaderName::from_static("x-hook-secret"), "invented".parse().unwrap())]);
    assert_eq!(webhook::greeting(Vendor::SmartRecruiters, &secret, b""), Some(secret.clone()));
    assert_eq!(webhook::greeting(Vendor::Recruitee, &HeaderMap::new(), b"{\"test\": true}"), Some(HeaderMap::new()));
    for (vendor, headers, body) in [
        (Vendor::SmartRecruiters, HeaderMap::new(), "{}"),
        (Vendor::Recruitee, HeaderMap::new(), "{\"test\": true, \"event_type\": \"candidate_created\"}"),
        (Vendor::Teamtailor, secret, "{\"test\": true}"),
    ] {
        assert_eq!(webhook::greeting(vendor, &headers, body.as_bytes()), None, "{vendor}");
    }
}

#[test]
fn the_collected_events_of_greenhouse_are_sorted() {
    let Some(folder) = collected() else { return };
    let mut sorted = 0;
    for entry in fs::read_dir(folder.join("greenhouse/webhooks")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let expected = match name.trim_start_matches('_').split("_events__").next().unwrap() {
            "job" if name.contains("job_stage_deleted") => Concern::Other,
            "job" => Concern::Vacancy,
            "application" if name.contains("offer") || name.contains("application_deleted") => Concern::Person,
            "application" | "candidate" => Concern::Candidate,
            "interview" => Concern::Person,
            "organization" => Concern::Other,
            _ => continue,
        };
        let found = webhook::concern(Vendor::Greenhouse, &HeaderMap::new(), &fs::read(&path).unwrap());
        assert_eq!(found, expected, "{name}");
        sorted += 1;
    }
    assert!(sorted > 0, "the reference data holds no events");
}
