//! XML as a tree, parsed by quick-xml. Document type declarations are refused, so that no entity expands.

use std::borrow::Cow;

use quick_xml::{
    NsReader, XmlVersion,
    events::{BytesRef, BytesStart, Event},
    name::{Namespace, PrefixDeclaration, ResolveResult},
};

use super::{
    Format, Kind, MAX_DEPTH, MAX_NODES, NameKind, Names, NodeId, ReadFailure, Tree,
    names::ROOT,
    tree::{NONE, NodeName},
};

/// More attributes than any honest element has; looking for repeated ones costs their square.
const MAX_ATTRIBUTES: usize = 256;

/// Longer than any honest namespace: every name that the mapping does not know is kept with its own.
const MAX_NAMESPACE_BYTES: usize = 256;

/// Parses a document.
pub(crate) fn parse_xml<'a>(text: &'a str, names: &Names) -> Result<Tree<'a>, ReadFailure> {
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut parser =
        Parser { names, tree: Tree::with_room_for(text.len(), Format::Xml), open: Vec::new(), is_over: false };
    loop {
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => return Err(parser.fault("no_xml", error.to_string())),
        };
        match event {
            Event::Start(start) => parser.start(&start, &reader)?,
            Event::End(_) => parser.end(),
            Event::Text(text) => parser.text(text.xml10_content())?,
            Event::CData(text) => parser.text(text.xml10_content())?,
            Event::GeneralRef(reference) => parser.reference(&reference)?,
            Event::DocType(_) => {
                let problem = "a document type declaration is not taken: remove it";
                return Err(parser.fault("document_type", problem.to_owned()));
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Empty(_) => unreachable!("empty elements are expanded"),
            Event::Eof => break,
        }
    }
    if !parser.is_over {
        return Err(parser.fault("no_xml", "the document ends before its root element does".to_owned()));
    }
    Ok(parser.tree)
}

struct Parser<'a, 'n> {
    names: &'n Names,
    tree: Tree<'a>,
    /// From the root to the element in hand.
    open: Vec<Open>,
    is_over: bool,
}

/// An element whose end was not read yet.
struct Open {
    node: NodeId,
    name: Option<u32>,
    previous: NodeId,
    cursor: usize,
    /// Whether its text has become pieces between elements.
    is_mixed: bool,
}

