//! The collected signature vectors, where they are at hand.

use std::{fs, path::Path};

use connectors::webhook::{self, Concern, Vendor, VerifyError};
use http::HeaderMap;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    provider: String,
    secret: String,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    body: String,
}

#[test]
fn the_collected_vectors_of_greenhouse_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/ats");
    if !folder.exists() {
        eprintln!("skipped: no reference data at `{}`", folder.display());
        return;
    }
    let text = fs::read(folder.join("webhook-signature-vectors.json")).unwrap();
    let vectors: Vec<Vector> = serde_json::from_slice(&text).unwrap();
    let ours: Vec<&Vector> = vectors.iter().filter(|vector| vector.provider.starts_with("greenhouse")).collect();
    assert!(!ours.is_empty(), "the reference data holds no vector of Greenhouse");
    for vector in ours {
        let headers: HeaderMap =
            (&vector.headers.clone().into_iter().collect::<std::collections::HashMap<_, _>>()).try_into().unwrap();
        let secrets = ["another".into(), vector.secret.as_str().into()];
        let verify = |body: &[u8]| webhook::verify(Vendor::Greenhouse, &secrets, &headers, body);
        assert!(verify(vector.body.as_bytes()).unwrap().event_id.is_some());
        let unescaped = vector.body.replace(r"\u003c", "<").replace(r"\u003e", ">");
        assert_ne!(unescaped, vector.body);
        assert_eq!(verify(unescaped.as_bytes()), Err(VerifyError::Wrong));
    }
}

#[test]
fn the_collected_events_of_greenhouse_are_sorted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/ats/greenhouse/webhooks");
    if !folder.exists() {
        eprintln!("skipped: no reference data at `{}`", folder.display());
        return;
    }
    let mut sorted = 0;
    for entry in fs::read_dir(&folder).unwrap() {
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
        assert_eq!(webhook::concern(Vendor::Greenhouse, &fs::read(&path).unwrap()), expected, "{name}");
        sorted += 1;
    }
    assert!(sorted > 0, "the reference data holds no events");
}
