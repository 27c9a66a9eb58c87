//! The tree of a document: an arena of nodes that borrow their texts from it.

use std::borrow::Cow;

use super::{Format, NameId, Names, names::ROOT};

/// A node of a tree.
pub(crate) type NodeId = u32;

/// No node.
pub(crate) const NONE: NodeId = u32::MAX;
/// Set in names that the mapping does not know; the rest is the index of their text.
const UNKNOWN: u32 = 1 << 31;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A JSON object, or a section of a label document.
    Object,
    /// A JSON array.
    List,
    /// A text.
    Text,
    /// A number, with its own letters.
    Number,
    /// True or false.
    Boolean,
    /// JSON's null.
    Null,
    /// An XML element; its own text stands in `text`.
    Element,
    /// An XML attribute.
    Attribute,
    /// A piece of text between the elements of mixed content.
    Piece,
}

/// What became of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// No rule has asked for it.
    Unread,
    /// The record says it.
    Kept,
    /// The record says it, but a loss was noted.
    Noted,
    /// A loss was noted, and the record does not say it.
    Dropped,
    /// It may not be kept anywhere.
    Discarded,
}

/// What came to the letters of a leaf on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Damage {
    /// Nothing.
    #[default]
    None,
    /// They were encoded too often, and are as they were again.
    Repaired,
    /// Some of them are gone: U+FFFD stands in their place.
    Lost,
    /// Some were repaired, others are gone.
    Both,
}

impl Damage {
    /// The damage of a text.
    pub(crate) fn of(was_repaired: bool, text: &str) -> Self {
        match (was_repaired, text.contains('\u{fffd}')) {
            (false, false) => Self::None,
            (true, false) => Self::Repaired,
            (false, true) => Self::Lost,
            (true, true) => Self::Both,
        }
    }

    /// The damage of a text of both parts.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (damage, Self::None) | (Self::None, damage) => damage,
            (damage, other) if damage == other => damage,
            _ => Self::Both,
        }
    }

    /// Whether letters were repaired.
    pub(crate) fn was_repaired(self) -> bool {
        matches!(self, Self::Repaired | Self::Both)
    }

    /// Whether letters are gone.
    pub(crate) fn is_lost(self) -> bool {
        matches!(self, Self::Lost | Self::Both)
    }
}

/// A node.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    name: u32,
    /// What it is.
    pub(crate) kind: Kind,
    /// What became of it.
    pub(crate) mark: Mark,
    /// What came to its letters before it was read.
    pub(crate) damage: Damage,
    /// Its letters are some of those of another leaf: it is no field of its own.
    pub(crate) is_echo: bool,
    /// The text of a leaf, or of an element.
    pub(crate) text: Cow<'a, str>,
    first: NodeId,
    next: NodeId,
}

/// A document.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    /// The syntax that it was written in.
    pub(crate) format: Format,
    nodes: Vec<Node<'a>>,
    unknown: Vec<Cow<'a, str>>,
    /// The namespace, if the mapping knows it, and the local name of the root element.
    pub(crate) root_element: Option<(Option<u16>, Cow<'a, str>)>,
}

/// The name of a node.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NodeName<'a> {
    /// Known to the mapping at this place.
    Known(NameId),
    /// Not known: as written, in XML as `{namespace}local`.
    Unknown(Cow<'a, str>),
}

impl<'a> Tree<'a> {
    /// An empty document with room for the nodes of so many bytes.
    pub(crate) fn with_room_for(bytes: usize, format: Format) -> Self {
        Self {
            format,
            nodes: Vec::with_capacity((bytes / 24).clamp(16, 4096)),
            unknown: Vec::new(),
            root_element: None,
        }
    }

    /// The root.
    pub(crate) const fn root() -> NodeId {
        0
    }

    /// Adds the root.
    pub(crate) fn add_root(&mut self, kind: Kind) -> NodeId {
        self.push(ROOT, kind, Cow::Borrowed(""))
    }

    fn push(&mut self, name: u32, kind: Kind, text: Cow<'a, str>) -> NodeId {
        let id = u32::try_from(self.nodes.len()).expect("documents are smaller than 2 GiB");
        self.nodes.push(Node {
            name,
            kind,
            mark: Mark::Unread,
            damage: Damage::default(),
            is_echo: false,
            text,
            first: NONE,
            next: NONE,
        });
        id
    }

