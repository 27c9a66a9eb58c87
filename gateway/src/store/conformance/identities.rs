//! Who is the same person: what was said stays, what holds follows from it, and nothing commits that was decided before.

use std::{collections::BTreeSet, sync::Arc};

use consent::{Method, Who};
use futures::future::join_all;
use schemas::PartnerId;
use uuid::Uuid;

use super::{
    dispatches::own,
    grants::grant,
    subjects::{decided, profile},
};
use crate::store::{
    Claimed, Confirmation, Evidence, Identified, IdentityEvent, Pair, Said, Shares, Standing, Store, SubjectVersion,
};

/// Linked before the restart and after it.
const STAYS: [Uuid; 2] = [Uuid::from_u128(0x0715), Uuid::from_u128(0x0716)];

pub async fn run(store: &dyn Store) {
    a_link_is_there_for_both_and_said_once(store).await;
    a_word_holds_against_numbers_and_sources(store).await;
    a_split_that_would_change_nothing_is_refused(store).await;
    no_number_makes_two_of_one_source_the_same(store).await;
    nothing_commits_that_was_decided_before(store).await;
    to_be_left_alone_reaches_everybody_linked(store).await;
    who_was_left_alone_stays_so_when_a_number_goes(store).await;
    links_and_restrictions_at_the_same_time_do_not_miss_each_other(store).await;
    what_goes_to_other_sources_is_decided_anew(store).await;
    say(store, event(STAYS, Said::Linked, confirmed("stays"))).await;
}

pub async fn after_restart(store: &dyn Store) {
    assert_eq!(store.same_person(STAYS[0]).await.unwrap(), STAYS.into());
    let standing = store.standing_of(STAYS[1]).await.unwrap();
    assert_eq!((standing.linked, standing.other_sources), ([STAYS[0]].into(), [source(STAYS[0])].into()));
}

fn shares() -> Shares {
    Shares(Arc::new(|_| 0))
}

/// A partner of its own for each person, unless it is said otherwise.
fn source(subject: Uuid) -> PartnerId {
    format!("source-{}", &subject.simple().to_string()[24..]).parse().unwrap()
}

fn by_number() -> Evidence {
    Evidence::VerifiedId { scheme: "ma-cin".to_owned() }
}

fn confirmed(reference: &str) -> Evidence {
    let reference = reference.to_owned();
    Evidence::Confirmation(Confirmation { by: Who::Subject, method: Method::InPerson, reference })
}

fn event([one, other]: [Uuid; 2], said: Said, evidence: Evidence) -> IdentityEvent {
    let (pair, sources) = Pair::with((one, source(one)), (other, source(other))).unwrap();
    let event_id = Uuid::new_v4();
    IdentityEvent {
        event_id,
        pair,
        sources,
        said,
        evidence,
        said_by: None,
        code: None,
        effective_at: 1,
        recorded_at: 2,
    }
}

async fn say(store: &dyn Store, event: IdentityEvent) -> Identified {
    store.identify(event, shares()).await.unwrap()
}

async fn is_new(store: &dyn Store, pair: [Uuid; 2], said: Said, evidence: Evidence) -> bool {
    matches!(say(store, event(pair, said, evidence)).await, Identified::New(_))
}

fn somebody<const N: usize>() -> [Uuid; N] {
    std::array::from_fn(|_| Uuid::new_v4())
}

async fn same(store: &dyn Store, subject: Uuid) -> BTreeSet<Uuid> {
    store.same_person(subject).await.unwrap()
}

async fn a_link_is_there_for_both_and_said_once(store: &dyn Store) {
    let [one, other, third] = somebody();
    assert_eq!(same(store, one).await, [one].into());
    let linked = event([one, other], Said::Linked, by_number());
    let concerned = Identified::New([(one, source(one)), (other, source(other))].into());
    assert_eq!(say(store, linked.clone()).await, concerned);
    let again = say(store, event([other, one], Said::Linked, by_number())).await;
    assert_eq!(again, Identified::Known(linked.clone()), "whichever comes first");
    assert!(is_new(store, [other, third], Said::Linked, Evidence::SourceMerge).await);
    for subject in [one, other, third] {
        assert_eq!(same(store, subject).await, [one, other, third].into(), "through others as well");
    }
    let links = store.links_of(&[one].into()).await.unwrap();
    assert_eq!(links, std::slice::from_ref(&linked));
    let split = event([one, other], Said::Split, by_number());
    assert!(matches!(say(store, split.clone()).await, Identified::New(concerned) if concerned.len() == 3));
    assert_eq!(say(store, event([one, other], Said::Split, by_number())).await, Identified::Nothing);
    assert_eq!((same(store, one).await, same(store, third).await), ([one].into(), [other, third].into()));
    assert_eq!(store.identity_events(one).await.unwrap(), [linked, split], "everything that was said stays");
}

