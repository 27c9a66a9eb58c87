//! Recalls: who is asked to delete what, and what is known of the answer.

use consent::{Grant, Method};
use schemas::{Kind, Lane, Operation};
use uuid::Uuid;

use super::{
    dispatches::{claim_of, outcome, owed, own, partner, waiting},
    grants::{grant, withdrawal},
    subjects::{decided, profile},
};
use crate::store::{
    Claim, Claimed, DispatchRow, DispatchState, Owed, Permission, Recall, RecallFilter, RecallState, Settlement, Store,
};

pub async fn run(store: &dyn Store) {
    whoever_was_sent_something_is_asked_to_delete_it(store).await;
    what_was_taken_back_is_not_asked_for_again(store).await;
    nothing_but_a_delivered_closing_is_an_answer(store).await;
    what_takes_back_goes_first_and_nothing_takes_its_place(store).await;
    a_closing_waits_for_the_very_send_that_it_takes_back(store).await;
    a_person_is_called_once(store).await;
    a_restriction_ends_what_was_decided_and_erases_nothing(store).await;
}

/// A person with a grant.
async fn person(store: &dyn Store) -> (Uuid, Grant) {
    let subject = Uuid::new_v4();
    let grant = grant(subject);
    store.put_grant(grant.clone(), 1).await.unwrap();
    (subject, grant)
}

/// Begins to send a person's profile.
async fn send(store: &dyn Store, to: &str, subject: Uuid, offset: i64) -> Owed {
    let (epoch, owed) = (own(store, to).await, profile(to, subject, offset));
    let standing = store.standing_of(subject).await.unwrap();
    assert_eq!(store.claim(decided(&owed, epoch, &standing)).await.unwrap(), Claimed::Yes);
    owed
}

async fn withdraw(store: &dyn Store, grant: &Grant) {
    store.add_grant_event(grant.id(), 2, withdrawal("web"), 50).await.unwrap();
}

async fn of(store: &dyn Store, subject: Uuid) -> Vec<Recall> {
    store.recalls(&RecallFilter { subject: Some(subject), ..RecallFilter::default() }, 100).await.unwrap()
}

async fn states(store: &dyn Store, subject: Uuid) -> Vec<(String, RecallState)> {
    of(store, subject).await.into_iter().map(|recall| (recall.key.partner.to_string(), recall.state)).collect()
}

fn closing_of(recall: &Recall) -> Owed {
    Owed {
        dispatch_id: Uuid::new_v4().into(),
        operation: Operation::Close,
        kind: Kind::TalentProfile,
        lane: Lane::Closing,
        entity_key: recall.key.entity_key,
        position: recall.disclosed.position,
        ..owed(recall.key.partner.as_str(), "a person", 1)
    }
}

/// Has something carry the first recall to a partner.
async fn begin(store: &dyn Store, to: &str) -> Owed {
    let recalls = store.recalls_to_begin(&partner(to), 10).await.unwrap();
    let closing = closing_of(&recalls[0]);
    store.begin_recalls(vec![(recalls[0].key.clone(), waiting(&closing, 60))]).await.unwrap();
    closing
}

async fn claim_closing(store: &dyn Store, closing: &Owed) {
    let epoch = own(store, closing.partner.as_str()).await;
    let claim = Claim { permission: Permission::TakesBack, ..claim_of(closing, epoch) };
    assert_eq!(store.claim(claim).await.unwrap(), Claimed::Yes);
}

