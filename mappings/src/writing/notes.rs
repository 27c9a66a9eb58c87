//! What is noted of the fields, and their paths.

use schemas::Outcome;

use crate::plan::{Rule, Target, push_index};

use super::writer::Writer;

impl Writer<'_> {
    /// Whether the rule was run before, for an earlier item of a repeated part.
    pub(super) fn is_repeat(&self, rule: &Rule) -> bool {
        self.frames[rule.level + 1..].iter().any(|frame| frame.ordinal > 0)
    }

    /// Notes that a field is not written as it is.
    pub(super) fn note(&mut self, level: usize, target: &Target, outcome: Outcome, code: &'static str) {
        if self.frames[level + 1..].iter().any(|frame| frame.ordinal > 0) {
            return;
        }
        let path = self.path(level, target);
        self.note_path(path, outcome, code);
    }

    /// Notes that the field at a path is not written as it is.
    pub(super) fn note_path(&mut self, path: String, outcome: Outcome, code: &'static str) {
        self.lost += 1;
        self.loss.note(outcome, code, None, Some(path));
    }

    /// The canonical path with its indices.
    pub(super) fn path(&self, level: usize, target: &Target) -> String {
        let mut text = String::with_capacity(48);
        self.render_item(level, &mut text);
        target.render(self.values[level], &self.tongue, &mut text);
        text
    }

    /// Writes the path of the item of a level.
    pub(super) fn render_item(&self, level: usize, text: &mut String) {
        let frame = self.frames[level];
        if let Some((owner, target)) = frame.list {
            self.render_item(owner, text);
            target.render(self.values[owner], &self.tongue, text);
            push_index(text, frame.index);
        }
    }
}
