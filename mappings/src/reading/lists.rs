//! Reads what a document repeats: lists of records, lists of values, and their length.

use schemas::{Outcome, Value};

use crate::{
    document::{Kind, Mark, NONE, NodeId},
    plan::{Element, Group, List, Repeat, Rule, Scope, Split},
};

use super::{
    coded::ReadElement,
    leaf::Read,
    reader::{Frame, Item, Reader},
};

impl<'p> Reader<'p, '_> {
    /// Reads a list of records.
    pub(super) fn read_group(&mut self, scope: &'p Scope, base: usize, rule: &'p Rule, group: &'p Group) -> bool {
        let Some((container, first)) = self.repeated(scope, base, &group.repeat) else {
            return false;
        };
        let mut next = first;
        if next.is_none() {
            return self.read_empty_list(rule, &group.repeat, container);
        }
        let mut built: Vec<Value> = Vec::new();
        let start = if self.is_repeated(rule) { 0 } else { self.length_of(rule) };
        let mut ordinal = 0;
        while let Some(node) = next {
            next = self.next_repeat(self.tree.next(node), &group.repeat);
            self.items.push(Item {
                node,
                owner: self.frames[rule.level].item,
                target: &rule.target,
                key: group.key,
                index: start + built.len(),
            });
            self.frames.push(Frame { item: Some(self.items.len() - 1), ordinal });
            self.values.push(Value::Absent);
            self.read_scope(&group.scope, node);
            ordinal += 1;
            self.frames.pop();
            let mut item = self.values.pop().unwrap_or_default();
            if item.is_absent() {
                continue;
            }
            if let Some((field, value)) = &group.only {
                *item.field_mut(group.record, *field) = value.clone();
            }
            built.push(item);
        }
        self.put_list(rule, built, (first, &group.repeat), group.only.as_ref())
    }

    /// Reads a list of values.
    pub(super) fn read_list(&mut self, scope: &'p Scope, base: usize, rule: &'p Rule, list: &'p List) -> bool {
        let Some((container, first)) = self.repeated(scope, base, &list.repeat) else {
            return false;
        };
        let mut next = first;
        if next.is_none() {
            return self.read_empty_list(rule, &list.repeat, container);
        }
        let mut built = Vec::new();
        while let Some(node) = next {
            next = self.next_repeat(self.tree.next(node), &list.repeat);
            if let Some(read) = self.element_value(scope, base, rule, &list.element, node) {
                let start = if self.is_repeated(rule) { 0 } else { self.length_of(rule) };
                let index = start + built.len();
                let owner = self.frames[rule.level].item;
                self.items.push(Item { node, owner, target: &rule.target, key: None, index });
                self.keep_element(rule, &read, index);
                built.push(read.value);
            }
        }
        self.put_list(rule, built, (first, &list.repeat), None)
    }

    /// Reads one value into a list.
    pub(super) fn read_one(
        &mut self,
        scope: &'p Scope,
        base: usize,
        rule: &'p Rule,
        element: &'p Element,
        node: NodeId,
    ) -> bool {
        let Some(read) = self.element_value(scope, base, rule, element, node) else {
            return false;
        };
        let list = rule.target.get(&self.values[rule.level], &self.tongue);
        if let Some(index) = list.items().iter().position(|item| *item == read.value) {
            self.keep_element(rule, &read, index);
            return true;
        }
        let index = list.items().len();
        self.keep_element(rule, &read, index);
        self.put_values(rule, vec![read.value]);
        true
    }

    /// Reads a list in one text.
    pub(super) fn read_split(
        &mut self,
        scope: &'p Scope,
        base: usize,
        rule: &'p Rule,
        split: &'p Split,
        node: NodeId,
    ) -> bool {
        if matches!(self.tree.node(node).kind, Kind::Object | Kind::List) {
            self.drop_below(node, "unexpected_structure");
            return false;
        }
        let text = self.tree.own_text(node).into_owned();
        let mut built = Vec::new();
        let mut notes = Vec::new();
        for piece in text.split(&*split.separator).map(str::trim).filter(|piece| !piece.is_empty()) {
            let read = match &split.element {
                Element::Leaf(leaf) => leaf.read(piece, Kind::Text, &rule.absent),
                Element::Coded(coded) => {
                    let given = crate::codes::Given { code: Some(piece), ..crate::codes::Given::default() };
                    let found = coded.coder.read(&coded.shape, given);
                    Read::Value(found.value, found.coarsened.map(|code| (Outcome::Coarsened, code)))
                }
            };
            match read {
                Read::Value(value, note) => {
                    built.push(value);
                    notes.extend(note);
                }
                Read::Cleared => {}
                Read::Unreadable(code) => notes.push((Outcome::Dropped, code)),
            }
        }
        let _ = (scope, base);
        if built.is_empty() && !notes.is_empty() {
            self.note(node, Outcome::Dropped, notes[0].1, Some((rule.level, &rule.target)));
            return false;
        }
        self.keep(node, rule.level, &rule.target);
        let has_read = !built.is_empty();
        self.put_values(rule, built);
        for (outcome, code) in notes {
            // The text is carried, if not all of it.
            let outcome = if outcome == Outcome::Dropped { Outcome::Coarsened } else { outcome };
            self.note(node, outcome, code, Some((rule.level, &rule.target)));
        }
        has_read
    }

    /// Reads the length of a list.
    pub(super) fn read_count(&mut self, scope: &'p Scope, base: usize, rule: &'p Rule, repeat: &'p Repeat) -> bool {
        let Some((container, mut next)) = self.repeated(scope, base, repeat) else {
            return false;
        };
        let is_empty = next.is_none();
        let mut count = 0;
        while let Some(node) = next {
            next = self.next_repeat(self.tree.next(node), repeat);
            count += 1;
        }
        let count = Value::Integer(count);
        let slot = rule.target.slot(&mut self.values[rule.level], &self.tongue);
        if slot.is_absent() {
            *slot = count;
        }
        if is_empty {
            self.keep(container, rule.level, &rule.target);
        }
        true
    }

    /// The container of a repeated part and its first item; nothing where there is no container.
    fn repeated(&mut self, scope: &'p Scope, base: usize, repeat: &'p Repeat) -> Option<(NodeId, Option<NodeId>)> {
        let container = self.find(&scope.places, base, repeat.container)?;
        Some((container, self.next_repeat(self.tree.first(container), repeat)))
    }

    /// An empty array empties the list; what is not there says nothing.
    fn read_empty_list(&mut self, rule: &'p Rule, repeat: &Repeat, container: NodeId) -> bool {
        let is_empty = self.tree.node(container).kind == Kind::List && self.tree.first(container) == NONE;
        if !is_empty || repeat.selection.is_some() {
            return false;
        }
        let slot = rule.target.slot(&mut self.values[rule.level], &self.tongue);
        if slot.is_absent() {
            *slot = Value::List(Vec::new());
        }
        self.keep(container, rule.level, &rule.target);
        true
    }

    fn length_of(&self, rule: &Rule) -> usize {
        rule.target.get(&self.values[rule.level], &self.tongue).items().len()
    }

    /// Whether the rule was run before, for an earlier item of a repeated part.
    fn is_repeated(&self, rule: &Rule) -> bool {
        self.frames[rule.level + 1..].iter().any(|frame| frame.ordinal > 0)
    }

    /// Adds items to their list; what a document repeats must be the same every time.
    fn put_list(
        &mut self,
        rule: &'p Rule,
        built: Vec<Value>,
        (first, repeat): (Option<NodeId>, &'p Repeat),
        only: Option<&(usize, Value)>,
    ) -> bool {
        if built.is_empty() {
            return false;
        }
        let slot = rule.target.get(&self.values[rule.level], &self.tongue);
        if !self.is_repeated(rule) || slot.is_absent() {
            self.put_values(rule, built);
            return true;
        }
        let is_one = |item: &&Value| only.is_none_or(|(field, value)| item.field(*field) == value);
        if !slot.items().iter().filter(is_one).eq(&built) {
            let mut next = first;
            while let Some(node) = next {
                self.drop_kept_below(node, "differs_between_repeats");
                next = self.next_repeat(self.tree.next(node), repeat);
            }
        }
        true
    }

    fn put_values(&mut self, rule: &'p Rule, built: Vec<Value>) {
        let slot = rule.target.slot(&mut self.values[rule.level], &self.tongue);
        match slot {
            Value::List(items) => items.extend(built),
            _ if built.is_empty() => {}
            slot => *slot = Value::List(built),
        }
    }

    /// Takes back what was marked as kept below a node.
    fn drop_kept_below(&mut self, node: NodeId, code: &'static str) {
        if matches!(self.tree.node(node).mark, Mark::Kept | Mark::Noted) {
            self.withdrawn.insert(node, self.notes.len());
            self.note(node, Outcome::Dropped, code, None);
        }
        let mut child = self.tree.first(node);
        while child != NONE {
            self.drop_kept_below(child, code);
            child = self.tree.next(child);
        }
    }

    /// Marks the leaves of an item of a list of values.
    fn keep_element(&mut self, rule: &'p Rule, read: &ReadElement, index: usize) {
        let mut path = None;
        if self.trail.is_some() || read.note.is_some() {
            path = Some(format!("{}[{index}]", self.path(rule.level, &rule.target)));
        }
        for leaf in read.leaves.into_iter().flatten() {
            if self.tree.node(leaf).mark == Mark::Unread {
                self.note_damage(leaf, Some((rule.level, &rule.target)));
            }
            let mark = &mut self.tree.node_mut(leaf).mark;
            *mark = (*mark).max(Mark::Kept);
            if let (Some(trail), Some(path)) = (&mut self.trail, &path) {
                trail.push((leaf, path.clone()));
            }
        }
        if let (Some((outcome, code)), Some(leaf)) = (read.note, read.leaves.into_iter().flatten().next()) {
            self.note(leaf, outcome, code, None);
            if let Some(last) = self.notes.last_mut() {
                last.path = path;
            }
        }
    }
}
