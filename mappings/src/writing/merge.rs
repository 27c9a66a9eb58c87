//! Puts the complement back: what the target held beside what the record says.
//!
//! What the record says comes first; the complement only fills in. A part that belonged to an item goes to the item
//! of which the record says the same, and nowhere else.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet, VecDeque},
};

use crate::{
    complement::{Held, OWN_TEXT, Part, guard_of},
    document::{Format, Kind, NameId, NameKind, Names, NodeId, Syntax, Tree, parse_document, split_name},
};

use super::{
    sheet::{Content, SheetId, SheetName},
    writer::Writer,
};

/// What was found out of the nodes of a sheet, so that no part is looked for among all.
#[derive(Default)]
struct Found {
    /// The items that parts went to.
    used: HashSet<SheetId>,
    /// What the record says of each item; made when asked for.
    guards: Option<HashMap<SheetId, Vec<String>>>,
    /// For each node the items that stand in it, by name and guard.
    items: HashMap<SheetId, HashMap<(SheetName, String), VecDeque<SheetId>>>,
    /// For each node the children that stand in it, by name.
    children: HashMap<SheetId, HashMap<SheetName, Vec<SheetId>>>,
}

impl Writer<'_> {
    /// Merges the complement into the sheet.
    pub(super) fn merge(&mut self) {
        if let Some(complement) = self.options.complement
            && complement.shape.as_deref() == self.shape.name.as_deref()
        {
            let mut found = Found::default();
            self.merge_parts(super::sheet::Sheet::root(), &complement.parts, &mut found);
        }
    }

    fn merge_parts(&mut self, node: SheetId, parts: &[Part], found: &mut Found) {
        for part in parts {
            if let (OWN_TEXT, Held::Instead(text)) = (part.name.as_str(), &part.held) {
                self.put_instead(node, text);
                continue;
            }
            let name = self.name_of(node, part);
            let place = match &part.guard {
                Some(guard) => self.guarded(node, &name, guard, found),
                None => self.same_place(node, &name, part, found),
            };
            match (&part.held, place) {
                (Held::Instead(text), Some(place)) => self.put_instead(place, text),
                (Held::Parts(parts), Some(place)) => self.merge_parts(place, parts, found),
                (Held::Whole(raw), Some(place)) => self.fill_element(place, raw, found),
                // An item that the record no longer speaks of takes what belonged to it along.
                (_, None) if part.guard.is_some() => {}
                (held, None) => self.add_part(node, name, held, found),
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
    fn guarded(&self, node: SheetId, name: &SheetName, guard: &str, found: &mut Found) -> Option<SheetId> {
        let Found { used, guards, items, .. } = found;
        let guards = guards.get_or_insert_with(|| self.guards());
        let items = items.entry(node).or_insert_with(|| {
            let mut items: HashMap<_, VecDeque<SheetId>> = HashMap::new();
            for child in self.sheet.children(node) {
                for guard in guards.get(&child).into_iter().flatten() {
                    items.entry((self.sheet.node(child).name.clone(), guard.clone())).or_default().push_back(child);
                }
            }
            items
        });
        let same = items.get_mut(&(name.clone(), guard.to_owned()))?;
        while let Some(item) = same.pop_front() {
            if used.insert(item) {
                return Some(item);
            }
        }
        None
    }

    fn guards(&self) -> HashMap<SheetId, Vec<String>> {
        let mut guards: HashMap<SheetId, Vec<String>> = HashMap::with_capacity(self.item_nodes.len());
        for (node, value, key) in &self.item_nodes {
            guards.entry(*node).or_default().push(guard_of(value, *key));
        }
        guards
    }

    /// The node that stands where a part stood. Repeated elements and items without a guard stand for themselves, but for
    /// an item that the mapping names by its index.
    fn same_place(&self, node: SheetId, name: &SheetName, part: &Part, found: &mut Found) -> Option<SheetId> {
        if matches!((&part.held, part.index), (Held::Whole(_), Some(_))) {
            return None;
        }
        if part.name.is_empty() {
            let item = self.sheet.children(node).nth(part.index?)?;
            return self.sheet.node(item).is_indexed.then_some(item);
        }
        let children = found.children.entry(node).or_insert_with(|| {
            let mut children: HashMap<SheetName, Vec<SheetId>> = HashMap::new();
            for child in self.sheet.children(node) {
                children.entry(self.sheet.node(child).name.clone()).or_default().push(child);
            }
            children
        });
        children.get(name)?.get(part.index.unwrap_or_default()).copied()
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
    fn fill_element(&mut self, place: SheetId, raw: &str, found: &mut Found) {
        let node = self.sheet.node(place);
        let is_bare = (node.content == Content::Empty || node.is_constant)
            && self.sheet.children(place).all(|child| self.sheet.node(child).is_attribute);
        if self.program.syntax.format != Format::Xml || self.sheet.node(place).is_attribute || !is_bare {
            return;
        }
        let names = Names::new(Vec::new());
        let is_empty = !self.sheet.says_something(place);
        let parsed = parse_document(raw.as_bytes(), &Syntax::of(Format::Xml), &names, |tree| {
            if is_empty {
                self.graft(&tree, &names, Tree::root(), place);
                found.children.remove(&place);
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
            self.merge_parts(place, std::slice::from_ref(&part), found);
        }
        if !text.is_empty() {
            self.sheet.node_mut(place).content = Content::Text(Cow::Owned(text));
        }
    }

    fn add_part(&mut self, node: SheetId, name: SheetName, held: &Held, found: &mut Found) {
        let is_leaf = self.sheet.node(node).content != Content::Empty;
        if is_leaf && !self.is_attribute_name(&name) {
            return;
        }
        let rank = match &name {
            SheetName::Known(id) => self.program.ranks[*id as usize],
            SheetName::Other(_) => u32::MAX,
        };
        let added = self.sheet.detached(name.clone(), rank);
        self.sheet.node_mut(added).is_attribute = self.is_attribute_name(&name);
        if self.is_items(&name) {
            self.sheet.node_mut(node).is_list = true;
        }
        match held {
            Held::Parts(parts) => {
                self.merge_parts(added, parts, found);
                if !self.sheet.says_something(added) {
                    return;
                }
            }
            Held::Instead(text) => self.sheet.node_mut(added).content = Content::Text(Cow::Owned(text.clone())),
            Held::Whole(raw) if self.is_attribute_name(&name) || self.program.syntax.format == Format::Labels => {
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
        // It stands behind those of its name.
        if let Some(children) = found.children.get_mut(&node) {
            children.entry(name).or_default().push(added);
        }
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
