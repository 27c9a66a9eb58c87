//! Looking for messages page by page, and replays.

use std::cmp::Reverse;

use schemas::{EntityKey, LossCounts, MessageId, PartnerId, Versions as InForce};
use uuid::Uuid;

use super::records::{acme, at};
use crate::store::{EventRow, MessageQuery, MessageRow, Replay, Routed, Store};

pub async fn run(store: &dyn Store) {
    let expected = journal(store).await;
    pages_give_each_message_once(store, &expected).await;
    every_condition_has_to_hold(store).await;
    a_message_that_is_sent_again_has_two_outcomes(store, &expected[0]).await;
    a_replay_waits_until_it_is_done(store).await;
}

fn searcher() -> PartnerId {
    "searcher".parse().unwrap()
}

fn event(message: &MessageRow, recipient: &str, step: &str, at: i64) -> EventRow {
    EventRow {
        message_id: message.message_id,
        recipient: Some(recipient.parse().unwrap()),
        step: step.to_owned(),
        attempt: 1,
        at,
        code: None,
        detail: None,
        losses: LossCounts::default(),
        versions: InForce::default(),
    }
}

/// Five messages of one employer; every other one was delivered to EURES after it waited.
async fn journal(store: &dyn Store) -> Vec<MessageRow> {
    let entity = EntityKey::of_vacancy(&acme(), "search");
    let mut expected = Vec::new();
    for number in 0..5_i64 {
        let message = MessageRow {
            message_id: MessageId::mint(),
            entity_key: entity,
            partner: searcher(),
            kind: "vacancy".to_owned(),
            operation: "upsert".to_owned(),
            dialect: "canonical".to_owned(),
            channel: "push".to_owned(),
            reference: Some(format!("search/{number}")),
            position: at(100 + number),
            // Two at the same time: the id decides.
            received_at: 1_000 + number / 2,
        };
        let mut events = vec![event(&message, "eures", "deferred", 1), event(&message, "agency", "delivered", 2)];
        if number % 2 == 0 {
            events.push(event(&message, "eures", "delivered", 2));
        }
        store.journal(vec![message.clone()], events).await.unwrap();
        expected.push(message);
    }
    let employers = vec![("Bouw BV".to_owned(), entity), ("0000000097".to_owned(), entity)];
    for _ in 0..2 {
        store.record_routed(Routed { employers: employers.clone(), ..Routed::default() }).await.unwrap();
    }
    expected.sort_by_key(|message| Reverse((message.received_at, message.message_id.as_uuid())));
    expected
}

async fn pages_give_each_message_once(store: &dyn Store, expected: &[MessageRow]) {
    let mut query = MessageQuery { partner: Some(searcher()), limit: 2, ..MessageQuery::default() };
    let mut seen = Vec::new();
    loop {
        let found = store.messages(query.clone()).await.unwrap();
        assert!(found.messages.len() <= 2);
        seen.extend(found.messages);
        let Some(next) = found.next else { break };
        query.after = Some(next);
    }
    assert_eq!(seen, expected, "newest first");
}

async fn every_condition_has_to_hold(store: &dyn Store) {
    let text = |text: &str| Some(text.to_owned());
    let eures = Some("eures".parse().unwrap());
    let all = MessageQuery { partner: Some(searcher()), limit: 100, ..MessageQuery::default() };
    let count = async |query: MessageQuery| store.messages(query).await.unwrap().messages.len();
    assert_eq!(count(MessageQuery { employer: text("0000000097"), ..all.clone() }).await, 5);
    assert_eq!(count(MessageQuery { employer: text("Other"), ..all.clone() }).await, 0);
    assert_eq!(count(MessageQuery { state: text("deferred"), ..all.clone() }).await, 2, "the newest step counts");
    assert_eq!(count(MessageQuery { state: text("delivered"), ..all.clone() }).await, 5);
    assert_eq!(count(MessageQuery { recipient: eures.clone(), ..all.clone() }).await, 5);
    assert_eq!(count(MessageQuery { recipient: eures, state: text("delivered"), ..all }).await, 3);
}

async fn a_message_that_is_sent_again_has_two_outcomes(store: &dyn Store, message: &MessageRow) {
    let count = async || store.message(message.message_id).await.unwrap().unwrap().1.len();
    let before = count().await;
    for _ in 0..2 {
        store.journal(vec![], vec![event(message, "agency", "delivered", 9)]).await.unwrap();
    }
    assert_eq!(count().await, before + 1, "the same attempt at another time is another one");
}

/// A replay that nobody has done yet.
pub async fn leave_a_replay(store: &dyn Store) {
    let (replay_id, entity_key) = (Uuid::new_v4(), EntityKey::of_vacancy(&acme(), "replay/left"));
    store.want_replay(Replay { replay_id, entity_key, share: 0, recipient: None, wanted_at: 1 }).await.unwrap();
}

async fn a_replay_waits_until_it_is_done(store: &dyn Store) {
    let replay = |reference: &str, wanted_at| Replay {
        replay_id: Uuid::new_v4(),
        entity_key: EntityKey::of_vacancy(&acme(), reference),
        share: 2,
        recipient: Some("eures".parse().unwrap()),
        wanted_at,
    };
    let both = [replay("replay/1", 1), Replay { recipient: None, ..replay("replay/2", 2) }];
    for _ in 0..2 {
        for replay in both.iter().rev() {
            store.want_replay(replay.clone()).await.unwrap();
        }
    }
    assert_eq!(store.replays(2, 10).await.unwrap(), both, "oldest first");
    assert_eq!(store.replays(0, 10).await.unwrap(), [], "those of another share");
    assert_eq!(store.replays(2, 1).await.unwrap(), both[..1]);
    store.finish_replays(vec![both[0].replay_id]).await.unwrap();
    assert_eq!(store.replays(2, 10).await.unwrap(), both[1..]);
    store.finish_replays(vec![both[1].replay_id]).await.unwrap();
}
