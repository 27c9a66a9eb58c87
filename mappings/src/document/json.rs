//! JSON as a tree, parsed by serde_json with the names of the mapping at hand.

use std::{borrow::Cow, collections::HashSet, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::{
    Format, Kind, Names, NodeId, ReadFailure, Tree,
    names::ROOT,
    tree::{NONE, NodeName},
};

/// In objects with more unknown members than this, repeated names are found by hash.
const LINEAR_MEMBERS: usize = 16;

/// Parses a document. Repeated names, lone surrogates and more than 128 levels are faults.
pub(crate) fn parse_json<'a>(text: &'a str, names: &Names) -> Result<Tree<'a>, ReadFailure> {
    let mut state = State {
        names,
        tree: Tree::with_room_for(text.len(), Format::Json),
        numbers: Numbers { text, at: 0 },
        open: Vec::with_capacity(8),
        duplicate: false,
        is_over_full: false,
    };
    let root = state.tree.add_root(Kind::Null);
    state.open.push(root);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let result = Slot { state: &mut state, node: root, name: Some(ROOT) }.deserialize(&mut deserializer);
    match result.and_then(|()| deserializer.end()) {
        Ok(()) => Ok(state.tree),
        Err(error) => Err(state.failure(&error)),
    }
}

struct State<'a, 'n> {
    names: &'n Names,
    tree: Tree<'a>,
    numbers: Numbers<'a>,
    /// From the root to what is being read: where a fault is.
    open: Vec<NodeId>,
    duplicate: bool,
    is_over_full: bool,
}

impl State<'_, '_> {
    fn failure(&self, error: &serde_json::Error) -> ReadFailure {
        let pointer = self.pointer();
        let message = error.to_string();
        let (code, problem) = if self.duplicate {
            ("duplicate_name", "the object has this name twice: keep one of them".to_owned())
        } else if self.is_over_full {
            ("too_many_values", format!("more than {} values: send several documents", super::MAX_NODES))
        } else if message.contains("recursion limit") {
            ("too_deep", format!("more than {} levels: flatten the document", super::MAX_DEPTH))
        } else if message.contains("hex escape") {
            ("lone_surrogate", "half of a surrogate pair: escape the whole character".to_owned())
        } else {
            ("no_json", message)
        };
        ReadFailure::of(pointer, code, problem)
    }

    /// Whether there is room for another node.
    fn has_room(&mut self) -> bool {
        self.is_over_full = self.tree.len() >= super::MAX_NODES;
        !self.is_over_full
    }

    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for pair in self.open.windows(2) {
            pointer.push('/');
            if self.tree.node(pair[0]).kind == Kind::List {
                let position = self.tree.children(pair[0]).position(|child| child == pair[1]);
                pointer.push_str(&position.unwrap_or_default().to_string());
            } else {
                let name = self.tree.name_text(pair[1], self.names);
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
        }
        pointer
    }
}

/// Where a value goes.
struct Slot<'s, 'a, 'n> {
    state: &'s mut State<'a, 'n>,
    node: NodeId,
    name: Option<u32>,
}

impl<'a> Slot<'_, 'a, '_> {
    fn put(self, kind: Kind, text: Cow<'a, str>) {
        let node = self.state.tree.node_mut(self.node);
        node.kind = kind;
        node.text = text;
    }

    fn put_number(self) {
        let text = self.state.numbers.next();
        self.put(Kind::Number, Cow::Borrowed(text));
    }
}

impl<'a> DeserializeSeed<'a> for Slot<'_, 'a, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Slot<'_, 'a, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, truth: bool) -> Result<(), E> {
        self.put(Kind::Boolean, Cow::Borrowed(if truth { "true" } else { "false" }));
        Ok(())
    }

    fn visit_i64<E>(self, _number: i64) -> Result<(), E> {
        self.put_number();
        Ok(())
    }

    fn visit_u64<E>(self, _number: u64) -> Result<(), E> {
        self.put_number();
        Ok(())
    }

    fn visit_f64<E>(self, _number: f64) -> Result<(), E> {
        self.put_number();
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<(), E> {
        self.put(Kind::Text, Cow::Borrowed(text));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.put(Kind::Text, Cow::Owned(text.to_owned()));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut access: A) -> Result<(), A::Error> {
        let Self { state, node, name } = self;
        state.tree.node_mut(node).kind = Kind::List;
        let items = name.and_then(|name| state.names.items(name));
        let mut previous = NONE;
        loop {
            let next = Item { state, parent: node, previous, name: items };
            match access.next_element_seed(next)? {
                Some(item) => previous = item,
                None => return Ok(()),
            }
        }
    }

    fn visit_map<A: MapAccess<'a>>(self, mut access: A) -> Result<(), A::Error> {
        let Self { state, node, name } = self;
        state.tree.node_mut(node).kind = Kind::Object;
        let mut members = Members { parent: node, name, previous: NONE, cursor: 0, highest: 0, unknown: 0, seen: None };
        while let Some(member) = access.next_key_seed(Key { state, members: &mut members })? {
            state.open.push(member);
            if state.duplicate || !state.has_room() {
                return Err(A::Error::custom("a name too many"));
            }
            let known = state.tree.known_name(member);
            access.next_value_seed(Slot { state, node: member, name: known })?;
            state.open.pop();
        }
        Ok(())
    }
}

