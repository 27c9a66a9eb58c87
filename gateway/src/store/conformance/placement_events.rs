//! Events about persons: kept once, in the order in which they came, of one person only; and about whom there are any.

use schemas::{EntityKey, Hash, MessageId, Position};
use uuid::Uuid;

use crate::store::{PlacementEvent, Replay, Routed, Store};

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
        programme: None,
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
    how_far_a_person_has_come(store).await;
    let nobody = store.was_disclosed(one, &"platform".parse().unwrap()).await.unwrap();
    assert!(!nobody, "nothing was sent about this person");
    programmes(store).await;
}

/// Persons of a programme, a few at a time, each with everything that was said.
async fn programmes(store: &dyn Store) {
    let (programme, another) = (Hash::of(b"one"), Hash::of(b"another"));
    let person = |number: u128| EntityKey::from(Uuid::from_u128(0xF0 << 120 | number));
    let event = |number: u128, person: EntityKey, programme: Option<Hash>| PlacementEvent {
        message_id: MessageId::from(Uuid::from_u128(0xF000 + number)),
        entity_key: person,
        partner: "service".parse().unwrap(),
        position: Position { generation: 4, offset: i64::try_from(number).unwrap() },
        received_at: 1_000,
        canonical: vec![u8::try_from(number).unwrap()],
        programme,
    };
    let all = vec![
        event(1, person(3), Some(programme)),
        event(2, person(1), Some(programme)),
        event(3, person(1), None),
        event(4, person(1), Some(programme)),
        event(5, person(2), Some(another)),
        event(6, person(2), None),
        event(7, person(4), Some(programme)),
    ];
    store.record_routed(Routed { events: all.clone(), ..Routed::default() }).await.unwrap();
    let of = |places: &[usize]| places.iter().map(|place| all[*place].clone()).collect::<Vec<_>>();
    let page = async |after, persons| store.events_of_programme(programme, after, persons).await.unwrap();
    assert_eq!(page(None, 2).await, of(&[1, 2, 3, 0]), "what is not of the programme is there as well");
    assert_eq!(page(Some(person(3)), 2).await, of(&[6]));
    assert_eq!(page(Some(person(4)), 2).await, []);
    let others = store.events_of_programme(another, None, 10).await.unwrap();
    assert_eq!(others, of(&[4, 5]));
}

/// It is a change of the person: what was decided before is decided anew, and what is wanted again is kept with it.
async fn how_far_a_person_has_come(store: &dyn Store) {
    let person = Uuid::from_u128(0xE3);
    let before = store.standing_of(person).await.unwrap();
    assert_eq!((before.progress, before.version.version), (None, 0));
    let replay = Replay {
        replay_id: Uuid::from_u128(0xE4),
        entity_key: person.into(),
        share: 77,
        recipient: Some("platform".parse().unwrap()),
        wanted_at: 5,
    };
    for (progress, version) in [(b"near".to_vec(), 1), (b"far".to_vec(), 2)] {
        let replays = vec![replay.clone()];
        let routed = Routed { progress: vec![(person.into(), progress.clone())], replays, ..Routed::default() };
        store.record_routed(routed).await.unwrap();
        let standing = store.standing_of(person).await.unwrap();
        assert_eq!((standing.progress, standing.version.version), (Some(progress), version));
    }
    assert_eq!(store.replays(77, 10).await.unwrap(), [replay], "the same again is one");
    store.finish_replays(vec![Uuid::from_u128(0xE4)]).await.unwrap();
    let due = store.due_for_review(0, 1_000).await.unwrap();
    assert!(due.iter().any(|due| due.subject == person && !due.is_by_time), "the person is looked at");
}
