//! Says in a document whether a value of it may be shown: what the permission says, never what the record holds.

use std::borrow::Cow;

use schemas::{Outcome, Value};

use crate::plan::{ConstantKind, Rule, Scope, ShownBy};

use super::{leaf::content_of, writer::Writer};

impl<'a> Writer<'a> {
    /// Writes whether the value of a rule may be shown; gives it.
    pub(super) fn write_shown(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule, shown: &'a ShownBy) -> bool {
        let may_show = !self.withholds(rule) && !self.is_hidden(shown);
        let node = self.ensure(&scope.places, base, shown.place);
        let text = if may_show { "true" } else { "false" };
        let node = self.sheet.node_mut(node);
        node.content = content_of(ConstantKind::Boolean, Cow::Borrowed(text));
        node.is_constant = true;
        if !may_show && !self.get(rule.level, &rule.target).is_absent() {
            self.note(rule.level, &rule.target, Outcome::Withheld, "hidden");
        }
        may_show
    }

    /// Whether the source of the record itself does not let the value be shown.
    fn is_hidden(&self, shown: &ShownBy) -> bool {
        let root = self.values[0];
        let model = self.program.model;
        let entries = model.field("withheld").map_or(&Value::Absent, |(index, _)| root.field(index)).items();
        entries.iter().any(|entry| entry.field(0).as_text() == Some(&*shown.path))
    }
}
