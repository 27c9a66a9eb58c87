//! Reads the month of a date that stands apart from its year.

use schemas::{Outcome, Value};

use crate::{
    document::Kind,
    plan::{Rule, Scope},
};

use super::reader::Reader;

impl<'p> Reader<'p, '_> {
    /// Adds the month to the year that the rule has read.
    pub(super) fn read_month(&mut self, scope: &'p Scope, base: usize, rule: &'p Rule) {
        let Some(node) = rule.month.and_then(|place| self.find(&scope.places, base, place)) else {
            return;
        };
        if self.tree.node(node).kind == Kind::Null {
            return;
        }
        let month = self.tree.own_text(node).trim().parse::<u8>().ok().filter(|month| (1..=12).contains(month));
        let slot = rule.target.slot(&mut self.values[rule.level], &self.tongue);
        match (month, slot.as_text().filter(|year| year.len() == 4)) {
            (Some(month), Some(year)) if self.tree.is_leaf(node) => {
                *slot = Value::text(format!("{year}-{month:02}"));
                self.keep(node, rule.level, &rule.target);
            }
            _ if self.tree.is_leaf(node) => self.note(node, Outcome::Dropped, "no_date", None),
            _ => self.drop_below(node, "unexpected_structure"),
        }
    }
}
