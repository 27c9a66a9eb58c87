//! Identities: who is the same person as whom, though known to different sources. Links are between subjects; nobody's keys,
//! grants or profiles are touched.
//!
//! **Invariant:** a link is only made for one of the reasons of [`Evidence`]; every link and split is an event that stays, and
//! moves the version on of everybody whom it concerns: no claim commits after it that was decided before.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use anyhow::Result;
use async_trait::async_trait;
use consent::{Method, Who};
use schemas::{EntityKey, PartnerId};
use uuid::Uuid;

/// Two subjects, the lower one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pair {
    one: Uuid,
    other: Uuid,
}

impl Pair {
    /// The two in their order; none if they are one.
    pub fn of(one: Uuid, other: Uuid) -> Option<Self> {
        (one != other).then(|| Self { one: one.min(other), other: one.max(other) })
    }

    /// The two, and what is known of each, in their order.
    pub fn with<T>(one: (Uuid, T), other: (Uuid, T)) -> Option<(Self, [T; 2])> {
        let pair = Self::of(one.0, other.0)?;
        Some((pair, if pair.one == one.0 { [one.1, other.1] } else { [other.1, one.1] }))
    }

    /// Both.
    pub fn both(self) -> [Uuid; 2] {
        [self.one, self.other]
    }

    /// The other one of the two.
    pub fn beside(self, subject: Uuid) -> Uuid {
        if subject == self.one { self.other } else { self.one }
    }
}

/// What is said of two subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// They are the same person.
    Linked,
    /// They are not, or nothing says so any more.
    Split,
}

impl Said {
    /// The word in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::Split => "split",
        }
    }
}

/// By what it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// Two partners have verified the same number.
    VerifiedId {
        /// Which kind of number, such as `ma-cin`.
        scheme: String,
    },
    /// One source has merged them.
    SourceMerge,
    /// The person, or somebody in charge of it, has confirmed it.
    Confirmation(Confirmation),
}

/// A confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// Who confirmed it.
    pub by: Who,
    /// How.
    pub method: Method,
    /// Where that stands: an opaque name of a notice, which says nothing of a person.
    pub reference: String,
}

impl Evidence {
    /// The word in the store, the journal and the API.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::VerifiedId { .. } => "verified_id",
            Self::SourceMerge => "source_merge",
            Self::Confirmation(_) => "confirmation",
        }
    }

    /// What holds against what: a person's word against everything, a number against nothing.
    pub fn rank(&self) -> u8 {
        match self {
            Self::VerifiedId { .. } => 0,
            Self::SourceMerge => 1,
            Self::Confirmation(_) => 2,
        }
    }
}

/// Something that was said of two subjects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityEvent {
    /// Its id.
    pub event_id: Uuid,
    /// Of whom.
    pub pair: Pair,
    /// The partners that know them, in the same order.
    pub sources: [PartnerId; 2],
    /// What.
    pub said: Said,
    /// By what it is known.
    pub evidence: Evidence,
    /// The partner that told us; none for an operator.
    pub said_by: Option<PartnerId>,
    /// Why, as a code, if it followed from something else than what was said.
    pub code: Option<String>,
    /// Since when it is so, microseconds since 1970 UTC.
    pub effective_at: i64,
    /// When it was kept.
    pub recorded_at: i64,
}

/// What became of what was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identified {
    /// It is kept; these are everybody whom it concerns, and the partners that know them.
    New(BTreeMap<Uuid, PartnerId>),
    /// It was so already, by this event.
    Known(IdentityEvent),
    /// It was so already, as far as anybody ever said.
    Nothing,
    /// These two would be linked, of whom somebody has said that they are not the same person.
    SplitBefore(Pair),
    /// These two would be linked by a number, of whom one source says that they are two.
    TwoOfOneSource(Pair),
    /// They would be linked all the same: through these.
    LinkedThrough(BTreeSet<Uuid>),
}

/// In which share of the log what is about somebody lies.
#[derive(Clone)]
pub struct Shares(pub Arc<dyn Fn(EntityKey) -> u32 + Send + Sync>);

impl fmt::Debug for Shares {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Shares")
    }
}

/// Who is the same person as whom.
#[async_trait]
pub trait Identities: Send + Sync {
    /// Keeps what was said, and wants everything dispatched again that is about anybody whom it concerns, in one transaction.
    async fn identify(&self, event: IdentityEvent, shares: Shares) -> Result<Identified>;

    /// Everybody who is the same person as a subject, itself included.
    async fn same_person(&self, subject: Uuid) -> Result<BTreeSet<Uuid>>;

    /// The links that hold between any of these and anybody, each with the event that it rests on, oldest first.
    async fn links_of(&self, subjects: &BTreeSet<Uuid>) -> Result<Vec<IdentityEvent>>;

    /// Everything that was ever said of a subject, oldest first.
    async fn identity_events(&self, subject: Uuid) -> Result<Vec<IdentityEvent>>;
}