/// Makes the node of an item and reads it.
struct Item<'s, 'a, 'n> {
    state: &'s mut State<'a, 'n>,
    parent: NodeId,
    previous: NodeId,
    name: Option<u32>,
}

impl<'a> DeserializeSeed<'a> for Item<'_, 'a, '_> {
    type Value = NodeId;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<NodeId, D::Error> {
        let Self { state, parent, previous, name } = self;
        if !state.has_room() {
            return Err(D::Error::custom("an item too many"));
        }
        let node_name = name.map_or(NodeName::Unknown(Cow::Borrowed("")), NodeName::Known);
        let item = state.tree.add(parent, previous, node_name, Kind::Null, Cow::Borrowed(""));
        state.open.push(item);
        deserializer.deserialize_any(Slot { state, node: item, name })?;
        state.open.pop();
        Ok(item)
    }
}

/// The members of an object that were read so far.
struct Members {
    parent: NodeId,
    name: Option<u32>,
    previous: NodeId,
    cursor: usize,
    /// The highest number of a known name so far.
    highest: u32,
    /// How many names were read that the mapping does not know, and which, once they are many.
    unknown: usize,
    seen: Option<HashSet<Box<str>>>,
}

/// Reads a name and makes its node.
struct Key<'s, 'a, 'n> {
    state: &'s mut State<'a, 'n>,
    members: &'s mut Members,
}

impl<'a> Key<'_, 'a, '_> {
    fn add(self, text: Cow<'a, str>) -> NodeId {
        let Self { state, members } = self;
        let known = members.name.and_then(|name| state.names.member(name, &text, &mut members.cursor));
        state.duplicate = match known {
            // Names are numbered in the order of the mapping: one above all before it was not read yet.
            Some(name) if name > members.highest => false,
            Some(name) => state.tree.named(members.parent, name).next().is_some(),
            None => members.has_unknown(state, &text),
        };
        members.highest = members.highest.max(known.unwrap_or_default());
        let name = known.map_or(NodeName::Unknown(text), NodeName::Known);
        let node = state.tree.add(members.parent, members.previous, name, Kind::Null, Cow::Borrowed(""));
        members.previous = node;
        node
    }
}

impl Members {
    /// Whether a name that the mapping does not know was read before; many are remembered by hash, so that hostile
    /// objects cost no more. Known names are few.
    fn has_unknown(&mut self, state: &State<'_, '_>, text: &str) -> bool {
        self.unknown += 1;
        let unknown = state.tree.children(self.parent).filter(|sibling| state.tree.known_name(*sibling).is_none());
        let mut texts = unknown.map(|sibling| state.tree.name_text(sibling, state.names));
        if self.unknown <= LINEAR_MEMBERS {
            return texts.any(|known| known == text);
        }
        let seen = self.seen.get_or_insert_with(|| texts.map(Into::into).collect());
        !seen.insert(text.into())
    }
}

impl<'a> DeserializeSeed<'a> for Key<'_, 'a, '_> {
    type Value = NodeId;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<NodeId, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Key<'_, 'a, '_> {
    type Value = NodeId;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<NodeId, E> {
        Ok(self.add(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<NodeId, E> {
        Ok(self.add(Cow::Owned(text.to_owned())))
    }
}

/// Hands out the letters of the numbers of a document, one by one, as serde_json comes across them.
///
/// serde gives a number as binary floating point, which does not hold every decimal. What lies before the
/// number in hand was parsed already, so that it is enough to pass over strings.
struct Numbers<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Numbers<'a> {
    fn next(&mut self) -> &'a str {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'"' => self.pass_string(),
                b'-' | b'0'..=b'9' => return self.take(),
                _ => self.at += 1,
            }
        }
        ""
    }

    fn pass_string(&mut self) {
        self.at += 1;
        while let Some(length) = memchr::memchr(b'"', &self.text.as_bytes()[self.at..]) {
            let inside = &self.text.as_bytes()[self.at..self.at + length];
            self.at += length + 1;
            let backslashes = inside.iter().rev().take_while(|byte| **byte == b'\\').count();
            if backslashes % 2 == 0 {
                return;
            }
        }
        self.at = self.text.len();
    }

    fn take(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.bytes().take_while(is_part).count();
        self.at += length;
        &rest[..length]
    }
}
