//! kill -9 at random points under traffic: what was accepted is kept, in order, and repeats are the same bytes.
//!
//! Two sources feed the gateway: pushers that repeat until they are answered, and an ATS that posts signed
//! webhooks. Behind it stand a receiver of pushes and the EURES puller, each with rules of its own.

#![expect(clippy::disallowed_methods, reason = "the test holds its own tasks")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use connectors::{
    eures::stub::{EuresSettings, EuresStub, Status},
    greenhouse::stub::{Closing, Fate, GreenhouseSettings, GreenhouseStub, Pace},
    rest::stub::{Injection, RestStub, RestStubSettings},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use schemas::{EntityKey, Operation};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::support::{
    Gateway, PATIENCE, PULLER_TOKEN, Setup, WEBHOOK_SECRET, eures_feed, greenhouse_source, pusher, rest_receiver, until,
};

/// How often the gateway is killed.
const KILLS: usize = 55;
/// Pushers at work, each with vacancies of its own.
const PUSHERS: usize = 3;
/// Vacancies of a pusher.
const VACANCIES: usize = 60;
/// Sends under way at once.
const IN_FLIGHT: usize = 8;

/// What a partner must show in the end: by outgoing reference, the last revision, or none if closed.
type Expected = BTreeMap<String, Option<u64>>;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_survives_kill_9_in_order() {
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let settings = RestStubSettings { token: Some("receiver".into()), ..RestStubSettings::default() };
    let receiver = RestStub::start(settings).await.unwrap();
    // Slow enough that sends are under way whenever the gateway is killed.
    receiver.inject(10_000, &Injection::Slow(Duration::from_millis(25)));
    let mut gateway = start(&receiver).await;
    let (sources, stop) = (Sources::start(&gateway, &mut random).await, CancellationToken::new());
    let mut puller = eures(&gateway);
    let traffic = tokio::spawn({
        let (ats, stop) = (sources.ats.clone(), stop.clone());
        async move {
            let pace = Pace {
                slots: 30,
                lanes: 6,
                closings: vec![Closing::Unpublished, Closing::Deleted, Closing::JobClosed],
                ..Pace::per_second(60)
            };
            tokio::join!(ats.steady(&pace, &stop), puller.run(Duration::from_millis(30), &stop, |_| {}));
            puller
        }
    });
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(random.random_range(5..250))).await;
        gateway.kill().await;
        gateway.start().await;
    }
    stop.cancel();
    let mut puller = traffic.await.unwrap();
    let expected = sources.stop().await;
    settle(&gateway, &receiver, &mut puller, &expected).await;
    check_order(&receiver, &gateway);
    assert_eq!(puller.view().breaches(), [], "EURES has nothing to complain about");
}

async fn start(receiver: &RestStub) -> Gateway {
    Setup::new()
        .partner(pusher("acme", "canonical"))
        .partner(greenhouse_source("metal"))
        .partner(rest_receiver("agency", "canonical", receiver.base_url().as_str(), "by_key"))
        .partner(eures_feed("eures-vdab", "eures-xml", "VDAB"))
        .secret("agency-token", "receiver")
        .secret("greenhouse-webhook", WEBHOOK_SECRET)
        .secret("puller-token", PULLER_TOKEN)
        .setting("DELIVERY__IN_FLIGHT", &IN_FLIGHT.to_string())
        .setting("DELIVERY__RETRY_INITIAL_MS", "20")
        .setting("DELIVERY__RETRY_LONGEST_MS", "200")
        .setting("TELEMETRY__LOG", "warn,passerelle::daemon=info")
        .start()
        .await
}

fn eures(gateway: &Gateway) -> EuresStub {
    let url = gateway.url("/input/api/jv/v0.1").parse().unwrap();
    EuresStub::new(EuresSettings {
        source: Some("VDAB".to_owned()),
        ..EuresSettings::new(url, Some(PULLER_TOKEN.into()))
    })
}

/// Everything that sends.
struct Sources {
    ats: Arc<GreenhouseStub>,
    pushers: Vec<tokio::task::JoinHandle<()>>,
    accepted: Arc<Mutex<BTreeMap<String, Option<u64>>>>,
    stop: Arc<AtomicBool>,
}

