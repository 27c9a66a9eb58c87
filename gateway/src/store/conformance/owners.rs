//! Leases, epochs, and what an owner may still do that has been replaced.

use std::time::Duration;

use super::dispatches::{claim_of, outcome, owed, own, partner, waiting};
use crate::{
    left_alone::holds_nobody_up,
    store::{Claim, Claimed, DispatchRow, DispatchState, Lease, OldOwner, Owed, Settlement, Store},
};

const LONG: Duration = Duration::from_mins(10);

pub async fn run(store: &dyn Store) {
    a_lease_has_one_holder(store).await;
    a_lease_that_ran_out_is_free(store).await;
    only_the_holder_of_a_lease_takes_over(store).await;
    nothing_goes_before_the_deadline_of_an_owner_that_may_live(store).await;
    a_former_owner_may_still_say_what_became_of_its_send(store).await;
    a_former_owner_puts_nothing_aside_that_is_claimed_anew(store).await;
    many_claims_at_once_go_on_side_by_side(store).await;
    holds_nobody_up("reading", async || store.open_counts(&partner("left-alone")).await.unwrap()).await;
    holds_nobody_up("writing", async || store.hasten(&partner("left-alone"), 0).await.unwrap()).await;
}

async fn a_lease_has_one_holder(store: &dyn Store) {
    for _ in 0..2 {
        assert!(store.lease("one", "a", LONG).await.unwrap(), "taken, then prolonged");
    }
    assert!(!store.lease("one", "b", LONG).await.unwrap());
    store.give_back("one", "b").await.unwrap();
    let held = store.leases().await.unwrap();
    let [Lease { resource, holder, left }] = held.as_slice() else { panic!("it is not b's to give back: {held:?}") };
    assert_eq!((resource.as_str(), holder.as_str()), ("one", "a"));
    assert!(*left > LONG / 2 && *left <= LONG, "{left:?} of {LONG:?}");
    store.give_back("one", "a").await.unwrap();
    assert!(store.lease("one", "b", LONG).await.unwrap());
    store.give_back("one", "b").await.unwrap();
    assert_eq!(store.leases().await.unwrap(), []);
}

async fn a_lease_that_ran_out_is_free(store: &dyn Store) {
    assert!(store.lease("brief", "a", Duration::ZERO).await.unwrap());
    assert!(!store.leases().await.unwrap()[0].is_live());
    assert!(store.lease("brief", "b", LONG).await.unwrap());
    assert!(!store.lease("brief", "a", LONG).await.unwrap(), "a slept too long");
    store.give_back("brief", "b").await.unwrap();
}

async fn only_the_holder_of_a_lease_takes_over(store: &dyn Store) {
    if store.old_owner() == OldOwner::IsDead {
        assert!(store.take_over("alone", "anybody").await.unwrap().is_some(), "there is nobody else");
        return;
    }
    assert_eq!(store.take_over("led", "a").await.unwrap(), None);
    store.lease("led", "a", LONG).await.unwrap();
    assert_eq!(store.take_over("led", "b").await.unwrap(), None);
    assert_eq!(store.take_over("led", "a").await.unwrap(), Some(1));
    store.lease("led", "a", Duration::ZERO).await.unwrap();
    assert_eq!(store.take_over("led", "a").await.unwrap(), None, "it ran out");
    store.give_back("led", "a").await.unwrap();
}

async fn due(store: &dyn Store, to: &str, now: i64) -> Vec<Owed> {
    let due = store.due(&partner(to), now, 100).await.unwrap();
    due.into_iter().map(|row| row.owed).collect()
}

