//! The last walk over a document: every leaf is counted as kept or reported, and what is left over is kept.

use std::{borrow::Cow, collections::HashMap};

use schemas::{LossReport, Outcome, Value};

use crate::{
    complement::{Complement, Held, OWN_TEXT, Part, guard_of},
    document::{Format, Kind, Mark, NONE, NameKind, NodeId, Tree, Way, raw},
    plan::{Place, PlaceId},
};

use super::{
    Trail,
    reader::{Item, Noted, Reader},
};

/// Pointers of hostile documents may take no more than this; the rest is reported as one line.
const MAX_POINTER_BYTES: usize = 4 << 20;

/// What the walk found.
pub(super) struct Swept {
    pub(super) loss: LossReport,
    pub(super) complement: Complement,
    pub(super) trail: Vec<Trail>,
}

/// What is left over of a node.
enum Left {
    Whole(NodeId),
    /// Its text stands where the mapping has a constant.
    Instead(NodeId),
    /// Its own text stands where the mapping has a constant, and other parts are left over too.
    Own(NodeId),
    Parts(NodeId, Vec<(Left, usize, Option<usize>)>),
}

struct Sweeper<'s, 'p, 'd> {
    reader: &'s Reader<'p, 'd>,
    notes: Vec<Noted>,
    next_note: usize,
    trail: Vec<(NodeId, String)>,
    next_trail: usize,
    /// The nodes that are known to mean nothing, sorted: there may be many.
    ignored: Vec<NodeId>,
    ignored_depth: usize,
    way: Way,
    out: Swept,
    pointer_bytes: usize,
    /// The items that stand at nodes, of several at one the first: there may be many.
    items: HashMap<NodeId, usize>,
    record: &'s Value,
}

impl Reader<'_, '_> {
    /// Walks the document.
    pub(super) fn sweep(&mut self, record: &Value) -> Swept {
        self.mark_discarded();
        let mut notes = self.take_notes();
        notes.sort_by_key(|note| note.node);
        let mut trail = self.trail.take().unwrap_or_default();
        trail.sort_by_key(|(node, _)| *node);
        let mut ignored: Vec<NodeId> = self.shape.ignore.iter().flat_map(|place| self.locate(*place)).collect();
        ignored.sort_unstable();
        let loss = std::mem::take(&mut self.extra);
        let items = self.items.iter().enumerate().rev().map(|(index, item)| (item.node, index)).collect();
        let mut sweeper = Sweeper {
            reader: self,
            notes,
            next_note: 0,
            trail,
            next_trail: 0,
            ignored,
            ignored_depth: 0,
            way: Way::default(),
            out: Swept { loss: LossReport::default(), complement: Complement::default(), trail: Vec::new() },
            pointer_bytes: 0,
            items,
            record,
        };
        let left = sweeper.visit(Tree::root(), 0);
        let mut out = std::mem::replace(
            &mut sweeper.out,
            Swept { loss: LossReport::default(), complement: Complement::default(), trail: Vec::new() },
        );
        if let Some(left) = left {
            out.complement.parts = sweeper.parts_of_root(left);
            out.complement.shape = sweeper.reader.shape.name.as_deref().map(str::to_owned);
        }
        out.loss.entries.extend(loss.entries);
        out
    }

    /// The notes that were not taken back.
    fn take_notes(&mut self) -> Vec<Noted> {
        let notes = std::mem::take(&mut self.notes);
        if self.withdrawn.is_empty() {
            return notes;
        }
        let holds = |(index, note): &(usize, Noted)| self.withdrawn.get(&note.node).is_none_or(|until| index >= until);
        notes.into_iter().enumerate().filter(holds).map(|(_, note)| note).collect()
    }

    /// Every node of a place, whichever item it stands in.
    fn locate(&self, place: PlaceId) -> Vec<NodeId> {
        if place == 0 {
            return vec![Tree::root()];
        }
        let at = &self.shape.outer[place];
        self.locate(at.parent).into_iter().flat_map(|parent| self.tree.named(parent, at.name)).collect()
    }

    fn mark_discarded(&mut self) {
        let shape = self.shape;
        for (place, code) in &shape.discard {
            for node in self.locate(*place) {
                self.discard_below(node, code);
            }
        }
    }

