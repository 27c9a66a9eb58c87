use super::*;
use crate::terms::ConsentType;

type Change = fn(&mut serde_json::Value);

const SAMPLE: &str = include_str!("../../../tests/consent/grant.json");

fn sample() -> Grant {
    serde_json::from_str(SAMPLE).unwrap()
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_772_442_000 + 60 * minutes).unwrap()
}

/// An event as whoever may bring it about would.
fn event(state: State, minutes: i64) -> Event {
    let by = if may_come_from(state, &Who::Subject) { Who::Subject } else { Who::Gateway };
    let consent_type = state.permits().then_some(ConsentType::Explicit);
    let duration = state.permits().then(|| "P6M".parse().unwrap());
    Event { state, at: at(minutes), by, method: Method::Web, consent_type, duration, proof: None }
}

/// The states that lead to one.
fn way_to(state: State) -> Vec<State> {
    match state {
        State::Unknown => vec![],
        State::Requested => vec![State::Requested],
        State::Deferred | State::Refused | State::Given => vec![State::Requested, state],
        _ => vec![State::Requested, State::Given, state],
    }
}

fn folded(states: &[State]) -> Result<Grant, Illegal> {
    let events = states.iter().zip(0..).map(|(state, minutes)| event(*state, minutes)).collect();
    Grant::fold(sample().record().clone(), events)
}

#[test]
fn every_legal_event_is_taken_and_every_other_refused() {
    for from in State::ALL {
        for to in State::ALL {
            let mut states = way_to(*from);
            states.push(*to);
            let outcome = folded(&states);
            match from.passage(*to) {
                Passage::SameRecord => assert_eq!(outcome.unwrap().version(), states.len(), "{from} to {to}"),
                Passage::NewRecord => {
                    assert!(matches!(outcome, Err(Illegal::WantsNewRecord { .. })), "{from} to {to}");
                }
                Passage::Never => assert!(matches!(outcome, Err(Illegal::Transition { .. })), "{from} to {to}"),
            }
        }
    }
}

#[test]
fn nothing_happens_in_the_past() {
    let given = folded(&[State::Requested, State::Given]).unwrap();
    assert_eq!(given.clone().and(event(State::Withdrawn, 0)).unwrap_err(), Illegal::Retroactive { number: 3 });
    assert!(given.and(event(State::Withdrawn, 1)).is_ok(), "the same moment is not the past");
}

#[test]
fn only_the_person_says_yes_and_takes_it_back() {
    for state in State::ALL {
        let own = [State::Given, State::Renewed, State::Refused, State::Deferred, State::Withdrawn];
        let not_own = [State::Requested, State::Revoked, State::Invalidated];
        for (by, refused) in [(Who::Gateway, &own[..]), (Who::Subject, &not_own[..])] {
            let states = way_to(*state);
            let Some((_, before)) = states.split_last() else { continue };
            let last = Event { by: by.clone(), ..event(*state, 9) };
            // A consent is renewed after it was given.
            let outcome = folded(before).unwrap().and(last);
            let is_refused = matches!(outcome, Err(Illegal::WrongActor { .. }));
            assert_eq!(is_refused, refused.contains(state), "{state} by {by}");
        }
    }
}

#[test]
fn a_consent_says_how_clearly_and_how_long() {
    let asked = folded(&[State::Requested]).unwrap();
    let endless = Event { duration: None, ..event(State::Given, 1) };
    let vague = Event { consent_type: None, ..event(State::Given, 1) };
    for (event, missing) in [(endless, "duration"), (vague, "type")] {
        let refused = Illegal::Incomplete { number: 2, state: State::Given, missing };
        assert_eq!(asked.clone().and(event).unwrap_err(), refused);
    }
}

#[test]
fn what_ends_a_consent_counts_at_once_and_what_gives_it_from_its_time_on() {
    let given = folded(&[State::Requested, State::Given]).unwrap();
    assert!(given.consent_at(at(0)).is_none());
    assert!(given.consent_at(at(1)).is_some());
    let withdrawn = given.clone().and(event(State::Withdrawn, 100)).unwrap();
    assert!(withdrawn.consent_at(at(1)).is_none(), "whatever the clocks say");
    let renewed = given.and(event(State::Renewed, 100)).unwrap();
    assert_eq!(renewed.consent_at(at(99)).unwrap().at, at(1));
    assert_eq!(renewed.consent_at(at(100)).unwrap().at, at(100));
}

#[test]
fn a_withdrawal_is_legal_whatever_the_clocks_say() {
    let given = folded(&[State::Requested, State::Given]).unwrap();
    for (now, expected) in [(at(-5), at(1)), (at(7), at(7))] {
        let event = withdrawal(&given, Method::Phone, now);
        assert_eq!(event.at, expected);
        assert!(given.clone().and(event).unwrap().is_withdrawn());
    }
    assert!(!given.is_withdrawn());
}

