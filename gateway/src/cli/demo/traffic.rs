//! The demo's traffic, and what is printed of it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use anyhow::Result;
use connectors::{
    greenhouse::stub::{Delivery, Pace},
    rest::stub::Received,
};
use serde_json::Value;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::{super::output::say, scene::Scene, sent::Sent};

/// A sample of the VDAB dialect, invented; its reference and title change.
const VDAB_DOCUMENT: &str = include_str!("../../../../mappings/dialects/vdab-json/samples/001-full-html.in.json");
/// Vacancies of VDAB that come and change.
const VDAB_VACANCIES: u64 = 8;
/// Between two pulls of EURES.
const PULL_EVERY: Duration = Duration::from_millis(500);

/// The traffic of one demo.
pub struct Traffic {
    pace: Pace,
    seed: u64,
    webhooks: AtomicU64,
    pushed: AtomicU64,
    refused: AtomicU64,
}

impl Traffic {
    /// Traffic at a pace.
    pub fn new(rate: u32, seed: u64) -> Self {
        let counter = || AtomicU64::new(0);
        Self { pace: Pace::per_second(rate), seed, webhooks: counter(), pushed: counter(), refused: counter() }
    }

    /// Runs until it is told to stop, printing what flows.
    pub async fn run(&self, scene: &Scene, stop: &CancellationToken) -> Result<Sent> {
        let (posted, received, pulled) = (scene.ats.observe(), scene.agency.observe(), scene.eures.observe());
        tokio::join!(
            scene.ats.steady(&self.pace, stop),
            self.push(scene, stop),
            pull(scene, stop),
            each(posted, stop, |posted| self.tell_posted(&posted)),
            each(received, stop, |received| tell_received(&received)),
            each(pulled, stop, |pulled| {
                say(&format!(
                    "  EURES pulls   {:9} {} {}",
                    format!("{:?}", pulled.change).to_lowercase(),
                    short(&pulled.reference),
                    pulled.title.unwrap_or_default()
                ));
            }),
        );
        Ok(Sent {
            webhooks: self.webhooks.load(Ordering::Relaxed),
            pushed: self.pushed.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        })
    }

    fn tell_posted(&self, posted: &Delivery) {
        self.webhooks.fetch_add(1, Ordering::Relaxed);
        say(&format!("ATS posts       post {} {} -> {:?}", posted.post, posted.title, posted.answer));
    }

    /// VDAB pushes a changed document now and then.
    async fn push(&self, scene: &Scene, stop: &CancellationToken) {
        let mut number = self.seed;
        while stop.run_until_cancelled(tokio::time::sleep(self.pace.interval * 3)).await.is_some() {
            number += 1;
            let document = vdab_document(number);
            let request =
                scene.http.post(format!("{}/v1/vdab/vacancy", scene.url)).bearer_auth(&scene.vdab_key).json(&document);
            let status = match request.send().await {
                Ok(response) => response.status(),
                Err(error) => {
                    say(&format!("VDAB pushes     cannot reach the gateway: {error}"));
                    continue;
                }
            };
            let counter = if status.is_success() { &self.pushed } else { &self.refused };
            counter.fetch_add(1, Ordering::Relaxed);
            let title = document["functie"]["functieTitel"].as_str().unwrap_or_default();
            say(&format!("VDAB pushes     {title} -> {}", status.as_u16()));
        }
    }
}

async fn pull(scene: &Scene, stop: &CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(PULL_EVERY)).await.is_some() {
        if let Err(error) = scene.pull().await {
            say(&format!("EURES pulls     {error:#}"));
        }
    }
}

fn vdab_document(number: u64) -> Value {
    let mut document: Value = serde_json::from_str(VDAB_DOCUMENT).unwrap_or_default();
    let vacancy = number % VDAB_VACANCIES;
    let title = format!("{} (rev {number})", document["functie"]["functieTitel"].as_str().unwrap_or_default());
    document["vacatureReferentie"]["interneReferentie"] = format!("5d1c0a3e-0000-4000-8000-{vacancy:012}").into();
    document["functie"]["functieTitel"] = title.into();
    document
}

fn tell_received(received: &Received) {
    let revision = received.revision.map(|revision| format!("rev {revision}")).unwrap_or_default();
    say(&format!(
        "  agency gets   {:9} {} {revision} -> {}",
        received.operation,
        short(&received.reference),
        received.status
    ));
}

/// Enough of a reference to recognise it.
fn short(reference: &str) -> &str {
    reference.get(..8).unwrap_or(reference)
}

/// Calls back for each thing seen, until asked to stop.
async fn each<T: Clone>(mut seen: Receiver<T>, stop: &CancellationToken, mut tell: impl FnMut(T)) {
    loop {
        match stop.run_until_cancelled(seen.recv()).await {
            Some(Ok(next)) => tell(next),
            Some(Err(RecvError::Lagged(_))) => {}
            Some(Err(RecvError::Closed)) | None => return,
        }
    }
}
