//! The demo's traffic, and what is printed of it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use connectors::{
    greenhouse::stub::{Delivery, Pace},
    rest::stub::Received,
    stub::{Injection, Moment},
};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::{super::output::say, cohort::Cohort, persons, scene::Scene};

/// Vacancies that VDAB and ANAPEC have at most.
const MOST: usize = 12;
/// When the agency fails, and for how long, over and over.
const WELL_FOR: Duration = Duration::from_secs(5);
const FAILS_FOR: Duration = Duration::from_secs(3);
/// Between two pulls of EURES.
const PULL_EVERY: Duration = Duration::from_millis(500);

/// The traffic of one demo.
pub struct Traffic {
    pace: Pace,
    webhooks: AtomicU64,
}

impl Traffic {
    /// Traffic at a pace.
    pub fn new(rate: u32) -> Self {
        Self { pace: Pace::per_second(rate), webhooks: AtomicU64::new(0) }
    }

    /// Runs until it is told to stop, printing what flows.
    pub async fn run(&self, scene: &Scene, cohort: &Cohort, stop: &CancellationToken) -> u64 {
        let (posted, pulled) = (scene.ats.observe(), scene.eures.observe());
        tokio::join!(
            scene.ats.steady(&self.pace, stop),
            scene.vdab.steady(self.pace.interval * 3, MOST, stop),
            scene.anapec.steady(self.pace.interval * 4, MOST, stop),
            persons::traffic(scene, stop),
            cohort.traffic(scene, stop),
            misbehave(scene, stop),
            pull(scene, stop),
            each(posted, stop, |posted| self.tell_posted(&posted)),
            each(scene.agency.observe(), stop, |received| tell_received("agency gets", &received)),
            each(scene.actiris.observe(), stop, |received| tell_received("Actiris gets", &received)),
            each(scene.vdab.inbox().observe(), stop, |received| tell_received("VDAB gets", &received)),
            each(scene.staal.observe(), stop, |received| tell_profile("Staalbouw gets", &received)),
            each(pulled, stop, |pulled| {
                say(&format!(
                    "  EURES pulls   {:9} {} {}",
                    format!("{:?}", pulled.change).to_lowercase(),
                    short(&pulled.reference),
                    pulled.title.unwrap_or_default()
                ));
            }),
        );
        self.webhooks.load(Ordering::Relaxed)
    }

    fn tell_posted(&self, posted: &Delivery) {
        self.webhooks.fetch_add(1, Ordering::Relaxed);
        say(&format!("ATS posts       post {} {} -> {:?}", posted.post, posted.title, posted.answer));
    }
}

async fn pull(scene: &Scene, stop: &CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(PULL_EVERY)).await.is_some() {
        if let Err(error) = scene.pull().await {
            say(&format!("EURES pulls     {error:#}"));
        }
    }
}

/// The agency resets connections for a while, then heals.
async fn misbehave(scene: &Scene, stop: &CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(WELL_FOR)).await.is_some() {
        say("agency fails    every connection is reset");
        scene.agency.fail_now(Injection::Reset(Moment::BeforeTaking));
        stop.run_until_cancelled(tokio::time::sleep(FAILS_FOR)).await;
        scene.agency.heal();
        say("agency heals");
    }
}

fn tell_received(who: &str, received: &Received) {
    let revision = received.revision.map(|revision| format!("rev {revision}")).unwrap_or_default();
    say(&format!(
        "  {who:13} {:9} {} {revision} -> {}",
        received.operation,
        short(&received.reference),
        received.status
    ));
}

/// A profile that an employer got, with what is withheld of it.
fn tell_profile(who: &str, received: &Received) {
    let withheld = received.notice.as_ref().map(|notice| notice.withheld.as_str()).unwrap_or_default();
    let names = withheld.split(", ").filter_map(|one| one.split(';').next()).collect::<Vec<_>>().join(", ");
    tell_received(who, received);
    say(&format!("{:18}withheld: {names}", ""));
}

/// Enough of a reference to recognise it.
pub fn short(reference: &str) -> &str {
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
