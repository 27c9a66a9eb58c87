//! What came of one send: the four outcomes of the design (§2, step 3).
//!
//! **Invariant:** no text in here is a body, a token or an address; foreign words come in through
//! [`crate::foreign_text`] only.

use std::time::Duration;

use crate::limit::Limit;

/// What came of one send, and what the partner said of its limits on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// What came of it.
    pub outcome: Outcome,
    /// The limits that the partner announced; empty if it did not.
    pub limits: Vec<Limit>,
}

/// An outcome without an answer, or with one that announces nothing.
impl From<Outcome> for Sent {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, limits: Vec::new() }
    }
}

/// What came of one send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The partner has it.
    Delivered {
        /// What the partner calls it, if it said so.
        foreign_reference: Option<String>,
    },
    /// It never left us, or the partner said later: sending it again is safe.
    Retry {
        /// One of [`code`].
        code: &'static str,
        /// More, for an operator.
        detail: String,
        /// How long the partner asked to be left alone (`Retry-After`, else until its limit has room), at most a week.
        after: Option<Duration>,
    },
    /// The partner refuses the document.
    Rejected {
        /// Why; at least one.
        faults: Vec<Fault>,
    },
    /// It was sent, or may have been, and no usable answer came.
    Ambiguous {
        /// One of [`code`].
        code: &'static str,
        /// More, for an operator.
        detail: String,
    },
}

/// One fault that a partner finds in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where in the document, as a JSON pointer (RFC 6901), if the partner said so.
    pub pointer: Option<String>,
    /// Which fault, as a code: the partner's, else `http_` and the status.
    pub code: String,
    /// What is wrong, in the partner's words: bounded, one line, withheld for personal kinds.
    pub problem: String,
}

/// The codes of [`Outcome::Retry`] and [`Outcome::Ambiguous`], each with its cause and its cure.
pub mod code {
    /// Retry: no HTTP client could be built. The host has no CA certificates: install them.
    pub const CLIENT: &str = "client";
    /// Retry: no connection (name, network, TLS, time-out of connecting). Look at the partner's address and ours.
    pub const UNREACHABLE: &str = "unreachable";
    /// Retry: the partner does not know our token (401). Renew the secret; the documents are not at fault.
    pub const UNAUTHORISED: &str = "unauthorised";
    /// Retry: the partner has moved (3xx) and redirects are never followed. Correct the base URL.
    pub const REDIRECTED: &str = "redirected";
    /// Retry: there is no such topic at the partner's brokers. Let it be made.
    pub const NO_TOPIC: &str = "no_topic";
    /// Retry: the partner asked for a pause (408, 425, 429, 503, or 409 with `Retry-After`).
    pub const LATER: &str = "later";
    /// Retry: the partner failed (500 and above).
    pub const PARTNER_FAILED: &str = "partner_failed";
    /// Ambiguous: the time was up before an answer came. Ask the partner before sending again.
    pub const TIME_OUT: &str = "time_out";
    /// Ambiguous: the connection ended, or what came back was no HTTP. Ask the partner before sending again.
    pub const NO_ANSWER: &str = "no_answer";
    /// Ambiguous: a proxy answered for a partner that must not get anything twice (502, 504).
    pub const PROXY_ANSWERED: &str = "proxy_answered";
    /// Ambiguous: a final answer that HTTP does not define. Ask the partner what it means.
    pub const ODD_STATUS: &str = "odd_status";
}