async fn a_word_holds_against_numbers_and_sources(store: &dyn Store) {
    let [one, other, third] = somebody();
    assert!(is_new(store, [one, other], Said::Linked, by_number()).await);
    assert!(is_new(store, [one, other], Said::Linked, confirmed("yes")).await, "it is known better now");
    assert!(!is_new(store, [one, other], Said::Linked, confirmed("yes")).await);
    assert!(!is_new(store, [one, other], Said::Linked, Evidence::SourceMerge).await);
    assert_eq!(say(store, event([one, other], Said::Split, by_number())).await, Identified::Nothing);
    assert_eq!(same(store, one).await.len(), 2);

    assert!(is_new(store, [one, other], Said::Split, confirmed("no")).await);
    assert!(!is_new(store, [one, other], Said::Split, confirmed("no")).await);
    let split = Pair::of(one, other).unwrap();
    for evidence in [by_number(), Evidence::SourceMerge] {
        let said = say(store, event([one, other], Said::Linked, evidence)).await;
        assert_eq!(said, Identified::SplitBefore(split));
    }
    assert!(is_new(store, [other, third], Said::Linked, by_number()).await);
    for evidence in [by_number(), confirmed("of another pair")] {
        let said = say(store, event([one, third], Said::Linked, evidence)).await;
        assert_eq!(said, Identified::SplitBefore(split), "nor by a way around");
    }
    assert!(is_new(store, [one, other], Said::Linked, confirmed("after all")).await);
    assert_eq!(same(store, one).await.len(), 3);
}

async fn a_split_that_would_change_nothing_is_refused(store: &dyn Store) {
    let [one, other, third] = somebody();
    for pair in [[one, other], [other, third], [third, one]] {
        assert!(is_new(store, pair, Said::Linked, by_number()).await);
    }
    let split = |pair| event(pair, Said::Split, confirmed("no"));
    assert_eq!(say(store, split([one, other])).await, Identified::LinkedThrough([third].into()));
    assert_eq!(same(store, one).await.len(), 3, "nothing was changed");
    assert_eq!(say(store, split([third, one])).await, Identified::LinkedThrough([other].into()));
    assert!(is_new(store, [one, other], Said::Split, by_number()).await, "a number that is gone links nobody");
    assert_eq!(same(store, one).await.len(), 3);
    assert!(is_new(store, [third, one], Said::Split, confirmed("no")).await);
    assert_eq!(same(store, one).await, [one].into());
}

async fn no_number_makes_two_of_one_source_the_same(store: &dyn Store) {
    let [one, other, third] = somebody();
    assert!(is_new(store, [one, other], Said::Linked, by_number()).await);
    let of_same_source = |evidence| {
        let mut event = event([other, third], Said::Linked, evidence);
        for (place, subject) in event.pair.both().into_iter().enumerate() {
            event.sources[place] = source(if subject == third { one } else { subject });
        }
        event
    };
    let two = Identified::TwoOfOneSource(Pair::of(one, third).unwrap());
    assert_eq!(say(store, of_same_source(by_number())).await, two);
    assert!(matches!(say(store, of_same_source(confirmed("yes"))).await, Identified::New(_)), "the person knows");
}

async fn standing(store: &dyn Store, subject: Uuid) -> Standing {
    store.standing_of(subject).await.unwrap()
}

async fn nothing_commits_that_was_decided_before(store: &dyn Store) {
    let epoch = own(store, "linked").await;
    let [one, other, third] = somebody();
    for subject in [one, other, third] {
        store.put_grant(grant(subject), 1).await.unwrap();
    }
    let mut offset = 0;
    let mut claims = async |subject: Uuid, standing: &Standing| {
        offset += 1;
        store.claim(decided(&profile("linked", subject, offset), epoch, standing)).await.unwrap()
    };
    let before = standing(store, one).await;
    assert!(is_new(store, [other, third], Said::Linked, by_number()).await);
    assert_eq!(claims(one, &before).await, Claimed::Yes, "it is about others");
    let (ours, theirs) = (standing(store, one).await, standing(store, third).await);
    assert!(is_new(store, [one, other], Said::Linked, by_number()).await);
    assert_eq!(claims(one, &ours).await, Claimed::Undecided);
    assert_eq!(claims(third, &theirs).await, Claimed::Undecided, "whoever is linked with the two as well");
    let (ours, theirs) = (standing(store, one).await, standing(store, third).await);
    assert_eq!(ours.linked, [other, third].into());
    assert_eq!(ours.grants.len(), 1, "what is permitted of others is permitted of them alone");
    assert!(!is_new(store, [one, other], Said::Linked, by_number()).await);
    assert_eq!(claims(one, &ours).await, Claimed::Yes, "a repeat changes nothing");
    assert!(is_new(store, [one, other], Said::Split, confirmed("no")).await);
    assert_eq!(claims(third, &theirs).await, Claimed::Undecided);
}