impl<'a> Parser<'a, '_> {
    fn fault(&self, code: &str, problem: String) -> ReadFailure {
        let mut way = super::Way::default();
        for open in &self.open {
            way.enter(open.node, 0);
        }
        let pointer = if self.open.is_empty() { String::new() } else { way.pointer(&self.tree, self.names) };
        ReadFailure::of(pointer, code, problem)
    }

    fn start(&mut self, start: &BytesStart<'a>, reader: &NsReader<&[u8]>) -> Result<(), ReadFailure> {
        if self.is_over {
            return Err(self.fault("no_xml", "a second root element".to_owned()));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(self.fault("too_deep", format!("more than {MAX_DEPTH} levels: flatten the document")));
        }
        if self.tree.len() >= MAX_NODES {
            let problem = format!("more than {MAX_NODES} elements and attributes: send several documents");
            return Err(self.fault("too_many_values", problem));
        }
        let (resolved, local) = reader.resolver().resolve_element(start.name());
        let address = self.address(&resolved)?;
        let local = local.into_inner();
        let known_namespace = self.names.namespace(address);
        let (node, name) = match self.open.last_mut() {
            None => {
                self.tree.root_element = Some((known_namespace, Cow::Owned(local.to_owned())));
                (self.tree.add_root(Kind::Element), Some(ROOT))
            }
            Some(parent) => {
                let name = parent.name.zip(known_namespace).and_then(|(name, namespace)| {
                    self.names.qualified(name, (namespace, local), NameKind::Member, &mut parent.cursor)
                });
                let node_name = name.map_or_else(|| unknown(address, local), NodeName::Known);
                let (holder, previous) = (parent.node, parent.previous);
                let node = self.tree.add(holder, previous, node_name, Kind::Element, Cow::Borrowed(""));
                if let Some(parent) = self.open.last_mut() {
                    parent.previous = node;
                }
                (node, name)
            }
        };
        self.make_pieces();
        self.open.push(Open { node, name, previous: NONE, cursor: 0, is_mixed: false });
        self.attributes(start, reader)
    }

    /// Text before a first element becomes a piece of mixed content, unless it is blank.
    fn make_pieces(&mut self) {
        let Some(parent) = self.open.last_mut() else {
            return;
        };
        if parent.is_mixed {
            return;
        }
        let text = std::mem::take(&mut self.tree.node_mut(parent.node).text);
        parent.is_mixed = true;
        if !text.trim().is_empty() {
            // The piece belongs before the element that was just added; for our purposes behind it is as good.
            let piece =
                self.tree.add(parent.node, parent.previous, NodeName::Unknown(Cow::Borrowed("")), Kind::Piece, text);
            parent.previous = piece;
        }
    }

    fn attributes(&mut self, start: &BytesStart<'a>, reader: &NsReader<&[u8]>) -> Result<(), ReadFailure> {
        let mut cursor = 0;
        for (index, attribute) in start.attributes().enumerate() {
            if index >= MAX_ATTRIBUTES {
                return Err(self.fault("too_many_attributes", format!("more than {MAX_ATTRIBUTES} attributes")));
            }
            let attribute = attribute.map_err(|error| self.fault("no_xml", error.to_string()))?;
            if matches!(
                attribute.key.as_namespace_binding(),
                Some(PrefixDeclaration::Default | PrefixDeclaration::Named(_))
            ) {
                continue;
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| self.fault("no_xml", error.to_string()))?
                .into_owned();
            let (resolved, local) = reader.resolver().resolve_attribute(attribute.key);
            let address = self.address(&resolved)?.to_owned();
            let local = local.into_inner();
            let Some(open) = self.open.last() else {
                return Ok(());
            };
            let (node, previous) = (open.node, open.previous);
            let name = open.name.zip(self.names.namespace(&address)).and_then(|(name, namespace)| {
                self.names.qualified(name, (namespace, local), NameKind::Attribute, &mut cursor)
            });
            let node_name = name.map_or_else(|| unknown(&address, local), NodeName::Known);
            let added = self.tree.add(node, previous, node_name, Kind::Attribute, Cow::Owned(value));
            if let Some(open) = self.open.last_mut() {
                open.previous = added;
            }
        }
        Ok(())
    }

    fn address<'r>(&self, resolved: &'r ResolveResult<'r>) -> Result<&'r str, ReadFailure> {
        match resolved {
            ResolveResult::Bound(Namespace(address)) if address.len() > MAX_NAMESPACE_BYTES => {
                let problem = format!("a namespace of more than {MAX_NAMESPACE_BYTES} bytes: use a shorter one");
                Err(self.fault("namespace_too_long", problem))
            }
            ResolveResult::Bound(Namespace(address)) => Ok(address),
            ResolveResult::Unbound => Ok(""),
            ResolveResult::Unknown(prefix) => {
                Err(self.fault("unknown_prefix", format!("the prefix `{prefix}` is not declared")))
            }
        }
    }

    fn end(&mut self) {
        self.open.pop();
        self.is_over = self.open.is_empty();
    }

    fn text(&mut self, text: Cow<'a, str>) -> Result<(), ReadFailure> {
        let Some(open) = self.open.last_mut() else {
            if text.trim().is_empty() {
                return Ok(());
            }
            return Err(self.fault("no_xml", "text outside of the root element".to_owned()));
        };
        if !open.is_mixed {
            append(&mut self.tree.node_mut(open.node).text, text);
            return Ok(());
        }
        // Further text of mixed content: joined to the piece before it, if that was the last thing.
        if open.previous != NONE && self.tree.node(open.previous).kind == Kind::Piece {
            append(&mut self.tree.node_mut(open.previous).text, text);
        } else if !text.trim().is_empty() {
            let name = NodeName::Unknown(Cow::Borrowed(""));
            open.previous = self.tree.add(open.node, open.previous, name, Kind::Piece, text);
        }
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'a>) -> Result<(), ReadFailure> {
        let resolved = reference.resolve_char_ref().map_err(|error| self.fault("no_xml", error.to_string()))?;
        if let Some(character) = resolved {
            return self.text(Cow::Owned(character.to_string()));
        }
        let Some(text) = quick_xml::escape::resolve_predefined_entity(reference) else {
            let problem = "an entity that XML itself does not have: write the character".to_owned();
            return Err(self.fault("unknown_entity", problem));
        };
        self.text(Cow::Borrowed(text))
    }
}

fn append<'a>(to: &mut Cow<'a, str>, text: Cow<'a, str>) {
    if to.is_empty() {
        *to = text;
    } else {
        to.to_mut().push_str(&text);
    }
}

fn unknown<'a>(address: &str, local: &str) -> NodeName<'a> {
    NodeName::Unknown(Cow::Owned(if address.is_empty() { local.to_owned() } else { format!("{{{address}}}{local}") }))
}
