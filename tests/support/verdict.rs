//! What partners must show in the end, and the rules by which it may come there.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Instant,
};

use connectors::{
    eures::stub::{EuresStub, Status},
    rest::stub::RestStub,
};
use schemas::Operation;
use serde_json::Value;

use super::PATIENCE;

/// What a partner must show in the end: by outgoing reference, the last revision, or none if closed.
pub type Expected = BTreeMap<String, Option<u64>>;

/// Whether nothing is on its way any more.
pub fn is_settled(backlog: &Value) -> bool {
    let partners = backlog["partners"].as_object().unwrap().values();
    let mut open = partners.flat_map(|owing| ["unsettled", "claimed", "deferred"].map(|name| owing[name] == 0));
    backlog["unrouted"] == 0 && open.all(|is_none| is_none)
}

/// What was acknowledged and does not stand at a receiver as it should.
pub fn missing_at_receiver(receiver: &RestStub, expected: &Expected) -> Vec<String> {
    let shown = |reference: &String| {
        let last = receiver.history(reference).pop();
        last.filter(|last| last.operation == Operation::Upsert).and_then(|last| last.revision)
    };
    let differs = |(reference, revision): &(&String, &Option<u64>)| shown(reference) != **revision;
    expected.iter().filter(differs).map(|(reference, _)| format!("{reference} at the receiver")).collect()
}

/// What was acknowledged and does not stand at EURES as it should.
pub async fn missing_at_eures(puller: &mut EuresStub, expected: &Expected) -> Vec<String> {
    let pulled = tokio::time::timeout(PATIENCE, async {
        puller.pull().await.unwrap();
        puller.reconcile().await.unwrap();
    });
    assert!(pulled.await.is_ok(), "EURES cannot pull");
    let view = puller.view();
    let shown = |reference: &String| {
        let vacancy = view.vacancy(reference).filter(|vacancy| vacancy.status == Status::Active);
        vacancy.and_then(|vacancy| vacancy.revisions.last().copied())
    };
    let differs = |(reference, revision): &(&String, &Option<u64>)| shown(reference) != **revision;
    expected.iter().filter(differs).map(|(reference, _)| format!("{reference} at EURES")).collect()
}

/// Checks what the receiver saw of each vacancy, in the order in which it saw it: sends and repeats.
pub fn check_order(receiver: &RestStub, log: impl Fn() -> String) -> (usize, usize) {
    assert_eq!(receiver.violations(), [], "same key, same bytes; one at a time per reference\n{}", log());
    let (mut sends, mut repeats) = (0, 0);
    for reference in receiver.references() {
        let (mut newest, mut keys) = (0, BTreeMap::new());
        for received in receiver.history(&reference) {
            sends += 1;
            let before = keys.insert(received.idempotency_key.clone(), received.body_hash);
            assert!(before.is_none_or(|hash| hash == received.body_hash), "{reference}: the same key with other bytes");
            repeats += usize::from(before.is_some());
            if let Some(revision) = received.revision {
                assert!(revision >= newest, "{reference}: revision {revision} after {newest}");
                newest = revision;
            }
        }
    }
    (sends, repeats)
}

/// When requests arrive at a receiver, from now on.
pub fn arrivals_at(receiver: &RestStub) -> Arc<Mutex<Vec<Instant>>> {
    let (arrivals, mut seen) = (Arc::new(Mutex::new(Vec::new())), receiver.observe());
    let noted = arrivals.clone();
    tokio::spawn(async move {
        while seen.recv().await.is_ok() {
            noted.lock().unwrap().push(Instant::now());
        }
    });
    arrivals
}
