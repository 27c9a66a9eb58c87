//! Reads what follows from a place that another rule carries, such as the province of a town.

use schemas::{Outcome, Value};

use crate::{
    codes::Given,
    document::NodeId,
    plan::{Action, CodedLeaf, Rule, Scope},
};

use super::reader::Reader;

impl<'p> Reader<'p, '_> {
    /// Fills in what follows from the place and was not said. The place itself stays as it was marked.
    pub(super) fn read_derived(&mut self, scope: &'p Scope, base: usize, rule: &'p Rule) {
        let mut nodes: Vec<NodeId> = Vec::new();
        for place in &rule.places {
            nodes.extend(self.find(&scope.places, base, *place));
        }
        let Some(value) = nodes.into_iter().find_map(|node| rule.derive(self.tree.own_text(node).trim())) else {
            return;
        };
        let slot = rule.target.slot(&mut self.values[rule.level], &self.tongue);
        if slot.is_absent() {
            *slot = value;
            let path = self.path(rule.level, &rule.target);
            self.extra.note(Outcome::Defaulted, "derived", None, Some(path));
        }
    }
}

impl Rule {
    /// The value that follows from some words, where a code list leads to one.
    pub(crate) fn derive(&self, words: &str) -> Option<Value> {
        match &self.action {
            Action::Leaf(leaf) => {
                let coder = leaf.coder.as_ref()?;
                coder.coder.derive_text(words, coder.derives_words).map(Value::Text)
            }
            Action::Coded(CodedLeaf { coder, shape, .. }) if !words.is_empty() => {
                let found = coder.read(shape, Given { code: Some(words), ..Given::default() });
                let is_known = found.coarsened != Some("unknown_code");
                (is_known && coder.leads_to(shape.scheme(&found.value))).then_some(found.value)
            }
            _ => None,
        }
    }
}
