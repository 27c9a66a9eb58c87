//! Versions, idempotency, complements, the journal, parked inputs and keys.

use schemas::{EntityKey, Hash, Kind, LossCounts, MessageId, PartnerId, Position, Versions as InForce};
use uuid::Uuid;

use crate::store::{
    ApiKey, EventRow, KeyUse, MessageQuery, MessageRow, ParkedFilter, ParkedInput, Routed, Store, Version,
};

pub async fn run(store: &dyn Store) {
    position_decides_the_version(store).await;
    old_versions_go_only_when_nothing_can_be_compared_with_them(store).await;
    a_key_is_known_until_it_expires(store).await;
    an_older_complement_does_not_replace_a_newer(store).await;
    the_journal_keeps_each_event_once(store).await;
    a_parked_input_keeps_its_bytes(store).await;
    a_revoked_key_opens_nothing(store).await;
}

pub fn at(offset: i64) -> Position {
    Position { generation: 1, offset }
}

pub fn acme() -> PartnerId {
    "acme".parse().unwrap()
}

pub fn version(reference: &str, offset: i64) -> Version {
    Version {
        entity_key: EntityKey::of_vacancy(&acme(), reference),
        position: at(offset),
        message_id: MessageId::mint(),
        partner: acme(),
        kind: Kind::Vacancy,
        reference: Some(reference.to_owned()),
        content_hash: Hash::of(&offset.to_be_bytes()),
        is_open: true,
        modified_at: None,
        recipients: vec!["eures".parse().unwrap()],
        canonical: vec![1, 2, 3],
    }
}

pub async fn record(store: &dyn Store, versions: Vec<Version>, committed: i64) {
    store.record_routed(Routed { versions, committed: Some(at(committed)), ..Routed::default() }).await.unwrap();
}

async fn position_decides_the_version(store: &dyn Store) {
    let (second, first) = (version("position", 20), version("position", 10));
    let entity = first.entity_key;
    record(store, vec![second.clone()], 0).await;
    record(store, vec![first.clone()], 0).await;
    record(store, vec![Version { canonical: vec![9], ..first.clone() }], 0).await;
    assert_eq!(store.newest_version(entity).await.unwrap(), Some(second.clone()));
    let histories = store.histories(&[entity]).await.unwrap();
    assert_eq!(histories.before(entity, at(20)), Some(&first));
    assert_eq!(histories.before(entity, at(10)), None);
    assert_eq!(histories.at(entity, at(10)), Some(&first), "the same position again changes nothing");
    let next_log = Position { generation: 2, offset: 1 };
    assert_eq!(histories.before(entity, next_log), Some(&second), "a new generation comes after every old one");
}

async fn old_versions_go_only_when_nothing_can_be_compared_with_them(store: &dyn Store) {
    let versions: Vec<Version> = [10, 20, 30].map(|offset| version("prune", offset)).to_vec();
    let entity = versions[0].entity_key;
    record(store, versions.clone(), 20).await;
    let histories = store.histories(&[entity]).await.unwrap();
    assert_eq!(histories.at(entity, at(10)), None);
    assert_eq!(histories.before(entity, at(30)), Some(&versions[1]), "offset 21 may still be read");
}

async fn a_key_is_known_until_it_expires(store: &dyn Store) {
    let key_use = KeyUse {
        partner: acme(),
        kind: Kind::Vacancy,
        key_hash: Hash::of(b"key"),
        position: at(5),
        body_hash: Hash::of(b"body"),
        message_id: MessageId::mint(),
        expires_at: 100,
    };
    for _ in 0..2 {
        store.record_routed(Routed { key_uses: vec![key_use.clone()], ..Routed::default() }).await.unwrap();
    }
    let uses = async |at| store.key_uses(&acme(), Kind::Vacancy, Hash::of(b"key"), at).await.unwrap();
    assert_eq!(uses(99).await, [key_use]);
    assert_eq!(uses(100).await, []);
    assert_eq!(store.key_uses(&"zenith".parse().unwrap(), Kind::Vacancy, Hash::of(b"key"), 0).await.unwrap(), []);
}

async fn an_older_complement_does_not_replace_a_newer(store: &dyn Store) {
    let entity = EntityKey::of_vacancy(&acme(), "complement");
    for (offset, json) in [(20, b"new".to_vec()), (10, b"old".to_vec())] {
        let complements = vec![(entity, "vdab-json".to_owned(), at(offset), json)];
        store.record_routed(Routed { complements, ..Routed::default() }).await.unwrap();
    }
    assert_eq!(store.complement(entity, "vdab-json").await.unwrap(), Some(b"new".to_vec()));
    assert_eq!(store.complement(entity, "eures-xml").await.unwrap(), None);
}