async fn to_be_left_alone_reaches_everybody_linked(store: &dyn Store) {
    let epoch = own(store, "left-alone").await;
    let [one, other, third] = somebody();
    store.put_grant(grant(third), 1).await.unwrap();
    assert!(is_new(store, [one, other], Said::Linked, by_number()).await);
    assert!(is_new(store, [other, third], Said::Linked, confirmed("yes")).await);
    let before = standing(store, third).await;
    assert_eq!(store.restrict(one, true, Method::Web, 7).await.unwrap(), Some(7));
    let claim = decided(&profile("left-alone", third, 1), epoch, &before);
    assert_eq!(store.claim(claim).await.unwrap(), Claimed::Undecided);
    for subject in [one, other, third] {
        assert_eq!(standing(store, subject).await.restricted_since, Some(7));
    }
    assert_eq!(store.restrict(third, false, Method::Web, 8).await.unwrap(), Some(7), "it was said of another one");
    assert_eq!(store.restrict(third, true, Method::Web, 9).await.unwrap(), Some(7), "since it was said first");
    assert_eq!(store.restrict(one, false, Method::Web, 10).await.unwrap(), Some(9));
    assert!(is_new(store, [other, third], Said::Split, confirmed("no")).await);
    assert_eq!(standing(store, one).await.restricted_since, None, "it was said of somebody else");
    assert_eq!(standing(store, third).await.restricted_since, Some(9));
}

async fn who_was_left_alone_stays_so_when_a_number_goes(store: &dyn Store) {
    let [one, other] = somebody();
    assert!(is_new(store, [one, other], Said::Linked, by_number()).await);
    store.restrict(one, true, Method::Web, 7).await.unwrap();
    assert!(is_new(store, [one, other], Said::Split, by_number()).await);
    for subject in [one, other] {
        let standing = standing(store, subject).await;
        assert_eq!((standing.restricted_since, standing.linked.len()), (Some(7), 0), "nobody said that it is another");
    }
    assert_eq!(store.restrict(other, false, Method::Web, 8).await.unwrap(), None);
}

/// Whatever comes first: whoever is linked with somebody to be left alone has nothing claimed on an earlier decision.
async fn links_and_restrictions_at_the_same_time_do_not_miss_each_other(store: &dyn Store) {
    let epoch = own(store, "raced").await;
    for round in 0..20 {
        let [one, other, third] = somebody();
        store.put_grant(grant(third), 1).await.unwrap();
        let links = [[one, other], [other, third]].map(|pair| say(store, event(pair, Said::Linked, by_number())));
        let watch = async {
            let mut seen = Vec::new();
            for _ in 0..=round % 4 {
                seen.push(standing(store, third).await);
            }
            seen
        };
        let (linked, restricted, seen) =
            tokio::join!(join_all(links), store.restrict(one, true, Method::Web, 7), watch);
        assert!(linked.iter().all(|found| matches!(found, Identified::New(_))), "{linked:?}");
        restricted.unwrap();
        assert_eq!(standing(store, third).await.restricted_since, Some(7));
        for (before, offset) in seen.iter().filter(|seen| seen.restricted_since.is_none()).zip(1..) {
            let claim = decided(&profile("raced", third, offset + round * 10), epoch, before);
            assert_eq!(store.claim(claim).await.unwrap(), Claimed::Undecided);
        }
        let SubjectVersion { version, .. } = standing(store, third).await.version;
        assert!(version > 1);
    }
}

async fn what_goes_to_other_sources_is_decided_anew(store: &dyn Store) {
    let [one, other] = somebody();
    let wanted = async || {
        let mut wanted = Vec::new();
        for replay in store.replays(0, 10_000).await.unwrap() {
            let subject = replay.entity_key.as_uuid();
            if [one, other].contains(&subject) {
                wanted.push((subject, replay.recipient.clone()));
                store.finish_replays(vec![replay.replay_id]).await.unwrap();
            }
        }
        wanted.sort_unstable();
        wanted
    };
    let mut crosswise = vec![(one, Some(source(other))), (other, Some(source(one)))];
    crosswise.sort_unstable();
    assert!(is_new(store, [one, other], Said::Linked, by_number()).await);
    assert_eq!(wanted().await, crosswise, "whatever others have stays with them");
    assert!(!is_new(store, [one, other], Said::Linked, by_number()).await);
    assert_eq!(wanted().await, []);
    store.restrict(one, true, Method::Web, 7).await.unwrap();
    assert!(is_new(store, [one, other], Said::Split, confirmed("no")).await);
    let mut everywhere = vec![(one, None), (other, None)];
    everywhere.sort_unstable();
    assert_eq!(wanted().await, everywhere, "nothing went meanwhile");
}
