//! Publications that end, and what waits for its window.

use schemas::{Lane, Operation};

use super::dispatches::{claim_of, outcome, owed, own, partner, waiting};
use crate::store::{DispatchRow, DispatchState, End, Owed, Settlement, Store};

pub async fn run(store: &dyn Store) {
    what_has_ended_is_found_once(store).await;
    a_later_end_counts(store).await;
    what_waits_for_its_window_is_not_hastened(store).await;
}

fn end(at: i64) -> End {
    End { at, code: "validity_ended".to_owned() }
}

async fn show(store: &dyn Store, owed: &Owed, epoch: i64, until: Option<End>) {
    store.claim(claim_of(owed, epoch)).await.unwrap();
    let shown = Settlement { is_active: Some(true), end: until, ..outcome(owed, DispatchState::Delivered) };
    store.settle(shown, false).await.unwrap();
}

fn closing(brought: &Owed, id: &str) -> DispatchRow {
    let owed = Owed {
        dispatch_id: uuid::Uuid::new_v5(&brought.dispatch_id.as_uuid(), id.as_bytes()).into(),
        operation: Operation::Close,
        lane: Lane::Closing,
        ..brought.clone()
    };
    waiting(&owed, 0)
}

async fn what_has_ended_is_found_once(store: &dyn Store) {
    let (to, epoch) = (partner("ends"), own(store, "ends").await);
    let (first, open) = (owed("ends", "E1", 1), owed("ends", "E2", 2));
    show(store, &first, epoch, Some(end(50))).await;
    show(store, &open, epoch, None).await;
    assert_eq!(store.next_end_at(&to).await.unwrap(), Some(50));
    assert_eq!(store.ended(&to, 49, 10).await.unwrap(), []);
    let ended = store.ended(&to, 50, 10).await.unwrap();
    assert_eq!((ended.len(), &ended[0].owed, ended[0].attempt), (1, &first, 1));

    // A correction was sent and refused: the version before it still stands there, and ends; the correction stays parked.
    let correction = owed("ends", "E1", 3);
    store.claim(claim_of(&correction, epoch)).await.unwrap();
    store.settle(outcome(&correction, DispatchState::Rejected), false).await.unwrap();
    let ended = store.ended(&to, 50, 10).await.unwrap().remove(0);
    assert_eq!((ended.owed.dispatch_id, ended.owed.position), (first.dispatch_id, correction.position));

    let row = closing(&ended.owed, "closing");
    for _ in 0..2 {
        let superseded = store.defer_closings(vec![(row.clone(), ended.end.clone())], true).await.unwrap();
        assert_eq!(superseded, [], "the refused correction waits for a person all the same");
    }
    assert_eq!(store.ended(&to, 50, 10).await.unwrap(), []);
    assert_eq!(store.next_end_at(&to).await.unwrap(), None);
    let due = store.due(&to, 100, 10).await.unwrap();
    assert_eq!((due.len(), due[0].owed.dispatch_id), (1, row.owed.dispatch_id));

    store.claim(claim_of(&row.owed, epoch)).await.unwrap();
    store
        .settle(Settlement { is_active: Some(false), ..outcome(&row.owed, DispatchState::Delivered) }, true)
        .await
        .unwrap();
    store.defer_closings(vec![(row.clone(), ended.end)], true).await.unwrap();
    assert_eq!(store.due(&to, 100, 10).await.unwrap(), [], "what is final stays final");
}

async fn a_later_end_counts(store: &dyn Store) {
    let (to, epoch) = (partner("longer"), own(store, "longer").await);
    let (first, second) = (owed("longer", "L1", 1), owed("longer", "L1", 2));
    show(store, &first, epoch, Some(end(50))).await;
    let ended = store.ended(&to, 60, 10).await.unwrap().remove(0);
    show(store, &second, epoch, Some(end(90))).await;
    store.defer_closings(vec![(closing(&ended.owed, "late"), ended.end)], true).await.unwrap();
    assert_eq!(store.next_end_at(&to).await.unwrap(), Some(90), "the end of the newer version stands");
    show(store, &owed("longer", "L1", 3), epoch, None).await;
    assert_eq!(store.next_end_at(&to).await.unwrap(), None);
}

async fn what_waits_for_its_window_is_not_hastened(store: &dyn Store) {
    let to = partner("window");
    let row = |reference, offset, code: &str| DispatchRow {
        code: Some(code.to_owned()),
        ..waiting(&owed("window", reference, offset), 900)
    };
    store.defer(vec![row("W1", 1, "embargo"), row("W2", 2, "unreachable")], false).await.unwrap();
    store.hasten(&to, 10).await.unwrap();
    assert_eq!(store.due(&to, 10, 10).await.unwrap().len(), 1);
    store.reconsider(&to, 10).await.unwrap();
    assert_eq!(store.due(&to, 10, 10).await.unwrap().len(), 2);
}
