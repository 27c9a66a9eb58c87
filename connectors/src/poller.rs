//! What every way of reading a source looks like to whoever polls it.
//!
//! A poller keeps nothing: where it is stands in a [`Cursor`], which its host stores **after** what the page holds is
//! accepted. So a run may break off anywhere and go on from there, and a page may come twice.
//!
//! Absence is no signal in itself (lesson 10 of the design): a partial run must close nothing. A run over everything
//! has a [`RunId`] on all its pages; only after a page that says [`Progress::Complete`] is gone what the host knew
//! **before it asked for the first page of that run** and no page of the run has listed.

use std::{fmt, str::FromStr, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::{limit::Limit, sender::ProbeError};

/// One source that is read.
///
/// **Invariant:** every call to the source has a time-out and reads a bounded answer, and waits for its
/// [`Host::turn`] first.
#[async_trait]
pub trait Poller: Send + Sync {
    /// Reads the page after the cursor; `None` begins anew, with a run over everything.
    ///
    /// # Errors
    /// Any [`PollError`]. Nothing of the page is lost: the same cursor asks for it again.
    async fn page(&self, cursor: Option<&Cursor>, host: &dyn Host) -> Result<Page, PollError>;

    /// Whether what a complete run did not list is gone. Most sources list everything that they have.
    ///
    /// # Errors
    /// Any [`PollError`]; nothing is known then.
    async fn is_gone(&self, _reference: &str, _host: &dyn Host) -> Result<bool, PollError> {
        Ok(true)
    }

    /// Tests the connection without changing anything at the source.
    async fn probe(&self) -> Result<(), ProbeError>;
}

/// What a poller needs of whoever runs it.
#[async_trait]
pub trait Host: Send + Sync {
    /// Returns when one more request may be sent to the source.
    async fn turn(&self);

    /// Keeps those whose documents are to be fetched: not known as open, or with another [`Listed::mark`] than when
    /// they were last accepted. If it cannot tell, all.
    async fn wanted(&self, listed: Vec<Listed>) -> Vec<Listed>;
}

/// Where a poller is: JSON text that only the poller understands. It holds no secret and nothing personal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor(String);

/// Why a text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it is no JSON")]
pub struct CursorError;

impl Cursor {
    /// The text to store.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The cursor of a poller's own state.
    pub fn of<T: Serialize>(state: &T) -> Self {
        Self(serde_json::to_string(state).expect("the state of a poller is plain data with text for keys"))
    }

    /// The poller's own state; the beginning if there is no cursor.
    pub fn read<T: DeserializeOwned + Default>(cursor: Option<&Self>) -> Result<T, PollError> {
        let Some(cursor) = cursor else { return Ok(T::default()) };
        serde_json::from_str(&cursor.0).map_err(|_| PollError::Cursor)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        serde_json::from_str::<&RawValue>(text).map_err(|_| CursorError)?;
        Ok(Self(text.to_owned()))
    }
}

/// One run over everything that a source has; another one each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunId(u64);

impl RunId {
    /// A run that was never before.
    pub fn fresh() -> Self {
        Self(rand::random())
    }
}

/// Sixteen hexadecimal digits.
impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// What one step of reading brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The documents, to be accepted in this order.
    pub fetched: Vec<Fetched>,
    /// The run over everything that the page belongs to; `None` for news.
    pub run: Option<RunId>,
    /// What the source says it has. Counts as seen in the run. Documents have their marks here, in the same page.
    pub listed: Vec<Listed>,
    /// The references that the source itself says are gone, now: to be closed. None of them is listed.
    pub gone: Vec<String>,
    /// What could not be understood, to be parked. A run that met any is never complete.
    pub unreadable: Vec<Unreadable>,
    /// Whether to ask again at once.
    pub progress: Progress,
    /// Where to go on; to be stored once all of the above is accepted.
    pub next: Cursor,
    /// What the source last said of its limits.
    pub limits: Vec<Limit>,
}

