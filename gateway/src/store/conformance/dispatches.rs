//! Claims, finality, coalescing, lanes and order, as design §2 rules them.

use std::time::Duration;

use schemas::{
    Channel, DispatchId, EntityKey, Hash, Kind, Lane, LossCounts, MessageId, Operation, Origin, PartnerId, Versions,
};

use super::records::at;
use crate::store::{
    Claim, Claimed, DispatchRow, DispatchState, OldOwner, Owed, ParkedFilter, Permission, Settlement, Store,
    resource_of,
};

pub async fn run(store: &dyn Store) {
    a_send_begins_when_its_claim_commits(store).await;
    a_new_owner_ends_the_claims_of_the_old(store).await;
    what_is_final_stays_final(store).await;
    a_newer_version_supersedes_what_waits(store).await;
    a_late_version_is_superseded_by_the_newer(store).await;
    a_correction_that_came_first_is_not_held_back(store).await;
    an_ambiguous_version_holds_back_its_entity(store).await;
    statuses_never_coalesce(store).await;
    lanes_are_served_by_urgency(store).await;
    what_a_partner_calls_an_entity_is_an_echo(store).await;
    parked_dispatches_wait_for_a_person(store).await;
    open_claims_of_a_dead_owner_are_adopted(store).await;
    outcomes_are_told_to_the_journal_once(store).await;
    waiting_times_are_mended(store).await;
}

async fn waiting_times_are_mended(store: &dyn Store) {
    let to = partner("clock");
    let put_off = |reference, offset, code: &str, now| DispatchRow {
        code: Some(code.to_owned()),
        updated_at: now,
        ..waiting(&owed("clock", reference, offset), now + 50)
    };
    let rows = vec![put_off("future", 901, "later", 9_000), put_off("past", 902, "later", 100)];
    store.defer(rows, false).await.unwrap();
    store.rewind(&to, 1_000).await.unwrap();
    let due = async |now| store.due(&to, now, 10).await.unwrap().len();
    assert_eq!((due(1_049).await, due(1_050).await), (1, 2), "it waits as long as it was meant to, from now");

    store
        .defer(vec![put_off("silent", 903, "unreachable", 5_000), put_off("asked", 904, "later", 5_000)], false)
        .await
        .unwrap();
    store.hasten(&to, 2_000).await.unwrap();
    assert_eq!((due(2_000).await, due(5_050).await), (3, 4), "what the partner asked for is kept");
}

pub(super) fn partner(name: &str) -> PartnerId {
    name.parse().unwrap()
}

pub fn owed(to: &str, reference: &str, offset: i64) -> Owed {
    let message_id = MessageId::mint();
    Owed {
        dispatch_id: DispatchId::derive(message_id, at(offset), &partner(to)),
        partner: partner(to),
        entity_key: EntityKey::of_vacancy(&partner("acme"), reference),
        position: at(offset),
        message_id,
        kind: Kind::Vacancy,
        operation: Operation::Upsert,
        lane: Lane::Live,
        origin: Origin {
            partner: partner("acme"),
            dialect: "canonical".parse().unwrap(),
            channel: Channel::Push,
            reference: Some(reference.to_owned()),
            idempotency: None,
            received_at: 1,
            modified_at: None,
        },
    }
}

pub(super) fn waiting(owed: &Owed, due_at: i64) -> DispatchRow {
    DispatchRow {
        owed: owed.clone(),
        state: DispatchState::Deferred,
        due_at,
        attempt: 0,
        epoch: 0,
        body_hash: None,
        in_doubt: false,
        code: None,
        detail: None,
        faults: None,
        losses: LossCounts::default(),
        versions: Versions::default(),
        updated_at: due_at,
        envelope: Some(vec![7]),
    }
}

pub fn claim_of(owed: &Owed, epoch: i64) -> Claim {
    Claim {
        owed: owed.clone(),
        attempt: 1,
        epoch,
        body_hash: Hash::of(b"body"),
        permission: Permission::NotPersonal,
        deadline: 99,
        at: 1,
    }
}

