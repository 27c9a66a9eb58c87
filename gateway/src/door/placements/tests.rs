//! What is shown of placements, as of a moment.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemas::{Kind, MessageId, Position, Record};
use serde_json::{Value, json};
use uuid::Uuid;

use super::merged::merge;
use crate::{
    config::{Configuration, Secrets, Settings},
    said::Said,
    store::PlacementEvent,
};

/// Until the application is complete, by one party.
const WAY: [(&str, &str); 5] = [
    ("applied", "2026-05-01T08:00:00Z"),
    ("offer_accepted", "2026-05-02T08:00:00Z"),
    ("contract_signed", "2026-05-03T08:00:00Z"),
    ("permit_requested", "2026-05-04T08:00:00Z"),
    ("permit_admissible", "2026-06-01T08:00:00Z"),
];

/// An event of a party, that came in when it happened.
fn said(partner: &str, happened: &str, at: &str, more: &Value) -> Said {
    let reference = format!("{partner} {happened} {at}");
    let mut event = json!({"reference": reference, "happened": happened, "effective_at": at,
        "employer": {"name": "Zonnedauw Software"}});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let at: Timestamp = at.parse().unwrap();
    Said {
        event: PlacementEvent {
            message_id: MessageId::from(Uuid::from_u128(1)),
            entity_key: Uuid::from_u128(2).into(),
            partner: partner.parse().unwrap(),
            position: Position { generation: 1, offset: 1 },
            received_at: at.as_microsecond(),
            canonical: Vec::new(),
            programme: None,
        },
        record: Record::from_json(Kind::PlacementStatus, &event).unwrap(),
    }
}

fn way(more: &Value) -> Vec<Said> {
    WAY.iter().map(|(happened, at)| said("anapec", happened, at, more)).collect()
}

/// The one placement that is shown then, where Brussels has deadlines of its own.
fn shown(said: &[Said], now: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passerelle.toml");
    let brussels = "[placements.regions.brussels]\ndecision_days = 90\nis_deemed_positive = false\n";
    std::fs::write(&file, brussels).unwrap();
    let settings = Settings::load(Some(&file)).unwrap();
    let configuration = Configuration::assemble(settings, BTreeMap::default(), Secrets::default(), &[]).unwrap();
    let merged = merge(said, &configuration, now.parse().unwrap());
    assert_eq!(merged.len(), 1);
    serde_json::to_value(&merged[0]).unwrap()
}

fn permit(permit: &Value) -> Value {
    json!({"permit": permit})
}

#[test]
fn a_decision_is_due_until_the_midnight_after_the_last_day_and_late_then() {
    let due = |until: &str, rest: Value| {
        let mut due = json!({"kind": "decision", "until": until});
        due.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        due
    };
    // From 1 June: 120 days are over with 29 September, 150 with 29 October, after the change of hours, 90 with 30 August.
    let (plain, complex) = (json!({"region": "flanders"}), json!({"region": "flanders", "is_complex": true}));
    let brussels = json!({"region": "brussels"});
    for (said, now, day, midnight, rest) in [
        (&plain, "2026-09-19T10:00:00Z", "2026-09-29", "2026-09-30T00:00:00+02:00", json!({"days_left": 10})),
        (&plain, "2026-09-29T21:59:59Z", "2026-09-29", "2026-09-30T00:00:00+02:00", json!({"days_left": 0})),
        (&plain, "2026-09-29T22:00:00Z", "2026-09-29", "2026-09-30T00:00:00+02:00", json!({"days_late": 1})),
        (&complex, "2026-09-30T10:00:00Z", "2026-10-29", "2026-10-30T00:00:00+01:00", json!({"days_left": 29})),
        (&brussels, "2026-09-01T10:00:00Z", "2026-08-30", "2026-08-31T00:00:00+02:00", json!({"days_late": 2})),
    ] {
        let mut expected = due(midnight, rest);
        expected["last_day"] = day.into();
        if expected["days_late"].is_i64() {
            expected["late_since"] = midnight.into();
        }
        if said["region"] == "flanders" {
            expected["deemed"] = "permit_granted".into();
        }
        let one = shown(&way(&permit(said)), now);
        assert_eq!(one["due"], expected, "{said} at {now}");
        assert_eq!(one["state"], "permit_admissible", "silence is shown, and grants nothing");
    }
}

