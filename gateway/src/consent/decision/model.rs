//! The engine beside a slow model that is plainly right: it writes down every way from a root to a provision, keeps
//! those of which every step fits, and looks at the longest.

use std::collections::BTreeSet;

use proptest::{collection, option, prelude::*, sample::select, strategy::ValueTree, test_runner::TestRunner};
use schemas::Category;

use super::*;
use crate::{
    config::{Country, Role},
    consent::{
        grant::{Effect, EventName, Onward, Provision, Record, ValidTime},
        terms::{Action, Purpose, Recipient, Stage},
        transfer::{Endpoint, TransferSettings},
    },
};

const NOW: &str = "2026-06-01T12:00:00Z";
const PURPOSES: [Purpose; 3] = [Purpose::Selection, Purpose::Hiring, Purpose::Records];
const ACTIONS: [Action; 2] = [Action::Read, Action::Store];
const STAGES: [Stage; 3] = [Stage::Preselected, Stage::Presented, Stage::ContractSigned];
const CATEGORIES: [Category; 8] = [
    Category::Profile,
    Category::Picture,
    Category::Contact,
    Category::Identity,
    Category::BirthDate,
    Category::Restricted,
    Category::Attachments,
    Category::ServiceFile,
];

/// What may be permitted, by the model.
fn permitted(request: &Request, grants: &[Grant], transfers: &Transfers, now: Timestamp) -> BTreeSet<Category> {
    let asks = !request.purposes.is_empty() && !request.actions.is_empty();
    if request.subject_state != SubjectState::Known || !asks {
        return BTreeSet::new();
    }
    let instrument = match transfers.resolve(&request.exporter, &request.recipient.endpoint(), now) {
        Transfer::Denied => return BTreeSet::new(),
        Transfer::Inside => None,
        Transfer::By(by) => Some(by.instrument),
    };
    let usable: Vec<&Grant> = grants
        .iter()
        .filter(|grant| grant.record().header.subject == request.subject)
        .filter(|grant| {
            let Some(event) = consent(grant, request, now) else { return false };
            let Some(instrument) = instrument.filter(|instrument| instrument.is_consent()) else { return true };
            let pair = Pair(request.exporter.country.clone(), request.recipient.country.clone());
            event.consent_type == Some(ConsentType::Explicit)
                && grant.record().processing.transfer.get(&pair) == Some(&instrument)
        })
        .collect();
    let asked = request.categories.iter().filter_map(|name| Category::ALL.iter().find(|one| one.as_str() == name));
    asked
        .copied()
        .filter(|category| {
            request.purposes.iter().all(|purpose| {
                request.actions.iter().all(|action| {
                    let said: Vec<bool> = usable
                        .iter()
                        .filter_map(|grant| says(grant, request, now, (*purpose, *action, *category)))
                        .collect();
                    said.contains(&true) && !said.contains(&false)
                })
            })
        })
        .collect()
}

/// The consent that holds, by reading all events.
fn consent<'a>(grant: &'a Grant, request: &Request, now: Timestamp) -> Option<&'a Event> {
    let good = [State::Given, State::Renewed];
    if !good.contains(&grant.events().last()?.state) {
        return None;
    }
    let event = grant.events().iter().rfind(|event| event.at <= now && good.contains(&event.state))?;
    ends_after(event.duration.as_ref()?, event.at, request, now).then_some(event)
}

fn ends_after(until: &Until, start: Timestamp, request: &Request, now: Timestamp) -> bool {
    match until {
        Until::Period(period) => now < period.after(start),
        Until::Instant(end) => now < *end,
        Until::Event(name) => !request.happened.iter().any(|happened| happened == name),
    }
}

/// Every way from a root to a provision.
fn ways<'a>(provisions: &'a [Provision], before: &[&'a Provision]) -> Vec<Vec<&'a Provision>> {
    let mut all = Vec::new();
    for provision in provisions {
        let mut way = before.to_vec();
        way.push(provision);
        all.extend(ways(&provision.exceptions, &way));
        all.push(way);
    }
    all
}

/// What a grant says: yes, no or nothing.
fn says(grant: &Grant, request: &Request, now: Timestamp, point: (Purpose, Action, Category)) -> Option<bool> {
    let event = consent(grant, request, now)?;
    let mut fitting = ways(&grant.record().processing.provisions, &[]);
    fitting.retain(|way| way.iter().all(|step| fits(step, request, event, now, point)));
    let longest = fitting.iter().map(Vec::len).max()?;
    fitting.retain(|way| way.len() == longest);
    Some(fitting.iter().all(|way| is_a_yes(way[longest - 1], request, event, point.2)))
}

fn is_a_yes(provision: &Provision, request: &Request, event: &Event, category: Category) -> bool {
    let floor = match category {
        Category::Contact | Category::Identity => Some(Stage::Presented),
        Category::BirthDate | Category::Attachments => Some(Stage::ContractSigned),
        _ => None,
    };
    let is_early = request.recipient.kind == Role::Employer
        && provision.from_stage.is_none()
        && match (floor, request.stage) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(floor), Some(stage)) => stage < floor,
        };
    let is_delicate = [Category::Restricted, Category::Attachments].contains(&category);
    let lacks_clearness = is_delicate && event.consent_type != Some(ConsentType::Explicit);
    provision.effect == Effect::Permit && !is_early && !lacks_clearness
}

