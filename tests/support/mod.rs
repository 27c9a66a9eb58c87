//! A gateway in its own process and its own folder, seen from outside.

#![allow(dead_code, unused_imports, reason = "every test file uses a part of it")]
#![expect(clippy::disallowed_methods, reason = "tests hold their own tasks")]

mod forwarder;
mod gateway;
mod partners;

pub use self::{
    gateway::{Gateway, Setup},
    partners::{PULLER_TOKEN, WEBHOOK_SECRET, eures_feed, greenhouse_source, pusher, rest_receiver},
};

use std::time::Duration;

/// How long anything may take that the gateway does by itself.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until something holds, looking again and again.
///
/// # Panics
/// If it does not hold in time.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain until {what}");
}
