//! The engine beside a slow model that is plainly right: it writes down every way from a root to a provision, keeps
//! those of which every step fits, and looks at the longest.

mod generated;

use std::{collections::BTreeSet, ops::Bound};

use jiff::SignedDuration;
use proptest::{collection, prelude::*, strategy::ValueTree, test_runner::TestRunner};
use schemas::Category;

use self::generated::{CATEGORIES, PURPOSES, grants, now, requests, some, transfers};
use super::*;
use crate::{
    grant::{Effect, Provision, Record},
    horizon::moments,
    terms::{Action, Purpose, Recipient, Role, Stage},
};

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

/// What the engine permits; and what it says must be consistent.
fn engine(request: &Request, grants: &[Grant], transfers: &Transfers, now: Timestamp) -> BTreeSet<Category> {
    let decision = decide(request, &Evidence { grants, transfers, now });
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
        let expected = permitted(&request, &grants, &transfers, now());
        prop_assert_eq!(engine(&request, &grants, &transfers, now()), expected);
    }

    #[test]
    fn whoever_asks_for_more_purposes_gets_no_more(
        request in requests(), grants in collection::vec(grants(), 1..3), transfers in transfers(), more in some(&PURPOSES),
    ) {
        prop_assume!(!request.purposes.is_empty());
        let less = engine(&request, &grants, &transfers, now());
        let purposes = request.purposes.union(&more).copied().collect();
        let wider = Request { purposes, ..request };
        prop_assert!(engine(&wider, &grants, &transfers, now()).is_subset(&less));
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
        let said = |grants: &[Grant]| {
            let mut outcome = decide(&request, &Evidence { grants, transfers: &transfers, now: now() }).outcome;
            if let Outcome::Permit { grants, .. } = &mut outcome {
                grants.sort();
            }
            outcome
        };
        prop_assert_eq!(said(&turned), said(&grants));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn time_alone_changes_an_answer_only_at_the_moments_that_are_named(
        request in requests(), grants in collection::vec(grants(), 1..3), transfers in transfers(),
    ) {
        let moments = moments(&grants, &transfers);
        let start: Timestamp = "2026-02-26T00:00:00Z".parse().unwrap();
        let looks: Vec<Timestamp> = (0..58).map(|weeks| start + SignedDuration::from_hours(7 * 24 * weeks)).collect();
        for pair in looks.windows(2) {
            if moments.range((Bound::Excluded(pair[0]), Bound::Included(pair[1]))).next().is_none() {
                let [before, after] = [pair[0], pair[1]].map(|now| engine(&request, &grants, &transfers, now));
                prop_assert_eq!(before, after, "between {} and {}", pair[0], pair[1]);
            }
        }
    }
}

#[test]
fn the_generators_reach_both_answers() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..2_000 {
        let grant = grants().new_tree(&mut runner).unwrap().current();
        let request = requests().new_tree(&mut runner).unwrap().current();
        reached.extend(permitted(&request, &[grant], &Transfers::default(), now()));
    }
    assert_eq!(reached, CATEGORIES.into_iter().collect(), "a category is never permitted: the properties say nothing");
}
