//! The vacancies that the stub gives, and the breaches of its rules.

use std::fmt;

use jiff::{Timestamp, civil::Date};
use serde_json::{Value, json};

use super::vacancy::Vacancy;
use crate::vdab::state::day;

/// More violations than this are only counted.
const MOST_VIOLATIONS: usize = 10_000;

/// A rule of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VdabRule {
    /// A token that is good and the API key with every call: 401.
    Credentials,
    /// Only parameters that the call has, each in its form: 400.
    Parameters,
    /// A window is at most five days long and does not end before it begins: 400.
    Window,
    /// No more references at once than are given: 400.
    Part,
    /// No more vacancies at once than are given: 400.
    Batch,
}

impl VdabRule {
    /// The rule as a code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Parameters => "parameters",
            Self::Window => "window",
            Self::Part => "part",
            Self::Batch => "batch",
        }
    }
}

impl fmt::Display for VdabRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A breach of a rule of reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VdabViolation {
    /// Which rule.
    pub rule: VdabRule,
    /// What is wrong, in our words.
    pub detail: String,
}

/// What is known of one vacancy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// `interneReferentie`.
    pub reference: String,
    /// From 1, without a gap; also in the title, as [`crate::revision::mark`] writes it.
    pub revision: u64,
    /// Whether it is public.
    pub is_published: bool,
    /// The title with the mark.
    pub title: String,
}

/// Everything that VDAB has.
#[derive(Debug, Default)]
pub(super) struct Register {
    vacancies: Vec<Vacancy>,
    made: u64,
    oddities: Vec<(Timestamp, Value)>,
    violations: Vec<VdabViolation>,
    /// How often something has happened by itself.
    happened: usize,
}

impl Register {
    pub(super) fn publish(&mut self, at: Timestamp) -> String {
        self.made += 1;
        let vacancy = Vacancy::invent(self.made, at);
        let reference = vacancy.reference.clone();
        self.vacancies.push(vacancy);
        reference
    }

    pub(super) fn change(&mut self, reference: &str, at: Timestamp) -> bool {
        self.with(reference, |vacancy| vacancy.revise(true, at))
    }

    pub(super) fn withdraw(&mut self, reference: &str, at: Timestamp) -> bool {
        self.with(reference, |vacancy| vacancy.revise(false, at))
    }

    pub(super) fn lose(&mut self, reference: &str) -> bool {
        let before = self.vacancies.len();
        self.vacancies.retain(|vacancy| vacancy.reference != reference);
        self.vacancies.len() < before
    }

    pub(super) fn list_oddity(&mut self, entry: Value, at: Timestamp) {
        self.oddities.push((at, entry));
    }

    fn with(&mut self, reference: &str, act: impl FnOnce(&mut Vacancy)) -> bool {
        let found = self.vacancies.iter_mut().find(|vacancy| vacancy.reference == reference);
        found.map(act).is_some()
    }

    /// The next thing that happens by itself: until there are enough vacancies one is published, then each fourth
    /// time one is withdrawn or published again, else one is changed.
    pub(super) fn happen(&mut self, at: Timestamp, most: usize) {
        self.happened += 1;
        if self.vacancies.len() < most.max(1) {
            self.publish(at);
            return;
        }
        let index = self.happened.wrapping_mul(7) % self.vacancies.len();
        let vacancy = &mut self.vacancies[index];
        let is_withdrawn = vacancy.is_published && self.happened.is_multiple_of(4);
        vacancy.revise(!is_withdrawn, at);
    }

    pub(super) fn registered(&self) -> Vec<Registered> {
        let registered = self.vacancies.iter().map(|vacancy| Registered {
            reference: vacancy.reference.clone(),
            revision: vacancy.revision,
            is_published: vacancy.is_published,
            title: vacancy.title(),
        });
        registered.collect()
    }

    /// What is published on a day, as entries of a list.
    pub(super) fn published_on(&self, date: Date) -> Vec<Value> {
        let published = |vacancy: &&Vacancy| vacancy.is_published && day(vacancy.published_at) <= date;
        self.vacancies.iter().filter(published).map(Vacancy::entry).collect()
    }

    /// What changed in a window, as entries of a list.
    pub(super) fn changed_in(&self, from: Timestamp, to: Timestamp) -> Vec<Value> {
        let changed = self.vacancies.iter().filter(|vacancy| (from..to).contains(&vacancy.changed_at));
        let odd = self.oddities.iter().filter(|(at, _)| (from..to).contains(at));
        changed.map(Vacancy::entry).chain(odd.map(|(_, entry)| entry.clone())).collect()
    }

    /// One vacancy as a document, also if it is not published.
    pub(super) fn document(&self, reference: &str) -> Option<Value> {
        self.vacancies.iter().find(|vacancy| vacancy.reference == reference).map(Vacancy::document)
    }

    pub(super) fn violate(&mut self, rule: VdabRule, detail: &str) {
        if self.violations.len() < MOST_VIOLATIONS {
            self.violations.push(VdabViolation { rule, detail: detail.to_owned() });
        }
    }

    pub(super) fn violations(&self) -> Vec<VdabViolation> {
        self.violations.clone()
    }
}

/// A list, or a part of it.
pub(super) fn envelope(all: &[Value], offset: usize, length: usize) -> Value {
    let part: Vec<&Value> = all.iter().skip(offset).take(length).collect();
    json!({ "aantal": all.len(), "resultaten": part })
}
