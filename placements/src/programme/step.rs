//! The steps of a programme.

use std::{fmt, str::FromStr};

/// A step of a person in a programme that leads to placements, in the order in which they usually come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProgrammeStep {
    /// The person has applied.
    Applied,
    /// The person is among those who are looked at closer.
    Shortlisted,
    /// A committee has talked to the person; several organisations may sit on it.
    CommitteeInterview,
    /// The programme takes the person.
    Selected,
    /// The training has begun.
    InTraining,
    /// The training is done.
    Trained,
    /// The person is prepared for leaving.
    PreDeparture,
}

use ProgrammeStep::{Applied, CommitteeInterview, InTraining, PreDeparture, Selected, Shortlisted, Trained};

impl ProgrammeStep {
    /// Every step, in order.
    pub const ALL: [Self; 7] = [Applied, Shortlisted, CommitteeInterview, Selected, InTraining, Trained, PreDeparture];

    /// Its word in an event.
    pub const fn as_str(self) -> &'static str {
        match self {
            Applied => "programme_applied",
            Shortlisted => "programme_shortlisted",
            CommitteeInterview => "committee_interview",
            Selected => "programme_selected",
            InTraining => "in_training",
            Trained => "trained",
            PreDeparture => "pre_departure",
        }
    }

    /// What whoever comes here must have passed, though nobody said so. Not every programme has a short list or a
    /// committee, so that these are implied by nothing.
    pub const fn implies(self) -> &'static [Self] {
        match self {
            Applied => &[],
            Shortlisted | CommitteeInterview | Selected => &[Applied],
            InTraining | PreDeparture => &[Applied, Selected],
            Trained => &[Applied, Selected, InTraining],
        }
    }
}

impl fmt::Display for ProgrammeStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for ProgrammeStep {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|step| step.as_str() == word);
        found.ok_or_else(|| format!("`{word}` is no step of a programme"))
    }
}