    fn discard_below(&mut self, node: NodeId, code: &str) {
        if self.tree.is_leaf(node) && self.tree.node(node).mark == Mark::Unread {
            if self.tree.node(node).kind != Kind::Null {
                self.note(node, Outcome::Dropped, code.to_owned(), None);
            }
            self.tree.node_mut(node).mark = Mark::Discarded;
        }
        let mut child = self.tree.first(node);
        while child != NONE {
            self.discard_below(child, code);
            child = self.tree.next(child);
        }
    }

    /// The pointer to a node; costs a walk, so it is for faults only.
    pub(super) fn pointer_of(&self, node: NodeId) -> String {
        let mut way = Way::default();
        self.way_to(Tree::root(), 0, node, &mut way);
        way.pointer(&self.tree, &self.program.names)
    }

    fn way_to(&self, from: NodeId, index: usize, wanted: NodeId, way: &mut Way) -> bool {
        way.enter(from, index);
        if from == wanted {
            return true;
        }
        for (index, child) in self.tree.children(from).enumerate() {
            if self.way_to(child, index, wanted, way) {
                return true;
            }
        }
        way.leave();
        false
    }

    /// The pointer to a place where nothing stands.
    pub(super) fn pointer_of_missing(&self, node: NodeId, place: Option<(&[Place], PlaceId)>) -> String {
        let mut pointer = self.pointer_of(node);
        let Some((places, mut at)) = place else {
            return pointer;
        };
        let mut names = Vec::new();
        while at != 0 {
            names.push(places[at].name);
            at = places[at].parent;
        }
        for name in names.into_iter().rev() {
            let text = self.program.names.text(name);
            pointer.push_str(if self.program.names.kind(name) == NameKind::Attribute { "/@" } else { "/" });
            pointer.push_str(if text.is_empty() { "0" } else { text });
        }
        pointer
    }
}

