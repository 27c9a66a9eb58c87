//! What a document says that it holds but may not be shown.

use schemas::{Outcome, Value};

use crate::{
    document::{Kind, Mark, NONE, NodeId},
    plan::{Rule, Scope, ShownBy},
};

use super::reader::Reader;

/// The loss code, and the reason in the record.
const HIDDEN: &str = "hidden";

impl<'p> Reader<'p, '_> {
    /// Whether the document lets the value of a rule be shown: only `true` does.
    pub(super) fn may_show(&mut self, scope: &'p Scope, base: usize, shown: &ShownBy) -> bool {
        let Some(node) = self.find(&scope.places, base, shown.place) else {
            return false;
        };
        if self.tree.node(node).kind == Kind::Null {
            return false;
        }
        let text = self.tree.own_text(node).trim().to_owned();
        if !self.tree.is_leaf(node) {
            self.drop_below(node, "unexpected_structure");
            return false;
        }
        if !["true", "false"].contains(&&*text) {
            self.note(node, Outcome::Coarsened, "unknown_mask", None);
            return false;
        }
        let mark = &mut self.tree.node_mut(node).mark;
        *mark = (*mark).max(Mark::Kept);
        text == "true"
    }

    /// Passes over what may not be shown, the same whether or not it is there: it stands in the record under `withheld`,
    /// in the report, and nowhere else.
    pub(super) fn hide(&mut self, scope: &'p Scope, base: usize, rule: &'p Rule, shown: &ShownBy) {
        let notes = self.notes.len();
        for place in rule.places.iter().chain(&rule.also) {
            if let Some(node) = self.find(&scope.places, base, *place) {
                self.hide_below(node, rule);
            }
        }
        if self.notes.len() == notes {
            let path = self.path(rule.level, &rule.target);
            self.extra.note(Outcome::Withheld, HIDDEN, None, Some(path));
        }
        self.withheld.push(shown.path.to_string());
    }

    fn hide_below(&mut self, node: NodeId, rule: &'p Rule) {
        if self.tree.node(node).kind == Kind::Null {
            self.tree.node_mut(node).mark = Mark::Discarded;
        } else if self.tree.is_leaf(node) {
            self.note(node, Outcome::Withheld, HIDDEN, Some((rule.level, &rule.target)));
        }
        let mut child = self.tree.first(node);
        while child != NONE {
            self.hide_below(child, rule);
            child = self.tree.next(child);
        }
    }

    /// Puts into the record what the document does not let be shown.
    pub(super) fn put_withheld(&mut self, root: &mut Value) {
        let model = self.program.model;
        let Some((index, field)) = model.field("withheld").filter(|_| !self.withheld.is_empty()) else {
            return;
        };
        let Some(entry) = field.ty.record_inside() else {
            return;
        };
        let slot = root.field_mut(model, index);
        for path in std::mem::take(&mut self.withheld) {
            let mut value = Value::empty_record(entry);
            for (at, text) in [(0, path.as_str()), (1, HIDDEN)] {
                *value.field_mut(entry, at) = Value::text(text);
            }
            slot.items_mut().push(value);
        }
    }
}