#[test]
fn who_is_silent_for_too_long_is_shown_unless_the_placement_is_over() {
    let offered = || WAY[..2].iter().map(|(happened, at)| said("anapec", happened, at, &json!({}))).collect::<Vec<_>>();
    let silent = |said: &[Said], now: &str| shown(said, now)["silent_since"].clone();
    // Thirty days after 2 May at 8 o'clock.
    assert_eq!(silent(&offered(), "2026-06-01T08:00:00Z"), Value::Null);
    assert_eq!(silent(&offered(), "2026-06-01T08:00:01Z"), "2026-05-02T08:00:00Z");
    let with = |one: Said| offered().into_iter().chain([one]).collect::<Vec<_>>();
    let misfit = said("belgium", "registered", "2026-05-20T08:00:00Z", &json!({}));
    assert_eq!(silent(&with(misfit), "2026-06-10T08:00:00Z"), Value::Null, "who contradicts is not silent");
    let over = said("anapec", "withdrawn", "2026-05-03T08:00:00Z", &json!({}));
    assert_eq!(silent(&with(over), "2027-06-10T08:00:00Z"), Value::Null, "it is over");
    let mut ahead = said("anapec", "contract_signed", "2026-12-01T08:00:00Z", &json!({}));
    ahead.event.received_at = "2026-05-03T08:00:00Z".parse::<Timestamp>().unwrap().as_microsecond();
    assert_eq!(silent(&with(ahead), "2026-06-10T08:00:00Z"), "2026-05-03T08:00:00Z", "it was said on the third of May");
    let admissible = silent(&way(&json!({})), "2026-07-10T08:00:00Z");
    assert_eq!(admissible, Value::Null, "while the authorities decide, silence may last longer");
}

#[test]
fn a_permit_is_shown_by_the_newest_word_and_other_regions_are_a_conflict() {
    let mut all = way(&permit(&json!({"region": "flanders", "annex": "46"})));
    let more = permit(&json!({"is_complex": true, "region": "flanders"}));
    all.push(said("belgium", "permit_admissible", "2026-06-02T08:00:00Z", &more));
    let agreed = shown(&all, "2026-06-03T08:00:00Z");
    assert_eq!(agreed["permit"], json!({"region": "flanders", "annex": "46", "complex": true}));
    assert_eq!(agreed["conflicts"], json!([]));

    all.push(said("morocco", "permit_admissible", "2026-06-03T08:00:00Z", &permit(&json!({"region": "brussels"}))));
    let one = shown(&all, "2026-06-04T08:00:00Z");
    assert_eq!(one["permit"]["region"], "brussels", "the newest word is shown");
    let conflicts = one["conflicts"].as_array().unwrap();
    let told =
        |one: &Value| ["partner", "region", "code"].map(|name| one[name].as_str().unwrap_or("-").to_owned()).join(" ");
    let parties: Vec<_> = conflicts.iter().map(told).collect();
    assert_eq!(
        parties,
        ["anapec flanders other_region", "belgium flanders other_region", "morocco brussels other_region"]
    );
    let against: Vec<_> = conflicts.iter().map(|one| told(&one["against"])).collect();
    assert_eq!(against, ["morocco brussels -", "morocco brussels -", "belgium flanders -"], "the newest of the others");

    // Whoever names another region later has changed its mind, and nobody disagrees any more.
    for (partner, at) in [("anapec", "2026-06-05T08:00:00Z"), ("belgium", "2026-06-06T08:00:00Z")] {
        all.push(said(partner, "permit_admissible", at, &permit(&json!({"region": "brussels"}))));
    }
    assert_eq!(shown(&all, "2026-06-07T08:00:00Z")["conflicts"], json!([]));
}

#[test]
fn what_was_said_of_an_application_that_was_refused_is_not_said_of_the_next_one() {
    let mut all = way(&permit(&json!({"region": "flanders", "annex": "47"})));
    all.push(said("anapec", "work_refused", "2026-06-10T08:00:00Z", &json!({})));
    all.push(said("anapec", "permit_requested", "2026-06-20T08:00:00Z", &json!({})));
    all.push(said("belgium", "permit_admissible", "2026-06-25T08:00:00Z", &permit(&json!({"region": "brussels"}))));
    let one = shown(&all, "2026-06-26T08:00:00Z");
    assert_eq!((&one["permit"], &one["conflicts"]), (&json!({"region": "brussels"}), &json!([])));
    assert_eq!(one["due"]["last_day"], "2026-09-23", "time runs anew, by the figures of Brussels");
}

#[test]
fn every_conflict_says_what_to_do_and_against_whom_where_that_can_be_told() {
    let mut all = way(&json!({}));
    all.push(said("belgium", "permit_inadmissible", "2026-06-05T08:00:00Z", &json!({})));
    let one = shown(&all, "2026-06-06T08:00:00Z");
    let conflict = &one["conflicts"][0];
    assert_eq!((&conflict["code"], &conflict["partner"]), (&json!("other_state"), &json!("belgium")));
    let against = json!({"partner": "anapec", "at": "2026-06-01T08:00:00Z", "happened": "permit_admissible"});
    assert_eq!((&conflict["against"], &one["state"]), (&against, &json!("permit_admissible")));
    assert!(conflict["remedy"].as_str().unwrap().contains("ask both parties"));

    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/placements.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (code, remedy) = super::permit::OTHER_REGION;
    let row = |line: &str| line.starts_with(&format!("| `{code}` | ")) && line.ends_with(&format!(" | {remedy} |"));
    assert!(page.lines().any(row), "`docs/placements.md` must have a row of `{code}` with: {remedy}");
}

#[test]
fn what_was_said_in_confidence_is_in_nothing_that_is_merged() {
    let said = way(&json!({"reason_text": "geheim-17", "candidate": "CIN-17"}));
    let one = shown(&said, "2027-06-26T08:00:00Z").to_string();
    assert!(!one.contains("geheim-17") && !one.contains("CIN-17"), "{one}");
}