async fn whoever_was_sent_something_is_asked_to_delete_it(store: &dyn Store) {
    let ((subject, grant), (other, _)) = (person(store).await, person(store).await);
    send(store, "asked-1", subject, 1).await;
    let delivered = send(store, "asked-2", subject, 2).await;
    store.settle(outcome(&delivered, DispatchState::Delivered), false).await.unwrap();
    let refused = send(store, "asked-3", subject, 3).await;
    store.settle(outcome(&refused, DispatchState::Rejected), false).await.unwrap();
    send(store, "asked-1", other, 4).await;
    assert_eq!(of(store, subject).await, []);
    withdraw(store, &grant).await;
    let owed = |to: &str| (to.to_owned(), RecallState::Owed);
    assert_eq!(
        states(store, subject).await,
        [owed("asked-1"), owed("asked-2"), owed("asked-3")],
        "each, whatever came of it"
    );
    assert_eq!(of(store, other).await, [], "nobody else's");
    let recall = &of(store, subject).await[1];
    assert_eq!(
        (recall.code.as_str(), recall.owed_at, recall.disclosed.position),
        ("consent_withdrawn", 50, delivered.position)
    );
    assert_eq!(recall.disclosed.message_id, delivered.message_id);
    let open = store
        .recalls(&RecallFilter { partner: Some(partner("asked-2")), ..RecallFilter::default() }, 10)
        .await
        .unwrap();
    assert_eq!(open, std::slice::from_ref(recall));
}

async fn what_was_taken_back_is_not_asked_for_again(store: &dyn Store) {
    let (subject, grant) = person(store).await;
    let delivered = send(store, "again", subject, 1).await;
    store.settle(outcome(&delivered, DispatchState::Delivered), false).await.unwrap();
    withdraw(store, &grant).await;
    let once = store.recall(subject, "subject_erased", 51).await.unwrap();
    assert_eq!(once.len(), 1, "nothing was sent since the first one became owed");
    let closing = begin(store, "again").await;
    claim_closing(store, &closing).await;
    let gone = Settlement { is_active: Some(false), ..outcome(&closing, DispatchState::Delivered) };
    store.settle(gone, false).await.unwrap();
    assert_eq!(states(store, subject).await, [("again".to_owned(), RecallState::Acknowledged)]);
    assert_eq!(store.recall(subject, "subject_erased", 52).await.unwrap().len(), 1, "it has nothing any more");

    store.put_grant(super::grants::grant(subject), 53).await.unwrap();
    send(store, "again", subject, 2).await;
    assert_eq!(store.recall(subject, "subject_erased", 54).await.unwrap().len(), 2, "it was sent something again");
}

async fn nothing_but_a_delivered_closing_is_an_answer(store: &dyn Store) {
    for (name, settled, state) in [
        ("retry", DispatchState::Deferred, RecallState::Sent),
        ("refusal", DispatchState::Rejected, RecallState::Refused),
        ("unsure", DispatchState::Ambiguous, RecallState::Impossible),
        ("unsayable", DispatchState::Refused, RecallState::Impossible),
        ("behind", DispatchState::Superseded, RecallState::Owed),
    ] {
        let (subject, grant) = person(store).await;
        send(store, name, subject, 1).await;
        withdraw(store, &grant).await;
        let closing = begin(store, name).await;
        assert_eq!(store.recalls_to_begin(&partner(name), 10).await.unwrap(), [], "it is carried");
        claim_closing(store, &closing).await;
        let sent = of(store, subject).await.remove(0);
        assert_eq!((sent.state, sent.attempts, sent.sent_at), (RecallState::Sent, 1, Some(1)));
        store.settle(outcome(&closing, settled), false).await.unwrap();
        let recall = of(store, subject).await.remove(0);
        assert_eq!((recall.state, recall.detail.as_deref()), (state, Some("because")), "{name}");
        let again = store.recalls_to_begin(&partner(name), 10).await.unwrap();
        assert_eq!(again.len(), usize::from(state == RecallState::Owed), "{name}");
    }
}

async fn what_takes_back_goes_first_and_nothing_takes_its_place(store: &dyn Store) {
    let (subject, grant) = person(store).await;
    let first = profile("order", subject, 1);
    let doubtful = Settlement { in_doubt: true, ..outcome(&first, DispatchState::Ambiguous) };
    let second = send(store, "order", subject, 2).await;
    store.settle(outcome(&second, DispatchState::Delivered), false).await.unwrap();
    store.settle(doubtful, false).await.unwrap();
    withdraw(store, &grant).await;
    let closing = begin(store, "order").await;
    let newer = profile("order", subject, 3);
    let superseded = store.defer(vec![waiting(&newer, 60)], true).await.unwrap();
    assert_eq!(superseded, [], "a newer version does not take its place");
    let due = store.due(&partner("order"), 60, 10).await.unwrap();
    let due: Vec<_> = due.into_iter().map(|row| row.owed.dispatch_id).collect();
    assert_eq!(due, [closing.dispatch_id], "neither does it wait for what it takes back, nor anything overtake it");
}

