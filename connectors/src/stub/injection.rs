//! Faults to order: what a stub partner does instead of answering as it should.

use std::time::Duration;

/// When a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// The request is read, and nothing is done with it.
    BeforeTaking,
    /// The document is taken, and only the answer fails.
    AfterTaking,
}

/// A fault of a partner.
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
    /// Answers 200 with something that is not what the media type says.
    Nonsense,
    /// Does what it should and answers late, at the latest when the stub heals.
    Slow(Duration),
}

impl Injection {
    /// Whether the request has its effect all the same.
    pub(crate) fn takes(&self) -> bool {
        match self {
            Self::Status { .. } | Self::Nonsense => false,
            Self::Hang(moment) | Self::Reset(moment) | Self::Garbage(moment) => *moment == Moment::AfterTaking,
            Self::Slow(_) => true,
        }
    }

    /// Whether an answer arrives that can be understood.
    pub(crate) fn answers(&self) -> bool {
        matches!(self, Self::Status { .. } | Self::Nonsense | Self::Slow(_))
    }
}
