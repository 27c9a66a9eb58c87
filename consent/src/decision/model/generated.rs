//! Requests, grants and instruments in which permissions, denials and their conditions meet by chance.

use std::collections::BTreeSet;

use proptest::{collection, option, prelude::*, sample::select};
use schemas::Category;

use super::super::*;
use crate::{
    grant::{Effect, EventName, Onward, Provision, Record, ValidTime},
    terms::{Action, Country, Purpose, Recipient, Stage},
    transfer::{Endpoint, TransferSettings},
};

/// The moment about which everything happens.
const NOW: &str = "2026-06-01T12:00:00Z";
/// What may be asked for and permitted.
pub const PURPOSES: [Purpose; 3] = [Purpose::Selection, Purpose::Hiring, Purpose::Records];
const ACTIONS: [Action; 2] = [Action::Read, Action::Store];
const STAGES: [Stage; 3] = [Stage::Preselected, Stage::Presented, Stage::ContractSigned];
pub const CATEGORIES: [Category; 8] = [
    Category::Profile,
    Category::Picture,
    Category::Contact,
    Category::Identity,
    Category::BirthDate,
    Category::Restricted,
    Category::Attachments,
    Category::ServiceFile,
];

/// The moment of the decision.
pub fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn sample() -> Grant {
    serde_json::from_str(include_str!("../../../../tests/consent/grant.json")).unwrap()
}

fn countries() -> impl Strategy<Value = Country> {
    select(vec!["BE", "BE", "BE", "BE", "BE", "MA", "FR"]).prop_map(|country| country.parse().unwrap())
}

fn recipients() -> impl Strategy<Value = Recipient> {
    let texts = [
        r#"{"kind": "partner", "id": "acme"}"#,
        r#"{"kind": "partner", "id": "acme"}"#,
        r#"{"kind": "partner", "id": "zenith"}"#,
        r#"{"kind": "employer", "id": "be-kbo:0999999922"}"#,
        r#"{"kind": "class", "role": "public_service"}"#,
    ];
    select(texts.to_vec()).prop_map(|text| serde_json::from_str(text).unwrap())
}

fn untils() -> impl Strategy<Value = Until> {
    let texts =
        ["P1M", "P12M", "P12M", "P12M", "2026-06-01T12:00:00Z", "2026-06-01T12:00:01Z", "event:placement.closed"];
    select(texts.to_vec()).prop_map(|text| text.parse().unwrap())
}

/// A set that is often empty.
pub fn some<T: Ord + Clone + std::fmt::Debug + 'static>(all: &[T]) -> impl Strategy<Value = BTreeSet<T>> + use<T> {
    prop_oneof![1 => Just(BTreeSet::new()), 1 => collection::btree_set(select(all.to_vec()), 1..3)]
}

/// A set that is rarely empty.
fn mostly_some<T: Ord + Clone + std::fmt::Debug + 'static>(all: &[T]) -> impl Strategy<Value = BTreeSet<T>> + use<T> {
    prop_oneof![1 => Just(BTreeSet::new()), 9 => collection::btree_set(select(all.to_vec()), 1..2)]
}

fn instants() -> impl Strategy<Value = Timestamp> {
    select(vec!["2026-04-15T00:00:00Z", NOW, "2026-06-01T12:00:01Z"]).prop_map(|text| text.parse().unwrap())
}

fn provision() -> impl Strategy<Value = Provision> {
    let leaf = conditions().prop_map(|mut provision| {
        provision.exceptions = Vec::new();
        provision
    });
    leaf.prop_recursive(3, 6, 2, |inner| {
        (conditions(), collection::vec(inner, 0..2))
            .prop_map(|(provision, exceptions)| Provision { exceptions, ..provision })
    })
}

fn conditions() -> impl Strategy<Value = Provision> {
    let whom = (
        prop_oneof![3 => Just(BTreeSet::new()), 1 => collection::btree_set(recipients(), 1..3)],
        prop_oneof![3 => Just(BTreeSet::new()), 1 => collection::btree_set(countries(), 1..3)],
        prop_oneof![3 => Just(Effect::Permit), 1 => Just(Effect::Deny)],
    );
    let what = (some(&PURPOSES), some(&ACTIONS), some(&CATEGORIES));
    let when = (
        option::weighted(0.15, instants()),
        option::weighted(0.15, untils()),
        option::weighted(0.1, select(STAGES.to_vec())),
        option::weighted(0.1, select(STAGES.to_vec())),
    );
    (whom, what, when).prop_map(|(whom, what, (from, until, from_stage, until_stage))| {
        let (recipients, recipient_countries, effect) = whom;
        let (purposes, actions, categories) = what;
        Provision {
            effect,
            recipients,
            recipient_countries,
            purposes,
            actions,
            categories,
            valid: ValidTime { from, until },
            from_stage,
            until_stage: until_stage.filter(|until| from_stage.is_none_or(|from| from < *until)),
            retention: None,
            onward: None,
            exceptions: Vec::new(),
        }
    })
}