async fn nothing_goes_before_the_deadline_of_an_owner_that_may_live(store: &dyn Store) {
    let (old, first, second) = (own(store, "slow").await, owed("slow", "R1", 1), owed("slow", "R1", 2));
    store.defer(vec![waiting(&first, 1)], true).await.unwrap();
    store.claim(Claim { deadline: 50, ..claim_of(&first, old) }).await.unwrap();
    let new = own(store, "slow").await;
    let adopted = store.adopt_claims(&first.partner, new, OldOwner::MayLive, true, 9).await.unwrap();
    assert_eq!((adopted[0].state, adopted[0].due_at), (DispatchState::Deferred, 50));
    store.hasten(&first.partner, 10).await.unwrap();
    assert_eq!(due(store, "slow", 49).await, [], "the partner that answers again may have it already");
    let superseded = store.defer(vec![DispatchRow { epoch: new, ..waiting(&second, 10) }], true).await.unwrap();
    assert_eq!(superseded[0].owed.dispatch_id, first.dispatch_id);
    assert_eq!(due(store, "slow", 49).await, [], "neither does the next version overtake it");
    assert_eq!(due(store, "slow", 50).await.len(), 1);
}

async fn a_former_owner_may_still_say_what_became_of_its_send(store: &dyn Store) {
    let (old, first, other) = (own(store, "late-word").await, owed("late-word", "R1", 1), owed("late-word", "R2", 2));
    for owed in [&first, &other] {
        store.defer(vec![waiting(owed, 1)], false).await.unwrap();
        store.claim(claim_of(owed, old)).await.unwrap();
    }
    let new = own(store, "late-word").await;
    store.adopt_claims(&first.partner, new, OldOwner::MayLive, true, 9).await.unwrap();
    store.settle(outcome(&first, DispatchState::Delivered), false).await.unwrap();
    assert_eq!(store.claim(claim_of(&first, new)).await.unwrap(), Claimed::Final, "it is not sent again");

    assert_eq!(store.claim(Claim { attempt: 2, ..claim_of(&other, new) }).await.unwrap(), Claimed::Yes);
    store.settle(outcome(&other, DispatchState::Rejected), false).await.unwrap();
    let row = store.dispatch_rows(&[other.dispatch_id]).await.unwrap().remove(&other.dispatch_id).unwrap();
    assert_eq!((row.state, row.attempt), (DispatchState::Claimed, 2), "attempt 1 is no news any more");
    let last = Settlement { attempt: 2, ..outcome(&other, DispatchState::Delivered) };
    store.settle(last, false).await.unwrap();
}

async fn a_former_owner_puts_nothing_aside_that_is_claimed_anew(store: &dyn Store) {
    let (old, first) = (own(store, "zombie").await, owed("zombie", "R1", 1));
    let new = own(store, "zombie").await;
    store.claim(claim_of(&first, new)).await.unwrap();
    let aside = DispatchRow { epoch: old, ..waiting(&first, 1) };
    store.defer(vec![aside.clone()], false).await.unwrap();
    assert_eq!(due(store, "zombie", 9).await, [], "it is under way");
    store.settle(outcome(&first, DispatchState::Delivered), false).await.unwrap();
    store.defer(vec![DispatchRow { epoch: new, ..aside }], false).await.unwrap();
    assert_eq!(due(store, "zombie", 9).await, [], "what is final stays final");
}

async fn many_claims_at_once_go_on_side_by_side(store: &dyn Store) {
    let epoch = own(store, "crowd").await;
    let all: Vec<Owed> = (0..200).map(|number| owed("crowd", &format!("R{number}"), number + 1)).collect();
    let work = all.iter().map(async |owed| {
        assert_eq!(store.claim(claim_of(owed, epoch)).await.unwrap(), Claimed::Yes);
        store.settle(outcome(owed, DispatchState::Rejected), false).await.unwrap();
    });
    let bulk = async {
        let rows = all.iter().rev().map(|owed| DispatchRow { epoch, ..waiting(owed, 5) }).collect();
        store.defer(rows, false).await.unwrap();
        store.hasten(&partner("crowd"), 1).await.unwrap();
    };
    let release = all.iter().map(async |owed| store.release_dispatch(owed.dispatch_id, 1).await.unwrap());
    tokio::join!(futures::future::join_all(work), bulk, futures::future::join_all(release));
    let counts = store.open_counts(&partner("crowd")).await.unwrap();
    assert_eq!(counts.values().sum::<i64>(), 200);
}
