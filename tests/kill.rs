//! kill -9 at random points under traffic: what was accepted is kept, in order, and repeats are the same bytes.
//!
//! Two sources feed the gateway: pushers that repeat until they are answered, and an ATS that posts signed
//! webhooks. Behind it stand a receiver of pushes and the EURES puller, each with rules of its own.

mod support;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use connectors::rest::stub::{Injection, RestStub, RestStubSettings};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use schemas::{EntityKey, Operation};
use serde_json::json;

use self::support::{Gateway, Setup, pusher, rest_receiver, until};

/// How often the gateway is killed.
const KILLS: usize = 55;
/// Pushers at work, each with vacancies of its own.
const PUSHERS: usize = 4;
/// Vacancies of a pusher.
const VACANCIES: usize = 60;

/// Sends under way at once.
const IN_FLIGHT: usize = 8;

/// What a source was told is accepted: by reference, the last revision, or none if closed.
type Accepted = Arc<Mutex<BTreeMap<String, Option<u64>>>>;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_survives_kill_9_in_order() {
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let receiver = RestStub::start(RestStubSettings { token: Some("receiver".into()), ..RestStubSettings::default() }).await.unwrap();
    // Slow enough that sends are under way whenever the gateway is killed.
    receiver.inject(10_000, &Injection::Slow(Duration::from_millis(25)));
    let mut gateway = Setup::new()
        .partner(pusher("acme", "canonical"))
        .partner(rest_receiver("agency", "canonical", receiver.base_url().as_str(), "by_key"))
        .secret("agency-token", "receiver")
        .setting("DELIVERY__IN_FLIGHT", &IN_FLIGHT.to_string())
        .setting("DELIVERY__RETRY_INITIAL_MS", "20")
        .setting("DELIVERY__RETRY_LONGEST_MS", "200")
        .start()
        .await;
    let key = gateway.key("acme").await;
    let (accepted, stop) = (Accepted::default(), Arc::new(AtomicBool::new(false)));
    let pushers: Vec<_> = (0..PUSHERS)
        .map(|number| tokio::spawn(push(gateway.url("/v1/acme/vacancy"), key.clone(), number, random.random(), accepted.clone(), stop.clone())))
        .collect();
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(random.random_range(5..250))).await;
        gateway.kill().await;
        gateway.start().await;
    }
    stop.store(true, Ordering::SeqCst);
    for pusher in pushers {
        pusher.await.unwrap();
    }
    let accepted = accepted.lock().unwrap().clone();
    println!("accepted {}", gateway.get("/v1/messages?partner=acme").await["messages"][0]["position"]);
    assert!(accepted.len() > PUSHERS, "traffic ran");
    settle(&gateway, &receiver, &accepted).await;
    check_order(&receiver, &gateway);
}

/// Pushes revision after revision of its vacancies, each until it is answered.
async fn push(url: String, key: String, number: usize, seed: u64, accepted: Accepted, stop: Arc<AtomicBool>) {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
    let mut random = StdRng::seed_from_u64(seed);
    let mut revision = 0;
    while !stop.load(Ordering::SeqCst) {
        revision += 1;
        let reference = format!("P{number}/{}", random.random_range(0..VACANCIES));
        let is_closing = random.random_bool(0.1);
        let title = format!("Lasser {}", connectors::revision::mark(revision));
        let document = json!({"reference": reference, "status": "published", "profiles": [{"language": "nl", "title": title}]});
        loop {
            let request = if is_closing { http.delete(format!("{url}/{}", reference.replace('/', "%2F"))) } else { http.post(&url).json(&document) };
            let request = request.bearer_auth(&key).header("Idempotency-Key", format!("\"{number}-{revision}\""));
            match request.send().await {
                Ok(response) if response.status().is_success() => break,
                Ok(response) if response.status() == 503 => {}
                Ok(response) => panic!("refused with {}: {}", response.status(), response.text().await.unwrap_or_default()),
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
        accepted.lock().unwrap().insert(reference, (!is_closing).then_some(revision));
    }
}

/// Waits until every vacancy stands at the receiver as it was last accepted.
async fn settle(gateway: &Gateway, receiver: &RestStub, accepted: &BTreeMap<String, Option<u64>>) {
    let acme = "acme".parse().unwrap();
    let stands = |reference: &String, revision: &Option<u64>| {
        let entity = EntityKey::of_vacancy(&acme, reference).to_string();
        let last = receiver.history(&entity).pop();
        let shown = last.filter(|last| last.operation == Operation::Upsert).and_then(|last| last.revision);
        shown == *revision
    };
    until("every vacancy stands as it was accepted", async || accepted.iter().all(|(reference, revision)| stands(reference, revision)))
        .await;
    let parked = gateway.get("/v1/parked").await;
    assert_eq!(parked["parked"], json!([]), "nothing is parked");
}

/// Checks what the receiver saw of each vacancy, in the order in which it saw it.
fn check_order(receiver: &RestStub, gateway: &Gateway) {
    assert_eq!(receiver.violations(), [], "same key, same bytes; one at a time per reference\n{}", gateway.log());
    let (mut sends, mut repeats) = (0, 0);
    for reference in receiver.references() {
        let mut newest = 0;
        let mut keys = BTreeMap::new();
        for received in receiver.history(&reference) {
            sends += 1;
            let is_repeat = keys.insert(received.idempotency_key.clone(), received.body_hash).is_some();
            repeats += usize::from(is_repeat);
            if let Some(revision) = received.revision {
                assert!(revision >= newest, "{reference}: revision {revision} after {newest}");
                newest = revision;
            }
        }
    }
    println!("{KILLS} kills, {sends} sends, {repeats} repeats");
    assert!(repeats <= IN_FLIGHT * KILLS, "no more repeats than sends under way: {repeats} in {KILLS} kills");
}