/// A provision of the first level: a permission names what it must.
fn roots() -> impl Strategy<Value = Provision> {
    let named = (
        collection::btree_set(recipients(), 2..4),
        collection::btree_set(countries(), 1..3),
        collection::btree_set(select(PURPOSES.to_vec()), 2..4),
        // One alone is a case of its own: `restricted` is permitted in no other way.
        prop_oneof![
            1 => collection::btree_set(select(CATEGORIES.to_vec()), 1..2),
            2 => collection::btree_set(select(CATEGORIES.to_vec()), 0..5),
        ],
        select(vec!["P1M", "P6M"]),
    );
    (provision(), named).prop_map(|(provision, (recipients, recipient_countries, purposes, categories, retention))| {
        match provision.effect {
            Effect::Deny => Provision { exceptions: Vec::new(), ..provision },
            Effect::Permit => Provision {
                recipients,
                recipient_countries,
                purposes,
                categories,
                retention: Some(retention.parse().unwrap()),
                ..provision
            },
        }
    })
}

pub fn grants() -> impl Strategy<Value = Grant> {
    let last = prop_oneof![8 => Just(None), 1 => Just(Some(State::Withdrawn)), 1 => Just(Some(State::Renewed))];
    let terms = (any::<bool>(), any::<bool>(), untils(), prop::bool::weighted(0.9), last);
    (collection::vec(roots(), 1..4), terms).prop_map(|(provisions, (is_explicit, leaves, duration, is_own, last))| {
        let grant = sample();
        let mut record = Record::clone(grant.record());
        let mut events = grant.events().to_vec();
        record.processing.provisions = provisions;
        if !leaves {
            record.processing.transfer.clear();
        }
        if !is_own {
            record.header.subject = uuid::Uuid::from_u128(7);
        }
        events[1].consent_type = Some(if is_explicit { ConsentType::Explicit } else { ConsentType::Expressed });
        events[1].duration = Some(duration);
        if let Some(state) = last {
            events.push(Event { state, at: "2026-05-20T00:00:00Z".parse().unwrap(), ..events[1].clone() });
        }
        Grant::fold(record, events).unwrap()
    })
}

pub fn requests() -> impl Strategy<Value = Request> {
    let receiver = (
        prop_oneof![3 => Just("employer"), 2 => Just("public_service")],
        countries(),
        option::weighted(0.9, select(vec!["acme", "acme", "zenith"])),
        any::<bool>(),
    );
    let what = (
        mostly_some(&PURPOSES),
        mostly_some(&ACTIONS),
        collection::btree_set(select(CATEGORIES.to_vec()), 0..9),
        any::<bool>(),
    );
    let state = prop_oneof![9 => Just("known"), 1 => Just("restricted")];
    (receiver, what, state, option::weighted(0.8, select(STAGES.to_vec())), prop::bool::weighted(0.2), countries())
        .prop_map(
            |(
                (kind, country, partner, has_number),
                (purposes, actions, categories, odd),
                state,
                stage,
                closed,
                from,
            )| {
                let odd = odd.then(|| "shoe_size".to_owned());
                let happened: Vec<EventName> =
                    closed.then(|| "placement.closed".parse().unwrap()).into_iter().collect();
                serde_json::from_value(serde_json::json!({
                    "subject": sample().record().header.subject, "subject_state": state,
                    "exporter": {"kind": "public_service", "country": from},
                    "recipient": {
                        "kind": kind, "country": country, "partner": partner,
                        "legal_id": has_number.then_some("be-kbo:0999999922"),
                    },
                    "purposes": purposes, "actions": actions, "stage": stage, "happened": happened,
                    "categories": categories.iter().map(|one| one.as_str().to_owned()).chain(odd).collect::<Vec<_>>(),
                }))
                .unwrap()
            },
        )
}

pub fn transfers() -> impl Strategy<Value = Transfers> {
    let end = |kind: &str, country: &str| -> Endpoint {
        serde_json::from_value(serde_json::json!({"kind": kind, "country": country})).unwrap()
    };
    let kinds = select(vec!["employer", "public_service"]);
    let instruments = select(vec!["ma:09-08:art44-consent", "ma:09-08:art43"]);
    let since = select(vec!["2026-01-01", "2026-01-01", "2026-06-02"]);
    let until = option::weighted(0.2, select(vec!["2026-06-01", "2026-06-02", "2026-07-01"]));
    let entry = (kinds, instruments, since, until)
        .prop_filter("ends before it begins", |(_, _, since, until)| until.is_none_or(|until| *since < until));
    collection::vec(entry, 0..3).prop_map(move |entries| {
        let settings = entries.into_iter().map(|(kind, instrument, since, until)| TransferSettings {
            from: end("public_service", "MA"),
            to: end(kind, "BE"),
            instrument: instrument.parse().unwrap(),
            reference: "R-1".to_owned(),
            since: since.parse().unwrap(),
            until: until.map(|until| until.parse().unwrap()),
            authorisation: None,
            assessment: None,
            onward: Onward::Deny,
        });
        Transfers::new(settings.collect()).unwrap()
    })
}
