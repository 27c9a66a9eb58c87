//! Faults that wait for the requests they are meant for, and one that strikes until it is healed.

use std::{collections::VecDeque, iter};

use super::injection::Injection;

/// More faults than this are not remembered.
const MOST_WAITING: usize = 10_000;

/// The faults of one partner.
#[derive(Debug, Default)]
pub(super) struct Faults {
    waiting: VecDeque<Injection>,
    lasting: Option<Injection>,
}

impl Faults {
    /// Strikes the next requests, after the faults ordered before.
    pub(super) fn add(&mut self, times: usize, injection: &Injection) {
        let room = MOST_WAITING.saturating_sub(self.waiting.len());
        self.waiting.extend(iter::repeat_n(injection.clone(), times.min(room)));
    }

    /// Strikes every request that no ordered fault strikes.
    pub(super) fn last(&mut self, injection: Injection) {
        self.lasting = Some(injection);
    }

    /// The fault of the next request.
    pub(super) fn next(&mut self) -> Option<Injection> {
        self.waiting.pop_front().or_else(|| self.lasting.clone())
    }

    /// The fault that strikes until it is healed.
    pub(super) fn lasting(&self) -> Option<Injection> {
        self.lasting.clone()
    }

    /// Forgets them all.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