async fn the_journal_keeps_each_event_once(store: &dyn Store) {
    let message = MessageRow {
        message_id: MessageId::mint(),
        entity_key: EntityKey::of_vacancy(&acme(), "journal/1"),
        partner: acme(),
        kind: "vacancy".to_owned(),
        operation: "upsert".to_owned(),
        dialect: "canonical".to_owned(),
        channel: "push".to_owned(),
        reference: Some("journal/1".to_owned()),
        position: at(7),
        received_at: 3,
    };
    let event = |step: &str, attempt, at| EventRow {
        message_id: message.message_id,
        recipient: Some("eures".parse().unwrap()),
        step: step.to_owned(),
        attempt,
        at,
        code: None,
        detail: Some("why".to_owned()),
        losses: LossCounts { kept: 2, ..LossCounts::default() },
        versions: InForce { mapping: "m".to_owned(), ..InForce::default() },
    };
    let events = vec![event("deferred", 1, 5), event("delivered", 2, 6)];
    for _ in 0..2 {
        store.journal(vec![message.clone()], events.clone()).await.unwrap();
    }
    assert_eq!(store.message(message.message_id).await.unwrap(), Some((message.clone(), events)));
    assert_eq!(store.message(MessageId::mint()).await.unwrap(), None);
    let found = async |reference: &str, partner: &str| {
        let query = MessageQuery {
            reference: Some(reference.to_owned()),
            partner: Some(partner.parse().unwrap()),
            limit: 10,
            ..MessageQuery::default()
        };
        store.messages(query).await.unwrap().messages
    };
    assert_eq!(found("journal/1", "acme").await, [message]);
    assert_eq!(found("journal/1", "zenith").await, []);
}

async fn a_parked_input_keeps_its_bytes(store: &dyn Store) {
    let input = ParkedInput {
        parked_id: Uuid::new_v4(),
        partner: "acme".to_owned(),
        kind: "vacancy".to_owned(),
        dialect: "greenhouse".to_owned(),
        channel: "webhook".to_owned(),
        code: "unreadable".to_owned(),
        faults: "[]".to_owned(),
        media_type: None,
        raw: vec![0, 255, 10],
        received_at: 4,
        state: "parked".to_owned(),
    };
    for _ in 0..2 {
        store.park_input(input.clone()).await.unwrap();
    }
    assert_eq!(store.parked_inputs(&ParkedFilter::default(), 10).await.unwrap(), std::slice::from_ref(&input));
    let of =
        |partner: &str, code: &str| ParkedFilter { partner: Some(partner.to_owned()), code: Some(code.to_owned()) };
    assert_eq!(store.parked_inputs(&of("acme", "unreadable"), 10).await.unwrap().len(), 1);
    assert_eq!(store.parked_inputs(&of("acme", "other"), 10).await.unwrap(), []);
    assert_eq!(store.parked_inputs(&of("zenith", "unreadable"), 10).await.unwrap(), []);
    assert!(store.resolve_input(input.parked_id, "released").await.unwrap());
    assert!(!store.resolve_input(input.parked_id, "dropped").await.unwrap(), "once only");
    assert_eq!(store.parked_inputs(&ParkedFilter::default(), 10).await.unwrap(), []);
    let kept = store.parked_input(input.parked_id).await.unwrap().unwrap();
    assert_eq!((kept.raw, kept.state.as_str()), (input.raw, "released"), "never deleted");
}

async fn a_revoked_key_opens_nothing(store: &dyn Store) {
    let key = ApiKey {
        key_id: "k1".to_owned(),
        partner: Some(acme()),
        label: "test".to_owned(),
        created_at: 1,
        revoked_at: None,
    };
    store.add_key(key.clone(), Hash::of(b"secret")).await.unwrap();
    assert_eq!(store.key_by_secret(Hash::of(b"secret")).await.unwrap(), Some(key));
    assert_eq!(store.key_by_secret(Hash::of(b"guess")).await.unwrap(), None);
    assert!(store.revoke_key("k1", 2).await.unwrap());
    assert!(!store.revoke_key("k1", 3).await.unwrap());
    assert_eq!(store.key_by_secret(Hash::of(b"secret")).await.unwrap(), None);
    assert_eq!(store.keys().await.unwrap()[0].revoked_at, Some(2));
}
