//! What a translation could not carry: pointers and codes, never values.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What became of a field that was not kept as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Unreadable here: a newer version wrote it.
    Unknown,
    /// Carried with less precision, such as a broader code or a cut text.
    Coarsened,
    /// Not said by the source: taken from a default.
    Defaulted,
    /// Mended on the way, such as a wrong encoding.
    Repaired,
    /// Not shown to this receiver.
    Withheld,
    /// Not carried.
    Dropped,
}

/// One field that was not kept as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossEntry {
    /// What became of it.
    pub outcome: Outcome,
    /// Why, as a code.
    pub code: Cow<'static, str>,
    /// Where in the source document: JSON Pointer, XPath or label.
    pub pointer: Option<String>,
    /// Where in the canonical record.
    pub path: Option<String>,
}

/// The loss report of one translation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LossReport {
    /// How many fields were kept as they were.
    pub kept: i64,
    /// Every field that was not.
    pub entries: Vec<LossEntry>,
}

/// A loss report, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LossCounts {
    /// Kept as they were.
    pub kept: i64,
    /// Carried with less precision.
    pub coarsened: i64,
    /// Taken from a default.
    pub defaulted: i64,
    /// Mended.
    pub repaired: i64,
    /// Not shown to this receiver.
    pub withheld: i64,
    /// Not carried.
    pub dropped: i64,
}

impl LossReport {
    /// Adds an entry.
    pub fn note(
        &mut self,
        outcome: Outcome,
        code: impl Into<Cow<'static, str>>,
        pointer: Option<String>,
        path: Option<String>,
    ) {
        self.entries.push(LossEntry { outcome, code: code.into(), pointer, path });
    }

    /// The report, counted.
    pub fn counts(&self) -> LossCounts {
        let mut counts = LossCounts { kept: self.kept, ..LossCounts::default() };
        for entry in &self.entries {
            match entry.outcome {
                Outcome::Coarsened => counts.coarsened += 1,
                Outcome::Defaulted => counts.defaulted += 1,
                Outcome::Repaired => counts.repaired += 1,
                Outcome::Withheld => counts.withheld += 1,
                Outcome::Dropped => counts.dropped += 1,
                Outcome::Unknown => {}
            }
        }
        counts
    }
}
