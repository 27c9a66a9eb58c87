//! Faults to order: what the receiver does instead of answering as it should.

use std::{collections::VecDeque, time::Duration};

/// More injected faults than this are not remembered.
const MOST_WAITING: usize = 10_000;

/// When a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// The request is read, and nothing is done with it.
    BeforeTaking,
    /// The document is taken, and only the answer fails.
    AfterTaking,
}

/// A fault of the receiver.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Injection {
    /// Answers with a status and takes nothing.
    Status {
        /// The status.
        status: u16,
        /// The value of `Retry-After`.
        retry_after: Option<String>,
    },
    /// Never answers; ends when the sender leaves or the stub stops.
    Hang(Moment),
    /// Resets the connection after the whole request is read.
    Reset(Moment),
    /// Answers with something that is no HTTP.
    Garbage(Moment),
    /// Takes the document and answers late.
    Slow(Duration),
}

impl Injection {
    /// Whether the document is taken all the same.
    pub(super) fn takes(&self) -> bool {
        match self {
            Self::Status { .. } => false,
            Self::Hang(moment) | Self::Reset(moment) | Self::Garbage(moment) => *moment == Moment::AfterTaking,
            Self::Slow(_) => true,
        }
    }

    /// Whether an answer arrives that can be understood.
    pub(super) fn answers(&self) -> bool {
        matches!(self, Self::Status { .. } | Self::Slow(_))
    }
}

/// Faults that wait for the requests they are meant for, first come first served.
#[derive(Debug, Default)]
pub(super) struct Injections(VecDeque<Injection>);

impl Injections {
    pub(super) fn add(&mut self, times: usize, injection: &Injection) {
        let room = MOST_WAITING.saturating_sub(self.0.len());
        self.0.extend(std::iter::repeat_n(injection.clone(), times.min(room)));
    }

    pub(super) fn next(&mut self) -> Option<Injection> {
        self.0.pop_front()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
