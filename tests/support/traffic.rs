//! Traffic that notes what was accepted: pushers that repeat until they are answered, an ATS that posts signed
//! webhooks; and behind the gateway a receiver of pushes and the EURES puller, each with rules of its own.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use connectors::{
    eures::stub::{EuresSettings, EuresStub, Status},
    greenhouse::stub::{Closing, Fate, GreenhouseSettings, GreenhouseStub, Pace},
    rest::stub::{Injection, RestStub, RestStubSettings},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use schemas::{EntityKey, Operation};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Gateway, PATIENCE, PULLER_TOKEN, Setup, WEBHOOK_SECRET, eures_feed, greenhouse_source, pusher, rest_receiver, until,
};

/// Pushers at work, each with vacancies of its own.
const PUSHERS: usize = 3;
/// Vacancies of a pusher.
const VACANCIES: usize = 60;
/// Sends under way at once.
const IN_FLIGHT: usize = 8;

/// What a partner must show in the end: by outgoing reference, the last revision, or none if closed.
type Expected = BTreeMap<String, Option<u64>>;

/// A gateway under traffic.
pub struct Trial {
    pub gateway: Gateway,
    pub receiver: RestStub,
    pub random: StdRng,
    sources: Sources,
    pulling: tokio::task::JoinHandle<EuresStub>,
    stop: CancellationToken,
}

/// How a trial ended.
#[derive(Debug)]
pub struct Report {
    /// What was acknowledged and does not stand at a partner as it should.
    pub missing: Vec<String>,
    /// What EURES complains about.
    pub complaints: Vec<String>,
    /// Sends that the receiver saw.
    pub sends: usize,
    /// Sends with a key that it had seen before.
    pub repeats: usize,
}

impl Report {
    /// Checks that nothing is missing and nobody complains.
    pub fn assert_clean(&self) {
        assert_eq!((&self.missing, &self.complaints), (&Vec::new(), &Vec::new()));
    }
}

