//! Every kind of fault in a random order, or random ones for hours.

use std::time::{Duration, Instant};

use rand::{
    RngExt,
    seq::{IndexedRandom, SliceRandom},
};

use crate::{fault::Fault, site::Site};

/// For how many seconds random faults are to happen, instead of every kind once.
const SOAK: &str = "PASSERELLE_SOAK_SECONDS";
/// The seed to begin with, instead of a random one.
const SEED: &str = "PASSERELLE_SEED";
/// Faults of a round, when there are many rounds.
const FAULTS_A_ROUND: usize = 20;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_breaks_what_was_acknowledged_arrives_in_order() {
    let seed = number(SEED).unwrap_or_else(|| rand::rng().random());
    let Some(seconds) = number(SOAK) else {
        return round(seed, |site| {
            let mut faults = Fault::ALL.to_vec();
            faults.shuffle(&mut site.random);
            faults
        })
        .await;
    };
    let end = Instant::now() + Duration::from_secs(seconds);
    for seed in (seed..).take_while(|_| Instant::now() < end) {
        let choose = |site: &mut Site| {
            (0..FAULTS_A_ROUND).map(|_| *Fault::ALL.choose(&mut site.random).unwrap()).collect::<Vec<_>>()
        };
        round(seed, choose).await;
    }
}

/// One site from its start to its verdict.
async fn round(seed: u64, choose: impl Fn(&mut Site) -> Vec<Fault>) {
    let mut site = Site::start_with_people(seed).await;
    for fault in choose(&mut site) {
        if !fault.is_possible(&site) {
            site.say(&format!("skipped: {fault:?}; this needs root and what `just test-faults` prepares"));
            continue;
        }
        site.run(0.5..3.0).await;
        fault.happen(&mut site).await;
    }
    site.run(1.0..3.0).await;
    site.end().await.assert_clean();
}
