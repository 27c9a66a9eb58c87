//! What happened to a record, when, by whom and how.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use schemas::PartnerId;
use serde::{Deserialize, Serialize};

use super::super::{
    period::{NoPeriod, Period},
    terms::{ConsentType, Method, State, UnknownTerm},
};

/// Something that happened to a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The state that it led to.
    pub state: State,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Who,
    /// How we know.
    pub method: Method,
    /// How clearly a consent was said.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub consent_type: Option<ConsentType>,
    /// How long a consent holds from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Until>,
    /// Where the proof is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// Who made something happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Who {
    /// The person.
    Subject,
    /// The gateway.
    Gateway,
    /// A partner.
    Partner(PartnerId),
}

/// The end of something: a period, a moment, or something that happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Until {
    /// So long after its beginning.
    Period(Period),
    /// At a moment.
    Instant(Timestamp),
    /// When this happens.
    Event(EventName),
}

impl Until {
    /// Whether it is over, if it began at `start` and `happened` is what has happened since.
    pub fn is_over(&self, start: Timestamp, now: Timestamp, happened: &[EventName]) -> bool {
        match self {
            Self::Event(name) => happened.contains(name),
            Self::Period(_) | Self::Instant(_) => self.end(start).is_some_and(|end| now >= end),
        }
    }

    /// The moment at which it is over, if it began at `start` and time alone ends it.
    pub fn end(&self, start: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Period(period) => Some(period.after(start)),
            Self::Instant(end) => Some(*end),
            Self::Event(_) => None,
        }
    }
}

/// The name of something that may happen, such as `placement.closed`: lower case, words and points.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventName(String);

/// Where a proof is kept: `sha256:` with the hash of a document, or `urn:uuid:` with its number. Never what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Proof(String);

impl FromStr for Who {
    type Err = UnknownTerm;

    fn from_str(text: &str) -> Result<Self, UnknownTerm> {
        let refused =
            || UnknownTerm { list: "actor", text: text.to_owned(), known: vec!["subject", "gateway", "partner:<id>"] };
        match text {
            "subject" => Ok(Self::Subject),
            "gateway" => Ok(Self::Gateway),
            _ => text.strip_prefix("partner:").and_then(|id| id.parse().ok()).map(Self::Partner).ok_or_else(refused),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subject => formatter.write_str("subject"),
            Self::Gateway => formatter.write_str("gateway"),
            Self::Partner(id) => write!(formatter, "partner:{id}"),
        }
    }
}

impl FromStr for Until {
    type Err = NoPeriod;

    fn from_str(text: &str) -> Result<Self, NoPeriod> {
        if let Some(event) = text.strip_prefix("event:").and_then(|name| name.parse().ok()) {
            return Ok(Self::Event(event));
        }
        text.parse().map(Self::Instant).or_else(|_| text.parse().map(Self::Period))
    }
}

impl fmt::Display for Until {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Period(period) => period.fmt(formatter),
            Self::Instant(end) => end.fmt(formatter),
            Self::Event(name) => write!(formatter, "event:{name}"),
        }
    }
}

impl EventName {
    /// The placement for which something was permitted is over, whatever it came to.
    pub fn placement_closed() -> Self {
        Self("placement.closed".to_owned())
    }
}

impl FromStr for EventName {
    type Err = UnknownTerm;

    fn from_str(text: &str) -> Result<Self, UnknownTerm> {
        let is_word = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        if text.len() <= 64 && text.split('.').all(is_word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(UnknownTerm { list: "name of an event", text: text.to_owned(), known: Vec::new() })
        }
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Proof {
    type Err = UnknownTerm;

    fn from_str(text: &str) -> Result<Self, UnknownTerm> {
        let is_hash =
            |hash: &str| hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_known = text.strip_prefix("sha256:").is_some_and(is_hash)
            || text.strip_prefix("urn:uuid:").is_some_and(|id| id.parse::<uuid::Uuid>().is_ok());
        if is_known {
            Ok(Self(text.to_owned()))
        } else {
            let known = vec!["sha256:<64 digits>", "urn:uuid:<number>"];
            Err(UnknownTerm { list: "reference to a proof", text: text.to_owned(), known })
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Reads and writes types by their text form.
macro_rules! by_text {
    ($($name:ident: $error:ty),+) => { $(
        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    )+ };
}
by_text!(Who: UnknownTerm, Until: NoPeriod, EventName: UnknownTerm, Proof: UnknownTerm);

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads texts that are written as they were read, and refuses others.
    fn check<T: FromStr + fmt::Display>(good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(text.parse::<T>().ok().map(|read| read.to_string()).as_deref(), Some(*text));
        }
        for text in bad {
            assert!(text.parse::<T>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_person_the_gateway_and_partners_make_things_happen() {
        check::<Who>(&["subject", "gateway", "partner:acme"], &["", "Subject", "acme", "partner:", "partner:A B"]);
    }

    #[test]
    fn an_end_is_a_period_a_moment_or_something_that_happens() {
        let good = ["P6M", "2026-06-01T12:00:00Z", "event:placement.closed"];
        check::<Until>(&good, &["", "event:", "event:Closed", "tomorrow"]);
    }

    #[test]
    fn events_have_plain_names() {
        let longest = "a".repeat(64);
        let too_long = "a".repeat(65);
        let good = ["placement.closed", "closed", "step_2.done", &longest];
        check::<EventName>(&good, &["", ".", "a..b", "a.", "Closed", "a-b", "a b", &too_long]);
    }

    #[test]
    fn a_proof_is_referred_to_and_never_quoted() {
        let hash = format!("sha256:{}", "0f".repeat(32));
        let bad = [
            format!("sha256:{}", "0f".repeat(31)),
            format!("sha256:{}", "0F".repeat(32)),
            format!("sha256:{}", "0g".repeat(32)),
            "0f".repeat(32),
            "urn:uuid:7".to_owned(),
            "I agree".to_owned(),
        ];
        let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
        check::<Proof>(&[&hash, "urn:uuid:0b9f2d4e-6a51-4c0e-9c3a-2f5d8e7b1a01"], &bad);
    }
}