pub fn outcome(owed: &Owed, state: DispatchState) -> Settlement {
    Settlement {
        owed: owed.clone(),
        state,
        attempt: 1,
        due_at: 0,
        in_doubt: false,
        code: Some("because".to_owned()),
        detail: None,
        faults: None,
        losses: LossCounts { dropped: 1, ..LossCounts::default() },
        versions: Versions::default(),
        foreign_reference: None,
        end: None,
        is_active: None,
        awaits_pull: false,
        envelope: Some(vec![7]),
        at: 2,
    }
}

/// Takes a resource over as somebody new, whoever has it.
pub(super) async fn take_over(store: &dyn Store, resource: &str) -> i64 {
    assert!(store.lease(resource, "conformance", Duration::from_mins(1)).await.unwrap());
    let epoch = store.take_over(resource, "conformance").await.unwrap().unwrap();
    store.give_back(resource, "conformance").await.unwrap();
    epoch
}

pub async fn own(store: &dyn Store, name: &str) -> i64 {
    take_over(store, &resource_of(&partner(name))).await
}

async fn row(store: &dyn Store, owed: &Owed) -> DispatchRow {
    store.dispatch_rows(&[owed.dispatch_id]).await.unwrap().remove(&owed.dispatch_id).unwrap()
}

async fn due(store: &dyn Store, to: &str, now: i64) -> Vec<DispatchId> {
    let due = store.due(&partner(to), now, 100).await.unwrap();
    due.into_iter().map(|row| row.owed.dispatch_id).collect()
}

async fn a_send_begins_when_its_claim_commits(store: &dyn Store) {
    let (epoch, first) = (own(store, "claims").await, owed("claims", "R1", 1));
    assert_eq!(store.sent(&first.partner, first.entity_key).await.unwrap(), None, "never claimed");
    assert_eq!(store.claim(claim_of(&first, epoch)).await.unwrap(), Claimed::Yes);
    let claimed = row(store, &first).await;
    assert_eq!((claimed.state, claimed.body_hash), (DispatchState::Claimed, Some(Hash::of(b"body"))));
    let sent = store.sent(&first.partner, first.entity_key).await.unwrap().unwrap();
    assert!(sent.is_active && sent.position == at(1));
    let open = store.waiting(&first.partner, &[first.entity_key]).await.unwrap();
    assert_eq!(open[0].state, DispatchState::Claimed);

    let gone = Settlement { is_active: Some(false), ..outcome(&first, DispatchState::Delivered) };
    store.settle(gone, false).await.unwrap();
    assert!(!store.sent(&first.partner, first.entity_key).await.unwrap().unwrap().is_active);
    assert_eq!(store.waiting(&first.partner, &[first.entity_key]).await.unwrap(), []);
    assert_eq!(row(store, &first).await.envelope, None, "what is final needs no record any more");
}

async fn a_new_owner_ends_the_claims_of_the_old(store: &dyn Store) {
    let (old, first) = (own(store, "epochs").await, owed("epochs", "R1", 1));
    let new = own(store, "epochs").await;
    assert_eq!(store.claim(claim_of(&first, old)).await.unwrap(), Claimed::Lost);
    assert_eq!(store.claim(claim_of(&first, new)).await.unwrap(), Claimed::Yes);
}

async fn what_is_final_stays_final(store: &dyn Store) {
    let (epoch, first) = (own(store, "final").await, owed("final", "R1", 1));
    store.settle(outcome(&first, DispatchState::Expired), false).await.unwrap();
    assert_eq!(store.claim(claim_of(&first, epoch)).await.unwrap(), Claimed::Final);
    store.settle(outcome(&first, DispatchState::Delivered), false).await.unwrap();
    assert_eq!(row(store, &first).await.state, DispatchState::Expired);
    for state in [
        DispatchState::Delivered,
        DispatchState::Superseded,
        DispatchState::Expired,
        DispatchState::Refused,
        DispatchState::Dropped,
    ] {
        assert!(state.is_final());
    }
    for state in [DispatchState::Claimed, DispatchState::Deferred, DispatchState::Rejected, DispatchState::Ambiguous] {
        assert!(!state.is_final());
    }
}