/// How far a poller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Progress {
    /// There is more: ask again at once.
    More,
    /// That is all for now. Absence says nothing.
    CaughtUp,
    /// That is all for now, and the run of this page is complete: what it did not list is gone.
    Complete,
}

/// One document as the source gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// What the source calls it in its list.
    pub reference: String,
    /// The document: exactly the bytes that came, or that part of them which is this document.
    pub bytes: Bytes,
    /// Of the bytes.
    pub media_type: String,
    /// When the source says it changed it.
    pub modified_at: Option<Timestamp>,
}

/// One entry of a source's list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Listed {
    /// What the source calls it.
    pub reference: String,
    /// Differs when the document is known to have changed; `None` if the list does not tell.
    pub mark: Option<String>,
}

/// A part of an answer that is not what it should be, while the rest is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its reference, if that much can be read.
    pub reference: Option<String>,
    /// Which call of the source.
    pub call: &'static str,
    /// Where in its answer, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong, in our words.
    pub problem: &'static str,
    /// The part itself; bounded.
    pub bytes: Bytes,
}

/// Why a page could not be read, by what helps.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PollError {
    /// No HTTP client: install CA certificates, or correct those that are configured.
    #[error("cannot build an HTTP client: {0}")]
    Client(String),
    /// Renew the secret.
    #[error("`{call}`: the credentials are refused (HTTP {status})")]
    Unauthorised {
        /// Which call.
        call: &'static str,
        /// The status.
        status: u16,
    },
    /// Wait: for as long as the source says, else for a while.
    #[error("`{call}`: the limit is reached (HTTP {status})")]
    Limited {
        /// Which call.
        call: &'static str,
        /// The status.
        status: u16,
        /// `Retry-After`, or until the announced limit is whole again; at most a week.
        after: Option<Duration>,
    },
    /// Try again later; if it lasts, look at the source's address and ours.
    #[error("`{call}`: no answer: {detail}")]
    Unreachable {
        /// Which call.
        call: &'static str,
        /// Why; without an address.
        detail: String,
    },
    /// Try again later: the source fails.
    #[error("`{call}`: the source fails (HTTP {status})")]
    Failing {
        /// Which call.
        call: &'static str,
        /// The status.
        status: u16,
        /// `Retry-After`; at most a week.
        after: Option<Duration>,
    },
    /// A person must look: the source does not answer as agreed.
    #[error("`{call}` at `{pointer}`: {problem}")]
    Protocol {
        /// Which call.
        call: &'static str,
        /// Where in the answer, as a JSON pointer; empty for the whole.
        pointer: String,
        /// What is wrong, in our words.
        problem: String,
    },
    /// Begin anew, without a cursor: the stored one is not of this poller.
    #[error("the cursor is not one of this poller")]
    Cursor,
}

impl PollError {
    /// How long the source asked to be left alone.
    pub fn after(&self) -> Option<Duration> {
        match self {
            Self::Limited { after, .. } | Self::Failing { after, .. } => *after,
            _ => None,
        }
    }

    /// The error as a code, for logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Client(_) => "client",
            Self::Unauthorised { .. } => "unauthorised",
            Self::Limited { .. } => "limited",
            Self::Unreachable { .. } => "unreachable",
            Self::Failing { .. } => "partner_failed",
            Self::Protocol { .. } => "protocol",
            Self::Cursor => "cursor",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_any_json() {
        let cursor: Cursor = r#"{"from":"2026-01-05T08:00:00Z"}"#.parse().unwrap();
        assert_eq!(cursor.as_str(), r#"{"from":"2026-01-05T08:00:00Z"}"#);
        assert_eq!("{".parse::<Cursor>().unwrap_err(), CursorError);
    }

    #[test]
    fn a_cursor_of_another_poller_is_an_error_and_none_is_the_beginning() {
        let cursor = Cursor::of(&["a"]);
        assert_eq!(Cursor::read::<u64>(Some(&cursor)), Err(PollError::Cursor));
        assert_eq!(Cursor::read::<u64>(None), Ok(0));
    }
}
