//! Reads coded values: a code, the words beside it, and which list the document says it is of.

use std::{borrow::Cow, sync::Arc};

use schemas::{Outcome, Value};

use crate::{
    codes::{Found, Given, Named},
    document::{Kind, Mark, NameId, NodeId},
    plan::{CodedLeaf, Element, Rule, Scope},
    text::clean,
};

use super::{leaf::Read, reader::Reader};

/// What was read of an element: the value with its note, and the leaves it was read from.
pub(super) struct ReadElement {
    pub(super) value: Value,
    pub(super) note: Option<(Outcome, &'static str)>,
    pub(super) leaves: [Option<NodeId>; 2],
}

impl<'p> Reader<'p, '_> {
    /// Reads a coded value into its field.
    pub(super) fn read_coded(
        &mut self,
        scope: &'p Scope,
        base: usize,
        rule: &'p Rule,
        coded: &'p CodedLeaf,
        node: NodeId,
    ) -> bool {
        let Some(read) = self.coded_value(scope, base, rule, coded, node) else {
            return false;
        };
        let [first, second] = read.leaves;
        let Some(leaf) = first.or(second) else {
            self.clear(rule, node);
            return true;
        };
        self.assign(rule.level, &rule.target, read.value, leaf);
        if let Some(words) = second.filter(|words| *words != leaf) {
            let mark = self.tree.node(leaf).mark;
            if mark == Mark::Dropped {
                self.note(words, Outcome::Dropped, "said_twice", Some((rule.level, &rule.target)));
            } else {
                self.keep(words, rule.level, &rule.target);
            }
        }
        if let Some((outcome, code)) = read.note {
            self.note(leaf, outcome, code, Some((rule.level, &rule.target)));
        }
        true
    }

    /// Reads a value, coded or not.
    pub(super) fn element_value(
        &mut self,
        scope: &'p Scope,
        base: usize,
        rule: &'p Rule,
        element: &'p Element,
        node: NodeId,
    ) -> Option<ReadElement> {
        let leaf = match element {
            Element::Coded(coded) => {
                return self.coded_value(scope, base, rule, coded, node).filter(|read| !read.value.is_absent());
            }
            Element::Leaf(leaf) => leaf,
        };
        match self.leaf_value(rule, leaf, node)? {
            Read::Value(value, note) if value.as_text() != Some("") => {
                Some(ReadElement { value, note, leaves: [Some(node), None] })
            }
            Read::Unreadable(code) => {
                self.note(node, Outcome::Dropped, code, Some((rule.level, &rule.target)));
                if let Some(path) = self.notes.last_mut().and_then(|note| note.path.as_mut()) {
                    path.push_str("[]");
                }
                None
            }
            Read::Value(..) | Read::Cleared => None,
        }
    }

    /// Reads a coded value; an absent one was emptied by the document.
    fn coded_value(
        &mut self,
        scope: &'p Scope,
        base: usize,
        rule: &'p Rule,
        coded: &'p CodedLeaf,
        node: NodeId,
    ) -> Option<ReadElement> {
        let is_structure = matches!(self.tree.node(node).kind, Kind::Object | Kind::Element);
        let code_node = if is_structure { self.follow(node, &coded.code) } else { Some(node) };
        let label_node = match &coded.label {
            Some(label) if is_structure => self.follow(node, label),
            _ => None,
        };
        if self.tree.node(node).kind == Kind::List || (is_structure && code_node.is_none() && label_node.is_none()) {
            return None;
        }
        let pair_node = coded.pair.as_ref().and_then(|(pair, code)| {
            let node = self.find(&scope.places, base, *pair)?;
            let is_structure = matches!(self.tree.node(node).kind, Kind::Object | Kind::Element);
            if is_structure { self.follow(node, code) } else { Some(node) }
        });
        let scheme_node = coded.scheme.as_ref().filter(|_| is_structure).and_then(|names| self.follow(node, names));
        let scheme = scheme_node.and_then(|node| self.words(node));
        let list = self.marked_list(coded, node, code_node.unwrap_or(node));
        let list = list.or_else(|| coded.coder.list_named(scheme.as_deref()?));
        let other = scheme.as_deref().filter(|_| list.is_none());
        let code = code_node.and_then(|node| self.words(node));
        let label = label_node.and_then(|node| self.words(node));
        if code.is_none() && label.is_none() {
            let mut said = [code_node, label_node].into_iter().flatten();
            let is_said = said.any(|node| self.tree.node(node).kind != Kind::Null);
            return is_said.then_some(ReadElement { value: Value::Absent, note: None, leaves: [None, None] });
        }
        let leaves = [code_node.filter(|_| code.is_some()), label_node.filter(|_| label.is_some())];
        let is_sentinel = code.as_deref().is_some_and(|code| rule.absent.iter().any(|absent| **absent == *code));
        let pair = pair_node.and_then(|node| self.words(node));
        let given = Given { code: code.as_deref(), label: label.as_deref(), pair: pair.as_deref(), list, other };
        let marked = code_node.unwrap_or(node);
        let foreign = if list.is_none() { self.foreign_list(coded, node, marked) } else { None };
        let found = match &foreign {
            _ if is_sentinel => Err("sentinel"),
            Some(foreign) => Ok(foreign.found(coded, given)),
            None => Ok(coded.coder.read(&coded.shape, given)),
        };
        drop((code, label, pair, scheme));
        self.keep_marks(coded, list, node, marked);
        let foreign_marks = foreign.into_iter().flat_map(|foreign| foreign.marks).flatten();
        for mark in scheme_node.into_iter().chain(foreign_marks) {
            self.tree.node_mut(mark).mark = Mark::Kept;
        }
        match found {
            Ok(found) => {
                let note = found.coarsened.map(|code| (Outcome::Coarsened, code));
                Some(ReadElement { value: found.value, note, leaves })
            }
            Err(problem) => {
                for leaf in leaves.into_iter().flatten() {
                    self.note(leaf, Outcome::Dropped, problem, Some((rule.level, &rule.target)));
                }
                None
            }
        }
    }