    /// Adds a child behind `previous`, or as the first one.
    pub(crate) fn add(
        &mut self,
        parent: NodeId,
        previous: NodeId,
        name: NodeName<'a>,
        kind: Kind,
        text: Cow<'a, str>,
    ) -> NodeId {
        let name = match name {
            NodeName::Known(id) => id,
            NodeName::Unknown(text) => {
                self.unknown.push(text);
                u32::try_from(self.unknown.len() - 1).expect("documents are smaller than 2 GiB") | UNKNOWN
            }
        };
        let id = self.push(name, kind, text);
        if previous == NONE {
            self.nodes[parent as usize].first = id;
        } else {
            self.nodes[previous as usize].next = id;
        }
        id
    }

    /// The node.
    pub(crate) fn node(&self, id: NodeId) -> &Node<'a> {
        &self.nodes[id as usize]
    }

    /// The node, to be changed.
    pub(crate) fn node_mut(&mut self, id: NodeId) -> &mut Node<'a> {
        &mut self.nodes[id as usize]
    }

    /// The first child, or [`NONE`].
    pub(crate) fn first(&self, id: NodeId) -> NodeId {
        self.nodes[id as usize].first
    }

    /// The next sibling, or [`NONE`].
    pub(crate) fn next(&self, id: NodeId) -> NodeId {
        self.nodes[id as usize].next
    }

    /// The children.
    pub(crate) fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let step = |id: NodeId| (id != NONE).then_some(id);
        std::iter::successors(step(self.first(id)), move |id| step(self.next(*id)))
    }

    /// The children of a known name.
    pub(crate) fn named(&self, id: NodeId, name: NameId) -> impl Iterator<Item = NodeId> {
        self.children(id).filter(move |child| self.node(*child).name == name)
    }

    /// The known name of a node, if it has one.
    pub(crate) fn known_name(&self, id: NodeId) -> Option<NameId> {
        let name = self.node(id).name;
        (name & UNKNOWN == 0).then_some(name)
    }

    /// The text of the name, in XML as `{namespace}local`.
    pub(crate) fn name_text<'t>(&'t self, id: NodeId, names: &'t Names) -> Cow<'t, str> {
        let name = self.node(id).name;
        if name & UNKNOWN != 0 {
            return Cow::Borrowed(&self.unknown[(name & !UNKNOWN) as usize]);
        }
        match names.address(names.namespace_of(name)) {
            "" => Cow::Borrowed(names.text(name)),
            address => Cow::Owned(format!("{{{address}}}{}", names.text(name))),
        }
    }

    /// Whether the node says something by itself: a scalar, an attribute, or what is empty.
    pub(crate) fn is_leaf(&self, id: NodeId) -> bool {
        let node = self.node(id);
        match node.kind {
            Kind::Object | Kind::List => node.first == NONE,
            Kind::Element => !node.text.is_empty() || !self.has_content(id),
            _ => true,
        }
    }

    /// Whether an element holds anything but its own text.
    fn has_content(&self, id: NodeId) -> bool {
        self.first(id) != NONE
    }

    /// Repairs the texts that were encoded too often.
    pub(crate) fn repair_texts(&mut self) {
        for node in self.nodes.iter_mut().filter(|node| node.kind == Kind::Text) {
            let repaired = super::mojibake::repair(&node.text);
            node.damage = Damage::of(repaired.is_some(), &node.text);
            if let Some(repaired) = repaired {
                node.text = Cow::Owned(repaired);
            }
        }
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The whole text of an element, its pieces joined.
    pub(crate) fn own_text(&self, id: NodeId) -> Cow<'_, str> {
        let node = self.node(id);
        let pieces = || self.children(id).filter(|child| self.node(*child).kind == Kind::Piece);
        if node.kind == Kind::Element && pieces().next().is_some() {
            return pieces().map(|piece| &*self.node(piece).text).collect::<String>().into();
        }
        Cow::Borrowed(&node.text)
    }
}
