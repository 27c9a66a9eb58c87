//! What need not be written, since it follows from what is.

use crate::plan::Rule;

use super::{sheet::NONE, writer::Writer};

impl Writer<'_> {
    /// Remembers a field that will be read again as what follows from a place that was written.
    pub(super) fn check_derived(&mut self, base: usize, rule: &Rule) {
        let places = rule.places.iter().map(|place| self.slots[base + place]).filter(|node| *node != NONE);
        let derived = places.map(|node| self.sheet.letters(node).trim()).find_map(|words| rule.derive(words));
        if derived.is_some_and(|value| value == *self.get(rule.level, &rule.target)) {
            let path = self.path(rule.level, &rule.target);
            self.derived.push(path);
        }
    }
}