async fn a_newer_version_supersedes_what_waits(store: &dyn Store) {
    let versions: Vec<Owed> = (1..=3).map(|offset| owed("coalesce", "R1", offset)).collect();
    let urgent = Owed { lane: Lane::Closing, ..versions[0].clone() };
    assert_eq!(store.defer(vec![waiting(&urgent, 5)], false).await.unwrap(), []);
    let ids = |superseded: Vec<DispatchRow>| superseded.iter().map(|row| row.owed.dispatch_id).collect::<Vec<_>>();
    let rejected = store.settle(outcome(&versions[1], DispatchState::Rejected), false).await.unwrap();
    assert_eq!(ids(rejected), [versions[0].dispatch_id]);
    let corrected = store.defer(vec![waiting(&versions[2], 5)], false).await.unwrap();
    assert_eq!(ids(corrected), [versions[1].dispatch_id], "a correction is not held back by what it corrects");
    let newest = row(store, &versions[2]).await;
    assert_eq!(newest.owed.lane, Lane::Closing, "it takes the highest lane that it supersedes");
    assert_eq!(due(store, "coalesce", 5).await, [versions[2].dispatch_id]);
    assert_eq!(due(store, "coalesce", 4).await, []);
    assert_eq!(store.next_due_at(&partner("coalesce")).await.unwrap(), Some(5));
}

async fn a_late_version_is_superseded_by_the_newer(store: &dyn Store) {
    let (old, new) = (owed("late", "R1", 1), owed("late", "R1", 2));
    store.defer(vec![waiting(&new, 5)], false).await.unwrap();
    let superseded = store.defer(vec![waiting(&old, 5)], false).await.unwrap();
    assert_eq!(superseded[0].owed.dispatch_id, old.dispatch_id);
    assert_eq!(due(store, "late", 5).await, [new.dispatch_id]);
}

async fn a_correction_that_came_first_is_not_held_back(store: &dyn Store) {
    for state in [DispatchState::Rejected, DispatchState::Deferred] {
        let name = format!("late-{}", state.as_str());
        let (epoch, first, second) = (own(store, &name).await, owed(&name, "R1", 1), owed(&name, "R1", 2));
        store.claim(claim_of(&first, epoch)).await.unwrap();
        store.defer(vec![waiting(&second, 5)], false).await.unwrap();
        assert_eq!(due(store, &name, 5).await, [], "held back while the send is under way");
        let superseded = store.settle(outcome(&first, state), false).await.unwrap();
        assert_eq!(superseded[0].owed.dispatch_id, first.dispatch_id);
        assert_eq!(due(store, &name, 5).await, [second.dispatch_id]);
    }
}

async fn an_ambiguous_version_holds_back_its_entity(store: &dyn Store) {
    let (first, second, other) = (owed("doubt", "R1", 1), owed("doubt", "R1", 2), owed("doubt", "R2", 3));
    store.settle(Settlement { in_doubt: true, ..outcome(&first, DispatchState::Ambiguous) }, false).await.unwrap();
    assert_eq!(store.defer(vec![waiting(&second, 5), waiting(&other, 5)], false).await.unwrap(), []);
    assert_eq!(due(store, "doubt", 5).await, [other.dispatch_id], "what is stuck holds back that entity only");
    let superseded = store.defer(vec![waiting(&second, 5)], true).await.unwrap();
    assert_eq!(
        superseded[0].owed.dispatch_id, first.dispatch_id,
        "a partner that upserts by reference may be sent the newer one"
    );
    assert_eq!(due(store, "doubt", 5).await.len(), 2);
}

async fn statuses_never_coalesce(store: &dyn Store) {
    let status =
        |offset| Owed { kind: Kind::PlacementStatus, operation: Operation::Event, ..owed("status", "P1", offset) };
    let (first, second) = (status(1), status(2));
    assert_eq!(store.defer(vec![waiting(&first, 5), waiting(&second, 5)], true).await.unwrap(), []);
    assert_eq!(due(store, "status", 5).await, [first.dispatch_id], "in order");
    store.settle(outcome(&first, DispatchState::Delivered), false).await.unwrap();
    assert_eq!(due(store, "status", 5).await, [second.dispatch_id]);
}