async fn a_closing_waits_for_the_very_send_that_it_takes_back(store: &dyn Store) {
    let (subject, grant) = person(store).await;
    let sending = send(store, "abreast", subject, 1).await;
    withdraw(store, &grant).await;
    let closing = begin(store, "abreast").await;
    let due = async |now| store.due(&partner("abreast"), now, 10).await.unwrap().len();
    assert_eq!(due(98).await, 0, "the send may be under way until its deadline");
    assert_eq!(due(99).await, 1);
    let row = DispatchRow { code: Some("owner_died".to_owned()), ..waiting(&sending, 99) };
    store.defer(vec![DispatchRow { epoch: 99, ..row }], true).await.unwrap();
    assert_eq!((due(98).await, due(99).await), (0, 2), "also if its owner was replaced");
    store.settle(outcome(&sending, DispatchState::Delivered), true).await.unwrap();
    let first = store.due(&partner("abreast"), 60, 10).await.unwrap();
    assert_eq!(first[0].owed.dispatch_id, closing.dispatch_id, "it has ended");
}

async fn a_person_is_called_once(store: &dyn Store) {
    let (subject, grant) = person(store).await;
    send(store, "silent", subject, 1).await;
    withdraw(store, &grant).await;
    let wanted = async |before| {
        let recalls = store.recalls_to_escalate(before, 100).await.unwrap();
        recalls.into_iter().filter(|recall| recall.key.subject == subject).collect::<Vec<_>>()
    };
    assert_eq!(wanted(49).await, [], "not yet");
    let recall = wanted(50).await.remove(0);
    store.give_up_recall(&recall.key, "nobody is there", 51).await.unwrap();
    assert_eq!(wanted(49).await.len(), 1, "what is impossible needs no waiting");
    assert!(store.mark_escalated(&recall.key, 52).await.unwrap());
    assert!(!store.mark_escalated(&recall.key, 53).await.unwrap());
    assert_eq!(wanted(99).await, []);
    let called = RecallFilter { escalated: true, partner: Some(partner("silent")), ..RecallFilter::default() };
    let called = store.recalls(&called, 10).await.unwrap();
    assert_eq!((called[0].state, called[0].escalated_at), (RecallState::Impossible, Some(52)));
    let counts = store.recall_counts().await.unwrap();
    assert!(
        counts
            .iter()
            .any(|(state, escalated, count)| (*state, *escalated) == (RecallState::Impossible, true) && *count > 0)
    );
}

async fn a_restriction_ends_what_was_decided_and_erases_nothing(store: &dyn Store) {
    let (subject, _) = person(store).await;
    let epoch = own(store, "restricted").await;
    let before = store.standing_of(subject).await.unwrap();
    assert_eq!(store.restrict(subject, true, Method::Phone, 7).await.unwrap(), Some(7));
    assert_eq!(store.restrict(subject, true, Method::Web, 8).await.unwrap(), Some(7), "since the first time");
    let claim = decided(&profile("restricted", subject, 1), epoch, &before);
    assert_eq!(store.claim(claim).await.unwrap(), Claimed::Undecided);
    assert_eq!(store.standing_of(subject).await.unwrap().restricted_since, Some(7));
    assert_eq!(of(store, subject).await, []);
    assert_eq!(store.restrict(subject, false, Method::Phone, 9).await.unwrap(), None);
    let lifted = store.standing_of(subject).await.unwrap();
    assert_eq!(lifted.restricted_since, None);
    assert_eq!(lifted.grants, before.grants);
}