impl Sweeper<'_, '_, '_> {
    /// Walks a node; gives what is left over of it.
    fn visit(&mut self, node: NodeId, index: usize) -> Option<Left> {
        let reader = self.reader;
        let tree = &reader.tree;
        self.way.enter(node, index);
        let is_ignored = self.ignored.binary_search(&node).is_ok();
        self.ignored_depth += usize::from(is_ignored);
        let own = if tree.is_leaf(node) { self.visit_leaf(node) } else { Leaf::None };
        let mut parts = Vec::new();
        let mut is_whole = own != Leaf::Used;
        let mut child = tree.first(node);
        let mut child_index = 0;
        while child != NONE {
            if tree.node(child).kind != Kind::Piece {
                match self.visit(child, child_index) {
                    Some(left) => {
                        is_whole &= matches!(left, Left::Whole(_));
                        let position = self.position_of(child, child_index);
                        parts.push((left, child_index, position));
                    }
                    None => is_whole = false,
                }
            }
            child = tree.next(child);
            child_index += 1;
        }
        self.ignored_depth -= usize::from(is_ignored);
        self.way.leave();
        let has_children = tree.first(node) != NONE;
        // The parts of a labelled value have no syntax of their own: each is kept for itself.
        is_whole &= tree.format != Format::Labels || !has_children;
        match own {
            Leaf::Instead if !has_children => return Some(Left::Instead(node)),
            Leaf::Instead => parts.push((Left::Own(node), 0, None)),
            // The record says some of its attributes; alone they would say nothing without the text.
            Leaf::Left if !is_whole => return Some(Left::Whole(node)),
            Leaf::None | Leaf::Used | Leaf::Left => {}
        }
        if is_whole && own != Leaf::Instead && (own == Leaf::Left || !parts.is_empty()) {
            return Some(Left::Whole(node));
        }
        (!parts.is_empty()).then_some(Left::Parts(node, parts))
    }

    /// The position of a child among those of its name, from 0; its index in an array.
    fn position_of(&mut self, child: NodeId, index: usize) -> Option<usize> {
        let tree = &self.reader.tree;
        match tree.node(child).kind {
            Kind::Element => {
                self.way.enter(child, index);
                let position = self.way.position(tree, &self.reader.program.names).map(|position| position - 1);
                self.way.leave();
                position
            }
            _ => Some(index),
        }
    }

    fn visit_leaf(&mut self, node: NodeId) -> Leaf {
        let (mark, kind) = (self.reader.tree.node(node).mark, self.reader.tree.node(node).kind);
        while self.next_trail < self.trail.len() && self.trail[self.next_trail].0 <= node {
            let (at, path) = std::mem::take(&mut self.trail[self.next_trail]);
            self.next_trail += 1;
            if at == node && matches!(mark, Mark::Kept | Mark::Noted) {
                let pointer = self.pointer();
                self.out.trail.push(Trail { pointer, path });
            }
        }
        let (mut is_instead, mut is_said_elsewhere) = (false, false);
        while self.next_note < self.notes.len() && self.notes[self.next_note].node <= node {
            let at = self.next_note;
            self.next_note += 1;
            if self.notes[at].node == node {
                is_instead |= &*self.notes[at].code == "constant_differs";
                is_said_elsewhere |= ["differs_between_repeats", "said_twice"].contains(&&*self.notes[at].code);
                let (outcome, path) = (self.notes[at].outcome, self.notes[at].path.take());
                let code = std::mem::take(&mut self.notes[at].code);
                if !self.reader.tree.node(node).is_echo {
                    self.report(outcome, code, path);
                }
            }
        }
        if self.reader.tree.node(node).is_echo {
            return Leaf::Used;
        }
        match mark {
            Mark::Kept => {
                self.out.loss.kept += 1;
                Leaf::Used
            }
            Mark::Noted | Mark::Discarded => Leaf::Used,
            // Its place is taken by what the record says: written there too, it would be said twice.
            Mark::Dropped if is_said_elsewhere => Leaf::Used,
            Mark::Dropped if is_instead => Leaf::Instead,
            Mark::Dropped => Leaf::Left,
            Mark::Unread => {
                if kind != Kind::Null {
                    let is_known = self.reader.tree.known_name(node).is_some() || self.ignored_depth > 0;
                    self.report(Outcome::Dropped, if is_known { "not_carried" } else { "unknown_field" }, None);
                }
                Leaf::Left
            }
        }
    }

    fn pointer(&mut self) -> String {
        self.way.pointer(&self.reader.tree, &self.reader.program.names)
    }

    /// Reports something of the node in hand.
    fn report(&mut self, outcome: Outcome, code: impl Into<Cow<'static, str>>, path: Option<String>) {
        if self.pointer_bytes > MAX_POINTER_BYTES {
            return;
        }
        let pointer = self.pointer();
        self.pointer_bytes += pointer.len() + 64;
        self.out.loss.note(outcome, code, Some(pointer), path);
        if self.pointer_bytes > MAX_POINTER_BYTES {
            self.out.loss.note(Outcome::Dropped, "more_not_listed", None, None);
        }
    }

    fn parts_of_root(&self, left: Left) -> Vec<Part> {
        match left {
            Left::Parts(_, parts) => self.parts(parts),
            left => vec![self.part(left, None)],
        }
    }

    fn parts(&self, parts: Vec<(Left, usize, Option<usize>)>) -> Vec<Part> {
        parts.into_iter().map(|(left, _, position)| self.part(left, position)).collect()
    }

    fn part(&self, left: Left, position: Option<usize>) -> Part {
        let (reader, names) = (self.reader, &self.reader.program.names);
        let tree = &reader.tree;
        let (node, held) = match left {
            Left::Whole(node) => (node, Held::Whole(raw(node, tree, names))),
            Left::Instead(node) => (node, Held::Instead(tree.own_text(node).into_owned())),
            Left::Own(node) => {
                let held = Held::Instead(tree.own_text(node).into_owned());
                return Part { name: OWN_TEXT.to_owned(), index: None, guard: None, held };
            }
            Left::Parts(node, parts) => (node, Held::Parts(self.parts(parts))),
        };
        let name = tree.name_text(node, names).into_owned();
        let name = if tree.node(node).kind == Kind::Attribute { format!("@{name}") } else { name };
        let is_item = name.is_empty() || tree.node(node).kind == Kind::Element;
        let guard = self.items.get(&node).and_then(|index| self.guard(&reader.items[*index]));
        Part { name, index: position.filter(|_| is_item), guard, held }
    }

    /// What the record says of an item, hashed.
    fn guard(&self, item: &Item<'_>) -> Option<String> {
        let value = self.value_of(item)?;
        Some(guard_of(value, item.key))
    }

    fn value_of(&self, item: &Item<'_>) -> Option<&Value> {
        let owner = match item.owner {
            Some(owner) => self.value_of(&self.reader.items[owner])?,
            None => self.record,
        };
        item.target.get(owner, &self.reader.tongue).items().get(item.index)
    }
}

/// What a leaf is to its node.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Leaf {
    /// It is no leaf.
    None,
    /// The record says it.
    Used,
    /// The record does not say it.
    Left,
    /// It stands where the mapping has a constant.
    Instead,
}
