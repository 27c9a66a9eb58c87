//! Collects the breaches of one document or one answer.

use super::rule::{Breach, Rule};
use crate::foreign_text;

/// More breaches than this of one document help nobody.
const MOST_OF_A_DOCUMENT: usize = 200;
/// More breaches than this of one pull help nobody.
const MOST_OF_A_PULL: usize = 10_000;

/// Whether a document is one that was written for us now, or an old sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// All rules bind it.
    Written,
    /// Only those that NAV's samples obey do: they have dates and regions that the rules forbid.
    Sample,
}

/// The breaches found so far.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    reference: Option<&'a str>,
    binding: Binding,
    most: usize,
    breaches: Vec<Breach>,
}

impl<'a> Findings<'a> {
    /// Of a document.
    pub(super) fn of_document(reference: Option<&'a str>, binding: Binding) -> Self {
        Self { reference, binding, most: MOST_OF_A_DOCUMENT, breaches: Vec::new() }
    }

    /// Of the answers of one pull and the documents in them.
    pub(super) fn of_pull() -> Self {
        Self { reference: None, binding: Binding::Written, most: MOST_OF_A_PULL, breaches: Vec::new() }
    }

    /// Adds a breach about the document or the answer.
    pub(super) fn add(&mut self, rule: Rule, at: &str, problem: &str) {
        self.add_about(self.reference.map(str::to_owned), rule, at, problem);
    }

    /// Adds a breach about a vacancy that an answer names.
    pub(super) fn add_about(&mut self, reference: Option<String>, rule: Rule, at: &str, problem: &str) {
        let binds = self.binding == Binding::Written || rule.binds_samples;
        if binds && self.breaches.len() < self.most {
            let problem = foreign_text::one_line(problem);
            self.breaches.push(Breach { reference, rule, at: foreign_text::one_line(at), problem });
        }
    }

    /// Adds breaches that were found elsewhere.
    pub(super) fn extend(&mut self, breaches: Vec<Breach>) {
        let room = self.most.saturating_sub(self.breaches.len());
        self.breaches.extend(breaches.into_iter().take(room));
    }

    pub(super) fn into_breaches(self) -> Vec<Breach> {
        self.breaches
    }
}