impl Trial {
    /// Starts a gateway with its partners, and the traffic.
    pub async fn start(setup: Setup, limits: &str) -> Self {
        let seed = rand::rng().random();
        println!("seed {seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let settings = RestStubSettings { token: Some("receiver".into()), ..RestStubSettings::default() };
        let receiver = RestStub::start(settings).await.unwrap();
        let (agency, file) = rest_receiver("agency", "canonical", receiver.base_url().as_str(), "by_key");
        let gateway = setup
            .partner(pusher("acme", "canonical"))
            .partner(greenhouse_source("metal"))
            .partner((agency, file + limits))
            .partner(eures_feed("eures-vdab", "eures-xml", "VDAB"))
            .secret("agency-token", "receiver")
            .secret("greenhouse-webhook", WEBHOOK_SECRET)
            .secret("puller-token", PULLER_TOKEN)
            .setting("DELIVERY__IN_FLIGHT", &IN_FLIGHT.to_string())
            .setting("DELIVERY__CONNECT_TIMEOUT_MS", "500")
            .setting("DELIVERY__SEND_TIMEOUT_MS", "1000")
            .setting("DELIVERY__RETRY_INITIAL_MS", "20")
            .setting("DELIVERY__RETRY_LONGEST_MS", "200")
            .setting("DELIVERY__BREAKER_PAUSE_MS", "50")
            .setting("DELIVERY__BREAKER_LONGEST_MS", "200")
            .setting("TELEMETRY__LOG", "warn,passerelle::daemon=info")
            .start()
            .await;
        let (sources, stop) = (Sources::start(&gateway, &mut random).await, CancellationToken::new());
        let mut puller = eures(&gateway);
        let pulling = tokio::spawn({
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
        Self { gateway, receiver, random, sources, pulling, stop }
    }

    /// Makes the receiver slow, so that sends are under way whenever the gateway is hit.
    pub fn slow_down(&self) {
        self.receiver.inject(10_000, &Injection::Slow(Duration::from_millis(25)));
    }

    /// When requests arrive at the receiver, from now on.
    pub fn arrivals(&self) -> Arc<Mutex<Vec<Instant>>> {
        let (arrivals, mut seen) = (Arc::new(Mutex::new(Vec::new())), self.receiver.observe());
        let noted = arrivals.clone();
        tokio::spawn(async move {
            while seen.recv().await.is_ok() {
                noted.lock().unwrap().push(Instant::now());
            }
        });
        arrivals
    }

    /// How many pushes were refused so far because the gateway could not keep them.
    pub fn refused(&self) -> usize {
        self.sources.refused.load(Ordering::SeqCst)
    }

    /// Lets the traffic run for a random while, up to so many milliseconds.
    pub async fn run(&mut self, longest_ms: u64) {
        tokio::time::sleep(Duration::from_millis(self.random.random_range(5..longest_ms))).await;
    }

    /// Ends the traffic, waits until nothing is owed any more, and compares what was acknowledged with what arrived.
    pub async fn end(self) -> Report {
        self.stop.cancel();
        let gateway = &self.gateway;
        // What was sent is repeated until it is answered: a gateway that never answers again must not hang the test.
        let ended = tokio::time::timeout(PATIENCE, async { (self.pulling.await.unwrap(), self.sources.stop().await) });
        let Ok((mut puller, expected)) = ended.await else {
            panic!("what was sent is not answered any more; {}\n{}", gateway.state().await, gateway.log())
        };
        self.receiver.heal();
        until("nothing is owed any more", async || is_settled(&gateway.get("/v1/backlog").await)).await;
        let mut missing = missing_at_receiver(&self.receiver, &expected);
        missing.extend(missing_at_eures(&mut puller, &expected).await);
        assert_eq!(gateway.get("/v1/parked").await["parked"], json!([]), "nothing is parked");
        let complaints = puller.view().breaches().iter().map(|breach| breach.problem.clone()).collect();
        let (sends, repeats) = check_order(&self.receiver, gateway);
        println!("{sends} sends, {repeats} repeats, {} missing", missing.len());
        Report { missing, complaints, sends, repeats }
    }
}

fn is_settled(backlog: &Value) -> bool {
    let partners = backlog["partners"].as_object().unwrap().values();
    let mut open = partners.flat_map(|owing| ["unsettled", "claimed", "deferred"].map(|name| owing[name] == 0));
    backlog["unrouted"] == 0 && open.all(|is_none| is_none)
}

fn missing_at_receiver(receiver: &RestStub, expected: &Expected) -> Vec<String> {
    let shown = |reference: &String| {
        let last = receiver.history(reference).pop();
        last.filter(|last| last.operation == Operation::Upsert).and_then(|last| last.revision)
    };
    let differs = |(reference, revision): &(&String, &Option<u64>)| shown(reference) != **revision;
    expected.iter().filter(differs).map(|(reference, _)| format!("{reference} at the receiver")).collect()
}

async fn missing_at_eures(puller: &mut EuresStub, expected: &Expected) -> Vec<String> {
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
    accepted: Arc<Mutex<Expected>>,
    refused: Arc<AtomicUsize>,
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
        let (accepted, refused, stop) = (Arc::default(), Arc::default(), Arc::<AtomicBool>::default());
        let push = |number| {
            let url = gateway.url("/v1/acme/vacancy");
            let notes = (Arc::clone(&accepted), Arc::clone(&refused));
            tokio::spawn(push(url, key.clone(), number, random.random(), notes, stop.clone()))
        };
        let pushers = (0..PUSHERS).map(push).collect();
        Self { ats: Arc::new(GreenhouseStub::new(ats)), pushers, accepted, refused, stop }
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
            let last = || self.ats.ledger()[&post].last().cloned();
            // A post that was never acknowledged, and that the ATS gave up, was never there.
            let Some(version) = last() else { continue };
            // What was under way when the traffic stopped may or may not have been accepted: the next version settles it.
            if version.fate() != Fate::Acknowledged && self.ats.update(post).await.is_err() {
                continue;
            }
            let last = last().expect("a post that was just updated has a version");
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
    (accepted, refused): (Arc<Mutex<Expected>>, Arc<AtomicUsize>),
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
                Ok(response) if response.status() == 503 => {
                    refused.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
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

/// Checks what the receiver saw of each vacancy, in the order in which it saw it: sends and repeats.
fn check_order(receiver: &RestStub, gateway: &Gateway) -> (usize, usize) {
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
    (sends, repeats)
}