async fn lanes_are_served_by_urgency(store: &dyn Store) {
    let lanes = [(Lane::Backfill, 1), (Lane::Retry, 2), (Lane::Live, 3), (Lane::Closing, 4)];
    let rows: Vec<DispatchRow> = lanes
        .iter()
        .map(|(lane, offset)| waiting(&Owed { lane: *lane, ..owed("lanes", &format!("R{offset}"), *offset) }, *offset))
        .collect();
    let expected: Vec<DispatchId> = rows.iter().rev().map(|row| row.owed.dispatch_id).collect();
    store.defer(rows, false).await.unwrap();
    assert_eq!(due(store, "lanes", 9).await, expected);
}

async fn what_a_partner_calls_an_entity_is_an_echo(store: &dyn Store) {
    let (epoch, first) = (own(store, "echo").await, owed("echo", "R1", 1));
    store.claim(claim_of(&first, epoch)).await.unwrap();
    let named =
        Settlement { foreign_reference: Some("THEIRS-9".to_owned()), ..outcome(&first, DispatchState::Delivered) };
    store.settle(named, false).await.unwrap();
    assert_eq!(store.entity_sent_as(&first.partner, "THEIRS-9").await.unwrap(), Some(first.entity_key));
    assert_eq!(store.entity_sent_as(&partner("lanes"), "THEIRS-9").await.unwrap(), None);
}

async fn parked_dispatches_wait_for_a_person(store: &dyn Store) {
    let (first, second) = (owed("stuck", "R1", 1), owed("stuck", "R2", 2));
    for owed in [&first, &second] {
        store.settle(outcome(owed, DispatchState::Rejected), false).await.unwrap();
    }
    let parked = store.parked_dispatches(&ParkedFilter::default(), 100).await.unwrap();
    assert!([&first, &second].iter().all(|owed| parked.iter().any(|row| row.owed.dispatch_id == owed.dispatch_id)));
    let counts = store.open_counts(&first.partner).await.unwrap();
    assert_eq!(counts.get(&DispatchState::Rejected), Some(&2));
    assert_eq!(store.release_dispatch(first.dispatch_id, 8).await.unwrap().unwrap().state, DispatchState::Deferred);
    assert_eq!(store.release_dispatch(first.dispatch_id, 9).await.unwrap(), None, "once only");
    assert_eq!(due(store, "stuck", 8).await, [first.dispatch_id]);
    assert_eq!(store.drop_dispatch(second.dispatch_id, 9).await.unwrap().unwrap().state, DispatchState::Dropped);
}

async fn open_claims_of_a_dead_owner_are_adopted(store: &dyn Store) {
    for (name, may_repeat, state) in
        [("adopt-key", true, DispatchState::Deferred), ("adopt-never", false, DispatchState::Ambiguous)]
    {
        let (old, first) = (own(store, name).await, owed(name, "R1", 1));
        store.defer(vec![waiting(&first, 1)], false).await.unwrap();
        store.claim(claim_of(&first, old)).await.unwrap();
        assert_eq!(due(store, name, 9).await, [], "a claimed dispatch is not due");
        let new = own(store, name).await;
        let adopt = async || store.adopt_claims(&first.partner, new, OldOwner::IsDead, may_repeat, 9).await.unwrap();
        let adopted = adopt().await;
        assert_eq!(
            (adopted[0].state, adopted[0].in_doubt, adopted[0].body_hash),
            (state, true, Some(Hash::of(b"body")))
        );
        assert_eq!(adopt().await, [], "once only");
    }
}

async fn outcomes_are_told_to_the_journal_once(store: &dyn Store) {
    let first = owed("told", "R1", 1);
    store.settle(outcome(&first, DispatchState::Delivered), false).await.unwrap();
    assert_eq!(store.unjournaled(&first.partner).await.unwrap().len(), 1);
    store.mark_journaled(vec![(first.dispatch_id, DispatchState::Deferred, 1)]).await.unwrap();
    assert_eq!(store.unjournaled(&first.partner).await.unwrap().len(), 1, "another outcome of it was told");
    store.mark_journaled(vec![(first.dispatch_id, DispatchState::Delivered, 1)]).await.unwrap();
    assert_eq!(store.unjournaled(&first.partner).await.unwrap(), []);
}

pub async fn after_restart(store: &dyn Store) {
    assert_eq!(due(store, "lanes", 9).await.len(), 4, "what waits outlives the process");
}
