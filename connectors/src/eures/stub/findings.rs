//! Collects the breaches of one document or one answer.

use super::rule::{Breach, Rule};
use crate::foreign_text;

/// More breaches than this in one document help nobody.
const MOST: usize = 200;

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
    breaches: Vec<Breach>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(reference: Option<&'a str>, binding: Binding) -> Self {
        Self { reference, binding, breaches: Vec::new() }
    }

    /// Adds a breach about the document or the answer.
    pub(super) fn add(&mut self, rule: Rule, at: &str, problem: &str) {
        self.add_about(self.reference.map(str::to_owned), rule, at, problem);
    }

    /// Adds a breach about a vacancy that an answer names.
    pub(super) fn add_about(&mut self, reference: Option<String>, rule: Rule, at: &str, problem: &str) {
        let binds = self.binding == Binding::Written || rule.binds_samples;
        if binds && self.breaches.len() < MOST {
            let problem = foreign_text::one_line(problem);
            self.breaches.push(Breach { reference, rule, at: foreign_text::one_line(at), problem });
        }
    }

    pub(super) fn into_breaches(self) -> Vec<Breach> {
        self.breaches
    }
}
