//! Grants: kept once, told again as they are, changed by one event after the other.

use consent::{Event, Grant};
use uuid::Uuid;

use crate::store::{Kept, Store};

/// Everything about grants.
pub async fn run(store: &dyn Store) {
    a_grant_is_told_as_it_was_kept(store).await;
    of_two_events_after_the_same_one_is_kept(store).await;
    the_grants_of_a_person_are_theirs_alone(store).await;
}

pub(super) fn grant(subject: Uuid) -> Grant {
    let mut grant: serde_json::Value =
        serde_json::from_str(include_str!("../../../../tests/consent/grant.json")).unwrap();
    grant["header"]["record_id"] = serde_json::json!(Uuid::new_v4());
    grant["header"]["subject"] = serde_json::json!(subject);
    serde_json::from_value(grant).unwrap()
}

pub(super) fn withdrawal(method: &str) -> Event {
    let event = serde_json::json!({
        "state": "dpv:ConsentWithdrawn", "at": "2026-05-01T00:00:00Z", "by": "subject", "method": method,
    });
    serde_json::from_value(event).unwrap()
}

async fn a_grant_is_told_as_it_was_kept(store: &dyn Store) {
    let grant = grant(Uuid::new_v4());
    assert_eq!(store.grant(grant.id()).await.unwrap(), None);
    assert_eq!(store.put_grant(grant.clone(), 1).await.unwrap(), Kept::New);
    assert_eq!(store.put_grant(grant.clone(), 2).await.unwrap(), Kept::Known, "a repeat changes nothing");
    assert_eq!(store.grant(grant.id()).await.unwrap().as_ref(), Some(&grant));
    let withdrawn = grant.clone().and(withdrawal("web")).unwrap();
    assert_eq!(store.put_grant(withdrawn.clone(), 3).await.unwrap(), Kept::Conflict, "events are added, not replaced");
    assert_eq!(store.add_grant_event(grant.id(), 2, withdrawal("web"), 3).await.unwrap(), Kept::New);
    assert_eq!(store.add_grant_event(grant.id(), 2, withdrawal("web"), 4).await.unwrap(), Kept::Known);
    assert_eq!(store.grant(grant.id()).await.unwrap().as_ref(), Some(&withdrawn));
    let nobody = Uuid::new_v4();
    assert_eq!(store.add_grant_event(nobody, 2, withdrawal("web"), 3).await.unwrap(), Kept::Conflict);
    assert_eq!(store.grant(nobody).await.unwrap(), None);
}

async fn of_two_events_after_the_same_one_is_kept(store: &dyn Store) {
    let grant = grant(Uuid::new_v4());
    store.put_grant(grant.clone(), 1).await.unwrap();
    let add = |method| store.add_grant_event(grant.id(), 2, withdrawal(method), 2);
    let (one, other) = tokio::join!(add("web"), add("phone"));
    let mut both = [one.unwrap(), other.unwrap()];
    both.sort_by_key(|kept| *kept == Kept::Conflict);
    assert_eq!(both, [Kept::New, Kept::Conflict]);
    assert_eq!(store.grant(grant.id()).await.unwrap().unwrap().version(), 3);
}

async fn the_grants_of_a_person_are_theirs_alone(store: &dyn Store) {
    let (subject, other) = (Uuid::new_v4(), Uuid::new_v4());
    let grants = [grant(subject), grant(subject), grant(other)];
    for (grant, at) in grants.iter().zip(10..) {
        store.put_grant(grant.clone(), at).await.unwrap();
    }
    assert_eq!(store.grants_of(subject).await.unwrap(), grants[..2], "oldest first");
    assert_eq!(store.grants_of(other).await.unwrap(), grants[2..]);
    assert_eq!(store.grants_of(Uuid::new_v4()).await.unwrap(), []);
}
