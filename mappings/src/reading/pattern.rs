//! Reads several fields from one text, constants, and places that repeat what another says.

use schemas::{Outcome, Value};

use crate::{
    document::{Kind, Mark, NodeId},
    plan::{ConstantKind, Pattern, Rule, Scope},
};

use super::{leaf::Read, reader::Reader};

impl<'p> Reader<'p, '_> {
    /// Reads several fields from one text: the first wording that fits.
    pub(super) fn read_pattern(&mut self, rule: &'p Rule, pattern: &'p Pattern, node: NodeId) -> bool {
        if matches!(self.tree.node(node).kind, Kind::Object | Kind::List) {
            self.drop_below(node, "unexpected_structure");
            return false;
        }
        let text = crate::text::clean(self.tree.own_text(node).trim()).0.into_owned();
        if text.is_empty() {
            return false;
        }
        if let Some(read) = read_forms(pattern, rule, &text) {
            for (index, value, note) in read {
                let target = &pattern.fields[index].0;
                self.assign(rule.level, target, value, node);
                if let Some((outcome, code)) = note {
                    self.note(node, outcome, code, Some((rule.level, target)));
                }
            }
            return true;
        }
        if let Some(target) = &pattern.keep_text {
            self.assign(rule.level, target, Value::text(text), node);
            return true;
        }
        self.note(node, Outcome::Dropped, "pattern_mismatch", Some((rule.level, &rule.target)));
        false
    }

    /// Reads the places that say the same as the rule's own.
    pub(super) fn read_also(&mut self, scope: &'p Scope, base: usize, rule: &'p Rule, node: NodeId) {
        for place in &rule.also {
            let Some(other) = self.find(&scope.places, base, *place) else {
                continue;
            };
            if self.tree.own_text(other).trim() == self.tree.own_text(node).trim() {
                self.keep(other, rule.level, &rule.target);
            } else {
                self.note(other, Outcome::Dropped, "constant_differs", None);
            }
        }
    }

    /// Reads the constants: what is as it must be is carried by the mapping itself.
    pub(super) fn read_constants(&mut self) {
        let shape = self.shape;
        if shape.constants.all.is_empty() {
            return;
        }
        for node in 0..self.tree.len() {
            let Ok(node) = NodeId::try_from(node) else {
                return;
            };
            let number = self.tree.known_name(node).and_then(|name| shape.constants.of_name[name as usize]);
            let (Some(number), Mark::Unread) = (number, self.tree.node(node).mark) else {
                continue;
            };
            if matches!(self.tree.node(node).kind, Kind::Object | Kind::List | Kind::Null) {
                continue;
            }
            let constant = &shape.constants.all[number];
            let wanted: &str = match constant.kind {
                ConstantKind::Parameter(index) => &self.program.parameters[index].1,
                _ => &constant.text,
            };
            if self.tree.own_text(node).trim() == wanted {
                self.tree.node_mut(node).mark = Mark::Kept;
            } else {
                self.note(node, Outcome::Dropped, "constant_differs", None);
            }
        }
    }
}

type ReadField = (usize, Value, Option<(Outcome, &'static str)>);

fn read_forms(pattern: &Pattern, rule: &Rule, text: &str) -> Option<Vec<ReadField>> {
    pattern.forms.iter().find_map(|form| {
        let captures = form.regex.captures(text)?;
        let mut fields = Vec::new();
        for (_, index) in &form.parts {
            let part = captures.name(&format!("f{index}")).map_or("", |found| found.as_str());
            match pattern.fields[*index].1.read(part, Kind::Text, &rule.absent) {
                Read::Value(value, note) => fields.push((*index, value, note)),
                Read::Cleared | Read::Unreadable(_) => return None,
            }
        }
        Some(fields)
    })
}
