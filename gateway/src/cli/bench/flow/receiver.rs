//! A partner that takes everything, and remembers when each document was pushed in and when it came out.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::put,
};
use tokio::{net::TcpListener, sync::watch};

use crate::supervisor::Supervisor;

/// What stands before the number in the title of a document: its reference is not told to partners.
pub const NUMBER: &str = "nr B";

/// The partner.
#[derive(Clone)]
pub struct Receiver {
    ledger: Arc<Mutex<Ledger>>,
    is_broken: Arc<AtomicBool>,
    arrived: watch::Sender<u64>,
    /// Where it is reached.
    pub url: String,
}

/// What was pushed in and what came out, by the number of the document.
#[derive(Default)]
struct Ledger {
    /// What has not come yet.
    pushed: HashMap<u64, Instant>,
    waits: Vec<Duration>,
    /// Hashes of them: a million keys are to fit beside what is measured.
    keys: HashSet<u64>,
    hasher: RandomState,
    newest: Option<Instant>,
    gap: Duration,
    repeats: u64,
}

/// What was seen of deliveries since the last look.
pub struct Seen {
    /// From push to arrival, sorted.
    pub waits: Vec<Duration>,
    /// Deliveries with a key that had come before.
    pub repeats: u64,
    /// The longest time in which nothing came.
    pub gap: Duration,
}

impl Receiver {
    /// Starts it on a free port.
    pub async fn start(supervisor: &Supervisor) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (ledger, is_broken) = Default::default();
        let receiver = Self { ledger, is_broken, arrived: watch::Sender::new(0), url };
        let router = Router::new().route("/{kind}/{reference}", put(take)).fallback(probe).with_state(receiver.clone());
        let stop = supervisor.stop_token();
        supervisor.spawn("receiver", async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
            served.context("the receiver broke")
        });
        Ok(receiver)
    }

    /// Notes that a document is pushed in now.
    pub fn pushed(&self, number: u64) {
        self.lock().pushed.insert(number, Instant::now());
    }

    /// Answers with 503 from now on, or heals.
    pub fn break_down(&self, is_broken: bool) {
        self.is_broken.store(is_broken, Ordering::SeqCst);
    }

    /// How many documents have come, repeats left out.
    pub fn count(&self) -> u64 {
        *self.arrived.borrow()
    }

    /// Waits until so many have come; says when the last one did. What comes slowly is waited for, silence is not.
    pub async fn until(&self, count: u64, silence: Duration) -> Result<Instant> {
        let mut arrived = self.arrived.subscribe();
        while *arrived.borrow_and_update() < count {
            let more = tokio::time::timeout(silence, arrived.changed()).await.map(drop);
            more.with_context(|| format!("{} of {count} came, and nothing for {silence:?}", self.count()))?;
        }
        Ok(self.lock().newest.unwrap_or_else(Instant::now))
    }

    /// What was seen since the last look.
    pub fn look(&self) -> Seen {
        let mut ledger = self.lock();
        let mut waits = std::mem::take(&mut ledger.waits);
        waits.sort_unstable();
        let (repeats, gap) = (std::mem::take(&mut ledger.repeats), std::mem::take(&mut ledger.gap));
        ledger.newest = None;
        Seen { waits, repeats, gap }
    }

    fn arrives(&self, key: &str, number: Option<u64>) {
        let now = Instant::now();
        let mut ledger = self.lock();
        let hash = ledger.hasher.hash_one(key);
        if !ledger.keys.insert(hash) {
            ledger.repeats += 1;
            return;
        }
        let gap = ledger.newest.map_or(Duration::ZERO, |newest| now - newest);
        ledger.gap = ledger.gap.max(gap);
        ledger.newest = Some(now);
        if let Some(pushed) = number.and_then(|number| ledger.pushed.remove(&number)) {
            ledger.waits.push(now - pushed);
        }
        drop(ledger);
        self.arrived.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes one document.
async fn take(
    State(receiver): State<Receiver>,
    Path((_, reference)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    if receiver.is_broken.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or(&reference);
    receiver.arrives(key, number_in(&body));
    StatusCode::CREATED
}

/// The number of a document, as its title says it in every dialect.
fn number_in(body: &[u8]) -> Option<u64> {
    let after = &body[memchr::memmem::find(body, NUMBER.as_bytes())? + NUMBER.len()..];
    let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
    str::from_utf8(&after[..digits]).ok()?.parse().ok()
}

/// Answers whoever asks whether it works.
async fn probe(State(receiver): State<Receiver>) -> StatusCode {
    if receiver.is_broken.load(Ordering::SeqCst) { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_found_in_every_form_of_the_title() {
        for body in ["{\"title\":\"Lasser nr B17\"}", "<PositionTitle>Lasser nr B17</PositionTitle>"] {
            assert_eq!(number_in(body.as_bytes()), Some(17), "{body}");
        }
        assert_eq!(number_in(b"Lasser"), None);
    }

    #[tokio::test]
    async fn repeats_are_counted_and_not_taken_for_arrivals() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let supervisor = Supervisor::default();
        let receiver = Receiver::start(&supervisor).await.unwrap();
        receiver.pushed(17);
        let http = reqwest::Client::new();
        for _ in 0..2 {
            let request = http.put(format!("{}/vacancy/x", receiver.url)).header("idempotency-key", "\"k\"");
            assert_eq!(request.body("nr B17").send().await.unwrap().status(), 201);
        }
        let seen = receiver.look();
        assert_eq!((receiver.count(), seen.waits.len(), seen.repeats), (1, 1, 1));
        let silent = receiver.until(2, Duration::from_millis(10)).await.unwrap_err();
        assert!(silent.to_string().contains("1 of 2 came"), "{silent:#}");
        receiver.break_down(true);
        assert_eq!(http.get(&receiver.url).send().await.unwrap().status(), 503);
    }
}
