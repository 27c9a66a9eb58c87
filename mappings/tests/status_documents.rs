//! Documents with statuses in every dialect of them, and by the schemas of others.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

#[path = "collected/statuses.rs"]
mod collected;
#[path = "standards/hrxml.rs"]
mod hrxml;
mod said;
#[path = "standards/hropen.rs"]
mod standards;

use std::{collections::BTreeSet, fs};

use mappings::{CANONICAL, Catalogue, ReadOptions, TranslateError, WriteOptions, laws, translate};
use said::{KIND, REFUSALS, dialects, happened, losses, mapping, record, states};
use schemas::DialectName;
use serde_json::json;

/// Translates a document into every dialect: written, or refused with a code; gives how many were written and refused.
fn translate_everywhere(catalogue: &Catalogue, from: &DialectName, document: &[u8], name: &str) -> (usize, usize) {
    let options = (&ReadOptions::default(), &WriteOptions::default());
    let mut counts = (0, 0);
    for to in dialects(catalogue).iter().chain([&CANONICAL.parse().unwrap()]) {
        match translate(catalogue, (from, to), KIND, document, options) {
            Ok(translation) => {
                counts.0 += 1;
                assert!(!translation.bytes.is_empty(), "{name} to {to}");
                if to.as_str() != CANONICAL {
                    let back = mapping(catalogue, to.as_str()).read(&translation.bytes, &ReadOptions::default());
                    assert!(back.is_ok(), "{name} to {to} is not read again");
                }
            }
            Err(TranslateError::Refused(refusal)) => {
                counts.1 += 1;
                let is_known = REFUSALS.contains(&refusal.code.as_str()) && to.as_str() != CANONICAL;
                assert!(is_known, "{name} to {to}: {refusal}");
            }
            Err(TranslateError::Unreadable(failure)) => {
                let codes: BTreeSet<&str> = failure.faults.iter().map(|fault| fault.code.as_str()).collect();
                let known = ["other_root", "no_event_type", "no_time", "no_event_id", "unknown_shape", "no_profile"];
                assert!(codes.iter().all(|code| known.contains(code)), "{name} to {to}: {codes:?}");
            }
            Err(other) => panic!("{name} to {to}: {other}"),
        }
    }
    counts
}

#[test]
fn every_sample_goes_into_every_dialect_or_is_refused() {
    let catalogue = Catalogue::embedded().unwrap();
    let (mut written, mut refused) = (0, 0);
    for from in dialects(&catalogue) {
        for sample in laws::samples(mapping(&catalogue, from.as_str())) {
            let name = format!("{from}/{}", sample.name);
            let (one, other) = translate_everywhere(&catalogue, &from, &sample.input, &name);
            (written, refused) = (written + one, refused + other);
        }
    }
    assert!(written > 250 && refused > 250, "{written} were written and {refused} refused");
}

#[test]
fn collected_statuses_are_read_and_translated() {
    let catalogue = Catalogue::embedded().unwrap();
    let documents = collected::statuses();
    for (dialect, path, states) in &documents {
        let dialect: DialectName = dialect.parse().unwrap();
        let bytes = fs::read(path).unwrap();
        let name = path.display().to_string();
        translate_everywhere(&catalogue, &dialect, &bytes, &name);
        let reading = mapping(&catalogue, dialect.as_str()).read(&bytes, &ReadOptions::default()).unwrap();
        let state = happened(&reading.record);
        assert!(states.contains(&state.as_deref().unwrap_or("-")), "{name}: {state:?}");
        // A document that names no status, such as a webhook of two ids, has nothing to be told of.
        if state.is_none() && !reading.record.at("source_status").unwrap().is_absent() {
            assert!(!losses(&reading.loss, "happened").is_empty(), "{name}: nothing happened, and nothing is told");
        }
        let complement = reading.complement.to_json();
        assert!(!complement.contains('@'), "{name}: an address is kept aside: {complement}");
    }
}

#[test]
fn hr_open_statuses_keep_its_schema() {
    let Some(data) = collected::data() else { return };
    let schema = standards::hropen(&data);
    let catalogue = Catalogue::embedded().unwrap();
    let mapping = mapping(&catalogue, "hropen-json");
    let mut checked = 0;
    for state in states() {
        let record = record(&json!({
            "reference": "E-1", "profile": "3f0c1b52-8a0e-4d2c-9a51-0b1e2c3d4e5f", "candidate": "C-1", "happened": state,
            "effective_at": "2026-09-01T08:00:00Z", "vacancy": "V-1", "reason_text": "Invented", "is_back": true,
            "source_status": {"scheme": "passerelle/reported-status", "code": "chosen", "label": "Gekozen"},
        }));
        let writing = mapping.write(&record, &WriteOptions::default()).unwrap();
        assert_eq!(standards::faults(&schema, &writing.bytes), Vec::<String>::new(), "{state}");
        checked += 1;
    }
    assert_eq!(checked, states().len());
    let wrong = json!({"profiles": [{"associatedPositionOpenings": [{"dispositionStatus": {"code": 7}}]}]}).to_string();
    assert!(!standards::faults(&schema, wrong.as_bytes()).is_empty(), "the schema takes anything");
}

#[test]
fn staffing_actions_keep_the_schema_of_hr_xml() {
    let Some(data) = collected::data() else { return };
    let Some(mut schema) = hrxml::Checker::new(&data, "SIDES/StaffingAction.xsd") else { return };
    let catalogue = Catalogue::embedded().unwrap();
    let mapping = mapping(&catalogue, "hrxml-2.5");
    for state in states() {
        for (date, remark) in [("2026-09-01T08:00:00Z", "Invented"), ("2026-09-01", ""), ("2026-09", "x & y")] {
            let record = record(&json!({
                "reference": "E-1", "candidate": "C-1", "happened": state, "effective_at": date, "vacancy": "V-1",
                "reason_text": remark, "employer": {"name": "Havenbouw De Kade"}, "is_back": true,
            }));
            let writing = mapping.write(&record, &WriteOptions::default()).unwrap();
            schema.add(&format!("{state} {date}"), &writing.bytes);
        }
    }
    let least = record(&json!({"reference": "E-1", "happened": "applied"}));
    schema.add("least", &mapping.write(&least, &WriteOptions::default()).unwrap().bytes);
    assert_eq!(schema.complaints(), "");
    schema.add("wrong", b"<StaffingAction xmlns='http://ns.hr-xml.org/2007-04-15'/>");
    assert!(schema.complaints().contains("wrong"), "the schema takes anything");
}