#[test]
fn a_grant_comes_after_one_of_the_same_person_that_has_ended() {
    let given = folded(&[State::Requested, State::Given]).unwrap();
    let withdrawn = folded(&[State::Requested, State::Given, State::Withdrawn]).unwrap();
    assert!(given.check_replaces(&withdrawn).is_ok());
    assert!(given.check_replaces(&given).unwrap_err().to_string().contains("not ended"));
    let mut other = serde_json::to_value(&withdrawn).unwrap();
    other["header"]["subject"] = serde_json::json!(Uuid::from_u128(7));
    let other: Grant = serde_json::from_value(other).unwrap();
    assert!(given.check_replaces(&other).unwrap_err().to_string().contains("another person"));
}

#[test]
fn a_grant_can_be_seen_as_it_stood() {
    let withdrawn = folded(&[State::Requested, State::Given, State::Withdrawn]).unwrap();
    let states = [(-1, State::Unknown), (0, State::Requested), (1, State::Given), (2, State::Withdrawn)];
    for (minutes, state) in states {
        assert_eq!(withdrawn.as_of(at(minutes)).state(), state);
    }
}

#[test]
fn a_grant_is_read_as_it_was_written() {
    let grant = sample();
    let text = serde_json::to_string(&grant).unwrap();
    assert_eq!(serde_json::from_str::<Grant>(&text).unwrap(), grant);
    assert_eq!((grant.version(), grant.state()), (2, State::Given));
    let said: serde_json::Value = serde_json::from_str(SAMPLE).unwrap();
    assert_eq!(serde_json::to_value(&grant).unwrap(), said, "what was not said is not written");
}

#[test]
fn a_record_that_does_not_say_what_a_person_must_be_told_is_refused() {
    let table: [(&str, Change); 17] = [
        ("provisions", |grant| grant["processing"]["provisions"] = serde_json::json!([])),
        ("storage_locations", |grant| grant["processing"]["storage_locations"] = serde_json::json!([])),
        ("processing_locations", |grant| grant["processing"]["processing_locations"] = serde_json::json!([])),
        ("basis", |grant| grant["processing"]["basis"] = serde_json::json!({})),
        ("withdrawal_method", |grant| grant["processing"]["withdrawal_method"] = " ".into()),
        ("notice.version", |grant| grant["processing"]["notice"]["version"] = "".into()),
        ("eu-gdpr:A77", |grant| grant["processing"]["rights"] = serde_json::json!(["eu-gdpr:A7-3"])),
        ("controller", |grant| grant["parties"][0]["roles"] = serde_json::json!([])),
        ("authority", |grant| grant["parties"][1]["roles"] = serde_json::json!([])),
        ("recipients", |grant| grant["processing"]["provisions"][0]["recipients"] = serde_json::json!([])),
        ("recipient_countries", |grant| {
            grant["processing"]["provisions"][0]["recipient_countries"] = serde_json::json!([]);
        }),
        ("purposes", |grant| grant["processing"]["provisions"][0]["purposes"] = serde_json::json!([])),
        ("every employer", |grant| {
            grant["processing"]["provisions"][0]["recipients"] =
                serde_json::json!([{"kind": "class", "role": "employer"}]);
        }),
        ("to anybody", |grant| {
            grant["processing"]["provisions"][0]["effect"] = "deny".into();
            grant["processing"]["provisions"][0]["exceptions"] =
                serde_json::json!([{"effect": "deny", "exceptions": [{"effect": "permit"}]}]);
        }),
        ("levels deep", |grant| {
            for _ in 0..8 {
                let outer = grant["processing"]["provisions"][0].clone();
                grant["processing"]["provisions"][0]["exceptions"] = serde_json::json!([outer]);
            }
        }),
        ("never hold", |grant| {
            grant["processing"]["provisions"][0]["exceptions"][0]["from_stage"] = "interviewed".into();
        }),
        ("itself", |grant| grant["header"]["replaces"] = grant["header"]["record_id"].clone()),
    ];
    for (expected, change) in table {
        let mut grant = serde_json::to_value(sample()).unwrap();
        change(&mut grant);
        let error = serde_json::from_value::<Grant>(grant).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

/// The sample with its permission inside itself, so many levels in all.
fn nested(levels: usize) -> Result<Grant, serde_json::Error> {
    let mut grant = serde_json::to_value(sample()).unwrap();
    let root = &mut grant["processing"]["provisions"][0];
    root.as_object_mut().unwrap().remove("exceptions");
    let innermost = root.clone();
    for _ in 1..levels {
        let inner = root.clone();
        *root = innermost.clone();
        root["exceptions"] = serde_json::json!([inner]);
    }
    serde_json::from_value(grant)
}

#[test]
fn exceptions_may_lie_eight_levels_deep_and_no_deeper() {
    assert!(nested(8).is_ok());
    assert!(nested(9).unwrap_err().to_string().contains("more than 8 levels deep"));
}

#[test]
fn a_denial_of_the_first_level_may_hold_denials() {
    let mut grant = serde_json::to_value(sample()).unwrap();
    grant["processing"]["provisions"][0] = serde_json::json!({"effect": "deny", "exceptions": [{"effect": "deny"}]});
    assert!(serde_json::from_value::<Grant>(grant).is_ok());
}
