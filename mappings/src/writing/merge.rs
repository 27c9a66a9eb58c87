//! Puts the complement back: what the target held beside what the record says.
//!
//! What the record says comes first; the complement only fills in. A part that belonged to an item goes to the item
//! of which the record says the same, and nowhere else.

use std::borrow::Cow;

use crate::{
    complement::{Held, OWN_TEXT, Part, guard_of},
    document::{Format, Kind, NameId, NameKind, Names, NodeId, Syntax, Tree, parse_document, split_name},
};

use super::{
    sheet::{Content, SheetId, SheetName},
    writer::Writer,
};

impl Writer<'_> {
    /// Merges the complement into the sheet.
    pub(super) fn merge(&mut self) {
        if let Some(complement) = self.options.complement
            && complement.shape.as_deref() == self.shape.name.as_deref()
        {
            let mut used = Vec::new();
            self.merge_parts(super::sheet::Sheet::root(), &complement.parts, &mut used);
        }
    }

    fn merge_parts(&mut self, node: SheetId, parts: &[Part], used: &mut Vec<SheetId>) {
        for part in parts {
            if let (OWN_TEXT, Held::Instead(text)) = (part.name.as_str(), &part.held) {
                self.put_instead(node, text);
                continue;
            }
            let name = self.name_of(node, part);
            let found = match &part.guard {
                Some(guard) => self.guarded(node, &name, guard, used),
                None => self.same_place(node, &name, part),
            };
            match (&part.held, found) {
                (Held::Instead(text), Some(found)) => self.put_instead(found, text),
                (Held::Parts(parts), Some(found)) => self.merge_parts(found, parts, used),
                (Held::Whole(raw), Some(found)) => self.fill_element(found, raw),
                // An item that the record no longer speaks of takes what belonged to it along.
                (_, None) if part.guard.is_some() => {}
                (held, None) => self.add_part(node, &name, held, used),
            }
        }
    }

    fn name_of(&self, node: SheetId, part: &Part) -> SheetName {
        let names = &self.program.names;
        let SheetName::Known(parent) = self.sheet.node(node).name else {
            return SheetName::Other(part.name.as_str().into());
        };
        known_name(names, parent, &part.name, self.program.syntax.format)
            .map_or_else(|| SheetName::Other(part.name.as_str().into()), SheetName::Known)
    }

    /// The item that a part belonged to, if the record still says the same of it.
    fn guarded(&self, node: SheetId, name: &SheetName, guard: &str, used: &mut Vec<SheetId>) -> Option<SheetId> {
        let is_it = |child: &SheetId| {
            self.sheet.node(*child).name == *name
                && !used.contains(child)
                && self.item_nodes.iter().any(|(item, value, key)| item == child && guard_of(value, *key) == guard)
        };
        let found = self.sheet.children(node).find(is_it)?;
        used.push(found);
        Some(found)
    }

    /// The node that stands where a part stood. Repeated elements and items without a guard stand for themselves.
    fn same_place(&self, node: SheetId, name: &SheetName, part: &Part) -> Option<SheetId> {
        if part.name.is_empty() {
            return None;
        }
        let mut same = self.sheet.children(node).filter(|child| self.sheet.node(*child).name == *name);
        match (&part.held, part.index) {
            (Held::Whole(_), Some(_)) => None,
            (_, Some(index)) => same.nth(index),
            (_, None) => same.next(),
        }
    }

    fn put_instead(&mut self, node: SheetId, text: &str) {
        let node = self.sheet.node_mut(node);
        if node.is_constant || node.content == Content::Empty {
            let content = match node.content {
                Content::Bare(_) => Content::Bare(Cow::Owned(text.to_owned())),
                _ => Content::Text(Cow::Owned(text.to_owned())),
            };
            node.content = content;
        }
    }

    /// Gives an element that was written without a text, or with a default, the text that it had, and the attributes
    /// that it lacks; an element with nothing in it gets all that it had.
    fn fill_element(&mut self, found: SheetId, raw: &str) {
        let node = self.sheet.node(found);
        let is_bare = (node.content == Content::Empty || node.is_constant)
            && self.sheet.children(found).all(|child| self.sheet.node(child).is_attribute);
        if self.program.syntax.format != Format::Xml || self.sheet.node(found).is_attribute || !is_bare {
            return;
        }
        let names = Names::new(Vec::new());
        let is_empty = !self.sheet.says_something(found);
        let parsed = parse_document(raw.as_bytes(), &Syntax::of(Format::Xml), &names, |tree| {
            if is_empty {
                self.graft(&tree, &names, Tree::root(), found);
                return Ok((String::new(), Vec::new()));
            }
            let attributes = tree.children(Tree::root()).filter(|child| tree.node(*child).kind == Kind::Attribute);
            let named = attributes.map(|child| {
                (format!("@{}", tree.name_text(child, &names)), tree.node(child).text.clone().into_owned())
            });
            Ok((tree.own_text(Tree::root()).into_owned(), named.collect::<Vec<_>>()))
        });
        let Ok((text, attributes)) = parsed else {
            return;
        };
        for (name, text) in attributes {
            let part = Part { name, index: None, guard: None, held: Held::Whole(text) };
            self.merge_parts(found, std::slice::from_ref(&part), &mut Vec::new());
        }
        if !text.is_empty() {
            self.sheet.node_mut(found).content = Content::Text(Cow::Owned(text));
        }
    }

    fn add_part(&mut self, node: SheetId, name: &SheetName, held: &Held, used: &mut Vec<SheetId>) {
        let is_leaf = self.sheet.node(node).content != Content::Empty;
        if is_leaf && !self.is_attribute_name(name) {
            return;
        }
        let rank = match name {
            SheetName::Known(id) => self.program.ranks[*id as usize],
            SheetName::Other(_) => u32::MAX,
        };
        let added = self.sheet.detached(name.clone(), rank);
        self.sheet.node_mut(added).is_attribute = self.is_attribute_name(name);
        if self.is_items(name) {
            self.sheet.node_mut(node).is_list = true;
        }
        match held {
            Held::Parts(parts) => {
                self.merge_parts(added, parts, used);
                if !self.sheet.says_something(added) {
                    return;
                }
            }
            Held::Instead(text) => self.sheet.node_mut(added).content = Content::Text(Cow::Owned(text.clone())),
            Held::Whole(raw) if self.is_attribute_name(name) || self.program.syntax.format == Format::Labels => {
                self.sheet.node_mut(added).content = Content::Text(Cow::Owned(raw.clone()));
            }
            Held::Whole(raw) => {
                let names = Names::new(Vec::new());
                let grafted = parse_document(raw.as_bytes(), &Syntax::of(self.program.syntax.format), &names, |tree| {
                    self.graft(&tree, &names, Tree::root(), added);
                    Ok(())
                });
                if grafted.is_err() {
                    return;
                }
            }
        }
        self.sheet.link(node, added);
    }

    fn is_items(&self, name: &SheetName) -> bool {
        match name {
            SheetName::Known(id) => self.program.names.kind(*id) == NameKind::Items,
            SheetName::Other(name) => name.is_empty(),
        }
    }

    fn is_attribute_name(&self, name: &SheetName) -> bool {
        match name {
            SheetName::Known(id) => self.program.names.kind(*id) == NameKind::Attribute,
            SheetName::Other(name) => name.starts_with('@'),
        }
    }

    /// Copies a parsed part into the sheet.
    fn graft(&mut self, tree: &Tree<'_>, names: &Names, from: NodeId, to: SheetId) {
        let node = tree.node(from);
        let text = || Cow::Owned(tree.own_text(from).into_owned());
        let content = match node.kind {
            Kind::Object | Kind::List => Content::Empty,
            Kind::Number | Kind::Boolean => Content::Bare(text()),
            Kind::Null => Content::Null,
            Kind::Element if tree.own_text(from).is_empty() => Content::Empty,
            _ => Content::Text(text()),
        };
        self.sheet.node_mut(to).content = content;
        self.sheet.node_mut(to).is_list = node.kind == Kind::List;
        let parent = match self.sheet.node(to).name {
            SheetName::Known(id) => Some(id),
            SheetName::Other(_) => None,
        };
        for child in tree.children(from).filter(|child| tree.node(*child).kind != Kind::Piece) {
            let text = tree.name_text(child, names);
            let text = if tree.node(child).kind == Kind::Attribute { Cow::Owned(format!("@{text}")) } else { text };
            let known =
                parent.and_then(|parent| known_name(&self.program.names, parent, &text, self.program.syntax.format));
            let name = known.map_or_else(|| SheetName::Other(text.into()), SheetName::Known);
            let is_attribute = self.is_attribute_name(&name);
            let added = self.sheet.add(to, name, 0);
            self.sheet.node_mut(added).is_attribute = is_attribute;
            self.graft(tree, names, child, added);
        }
    }
}

/// The name that the mapping has for a part, if it has one.
fn known_name(names: &Names, parent: NameId, text: &str, format: Format) -> Option<NameId> {
    if text.is_empty() {
        return names.items(parent);
    }
    if format != Format::Xml {
        return names.member(parent, text, &mut 0);
    }
    let (kind, qualified) = match text.strip_prefix('@') {
        Some(attribute) => (NameKind::Attribute, attribute),
        None => (NameKind::Member, text),
    };
    let (address, local) = split_name(qualified);
    names.qualified(parent, (names.namespace(address)?, local), kind, &mut 0)
}
