//! Persons who are looked at again: who is due, and what is kept of a look.

use schemas::{EntityKey, Hash, Kind, PartnerId};
use uuid::Uuid;

use super::{
    dispatches::{claim_of, outcome, own, partner},
    grants::{grant, withdrawal},
    subjects::{decided, profile},
};
use crate::store::{
    Claim, Claimed, Decided, DispatchState, Due, InstrumentReview, Permission, RecallFilter, Replay, Review,
    Settlement, Store, SubjectVersion,
};

/// Far from everything that other parts of the suite do.
const MOMENT: i64 = 5_000_000;

pub async fn run(store: &dyn Store) {
    who_has_changed_is_due_until_a_look_is_kept(store).await;
    a_claim_says_itself_when_to_look_again(store).await;
    nothing_is_claimed_once_the_time_is_over_that_was_decided_for(store).await;
    what_is_denied_is_recalled_and_nothing_else(store).await;
    a_look_is_kept_only_as_of_what_it_saw(store).await;
    a_review_of_everybody_goes_on_where_it_was(store).await;
}

async fn person(store: &dyn Store) -> Uuid {
    let subject = Uuid::new_v4();
    store.put_grant(grant(subject), 1).await.unwrap();
    subject
}

async fn version(store: &dyn Store, subject: Uuid) -> SubjectVersion {
    store.standing_of(subject).await.unwrap().version
}

/// A look that nothing follows from.
async fn nothing(store: &dyn Store, subject: Uuid) -> Review {
    let as_of = version(store, subject).await;
    Review {
        as_of,
        at: MOMENT,
        next_at: None,
        denied: Vec::new(),
        run_out: Vec::new(),
        replays: Vec::new(),
        is_decided_anew: false,
    }
}

async fn due(store: &dyn Store, subject: Uuid, now: i64) -> Option<bool> {
    let due = store.due_for_review(now, 10_000).await.unwrap();
    due.into_iter().find(|due| due.subject == subject).map(|Due { is_by_time, .. }| is_by_time)
}

/// Begins to send a profile under a decision that holds until then.
async fn send(store: &dyn Store, to: &str, subject: Uuid, (permit, valid_until): (Hash, Option<i64>)) -> Claimed {
    let (epoch, owed) = (own(store, to).await, profile(to, subject, 1));
    let decided = Decided { person: version(store, subject).await, permit, valid_until };
    store.claim(Claim { permission: Permission::Decided(decided), ..claim_of(&owed, epoch) }).await.unwrap()
}

async fn who_has_changed_is_due_until_a_look_is_kept(store: &dyn Store) {
    let subject = person(store).await;
    assert_eq!(due(store, subject, 0).await, Some(false));
    let look = Review { next_at: Some(MOMENT), ..nothing(store, subject).await };
    assert_eq!(store.keep_review(look).await.unwrap(), Some(Vec::new()));
    assert_eq!((due(store, subject, MOMENT - 1).await, due(store, subject, MOMENT).await), (None, Some(true)));
    assert!(store.next_review_at().await.unwrap().unwrap() <= MOMENT);
    store.put_grant(grant(subject), 2).await.unwrap();
    assert_eq!(due(store, subject, 0).await, Some(false), "whoever keeps it");
    store.keep_review(nothing(store, subject).await).await.unwrap();
    assert_eq!(due(store, subject, MOMENT).await, None);
}

async fn a_claim_says_itself_when_to_look_again(store: &dyn Store) {
    let (subject, never) = (person(store).await, i64::MAX);
    store.keep_review(nothing(store, subject).await).await.unwrap();
    let permit = Hash::of(b"without the picture");
    assert_eq!(send(store, "valid", subject, (permit, Some(never))).await, Claimed::Yes);
    assert_eq!((due(store, subject, never - 1).await, due(store, subject, never).await), (None, Some(true)));
    let shown = store.shown_of(subject).await.unwrap();
    assert_eq!((shown.len(), &shown[0].partner, shown[0].is_recalled), (1, &partner("valid"), false));
    assert_eq!(shown[0].went_under(permit), Some(true));
    assert_eq!(shown[0].went_under(Hash::of(b"with everything")), Some(false));
    let look = Review {
        run_out: vec![(partner("valid"), EntityKey::from(subject), shown[0].sent_at)],
        ..nothing(store, subject).await
    };
    store.keep_review(look).await.unwrap();
    assert_eq!(due(store, subject, never).await, None, "it was looked at");

    let settlement =
        Settlement { is_active: Some(false), ..outcome(&profile("valid", subject, 1), DispatchState::Delivered) };
    store.settle(settlement, false).await.unwrap();
    assert_eq!(store.shown_of(subject).await.unwrap(), [], "what was taken back is nobody's any more");
}

async fn nothing_is_claimed_once_the_time_is_over_that_was_decided_for(store: &dyn Store) {
    let (subject, permit) = (person(store).await, Hash::of(b"permit"));
    assert_eq!(send(store, "over", subject, (permit, Some(1))).await, Claimed::Undecided, "1970 is over");
    assert_eq!(store.shown_of(subject).await.unwrap(), [], "nothing has begun");
    assert_eq!(send(store, "over", subject, (permit, Some(i64::MAX))).await, Claimed::Yes);
}

