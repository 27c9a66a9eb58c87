//! What the receiver tells of a request, and the rules that a request may break.

use std::fmt;

use bytes::Bytes;
use schemas::{Hash, Kind, Operation};

use crate::Notice;

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// New, and taken.
    Taken,
    /// The same key with the same request again: answered as the first time, nothing done.
    Repeated,
    /// Against a rule; see the violations.
    Refused,
    /// Struck by an injected fault before it was taken.
    TurnedAway,
}

/// One request about a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Counts the requests of all references, from 1.
    pub number: u64,
    /// What it is about.
    pub kind: Kind,
    /// The sender's reference.
    pub reference: String,
    /// What it asks for.
    pub operation: Operation,
    /// The idempotency key, unquoted.
    pub idempotency_key: String,
    /// Of the body; none for a close.
    pub media_type: Option<String>,
    /// What was said beside it of what is withheld, and of what we are obliged to.
    pub notice: Option<Notice>,
    /// The SHA-256 of the body.
    pub body_hash: Hash,
    /// The bytes themselves.
    pub body: Bytes,
    /// The revision that the body shows ([`crate::revision`]).
    pub revision: Option<u64>,
    /// What came of it.
    pub verdict: Verdict,
    /// The status that was answered, or would have been.
    pub status: u16,
    /// Whether the answer was sent in good order.
    pub is_answered: bool,
}

/// A rule of the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// The agreed bearer token, once (RFC 6750): 401.
    Token,
    /// At `/hooks`: an event is fresh and signed with the agreed secret (Standard Webhooks): 401.
    Signature,
    /// `/{kind}/{reference}` with a known kind: 404.
    Path,
    /// `PUT`, `POST` or `DELETE`: 405.
    Method,
    /// One `Idempotency-Key`, a quoted string of 1 to 255 characters (IETF draft §2.1): 400.
    Key,
    /// A key comes again only with the same request (IETF draft §2.7): 422.
    KeyReused,
    /// JSON, XML or plain text, in UTF-8: 415.
    MediaType,
    /// A close has no body (400), or says why and nothing else (422); anything else is a well-formed document (422).
    Body,
    /// The document keeps the partner's own rules: 422.
    Document,
    /// No body above the limit: 413.
    Size,
    /// A key does not come again once a newer one was taken for the reference. Recorded, not refused.
    LateRepeat,
    /// The revision in the document never goes down for a reference. Recorded, not refused.
    Order,
}

impl Rule {
    /// The rule as a code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Signature => "signature",
            Self::Path => "path",
            Self::Method => "method",
            Self::Key => "idempotency_key",
            Self::KeyReused => "idempotency_key_reused",
            Self::MediaType => "media_type",
            Self::Body => "body",
            Self::Document => "document",
            Self::Size => "size",
            Self::LateRepeat => "late_repeat",
            Self::Order => "order",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A breach of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Of which request.
    pub number: u64,
    /// About which reference, if the request got as far.
    pub reference: Option<String>,
    /// Which rule.
    pub rule: Rule,
    /// What is wrong, in our words.
    pub detail: String,
}

/// A rule of the partner that a document breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Where, as a JSON pointer or a path of elements with slashes.
    pub(crate) pointer: String,
    /// Which rule.
    pub(crate) code: &'static str,
    /// What is wrong.
    pub(crate) detail: String,
}
