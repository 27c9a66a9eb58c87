//! Whoever sends: pushers that repeat until they are answered, an ATS that posts signed webhooks; and the puller of EURES.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use connectors::{
    eures::stub::{EuresSettings, EuresStub},
    greenhouse::stub::{Closing, Fate, GreenhouseSettings, GreenhouseStub, Pace},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use schemas::EntityKey;
use serde_json::json;

use super::{PULLER_TOKEN, WEBHOOK_SECRET, verdict::Expected};

/// Pushers at work, each with vacancies of its own.
const PUSHERS: usize = 3;
/// Posts that the ATS must have got through.
const LEAST_POSTED: usize = 10;
/// Vacancies of a pusher.
const VACANCIES: usize = 60;

/// How fast is pushed.
#[derive(Clone)]
pub struct Sending {
    /// Between an answer and the next push.
    pub between_pushes: Duration,
    /// Between two tries.
    pub between_tries: Duration,
    /// Connections that a pusher keeps.
    pub idle_connections: usize,
    /// Changes that the ATS posts in a second.
    pub posts_a_second: u32,
}

impl Sending {
    /// As fast as one gateway answers.
    pub fn at_once() -> Self {
        Self {
            between_pushes: Duration::ZERO,
            between_tries: Duration::from_millis(5),
            idle_connections: 1,
            posts_a_second: 60,
        }
    }

    /// How the ATS posts.
    pub fn pace(&self) -> Pace {
        Pace {
            slots: 30,
            lanes: 6,
            closings: vec![Closing::Unpublished, Closing::Deleted, Closing::JobClosed],
            ..Pace::per_second(self.posts_a_second)
        }
    }
}

/// The puller of EURES at a door.
pub fn eures(door: &str) -> EuresStub {
    let url = format!("{door}/input/api/jv/v0.1").parse().unwrap();
    EuresStub::new(EuresSettings {
        source: Some("VDAB".to_owned()),
        ..EuresSettings::new(url, Some(PULLER_TOKEN.into()))
    })
}

/// Everything that sends.
pub struct Sources {
    pub ats: Arc<GreenhouseStub>,
    pushers: Vec<tokio::task::JoinHandle<()>>,
    accepted: Arc<Mutex<Expected>>,
    pub refused: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Sources {
    /// Starts to push to a door, with the key of `acme`.
    pub fn start(door: &str, key: &str, pace: &Sending, random: &mut StdRng) -> Self {
        let target = format!("{door}/v1/metal/webhook").parse().unwrap();
        let ats = GreenhouseSettings {
            time_out: Duration::from_secs(5),
            // It repeats until it is answered, so that every version counts.
            retry_waits: vec![pace.between_tries; 1_000],
            ..GreenhouseSettings::new(target, WEBHOOK_SECRET.into(), random.random())
        };
        let (accepted, refused, stop) = (Arc::default(), Arc::default(), Arc::<AtomicBool>::default());
        let push = |number| {
            let url = format!("{door}/v1/acme/vacancy");
            let notes = (Arc::clone(&accepted), Arc::clone(&refused));
            tokio::spawn(push((url, key.to_owned()), number, random.random(), pace.clone(), notes, stop.clone()))
        };
        let pushers = (0..PUSHERS).map(push).collect();
        Self { ats: Arc::new(GreenhouseStub::new(ats)), pushers, accepted, refused, stop }
    }

    /// Whether so much was acknowledged that losing nothing means something.
    pub fn have_run(&self) -> bool {
        let ledger = self.ats.ledger();
        let posted = ledger.values().filter(|post| post.last().is_some_and(|last| last.fate() == Fate::Acknowledged));
        self.accepted.lock().unwrap().len() > PUSHERS && posted.count() > LEAST_POSTED
    }

    /// Tells the pushers that nothing more is to be pushed.
    pub fn end(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Stops the pushers and says what the partners must show in the end.
    pub async fn stop(&mut self) -> Expected {
        self.stop.store(true, Ordering::SeqCst);
        for pusher in self.pushers.drain(..) {
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
        assert!(pushed > PUSHERS && expected.len() > pushed + LEAST_POSTED, "traffic ran");
        expected
    }
}

/// Pushes revision after revision of its vacancies, each until it is answered.
async fn push(
    (url, key): (String, String),
    number: usize,
    seed: u64,
    pace: Sending,
    (accepted, refused): (Arc<Mutex<Expected>>, Arc<AtomicUsize>),
    stop: Arc<AtomicBool>,
) {
    // A new connection each time, so that every door behind the address is knocked at.
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).pool_max_idle_per_host(pace.idle_connections);
    let http = http.build().unwrap();
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
                    tokio::time::sleep(pace.between_tries).await;
                }
                Ok(response) => {
                    panic!("refused with {}: {}", response.status(), response.text().await.unwrap_or_default())
                }
                Err(_) => tokio::time::sleep(pace.between_tries).await,
            }
        }
        accepted.lock().unwrap().insert(reference, (!is_closing).then_some(revision));
        tokio::time::sleep(pace.between_pushes).await;
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