    /// The letters of a leaf, without blanks around them; nothing where it is empty or no leaf.
    fn words(&self, node: NodeId) -> Option<Cow<'_, str>> {
        if matches!(self.tree.node(node).kind, Kind::Object | Kind::List | Kind::Null) {
            return None;
        }
        let text = match self.tree.own_text(node) {
            Cow::Borrowed(text) => clean(text.trim()).0,
            Cow::Owned(text) => Cow::Owned(clean(text.trim()).0.into_owned()),
        };
        (!text.is_empty()).then_some(text)
    }

    /// Which list the document names beside a code: the first of which no mark differs and one is there.
    fn marked_list(&self, coded: &CodedLeaf, node: NodeId, code_node: NodeId) -> Option<usize> {
        let fits = |marks: &Vec<(NameId, Box<str>)>| {
            let mut is_named = false;
            for (name, text) in marks {
                if let Some(mark) = self.mark_node(*name, node, code_node) {
                    if *self.tree.own_text(mark).trim() != **text {
                        return false;
                    }
                    is_named = true;
                }
            }
            is_named
        };
        coded.marks.iter().position(fits)
    }

    /// The list that the document names, if it is none of the line's.
    fn foreign_list(&self, coded: &CodedLeaf, node: NodeId, code_node: NodeId) -> Option<Foreign> {
        let mut named = coded.namings.iter().map(|naming| (naming, self.mark_node(naming.scheme, node, code_node)));
        let (naming, Some(scheme_node)) = named.find(|(_, found)| found.is_some())? else {
            return None;
        };
        let scheme = self.words(scheme_node)?;
        if coded.namings.iter().any(|known| *known.own == *scheme) {
            return None;
        }
        let version_node = naming.version.and_then(|version| self.mark_node(version, node, code_node));
        let version = version_node.and_then(|node| self.words(node));
        Some(Foreign {
            scheme: scheme.as_ref().into(),
            version: version.as_deref().map(Into::into),
            marks: [Some(scheme_node), version_node.filter(|_| version.is_some())],
        })
    }

    fn mark_node(&self, name: NameId, node: NodeId, code_node: NodeId) -> Option<NodeId> {
        self.tree.named(code_node, name).next().or_else(|| self.tree.named(node, name).next())
    }

    fn keep_marks(&mut self, coded: &CodedLeaf, list: Option<usize>, node: NodeId, code_node: NodeId) {
        for (name, _) in list.map(|list| coded.marks[list].as_slice()).unwrap_or_default() {
            if let Some(mark) = self.mark_node(*name, node, code_node) {
                self.tree.node_mut(mark).mark = Mark::Kept;
            }
        }
    }
}

/// A list that a document names and the mapping does not know.
struct Foreign {
    scheme: Arc<str>,
    version: Option<Arc<str>>,
    /// Where the document names it.
    marks: [Option<NodeId>; 2],
}

impl Foreign {
    /// A code of that list, as it was read.
    fn found(&self, coded: &CodedLeaf, given: Given<'_>) -> Found {
        let (code, label) = (given.code.map(Into::into), given.label.map(Into::into));
        let named = Named { scheme: Some(self.scheme.clone()), version: self.version.clone(), code, label };
        Found { value: coded.shape.of_source(named), coarsened: Some("unknown_list") }
    }
}