impl Sources {
    async fn start(gateway: &Gateway, random: &mut StdRng) -> Self {
        let target = gateway.url("/v1/metal/webhook").parse().unwrap();
        let ats = GreenhouseSettings {
            time_out: Duration::from_secs(5),
            // It repeats until it is answered, so that every version counts.
            retry_waits: vec![Duration::from_millis(20); 1_000],
            ..GreenhouseSettings::new(target, WEBHOOK_SECRET.into(), random.random())
        };
        let key = gateway.key("acme").await;
        let (accepted, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let push = |number| {
            let url = gateway.url("/v1/acme/vacancy");
            tokio::spawn(push(url, key.clone(), number, random.random(), Arc::clone(&accepted), stop.clone()))
        };
        let pushers = (0..PUSHERS).map(push).collect();
        Self { ats: Arc::new(GreenhouseStub::new(ats)), pushers, accepted, stop }
    }

    /// Stops the pushers and says what the partners must show in the end.
    async fn stop(self) -> Expected {
        self.stop.store(true, Ordering::SeqCst);
        for pusher in self.pushers {
            pusher.await.unwrap();
        }
        let reference =
            |partner: &str, reference: &str| EntityKey::of_vacancy(&partner.parse().unwrap(), reference).to_string();
        let accepted = self.accepted.lock().unwrap().clone();
        let mut expected: Expected =
            accepted.iter().map(|(key, revision)| (reference("acme", key), *revision)).collect();
        let pushed = expected.len();
        for post in self.ats.ledger().into_keys() {
            let last = || self.ats.ledger()[&post].last().cloned().expect("every post has a version");
            // What was under way when the traffic stopped may or may not have been accepted: the next version settles it.
            if last().fate() != Fate::Acknowledged && self.ats.update(post).await.is_err() {
                continue;
            }
            let last = last();
            assert_eq!(last.fate(), Fate::Acknowledged, "the ATS repeats until it is answered");
            expected.insert(reference("metal", &post.to_string()), last.live.then_some(last.revision));
        }
        println!("{pushed} vacancies pushed, {} posted", expected.len() - pushed);
        assert!(pushed > PUSHERS && expected.len() > pushed + 10, "traffic ran");
        expected
    }
}

/// Pushes revision after revision of its vacancies, each until it is answered.
async fn push(
    url: String,
    key: String,
    number: usize,
    seed: u64,
    accepted: Arc<Mutex<Expected>>,
    stop: Arc<AtomicBool>,
) {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
    let mut random = StdRng::seed_from_u64(seed);
    let mut revision = 0;
    while !stop.load(Ordering::SeqCst) {
        revision += 1;
        let reference = format!("P{number}/{}", random.random_range(0..VACANCIES));
        let is_closing = random.random_bool(0.1);
        let document = document(&reference, revision);
        loop {
            let request = if is_closing {
                http.delete(format!("{url}/{}", reference.replace('/', "%2F")))
            } else {
                http.post(&url).json(&document)
            };
            let request = request.bearer_auth(&key).header("Idempotency-Key", format!("\"{number}-{revision}\""));
            match request.send().await {
                Ok(response) if response.status().is_success() => break,
                Ok(response) if response.status() == 503 => {}
                Ok(response) => {
                    panic!("refused with {}: {}", response.status(), response.text().await.unwrap_or_default())
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
        accepted.lock().unwrap().insert(reference, (!is_closing).then_some(revision));
    }
}

fn document(reference: &str, revision: u64) -> serde_json::Value {
    let title = format!("Lasser {}", connectors::revision::mark(revision));
    json!({
        "reference": reference,
        "status": "published",
        "profiles": [{"language": "nl", "title": title, "description": "Werk in de werkplaats.", "how_to_apply": "Bel ons."}],
        "employer": {"name": "Lasbedrijf Verzonnen", "legal_ids": [{"scheme": "be-kbo", "value": "0100000169"}]},
        "locations": [{"country": "BE", "city": "Gent", "postcode": "9000"}],
        "occupations": [{"scheme": "isco-08", "code": "7212", "obtained": "source"}],
        "openings": 1,
    })
}

/// Waits until every vacancy stands at both partners as it was last accepted.
async fn settle(gateway: &Gateway, receiver: &RestStub, puller: &mut EuresStub, expected: &Expected) {
    let at_receiver = |reference: &String| {
        let last = receiver.history(reference).pop();
        last.filter(|last| last.operation == Operation::Upsert).and_then(|last| last.revision)
    };
    until("every vacancy stands at the receiver as it was accepted", async || {
        expected.iter().all(|(reference, revision)| at_receiver(reference) == *revision)
    })
    .await;
    let view = puller.view();
    let at_eures = |reference: &String| {
        let vacancy = view.vacancy(reference).filter(|vacancy| vacancy.status == Status::Active);
        vacancy.and_then(|vacancy| vacancy.revisions.last().copied())
    };
    let pulled = tokio::time::timeout(PATIENCE, async {
        loop {
            puller.pull().await.unwrap();
            if expected.iter().all(|(reference, revision)| at_eures(reference) == *revision) {
                return puller.reconcile().await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(pulled.await.is_ok(), "EURES never came to show what was accepted");
    assert_eq!(gateway.get("/v1/parked").await["parked"], json!([]), "nothing is parked");
}

/// Checks what the receiver saw of each vacancy, in the order in which it saw it.
fn check_order(receiver: &RestStub, gateway: &Gateway) {
    assert_eq!(receiver.violations(), [], "same key, same bytes; one at a time per reference\n{}", gateway.log());
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
    println!("{KILLS} kills, {sends} sends, {repeats} repeats");
    assert!(repeats <= IN_FLIGHT * KILLS, "no more repeats than sends under way");
}
