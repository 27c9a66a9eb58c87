//! A document while it is written: an arena of nodes that borrow from the record and the plan.

use std::borrow::Cow;

use crate::document::{NameId, ROOT};

/// A node of a sheet.
pub(super) type SheetId = u32;

/// No node.
pub(super) const NONE: SheetId = u32::MAX;

/// What stands in a node.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content<'a> {
    /// Nothing of its own: a container, or an empty element.
    Empty,
    /// A text.
    Text(Cow<'a, str>),
    /// HTML that is written as CDATA.
    Cdata(Cow<'a, str>),
    /// A number or a truth value: letters without quotation marks.
    Bare(Cow<'a, str>),
    /// JSON's null.
    Null,
}

/// The name of a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum SheetName {
    /// One of the mapping's.
    Known(NameId),
    /// One that came with the complement, as `{namespace}local` or `@{namespace}local`.
    Other(Box<str>),
}

/// A node.
#[derive(Debug)]
pub(super) struct SheetNode<'a> {
    pub(super) name: SheetName,
    pub(super) content: Content<'a>,
    /// Whether the children are items of an array.
    pub(super) is_list: bool,
    /// Whether it is an XML attribute.
    pub(super) is_attribute: bool,
    /// Whether the content is a constant of the mapping.
    pub(super) is_constant: bool,
    /// Whether it is the item of an index that the mapping names.
    pub(super) is_indexed: bool,
    rank: u32,
    parent: SheetId,
    first: SheetId,
    last: SheetId,
    next: SheetId,
}

/// A document while it is written.
#[derive(Debug)]
pub(super) struct Sheet<'a> {
    nodes: Vec<SheetNode<'a>>,
    /// The node that was last put before another: the next one often goes behind it.
    last_inserted: SheetId,
}

impl<'a> Sheet<'a> {
    /// A document with nothing but its root.
    pub(super) fn new() -> Self {
        let mut sheet = Self { nodes: Vec::with_capacity(192), last_inserted: NONE };
        sheet.detached(SheetName::Known(ROOT), 0);
        sheet
    }

    /// The root.
    pub(super) const fn root() -> SheetId {
        0
    }

    /// A node that hangs nowhere yet.
    pub(super) fn detached(&mut self, name: SheetName, rank: u32) -> SheetId {
        let id = u32::try_from(self.nodes.len()).expect("a document has fewer nodes than 2³²");
        self.nodes.push(SheetNode {
            name,
            content: Content::Empty,
            is_list: false,
            is_attribute: false,
            is_constant: false,
            is_indexed: false,
            rank,
            parent: NONE,
            first: NONE,
            last: NONE,
            next: NONE,
        });
        id
    }

    /// Hangs a node below another, behind its siblings of the same or a lower rank.
    pub(super) fn link(&mut self, parent: SheetId, id: SheetId) {
        self.nodes[id as usize].parent = parent;
        let rank = self.nodes[id as usize].rank;
        let last = self.nodes[parent as usize].last;
        if last == NONE {
            self.nodes[parent as usize].first = id;
            self.nodes[parent as usize].last = id;
        } else if self.nodes[last as usize].rank <= rank {
            self.nodes[last as usize].next = id;
            self.nodes[parent as usize].last = id;
        } else {
            self.insert_before_higher(parent, id, rank);
        }
    }

    fn insert_before_higher(&mut self, parent: SheetId, id: SheetId, rank: u32) {
        let last = self.nodes.get(self.last_inserted as usize);
        let is_behind_last = last.is_some_and(|last| last.parent == parent && last.rank <= rank);
        let mut before = if is_behind_last { self.last_inserted } else { NONE };
        let mut at = if is_behind_last { self.nodes[before as usize].next } else { self.nodes[parent as usize].first };
        self.last_inserted = id;
        while at != NONE && self.nodes[at as usize].rank <= rank {
            before = at;
            at = self.nodes[at as usize].next;
        }
        self.nodes[id as usize].next = at;
        match before {
            NONE => self.nodes[parent as usize].first = id,
            before => self.nodes[before as usize].next = id,
        }
    }

    /// Takes a node out; what is left empty above goes too.
    pub(super) fn remove(&mut self, id: SheetId) {
        let parent = self.nodes[id as usize].parent;
        if parent == NONE {
            return;
        }
        let siblings: Vec<SheetId> = self.children(parent).filter(|child| *child != id).collect();
        let node = &mut self.nodes[parent as usize];
        node.first = siblings.first().copied().unwrap_or(NONE);
        node.last = siblings.last().copied().unwrap_or(NONE);
        for pair in siblings.windows(2) {
            self.nodes[pair[0] as usize].next = pair[1];
        }
        if let Some(last) = siblings.last() {
            self.nodes[*last as usize].next = NONE;
        }
        self.nodes[id as usize].parent = NONE;
        if siblings.is_empty() && self.nodes[parent as usize].content == Content::Empty {
            self.remove(parent);
        }
    }

    /// A node below another.
    pub(super) fn add(&mut self, parent: SheetId, name: SheetName, rank: u32) -> SheetId {
        let id = self.detached(name, rank);
        self.link(parent, id);
        id
    }

    /// The node.
    pub(super) fn node(&self, id: SheetId) -> &SheetNode<'a> {
        &self.nodes[id as usize]
    }

    /// The node, to be changed.
    pub(super) fn node_mut(&mut self, id: SheetId) -> &mut SheetNode<'a> {
        &mut self.nodes[id as usize]
    }

    /// The children.
    pub(super) fn children(&self, id: SheetId) -> impl Iterator<Item = SheetId> {
        let step = |id: SheetId| (id != NONE).then_some(id);
        std::iter::successors(step(self.nodes[id as usize].first), move |id| step(self.nodes[*id as usize].next))
    }

    /// The child of that known name.
    pub(super) fn child(&self, id: SheetId, name: NameId) -> Option<SheetId> {
        self.children(id).find(|child| self.node(*child).name == SheetName::Known(name))
    }

    /// Whether something stands in or below a node.
    pub(super) fn says_something(&self, id: SheetId) -> bool {
        self.node(id).content != Content::Empty || self.node(id).first != NONE
    }

    /// The letters of a node.
    pub(super) fn letters(&self, id: SheetId) -> &str {
        match &self.node(id).content {
            Content::Text(text) | Content::Cdata(text) | Content::Bare(text) => text,
            Content::Empty | Content::Null => "",
        }
    }

    /// Forgets the nodes that were made since there were so many.
    pub(super) fn truncate(&mut self, count: usize) {
        self.nodes.truncate(count);
        self.last_inserted = NONE;
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }
}
