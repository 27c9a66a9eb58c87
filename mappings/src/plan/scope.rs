//! Compiles the lines of one scope, with everything inside.

use crate::{
    document::{NameId, ROOT},
    grammar,
};

use super::{
    Constant, Covered, Group, Scope, Selector, compile::Compiler, places::Places, rules::RuleMaker, scopes::Sorted,
};

impl Compiler<'_, '_> {
    /// Compiles a scope with everything inside; gives what can be read and what can be written of its record.
    pub(super) fn compile_scope(
        &mut self,
        index: usize,
        shape: &grammar::Shape,
        sorted: &Sorted<'_>,
        name: NameId,
        constants: (&mut Vec<Constant>, &mut Vec<(NameId, NameId, usize)>),
    ) -> (Scope, Covered, Covered) {
        let draft = &sorted.scopes[index];
        let mut places = Places::new(name);
        let mut rules = Vec::new();
        let mut readable = vec![Covered::default(); draft.level + 1];
        let mut writable = readable.clone();
        let mut deeper = Vec::new();
        for (line_index, owner) in &draft.lines {
            let line = &shape.lines[*line_index];
            let steps = &sorted.steps[*line_index];
            let mut maker = RuleMaker { compiler: self, places: &mut places, scope: draft, line };
            let Some(rule) = maker.make(&sorted.scopes[*owner], steps, sorted.opens[*line_index].is_some()) else {
                continue;
            };
            let shown_by = rule.shown_by.as_ref().map(|shown| &shown.place);
            for place in rule.places.iter().take(1).chain(&rule.also).chain(&rule.month).chain(shown_by) {
                self.rank(places.list[*place].name, *line_index);
            }
            let selections = rule.places.iter().filter_map(|place| places.list[*place].selection.as_ref());
            let names: Vec<NameId> = selections.filter_map(|selection| selection.at.last().copied()).collect();
            for name in names.into_iter().chain(rule.further_names()) {
                self.rank(name, *line_index);
            }
            rules.push(rule);
            deeper.push(sorted.opens[*line_index]);
        }
        let mut made = Vec::new();
        for (mut rule, opens) in rules.into_iter().zip(deeper) {
            let level = rule.level;
            if let (Some(inner), super::Action::Group(group)) = (opens, &mut rule.action) {
                let name = group.repeat.name;
                let (scope, inner_readable, inner_writable) =
                    self.compile_scope(inner, shape, sorted, name, (&mut *constants.0, &mut *constants.1));
                group.scope = scope;
                for (all, inner) in [(&mut readable, inner_readable), (&mut writable, inner_writable)] {
                    merge_inner(all, level, &rule.target, group, inner);
                }
            } else {
                for (all, is_wanted) in [(&mut readable, rule.reads), (&mut writable, rule.writes)] {
                    if is_wanted {
                        rule.cover(&mut all[level]);
                    }
                }
            }
            made.push(rule);
        }
        let always = self.read_constants(index, shape, sorted, &mut places, constants);
        let has_shared = made.iter().any(|rule| rule.level < draft.level);
        // What belongs to outer records is handed on with them.
        let (readable, writable) = (fold(readable), fold(writable));
        let depends = |rule: &super::Rule| rule.writes && (rule.with_parent.is_some() || rule.starts_with.is_some());
        let deferred = (0..made.len()).filter(|index| depends(&made[*index])).collect();
        let scope = Scope { places: places.list, rules: made, deferred, always, has_shared };
        (scope, readable, writable)
    }

    /// Remembers that a line writes a name, and everything above it.
    fn rank(&mut self, name: NameId, line: usize) {
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let mut at = name;
        while at != ROOT {
            let first = self.first_lines.entry(at).or_insert(line);
            *first = line.min(*first);
            at = self.namer.names.parent(at);
        }
    }
}

/// Adds what the items of a group express to the record that the list belongs to.
fn merge_inner(all: &mut [Covered], level: usize, target: &super::Target, group: &Group, mut inner: Covered) {
    let selector = match &group.only {
        Some((field, value)) => {
            inner.field(*field).is_whole = true;
            Selector::Only(*field, value.clone())
        }
        None => Selector::Each,
    };
    // The innermost record of the inner scope is the item; what it expresses of outer records comes first.
    let outer = std::mem::take(&mut inner.outer);
    for (all, outer) in all.iter_mut().zip(outer) {
        all.merge(outer);
    }
    all[level].at(target).item(selector).merge(inner);
}

/// The expressed part of the innermost record, carrying those of the outer ones.
fn fold(mut levels: Vec<Covered>) -> Covered {
    let mut own = levels.pop().unwrap_or_default();
    own.outer = levels;
    own
}
