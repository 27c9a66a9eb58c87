//! Writes coded values: the code, the words beside it, and what names the list.

use std::borrow::Cow;

use schemas::{Outcome, Value};

use crate::{
    codes::{Spelled, Written},
    document::NameId,
    plan::{Action, CodedLeaf, Element, Rule, Scope},
};

use super::{
    sheet::{Content, SheetId},
    writer::{Writer, Wrote},
};

impl<'a> Writer<'a> {
    /// Writes a coded value at the place of its rule.
    pub(super) fn write_coded(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule, coded: &'a CodedLeaf) -> Wrote {
        let value = self.get(rule.level, &rule.target);
        if value.is_absent() {
            return self.write_emptied(scope, base, rule);
        }
        let written = match self.spell(coded, value) {
            Ok(written) => written,
            Err(code) => {
                self.note(rule.level, &rule.target, Outcome::Dropped, code);
                return Wrote::Nothing;
            }
        };
        let Some(place) = rule.places.first() else {
            return Wrote::Nothing;
        };
        let (coarsened, loses_label) = (written.coarsened, written.loses_label);
        let node = self.ensure(&scope.places, base, *place);
        self.put_coded(node, coded, written);
        self.note_origin(node, rule, None);
        self.written += 1;
        if let Some(code) = coarsened {
            self.note(rule.level, &rule.target, Outcome::Coarsened, code);
        } else if loses_label {
            self.note(rule.level, &rule.target, Outcome::Coarsened, "label");
        }
        Wrote::Something
    }

    pub(super) fn spell(&self, coded: &'a CodedLeaf, value: &'a Value) -> Result<Written<'a>, &'static str> {
        let has_label = coded.label.is_some();
        let refused = self.options.refused_grades;
        let mut written = coded.coder.write(&coded.shape, value, has_label, refused).or_else(|problem| {
            if !coded.keeps_others || problem != "no_code_in_target" {
                return Err(problem);
            }
            coded.coder.write_other(&coded.shape, value, has_label, refused)
        })?;
        // Where the code must be one of the list, words do not stand for it.
        if coded.coder.is_required() && coded.shape.code(value).is_none() && written.code.is_none() {
            return Err("no_code_in_target");
        }
        // A scalar without a code takes the words that stood there.
        if written.code.is_none() && coded.code.is_empty() && !has_label {
            written.code = written.label.take();
            if !coded.coder.holds_words() {
                written.coarsened = written.coarsened.or(Some("words"));
            }
        }
        // Words alone do not say of which list they are.
        let is_of_another = written.list > 0 || written.other.is_some();
        let says_list = coded.scheme.is_some() && !coded.names_codes_only();
        if is_of_another && !says_list && coded.shape.code(value).is_none() && !coded.coder.holds_words() {
            written.coarsened = written.coarsened.or(Some("words"));
        }
        let has_place = written.code.is_some() || (has_label && written.label.is_some());
        if has_place { Ok(written) } else { Err("no_code_in_target") }
    }

    /// Puts code, words and the marks of the list below a node.
    fn put_coded(&mut self, node: SheetId, coded: &'a CodedLeaf, written: Written<'a>) {
        if let Some(names) = coded.scheme.as_ref().filter(|_| written.code.is_some() || !coded.names_codes_only()) {
            let at = self.ensure_names(node, names);
            self.sheet.node_mut(at).content = Content::Text(Cow::Borrowed(coded.coder.name_of(&written)));
        }
        if let Some(code) = written.code {
            let at = self.ensure_names(node, &coded.code);
            let text = spelled(code);
            let content = if coded.is_number && text.bytes().all(|byte| byte.is_ascii_digit()) {
                Content::Bare(text)
            } else {
                Content::Text(text)
            };
            self.sheet.node_mut(at).content = content;
            self.coded.push(at);
            let marks = coded.marks.get(written.list).filter(|_| written.other.is_none());
            for (name, text) in marks.map(Vec::as_slice).unwrap_or_default() {
                let holder = if self.program.syntax.format == crate::document::Format::Xml { at } else { node };
                let mark = self.ensure_names(holder, &[*name]);
                let mark = self.sheet.node_mut(mark);
                mark.content = Content::Text(Cow::Borrowed(text));
                mark.is_constant = true;
            }
        }
        if let (Some(label), Some(names)) = (written.label, &coded.label) {
            let at = self.ensure_names(node, names);
            self.sheet.node_mut(at).content = Content::Text(spelled(label));
        }
    }

    /// Notes the coded values that will be read from where a symbol was written: the status of the source that follows from
    /// what happened.
    pub(super) fn note_implied(&mut self, scope: &'a Scope, base: usize) {
        if self.symbols.is_empty() {
            return;
        }
        for rule in scope.rules.iter().filter(|rule| rule.reads) {
            let (Action::Coded(coded), Some(place)) = (&rule.action, rule.places.first()) else {
                continue;
            };
            let mut at = self.written_at(&scope.places, base, *place);
            for name in &coded.code {
                at = at.and_then(|node| self.sheet.child(node, *name));
            }
            if at.is_some_and(|node| self.symbols.contains(&node) && !self.coded.contains(&node)) {
                let path = self.path(rule.level, &rule.target);
                self.loss.note(Outcome::Defaulted, "derived", None, Some(path));
            }
        }
    }

    /// Puts a code that stands in for one that the record does not say.
    pub(super) fn put_code(
        &mut self,
        scope: &'a Scope,
        base: usize,
        rule: &'a Rule,
        coded: &'a CodedLeaf,
        content: Content<'a>,
    ) -> Wrote {
        let (Some(place), Content::Text(code)) = (rule.places.first(), content) else {
            return Wrote::Nothing;
        };
        let list = coded.coder.lists().position(|list| list.knows(&code)).unwrap_or_default();
        let code = match code {
            Cow::Borrowed(code) => Spelled::Borrowed(code),
            Cow::Owned(code) => Spelled::Shared(code.into()),
        };
        let node = self.ensure(&scope.places, base, *place);
        self.put_coded(node, coded, Written { code: Some(code), list, ..Written::default() });
        self.written += 1;
        Wrote::Something
    }

    /// Writes a value of a list into a node; gives what is to be noted.
    pub(super) fn put_element(
        &mut self,
        node: SheetId,
        element: &'a Element,
        value: &'a Value,
    ) -> Result<Option<(Outcome, &'static str)>, &'static str> {
        match element {
            Element::Leaf(_) if value.as_text() == Some("") => Err("empty"),
            Element::Leaf(leaf) => {
                let lettered = leaf.write(value)?;
                self.sheet.node_mut(node).content = lettered.content;
                Ok(lettered.note)
            }
            Element::Coded(coded) => {
                let written = self.spell(coded, value)?;
                let note = written.coarsened.or(written.loses_label.then_some("label"));
                self.put_coded(node, coded, written);
                Ok(note.map(|code| (Outcome::Coarsened, code)))
            }
        }
    }
}

impl CodedLeaf {
    /// Whether the name of the list stands in an object of its own with the code, which says nothing without one.
    fn names_codes_only(&self) -> bool {
        self.scheme.as_ref().is_some_and(|names| names.len() > 1 && parent_of(names) == parent_of(&self.code))
    }
}

fn parent_of(names: &[NameId]) -> &[NameId] {
    names.split_last().map(|(_, parent)| parent).unwrap_or_default()
}

fn spelled(text: Spelled<'_>) -> Cow<'_, str> {
    match text {
        Spelled::Borrowed(text) => Cow::Borrowed(text),
        Spelled::Shared(text) => Cow::Owned(text.to_string()),
    }
}
