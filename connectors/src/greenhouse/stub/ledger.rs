//! What the stub has sent and what came of it: the truth that a checker compares others with.

use std::fmt;

use schemas::Hash;

/// What a webhook announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A post was made.
    JobPostCreated,
    /// A post was changed, published or taken off line.
    JobPostUpdated,
    /// A post that is off line was deleted.
    JobPostDeleted,
    /// The job behind a post was changed, such as closed.
    JobUpdated,
}

impl Action {
    /// The vendor's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JobPostCreated => "job_post_created",
            Self::JobPostUpdated => "job_post_updated",
            Self::JobPostDeleted => "job_post_deleted",
            Self::JobUpdated => "job_updated",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What came of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// A status came back. The vendor takes 200 for success and nothing else.
    Status(u16),
    /// There was no connection: nobody can have seen it.
    Unreachable,
    /// It was sent and no status came back: somebody may have seen it.
    Silence,
}

impl Answer {
    /// Whether the receiver has it.
    pub const fn is_acknowledged(self) -> bool {
        matches!(self, Self::Status(200))
    }
}

/// One attempt to deliver a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// `Greenhouse-Event-ID`, another one each time.
    pub event_id: String,
    /// What came of it.
    pub answer: Answer,
}

/// What is known of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Answered with 200: it must not be lost.
    Acknowledged,
    /// Not acknowledged, but an attempt was sent: it may be known or not.
    Uncertain,
    /// Not acknowledged, and nobody can have seen it.
    Unseen,
}

/// One version of a post, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// From 1, without a gap; also in the title, as [`crate::revision::mark`] writes it.
    pub revision: u64,
    /// What the webhook said.
    pub action: Action,
    /// Whether the post is public in this version.
    pub live: bool,
    /// The title with the mark.
    pub title: String,
    /// The SHA-256 of the bytes of the webhook.
    pub body_hash: Hash,
    /// The attempts, oldest first.
    pub attempts: Vec<Attempt>,
}

impl Version {
    /// What is known of it.
    pub fn fate(&self) -> Fate {
        if self.attempts.iter().any(|attempt| attempt.answer.is_acknowledged()) {
            Fate::Acknowledged
        } else if self.attempts.iter().any(|attempt| attempt.answer != Answer::Unreachable) {
            Fate::Uncertain
        } else {
            Fate::Unseen
        }
    }
}

/// All versions of one post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostLedger {
    /// The post's id.
    pub post: u64,
    /// The job's id.
    pub job: u64,
    /// Oldest first; each was settled or given up before the next was sent.
    pub versions: Vec<Version>,
}

impl PostLedger {
    /// The newest version, whatever came of it.
    pub fn last(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// The versions that were answered with 200, in order.
    pub fn acknowledged(&self) -> impl DoubleEndedIterator<Item = &Version> {
        self.versions.iter().filter(|version| version.fate() == Fate::Acknowledged)
    }
}

/// One attempt, as observers are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The post's id; 0 for a ping.
    pub post: u64,
    /// The revision; 0 for a ping.
    pub revision: u64,
    /// What the webhook said; `None` for a ping.
    pub action: Option<Action>,
    /// Whether the post is public in this version.
    pub live: bool,
    /// The title with the mark.
    pub title: String,
    /// From 1.
    pub attempt: u32,
    /// `Greenhouse-Event-ID` of this attempt.
    pub event_id: String,
    /// What came of it.
    pub answer: Answer,
}