fn fits(
    provision: &Provision,
    request: &Request,
    event: &Event,
    now: Timestamp,
    (purpose, action, category): (Purpose, Action, Category),
) -> bool {
    let receiver = &request.recipient;
    let is_meant = provision.recipients.iter().any(|recipient| match recipient {
        Recipient::Partner { id } => receiver.partner.iter().any(|one| one == id),
        Recipient::Employer { id } => receiver.legal_id.iter().any(|one| one == id),
        Recipient::Class { role } => *role == receiver.kind,
    });
    let named: Vec<Category> = provision.categories.iter().copied().collect();
    let plain = [Category::Profile];
    let is_about = match provision.effect {
        Effect::Deny => named.is_empty() || named.contains(&category),
        Effect::Permit if category == Category::ServiceFile && receiver.kind != Role::PublicService => false,
        Effect::Permit if category == Category::Restricted => named == [category],
        Effect::Permit => named.contains(&category) || (named.is_empty() && plain.contains(&category)),
    };
    let stage_fits = match (request.stage, provision.from_stage, provision.until_stage) {
        (_, None, None) => true,
        (None, ..) => provision.effect == Effect::Deny,
        (Some(stage), from, until) => from.is_none_or(|from| stage >= from) && until.is_none_or(|until| stage < until),
    };
    let start = provision.valid.from.unwrap_or(event.at);
    let in_time = provision.valid.from.is_none_or(|from| now >= from)
        && provision.valid.until.as_ref().is_none_or(|until| ends_after(until, start, request, now));
    (provision.recipients.is_empty() || is_meant)
        && (provision.recipient_countries.is_empty() || provision.recipient_countries.contains(&receiver.country))
        && (provision.purposes.is_empty() || provision.purposes.contains(&purpose))
        && (provision.actions.is_empty() || provision.actions.contains(&action))
        && is_about
        && stage_fits
        && in_time
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
fn some<T: Ord + Clone + std::fmt::Debug + 'static>(all: &[T]) -> impl Strategy<Value = BTreeSet<T>> + use<T> {
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

fn grants() -> impl Strategy<Value = Grant> {
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

fn requests() -> impl Strategy<Value = Request> {
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

fn transfers() -> impl Strategy<Value = Transfers> {
    let end = |kind: &str, country: &str| -> Endpoint {
        serde_json::from_value(serde_json::json!({"kind": kind, "country": country})).unwrap()
    };
    let kinds = select(vec!["employer", "public_service"]);
    let instruments = select(vec!["ma:09-08:art44-consent", "ma:09-08:art43"]);
    collection::vec((kinds, instruments), 0..3).prop_map(move |entries| {
        let settings = entries.into_iter().map(|(kind, instrument)| TransferSettings {
            from: end("public_service", "MA"),
            to: end(kind, "BE"),
            instrument: instrument.parse().unwrap(),
            reference: "R-1".to_owned(),
            since: "2026-01-01".parse().unwrap(),
            until: None,
            authorisation: None,
            assessment: None,
            onward: Onward::Deny,
        });
        Transfers::new(settings.collect()).unwrap()
    })
}

/// What the engine permits; and what it says must be consistent.
fn engine(request: &Request, grants: &[Grant], transfers: &Transfers) -> BTreeSet<Category> {
    let decision = decide(request, &Evidence { grants, transfers, now: NOW.parse().unwrap() });
    match decision.outcome {
        Outcome::Deny { .. } => BTreeSet::new(),
        Outcome::Permit { mask, .. } => {
            assert!(!mask.permitted.is_empty(), "a permit permits something");
            let named = mask.permitted.iter().map(|one| one.as_str().to_owned()).chain(mask.withheld.keys().cloned());
            assert_eq!(named.collect::<BTreeSet<_>>(), request.categories, "each category goes or is withheld");
            mask.permitted
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_permits_what_the_model_permits(
        request in requests(), grants in collection::vec(grants(), 0..4), transfers in transfers(),
    ) {
        let expected = permitted(&request, &grants, &transfers, NOW.parse().unwrap());
        prop_assert_eq!(engine(&request, &grants, &transfers), expected);
    }

    #[test]
    fn whoever_asks_for_more_purposes_gets_no_more(
        request in requests(), grants in collection::vec(grants(), 1..3), transfers in transfers(), more in some(&PURPOSES),
    ) {
        prop_assume!(!request.purposes.is_empty());
        let less = engine(&request, &grants, &transfers);
        let purposes = request.purposes.union(&more).copied().collect();
        let wider = Request { purposes, ..request };
        prop_assert!(engine(&wider, &grants, &transfers).is_subset(&less));
    }

    #[test]
    fn no_order_of_grants_or_provisions_matters(
        request in requests(), grants in collection::vec(grants(), 1..4), transfers in transfers(),
    ) {
        let mut turned: Vec<Grant> = grants.iter().map(|grant| {
            let mut record = Record::clone(grant.record());
            record.processing.provisions.reverse();
            Grant::fold(record, grant.events().to_vec()).unwrap()
        }).collect();
        turned.reverse();
        prop_assert_eq!(engine(&request, &turned, &transfers), engine(&request, &grants, &transfers));
    }
}

#[test]
fn the_generators_reach_both_answers() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..2_000 {
        let grant = grants().new_tree(&mut runner).unwrap().current();
        let request = requests().new_tree(&mut runner).unwrap().current();
        reached.extend(permitted(&request, &[grant], &Transfers::default(), NOW.parse().unwrap()));
    }
    assert_eq!(reached, CATEGORIES.into_iter().collect(), "a category is never permitted: the properties say nothing");
}
