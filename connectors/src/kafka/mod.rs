//! Kafka as a way to and from a partner: a topic that it reads what it is owed from, a topic that it pushes into.
//!
//! What stands in them: the key is the reference, the value is the document, and what else is to be known is in headers.
//! A closing has no value, so that a compacted topic forgets what is closed. **Invariant:** one topic per partner and
//! direction, so that rights are given by name.

mod brokers;
mod inbox;
mod outcome;
mod push;

pub use self::{
    brokers::{Brokers, Ca, Mechanism, Protocol, Sasl},
    inbox::{Inbox, InboxError, InboxSettings, Received},
    push::{KafkaPush, KafkaPushSettings},
};

/// The header that tells repeats: the same key always goes with the same bytes.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The header that says what a record does: `upsert` or `close`. Where it is not said, a record without value closes.
pub const OPERATION: &str = "operation";
/// The header with the media type of the value.
pub const CONTENT_TYPE: &str = "content-type";
/// The header that names the dispatch, for questions about it.
pub const DISPATCH_ID: &str = "dispatch-id";
/// The header of a closing with its reason, as a code or in the source's words.
pub const REASON: &str = "reason";
