//! Events about persons: kept once, in the order in which they came, of one person only; and about whom there are any.

use schemas::{MessageId, Position};
use uuid::Uuid;

use crate::store::{PlacementEvent, Routed, Store};

/// What the suite checks of events.
pub async fn run(store: &dyn Store) {
    let (one, other) = (Uuid::from_u128(0xE1), Uuid::from_u128(0xE2));
    let event = |person: Uuid, offset: i64, canonical: &[u8]| PlacementEvent {
        message_id: MessageId::from(Uuid::from_u128(0xE000 + u128::try_from(offset).unwrap())),
        entity_key: person.into(),
        partner: "platform".parse().unwrap(),
        position: Position { generation: 3, offset },
        received_at: 1_000 - offset,
        canonical: canonical.to_vec(),
    };
    let (first, second, third) = (event(one, 10, b"a"), event(one, 9, b"b"), event(other, 8, b"c"));
    for events in [vec![first.clone(), third.clone()], vec![second.clone()], vec![event(one, 10, b"again")]] {
        store.record_routed(Routed { events, ..Routed::default() }).await.unwrap();
    }
    assert_eq!(store.placement_events(one.into(), 10).await.unwrap(), [second.clone(), first], "in log order, once");
    assert_eq!(store.placement_events(one.into(), 1).await.unwrap(), [second]);
    assert_eq!(store.placement_events(other.into(), 10).await.unwrap(), [third]);
    let subjects = |after, limit| store.placement_subjects(after, limit);
    assert_eq!(subjects(None, 10).await.unwrap(), [one.into(), other.into()], "each once, by pseudonym");
    assert_eq!(subjects(None, 1).await.unwrap(), [one.into()]);
    assert_eq!(subjects(Some(one.into()), 10).await.unwrap(), [other.into()]);
    assert!(subjects(Some(other.into()), 10).await.unwrap().is_empty());
    let nobody = store.was_disclosed(one, &"platform".parse().unwrap()).await.unwrap();
    assert!(!nobody, "nothing was sent about this person");
}
