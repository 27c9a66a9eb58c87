//! Makes the nodes of places, with the constants that go with them.

use std::borrow::Cow;

use crate::{
    document::{Format, NameId, NameKind},
    plan::{ConstantKind, Place, PlaceId},
};

use super::{
    leaf::content_of,
    sheet::{Content, NONE, SheetId, SheetName},
    writer::Writer,
};

impl<'a> Writer<'a> {
    /// The node of a place, made with everything that goes with it.
    pub(super) fn ensure(&mut self, places: &'a [Place], base: usize, place: PlaceId) -> SheetId {
        let known = self.slots[base + place];
        if known != NONE {
            return known;
        }
        let at = &places[place];
        let parent = self.ensure(places, base, at.parent);
        if self.program.names.kind(at.name) == NameKind::Items {
            self.sheet.node_mut(parent).is_list = true;
        }
        let node = self.member(parent, at).unwrap_or_else(|| self.add(parent, at.name));
        self.slots[base + place] = node;
        self.sheet.node_mut(node).is_indexed = at.selection.as_ref().is_some_and(|selection| selection.index.is_some());
        self.put_selection(node, at.selection.as_ref());
        node
    }

    /// The node of a place, if there is one.
    pub(super) fn written_at(&self, places: &[Place], base: usize, place: PlaceId) -> Option<SheetId> {
        let known = self.slots[base + place];
        if known != NONE || place == 0 {
            return Some(known).filter(|known| *known != NONE);
        }
        self.member(self.written_at(places, base, places[place].parent)?, &places[place])
    }

    /// A member that a coded value has made: an object has one of a name.
    fn member(&self, parent: SheetId, at: &Place) -> Option<SheetId> {
        let is_json = self.program.syntax.format == Format::Json;
        let is_member = is_json && at.selection.is_none() && self.program.names.kind(at.name) == NameKind::Member;
        self.sheet.child(parent, at.name).filter(|_| is_member)
    }

    /// Writes what alone tells an item apart.
    pub(super) fn put_selection(&mut self, node: SheetId, selection: Option<&'a crate::plan::Selection>) {
        let Some((selection, text)) = selection.and_then(|selection| Some((selection, selection.constant()?))) else {
            return;
        };
        let at = self.ensure_names(node, &selection.at);
        let node = self.sheet.node_mut(at);
        node.content = Content::Text(Cow::Borrowed(text));
        node.is_constant = true;
    }

    /// The node at the end of some names.
    pub(super) fn ensure_names(&mut self, node: SheetId, names: &[NameId]) -> SheetId {
        let mut at = node;
        for name in names {
            at = match self.sheet.child(at, *name) {
                Some(child) => child,
                None => self.add(at, *name),
            };
        }
        at
    }

    /// A node below another, with the constants that go with its name.
    fn add(&mut self, parent: SheetId, name: NameId) -> SheetId {
        let node = self.detached(name);
        if self.program.names.kind(name) == NameKind::Items {
            self.sheet.node_mut(parent).is_list = true;
        }
        self.sheet.link(parent, node);
        node
    }

    /// A node that hangs nowhere yet, with the constants that go with its name.
    pub(super) fn detached(&mut self, name: NameId) -> SheetId {
        let node = self.sheet.detached(SheetName::Known(name), self.program.ranks[name as usize]);
        self.sheet.node_mut(node).is_attribute = self.program.names.kind(name) == NameKind::Attribute;
        self.put_dependents(node, name);
        node
    }

    pub(super) fn put_dependents(&mut self, node: SheetId, name: NameId) {
        let shape = self.shape;
        for (name, number) in &shape.constants.with[name as usize] {
            let at = self.add(node, *name);
            self.put_constant(at, *number);
        }
    }

    pub(super) fn put_constant(&mut self, node: SheetId, number: usize) {
        let constant = &self.shape.constants.all[number];
        let text: &'a str = match constant.kind {
            ConstantKind::Parameter(index) => self.parameter(index),
            _ => &constant.text,
        };
        let node = self.sheet.node_mut(node);
        // An empty constant is an element that must be there, with or without others in it.
        if node.content == Content::Empty && !text.is_empty() {
            node.content = content_of(constant.kind, Cow::Borrowed(text));
            node.is_constant = true;
        }
    }

    pub(super) fn parameter(&self, index: usize) -> &'a str {
        let (name, default) = &self.program.parameters[index];
        self.options.parameters.get(name).unwrap_or(default)
    }
}
