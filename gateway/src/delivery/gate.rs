//! Whether a partner may be sent to now: its breaker, then its limit.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    breaker::{Breaker, Circuit},
    limit::Permit,
    limits::PartnerLimit,
};

/// The right to send one request to the partner now.
pub type SendPermit = Permit<Instant>;

/// The gate of one partner.
pub struct Gate {
    limit: Arc<PartnerLimit>,
    breaker: Breaker,
}

/// What the gate says.
#[derive(Debug)]
pub enum Opening {
    /// Something may be sent.
    Go(SendPermit),
    /// Nothing now; ask again in so long.
    Wait(Duration),
    /// Nothing now; the connection is to be tested.
    Test,
    /// Nothing until the test of the connection has ended.
    Testing,
}

/// What an attempt showed of the partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    /// There was none.
    None,
    /// It answered.
    Answered,
    /// It did not answer, or failed.
    Failed,
    /// It asked to be left alone.
    Later(Duration),
}

impl Gate {
    /// A gate with a closed breaker.
    pub fn new(limit: Arc<PartnerLimit>, breaker: Breaker) -> Self {
        Self { limit, breaker }
    }

    /// Asks for one send.
    pub fn ask(&mut self) -> Opening {
        match self.breaker.look(Instant::now()) {
            Circuit::Open(wait) => Opening::Wait(wait),
            Circuit::Test => Opening::Test,
            Circuit::Testing => Opening::Testing,
            Circuit::Closed => self.limit.take().map_or_else(Opening::Wait, Opening::Go),
        }
    }

    /// Notes what an attempt showed. Returns whether that opened the breaker.
    pub fn learn(&mut self, contact: Contact) -> bool {
        match contact {
            Contact::None => false,
            Contact::Failed => self.breaker.failed(Instant::now()),
            Contact::Answered => {
                self.breaker.succeeded();
                false
            }
            Contact::Later(wish) => {
                self.breaker.succeeded();
                self.limit.pause(wish);
                false
            }
        }
    }

    /// Notes how a test of the connection went.
    pub fn tested(&mut self, is_well: bool) {
        self.breaker.tested(is_well, Instant::now());
    }

    /// Whether the breaker is open.
    pub fn is_open(&self) -> bool {
        self.breaker.is_open()
    }
}