async fn what_is_denied_is_recalled_and_nothing_else(store: &dyn Store) {
    let subject = person(store).await;
    for to in ["denied", "kept"] {
        assert_eq!(send(store, to, subject, (Hash::of(b"permit"), None)).await, Claimed::Yes);
    }
    let before = version(store, subject).await;
    let expired = |to: &str, kind| (partner(to), kind, "consent_expired");
    let denied = vec![
        expired("denied", Kind::TalentProfile),
        expired("never-sent", Kind::TalentProfile),
        expired("kept", Kind::PlacementStatus),
    ];
    let look = Review { denied: denied.clone(), ..nothing(store, subject).await };
    assert_eq!(store.keep_review(look).await.unwrap(), Some(vec![partner("denied")]));
    let recalls = store.recalls(&RecallFilter { subject: Some(subject), ..RecallFilter::default() }, 10).await.unwrap();
    let said: Vec<_> = recalls.iter().map(|one| (&one.key.partner, one.code.as_str(), one.owed_at)).collect();
    assert_eq!(said, [(&partner("denied"), "consent_expired", MOMENT)]);
    let epoch = own(store, "denied").await;
    let stale = Claim {
        permission: Permission::Decided(Decided { person: before, permit: Hash::of(b"permit"), valid_until: None }),
        ..claim_of(&profile("denied", subject, 2), epoch)
    };
    assert_eq!(store.claim(stale).await.unwrap(), Claimed::Undecided, "what was decided before holds no more");
    let again = Review { denied, ..nothing(store, subject).await };
    assert_eq!(store.keep_review(again).await.unwrap(), Some(Vec::new()), "it is owed once");
    assert_eq!(due(store, subject, MOMENT).await, None, "its own change is no news");
    let shown: Vec<(PartnerId, bool)> =
        store.shown_of(subject).await.unwrap().into_iter().map(|one| (one.partner, one.is_recalled)).collect();
    assert_eq!(shown, [(partner("denied"), true), (partner("kept"), false)]);
}

async fn a_look_is_kept_only_as_of_what_it_saw(store: &dyn Store) {
    let subject = Uuid::new_v4();
    let given = grant(subject);
    store.put_grant(given.clone(), 1).await.unwrap();
    let replay = Replay {
        replay_id: Uuid::new_v4(),
        entity_key: subject.into(),
        share: 77,
        recipient: Some(partner("again")),
        wanted_at: MOMENT,
    };
    let late = Review { replays: vec![replay.clone()], ..nothing(store, subject).await };
    store.add_grant_event(given.id(), 2, withdrawal("web"), 2).await.unwrap();
    assert_eq!(store.keep_review(late.clone()).await.unwrap(), None);
    assert_eq!(store.replays(77, 10).await.unwrap(), []);
    let standing = store.standing_of(subject).await.unwrap();
    let now = Review { as_of: standing.version, is_decided_anew: true, ..late };
    assert_eq!(store.keep_review(now).await.unwrap(), Some(Vec::new()));
    assert_eq!(store.replays(77, 10).await.unwrap(), std::slice::from_ref(&replay));
    assert_eq!(store.wanted_replays(1).await.unwrap(), 1, "counted no further");
    store.finish_replays(vec![replay.replay_id]).await.unwrap();
    let epoch = own(store, "anew").await;
    let stale = store.claim(decided(&profile("anew", subject, 1), epoch, &standing)).await.unwrap();
    assert_eq!(stale, Claimed::Undecided, "everything is decided anew");
    let nobody = SubjectVersion { subject: Uuid::new_v4(), version: 0 };
    let of_nobody = Review { as_of: nobody, ..nothing(store, subject).await };
    assert_eq!(store.keep_review(of_nobody).await.unwrap(), None);
}

async fn a_review_of_everybody_goes_on_where_it_was(store: &dyn Store) {
    let mut persons = Vec::new();
    while let [.., last] = store.persons_after(persons.last().copied(), 7).await.unwrap()[..] {
        persons.push(last);
    }
    assert!(persons.len() > 1 && persons.is_sorted(), "{persons:?}");
    assert_eq!(store.instrument_review().await.unwrap(), None);
    let first = InstrumentReview {
        generation: 1,
        instruments: Hash::of(b"one"),
        begun_at: 1,
        after: None,
        persons: 0,
        finished_at: None,
    };
    let further = InstrumentReview { after: persons.first().copied(), persons: 7, ..first.clone() };
    for review in [&first, &further, &first] {
        store.keep_instrument_review(review.clone()).await.unwrap();
    }
    assert_eq!(store.instrument_review().await.unwrap().as_ref(), Some(&further), "it never goes back");
    let done = InstrumentReview { finished_at: Some(9), ..further.clone() };
    store.keep_instrument_review(done.clone()).await.unwrap();
    let other = InstrumentReview { instruments: Hash::of(b"other"), persons: 99, ..done.clone() };
    store.keep_instrument_review(other).await.unwrap();
    assert_eq!(store.instrument_review().await.unwrap(), Some(done));
    let second = InstrumentReview { generation: 2, ..first };
    store.keep_instrument_review(second.clone()).await.unwrap();
    assert_eq!(store.instrument_review().await.unwrap(), Some(second), "the newest counts");
}
