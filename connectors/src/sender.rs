//! What every way of sending looks like to delivery.

use std::time::Duration;

use async_trait::async_trait;
use schemas::{DispatchId, EntityKey, Kind, Operation};
use thiserror::Error;

use crate::outcome::Sent;

/// One document on its way to one partner.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Which dispatch.
    pub dispatch: DispatchId,
    /// Stable over attempts: the same key always goes with the same bytes (design §2, *Sending*).
    pub idempotency_key: String,
    /// The outgoing reference.
    pub reference: EntityKey,
    /// What it does to the entity.
    pub operation: Operation,
    /// What it is about.
    pub kind: Kind,
    /// Of the body.
    pub media_type: String,
    /// The document in the partner's dialect; empty for a close.
    pub body: Vec<u8>,
    /// How long the whole exchange may take.
    ///
    /// Longer than the connector's time-out for connecting, else a host that cannot be reached looks ambiguous.
    pub time_out: Duration,
    /// Why it is closed, for those who want to know; none for a document.
    pub closing: Option<Closing>,
    /// What the receiver is told beside a document about a person.
    pub notice: Option<Notice>,
}

/// What a receiver is told beside a document about a person: structured fields (RFC 9651), in headers where there are any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// `Passerelle-Withheld`: a list of consent categories that were withheld, each with its `reason`. It follows what was
    /// permitted, and is the same whether or not there was anything to withhold.
    pub withheld: String,
    /// `Passerelle-Obligations`: a dictionary with `retention` (an ISO 8601 period), `onward` (`deny` or
    /// `with-authorisation`) and `notify-on-change`.
    pub obligations: String,
}

impl Notice {
    /// The header of what is withheld.
    pub const WITHHELD: &str = "passerelle-withheld";
    /// The header of what the receiver is obliged to.
    pub const OBLIGATIONS: &str = "passerelle-obligations";
}

/// Why an entity is closed at a partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// As a code of ours.
    pub code: String,
    /// In the source's own words or code, if it said any.
    pub words: Option<String>,
}

/// Whether a send that was not answered may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Repeats {
    /// Yes: the partner recognises the idempotency key.
    ByKey,
    /// Yes: the partner upserts by reference, a second copy changes nothing.
    ByReference,
    /// No: ask first.
    Never,
}

/// One way of sending.
///
/// **Invariant:** a sender never sends anything twice; whether to repeat is decided by delivery alone.
#[async_trait]
pub trait Sender: Send + Sync {
    /// Sends one parcel, once.
    async fn send(&self, parcel: Parcel) -> Sent;

    /// Tests the connection without changing anything at the partner: for an operator, and for a breaker that is half open.
    async fn probe(&self) -> Result<(), ProbeError>;

    /// Whether an unanswered send may be repeated.
    fn repeats(&self) -> Repeats;
}

/// Why a partner cannot be used as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProbeError {
    /// No HTTP client: the host has no CA certificates.
    #[error("cannot build an HTTP client: {0}")]
    Client(String),
    /// Nobody answers at the address.
    #[error("nobody answers: {0}")]
    Unreachable(String),
    /// The token is refused.
    #[error("the token is refused (HTTP {0})")]
    Refused(u16),
    /// The base URL leads elsewhere.
    #[error("the address redirects (HTTP {0}); correct the base URL")]
    Redirected(u16),
    /// The partner fails at the moment.
    #[error("the partner fails (HTTP {0})")]
    Failing(u16),
    /// What answers is not what was agreed.
    #[error("it does not answer as agreed: {0}")]
    Protocol(String),
}
