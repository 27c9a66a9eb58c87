//! What a receiving partner got, and the faults that can be ordered of it.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::{
    desk::Desk,
    received::{Received, Violation},
};
use crate::stub::{Injection, LimitBreach};

/// A handle to what a partner was sent.
#[derive(Debug, Clone)]
pub struct Inbox(Arc<Desk>);

impl Inbox {
    pub(crate) fn new(desk: Arc<Desk>) -> Self {
        Self(desk)
    }

    /// Tells of every request that got past the checks, from now on; who lags behind misses the oldest.
    pub fn observe(&self) -> broadcast::Receiver<Received> {
        self.0.observe()
    }

    /// The references there are requests about.
    pub fn references(&self) -> Vec<String> {
        self.0.ledger().references()
    }

    /// The requests about a reference that got past the checks, oldest first.
    pub fn history(&self, reference: &str) -> Vec<Received> {
        self.0.ledger().history(reference)
    }

    /// The breaches of the rules, oldest first; at most 10,000.
    pub fn violations(&self) -> Vec<Violation> {
        self.0.ledger().violations()
    }

    /// How many breaches there were.
    pub fn violation_count(&self) -> u64 {
        self.0.ledger().violation_count()
    }

    /// The references of requests that were answered, and during which another one about the same reference began.
    pub fn overlaps(&self) -> Vec<String> {
        self.0.overlaps()
    }

    /// How many requests there were, of any kind.
    pub fn requests(&self) -> u64 {
        self.0.front().requests()
    }

    /// The requests that exceeded a limit, oldest first; at most 10,000.
    pub fn limit_breaches(&self) -> Vec<LimitBreach> {
        self.0.front().limit_breaches()
    }

    /// How often a limit was exceeded.
    pub fn limit_breach_count(&self) -> u64 {
        self.0.front().limit_breach_count()
    }

    /// Strikes the next requests that get past the checks, after the faults ordered before.
    pub fn inject(&self, times: usize, injection: &Injection) {
        self.0.front().inject(times, injection);
    }

    /// Strikes every request from now on, until it is healed.
    pub fn fail_now(&self, injection: Injection) {
        self.0.front().fail_now(injection);
    }

    /// Forgets the fault that lasts and those that have not struck yet.
    pub fn heal(&self) {
        self.0.front().heal();
    }

    /// Waits until something is true of what was received. The caller sets the time-out.
    pub async fn until(&self, mut is_true: impl FnMut(&Self) -> bool) {
        let mut changes = self.0.changes();
        while !is_true(self) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}
