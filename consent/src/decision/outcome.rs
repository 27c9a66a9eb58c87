//! What was decided, and how it came about.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::Timestamp;
use schemas::Category;
use serde::Serialize;
use uuid::Uuid;

use super::{
    super::{
        grant::{Grant, Onward},
        period::Period,
    },
    reason::{Reason, Withheld},
};

/// What was decided, and how it came about.
#[derive(Debug, Clone, Serialize)]
pub struct Decision {
    /// What was decided.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The steps that were taken, in their order; the last one may have failed.
    pub steps: Vec<Step>,
    /// What became of each category.
    pub categories: Vec<CategoryDecision>,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Outcome {
    /// What the mask lets through may go.
    Permit {
        /// What goes and what does not.
        mask: Mask,
        /// What the recipient is obliged to.
        obligations: Obligations,
        /// The grants on which it rests: it holds as long as they have these versions.
        grants: Vec<GrantVersion>,
    },
    /// Nothing may go.
    Deny {
        /// Why.
        reason: Reason,
        /// What would help.
        remedy: &'static str,
    },
}

/// What goes and what does not. Says nothing about whether there is anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Mask {
    /// What goes.
    pub permitted: BTreeSet<Category>,
    /// What was asked for and does not go, and why.
    pub withheld: BTreeMap<String, Withheld>,
}

/// What the recipient is obliged to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Obligations {
    /// When it must be deleted at the latest.
    pub retain_until: Timestamp,
    /// The same as a period, which does not move with the moment of the decision.
    pub retention: Period,
    /// Whether it may be passed on.
    pub onward: Onward,
    /// Whether the recipient hears of withdrawal, erasure and correction.
    pub notify_on_change: bool,
}

/// A grant and how many events it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct GrantVersion {
    /// The record.
    pub record_id: Uuid,
    /// The number of its events.
    pub version: usize,
}

/// A step of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its number.
    pub number: usize,
    /// Whether it was passed.
    pub passed: bool,
    /// What was found; for one that failed, what would help.
    pub said: String,
}

/// What became of a category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CategoryDecision {
    /// As it was asked for.
    pub category: String,
    /// Why it is withheld, if it is.
    pub withheld: Option<Withheld>,
    /// The provisions that decided, each with its record and version.
    pub decided_by: BTreeSet<String>,
}

impl Outcome {
    pub(super) fn denied(reason: Reason) -> Self {
        Self::Deny { reason, remedy: reason.remedy() }
    }

    pub(super) fn permitted(mask: Mask, obligations: Obligations, grants: Vec<GrantVersion>) -> Self {
        Self::Permit { mask, obligations, grants }
    }
}

impl Step {
    pub(super) fn new(number: usize, said: impl Into<String>) -> Self {
        Self { number, passed: true, said: said.into() }
    }
}

impl GrantVersion {
    /// The version of a grant.
    pub fn of(grant: &Grant) -> Self {
        Self { record_id: grant.id(), version: grant.version() }
    }
}

impl fmt::Display for GrantVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} version {}", self.record_id, self.version)
    }
}
