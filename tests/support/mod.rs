//! A gateway in its own process and its own folder, seen from outside.

#![allow(dead_code, unused_imports, reason = "every test file uses a part of it")]
#![expect(clippy::disallowed_methods, reason = "tests hold their own tasks")]

mod compressed;
mod database;
mod engines;
mod files;
mod forwarder;
mod gateway;
mod log;
mod partners;
mod people;
mod persons;
mod small_disk;
mod sources;
mod traffic;
mod verdict;

pub use self::{
    compressed::{gzip, zstd},
    database::database_at,
    engines::{Engines, engines, third_party_python},
    files::{FileServer, Says, document_bytes, document_file, picture_bytes, picture_file, video_bytes, video_file},
    forwarder::{Balancer, Forwarder},
    gateway::{Gateway, Setup},
    partners::{
        PULLER_TOKEN, WEBHOOK_SECRET, eures_feed, feed_reader, greenhouse_event, greenhouse_source, pusher,
        rest_receiver,
    },
    people::{Desk, People, Said},
    persons::{
        PERMITTED, STRANGER, TRANSFERS, employer, eures_cvs, grant, grant_to, jobseeker, keep, media_source, platform,
        profile_source, pull_until, puller, pulling_employer, recalls, taken, telling_source, until_recalled,
        until_taken,
    },
    small_disk::{SmallDisk, fill, free},
    sources::{Sending, Sources, eures},
    traffic::{RECEIVER_TOKEN, Report, Trial, receiver, under_traffic},
    verdict::{Expected, arrivals_at, check_order, is_settled, missing_at_eures, missing_at_receiver},
};

use std::time::{Duration, Instant};

/// How long anything may take that the gateway does by itself.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until something holds, looking again and again.
///
/// # Panics
/// If it does not hold in time.
pub async fn until(what: &str, holds: impl AsyncFnMut() -> bool) {
    assert!(comes_true(PATIENCE, holds).await, "waited in vain until {what}");
}

/// Whether something holds within a time, looking again and again.
pub async fn comes_true(within: Duration, mut holds: impl AsyncFnMut() -> bool) -> bool {
    let waited = tokio::time::timeout(within, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.is_ok()
}

/// The most arrivals that any stretch of time saw.
pub fn most_within(stretch: Duration, arrivals: &[Instant]) -> usize {
    let within =
        |first: usize| arrivals[first..].iter().take_while(|at| at.duration_since(arrivals[first]) < stretch).count();
    (0..arrivals.len()).map(within).max().unwrap_or(0)
}

/// Something of the machine that a test cannot do without. Where it is missing the test is skipped, but not in CI.
///
/// # Panics
/// In CI, which installs what is wanted.
pub fn wanted_tool<T>(name: &str, remedy: &str, found: Option<T>) -> Option<T> {
    if found.is_none() {
        assert!(std::env::var_os("PASSERELLE_CI").is_none(), "there is no {name}: {remedy}");
        println!("skipped: there is no {name}; {remedy}");
    }
    found
}
