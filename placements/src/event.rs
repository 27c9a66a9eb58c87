//! What somebody says happened.

use jiff::Timestamp;

use super::State;

/// An event, as its source says it; never changed afterwards.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// When it happened.
    pub effective_at: Timestamp,
    /// Its number at its source, if that counts what it says.
    pub sequence: Option<u64>,
    /// Who says it.
    pub source: String,
    /// What the source calls the event; with the source it is the event's name.
    pub id: String,
    /// The earlier event of the same source that this one stands for from now on.
    pub supersedes: Option<String>,
    /// What happened. None takes back what is superseded, and says nothing else.
    pub happening: Option<Happening>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happening {
    /// The placement has come to a state.
    Reached(State),
    /// The placement is back in a state where it was before.
    Back(State),
    /// Something that changes no state.
    Milestone(Milestone),
}

impl Happening {
    /// What a word says happened: a state, or what is noted while the person works. None if it is neither.
    pub fn of(word: &str, is_back: bool) -> Option<Self> {
        let noted = MILESTONES.iter().find(|(_, name)| *name == word).map(|(milestone, _)| Self::Milestone(*milestone));
        let state = || Some(if is_back { Self::Back(word.parse().ok()?) } else { Self::Reached(word.parse().ok()?) });
        noted.or_else(state)
    }
}

const MILESTONES: [(Milestone, &str); 5] = [
    (Milestone::Retained3m, "retained_3m"),
    (Milestone::Retained6m, "retained_6m"),
    (Milestone::Retained12m, "retained_12m"),
    (Milestone::ConvertedToPermanent, "converted_to_permanent"),
    (Milestone::PermitRenewed, "permit_renewed"),
];

impl Milestone {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        MILESTONES[self as usize].1
    }
}

/// What is worth noting while a person works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Milestone {
    /// Works there for three months.
    Retained3m,
    /// For six months.
    Retained6m,
    /// For twelve months.
    Retained12m,
    /// The contract has no end any more.
    ConvertedToPermanent,
    /// The permit holds for longer.
    PermitRenewed,
}
