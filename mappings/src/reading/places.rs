//! Finds the nodes of places.

use crate::{
    document::{Format, Mark, NONE, NameId, NodeId},
    plan::{Place, PlaceId, Repeat, Selection},
};

use super::reader::{Reader, UNRESOLVED};

impl<'p> Reader<'p, '_> {
    /// Finds a place of a scope, and remembers it.
    pub(super) fn find(&mut self, places: &'p [Place], base: usize, place: PlaceId) -> Option<NodeId> {
        let known = self.slots[base + place];
        if known != UNRESOLVED {
            return (known != NONE).then_some(known);
        }
        let at = &places[place];
        let found = self.find(places, base, at.parent).and_then(|parent| self.child(parent, at));
        self.slots[base + place] = found.unwrap_or(NONE);
        found
    }

    fn child(&mut self, parent: NodeId, place: &Place) -> Option<NodeId> {
        if let Some(index) = place.selection.as_ref().and_then(|selection| selection.index) {
            return self.tree.named(parent, place.name).nth(index);
        }
        if self.tree.format == Format::Json && place.selection.is_none() {
            return self.member(parent, place.name);
        }
        let mut child = self.tree.first(parent);
        while child != NONE {
            if self.tree.known_name(child) == Some(place.name) && self.is_selected(child, place.selection.as_ref()) {
                return Some(child);
            }
            child = self.tree.next(child);
        }
        None
    }

    /// The member of an object. Rules mostly ask in the order of the document: the search goes on from the last find.
    fn member(&mut self, parent: NodeId, name: NameId) -> Option<NodeId> {
        let start = if self.last_found.0 == parent { self.tree.next(self.last_found.1) } else { NONE };
        let mut child = start;
        while child != NONE && self.tree.known_name(child) != Some(name) {
            child = self.tree.next(child);
        }
        if child == NONE {
            child = self.tree.first(parent);
            while child != start && child != NONE && self.tree.known_name(child) != Some(name) {
                child = self.tree.next(child);
            }
            if child == start {
                return None;
            }
        }
        if child != NONE {
            self.last_found = (parent, child);
        }
        (child != NONE).then_some(child)
    }

    /// Whether an item is the one that is asked for; what alone tells it apart is then read.
    pub(super) fn is_selected(&mut self, node: NodeId, selection: Option<&Selection>) -> bool {
        let Some(selection) = selection else {
            return true;
        };
        let found = self.follow(node, &selection.at);
        if selection.values.is_empty() {
            return found.is_some() != selection.is_negated;
        }
        let is_among = found.is_some_and(|found| {
            let text = self.tree.own_text(found);
            selection.values.iter().any(|value| **value == *text.trim())
        });
        if let (true, [_], Some(found)) = (is_among && !selection.is_negated, &*selection.values, found) {
            let mark = &mut self.tree.node_mut(found).mark;
            *mark = (*mark).max(Mark::Kept);
        }
        is_among != selection.is_negated
    }

    /// The node at the end of some names.
    pub(super) fn follow(&self, node: NodeId, names: &[NameId]) -> Option<NodeId> {
        names.iter().try_fold(node, |node, name| self.tree.named(node, *name).next())
    }

    /// The next item of a repeated part, from a sibling on.
    pub(super) fn next_repeat(&mut self, from: NodeId, repeat: &'p Repeat) -> Option<NodeId> {
        let mut child = from;
        while child != NONE {
            if self.tree.known_name(child) == Some(repeat.name) && self.is_selected(child, repeat.selection.as_ref()) {
                return Some(child);
            }
            child = self.tree.next(child);
        }
        None
    }
}
