//! Writes what a document repeats: lists of records and lists of values.

use std::borrow::Cow;

use schemas::{Outcome, Value};

use crate::{
    document::{Format, NameKind},
    plan::{Element, Group, List, Repeat, Rule, Scope, Split},
};

use super::{
    sheet::{Content, SheetId, SheetName},
    writer::{Frame, Stop, Writer, Wrote},
};

/// What a list says if it says nothing; shared parts are then written once all the same.
static NOTHING: Value = Value::Absent;

impl<'a> Writer<'a> {
    /// Writes a list of records.
    pub(super) fn write_group(
        &mut self,
        scope: &'a Scope,
        base: usize,
        rule: &'a Rule,
        group: &'a Group,
    ) -> Result<Wrote, Stop> {
        let list = self.get(rule.level, &rule.target);
        if matches!(list, Value::List(items) if items.is_empty()) {
            return Ok(self.write_empty_list(scope, base, rule, &group.repeat));
        }
        let is_wanted = |item: &Value| group.only.as_ref().is_none_or(|(field, value)| item.field(*field) == value);
        let mut ordinal = 0;
        for (index, item) in list.items().iter().enumerate().filter(|(_, item)| is_wanted(item)) {
            if rule.max_items.is_some_and(|most| ordinal >= most) {
                self.drop_item(rule, index, "no_room");
                continue;
            }
            let frame = Frame { list: Some((rule.level, &rule.target)), index, ordinal };
            if self.write_item(scope, base, rule, group, (item, frame))? == Wrote::Something {
                ordinal += 1;
            }
        }
        if ordinal == 0 && group.scope.has_shared {
            let frame = Frame { list: None, index: 0, ordinal: 0 };
            if self.write_item(scope, base, rule, group, (&NOTHING, frame))? == Wrote::Something {
                ordinal += 1;
            }
        }
        Ok(if ordinal > 0 { Wrote::Something } else { Wrote::Nothing })
    }

    fn write_item(
        &mut self,
        scope: &'a Scope,
        base: usize,
        rule: &'a Rule,
        group: &'a Group,
        (item, frame): (&'a Value, Frame<'a>),
    ) -> Result<Wrote, Stop> {
        let before = (self.loss.entries.len(), self.lost, self.written, self.merged.len(), self.sheet.len());
        let items_before = self.item_nodes.len();
        let node = self.detached(group.repeat.name);
        self.put_selection(node, group.repeat.selection.as_ref());
        self.values.push(item);
        self.frames.push(frame);
        let result = self.write_scope(&group.scope, node);
        self.frames.pop();
        self.values.pop();
        if let Err(Stop::LeftOut(code)) = result {
            self.loss.entries.truncate(before.0);
            (self.lost, self.written) = (before.1, before.2);
            self.merged.truncate(before.3);
            self.item_nodes.truncate(items_before);
            self.sheet.truncate(before.4);
            if frame.list.is_some() {
                self.drop_item(rule, frame.index, &code);
            }
            return Ok(Wrote::Nothing);
        }
        result?;
        if self.written == before.2 {
            self.merged.truncate(before.3);
            let noted = self.loss.entries.split_off(before.0);
            self.loss.entries.extend(noted.into_iter().filter(|entry| entry.outcome != Outcome::Defaulted));
            return Ok(Wrote::Nothing);
        }
        let container = self.ensure_container(scope, base, &group.repeat);
        self.sheet.link(container, node);
        self.item_nodes.push((node, item, group.key));
        Ok(Wrote::Something)
    }

    fn drop_item(&mut self, rule: &'a Rule, index: usize, code: &str) {
        if !self.is_repeat(rule) {
            let path = format!("{}[{index}]", self.path(rule.level, &rule.target));
            self.dropped_items.push((path, code.to_owned()));
        }
    }

    fn ensure_container(&mut self, scope: &'a Scope, base: usize, repeat: &Repeat) -> SheetId {
        let container = self.ensure(&scope.places, base, repeat.container);
        if self.program.names.kind(repeat.name) == NameKind::Items {
            self.sheet.node_mut(container).is_list = true;
        }
        container
    }

    /// Writes that a list was emptied, where the format can say so.
    fn write_empty_list(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule, repeat: &Repeat) -> Wrote {
        if self.program.syntax.format != Format::Json || repeat.selection.is_some() || self.program.omits_empty {
            self.note(rule.level, &rule.target, Outcome::Dropped, "cleared_not_expressible");
            return Wrote::Nothing;
        }
        self.ensure_container(scope, base, repeat);
        self.written += 1;
        Wrote::Something
    }

    /// Writes a list of values.
    pub(super) fn write_list(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule, list: &'a List) -> Wrote {
        let value = self.get(rule.level, &rule.target);
        if matches!(value, Value::List(items) if items.is_empty()) {
            return self.write_empty_list(scope, base, rule, &list.repeat);
        }
        let mut count = 0;
        let mut seen = Vec::new();
        for (index, item) in value.items().iter().enumerate() {
            if list.is_one_per_list
                && let Some(code_list) = self.list_of(&list.element, item)
            {
                if seen.contains(&code_list) {
                    self.note_item(rule, index, Outcome::Dropped, "second_of_list");
                    continue;
                }
                seen.push(code_list);
            }
            if rule.max_items.is_some_and(|most| count >= most) {
                self.note_item(rule, index, Outcome::Dropped, "no_room");
                continue;
            }
            let before = self.sheet.len();
            let node = self.detached(list.repeat.name);
            self.put_selection(node, list.repeat.selection.as_ref());
            match self.put_element(node, &list.element, item) {
                Ok(note) => {
                    let container = self.ensure_container(scope, base, &list.repeat);
                    self.sheet.link(container, node);
                    self.item_nodes.push((node, item, None));
                    self.written += 1;
                    count += 1;
                    if let Some((outcome, code)) = note {
                        self.note_item(rule, index, outcome, code);
                    }
                }
                Err(code) => {
                    self.sheet.truncate(before);
                    self.note_item(rule, index, Outcome::Dropped, code);
                }
            }
        }
        if count > 0 { Wrote::Something } else { Wrote::Nothing }
    }

    /// Which of the rule's lists a value would be written in.
    fn list_of(&self, element: &'a Element, value: &'a Value) -> Option<usize> {
        let Element::Coded(coded) = element else {
            return None;
        };
        let written = self.spell(coded, value).ok().filter(|written| written.other.is_none());
        written.map(|written| written.list)
    }

    /// Writes the first value of a list that can be written.
    pub(super) fn write_one(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule, element: &'a Element) -> Wrote {
        let value = self.get(rule.level, &rule.target);
        if matches!(value, Value::List(items) if items.is_empty()) {
            self.note(rule.level, &rule.target, Outcome::Dropped, "cleared_not_expressible");
            return Wrote::Nothing;
        }
        let Some(place) = rule.places.first() else {
            return Wrote::Nothing;
        };
        let mut has_written = false;
        for (index, item) in value.items().iter().enumerate() {
            if has_written {
                self.note_item(rule, index, Outcome::Dropped, "no_room");
                continue;
            }
            if let Err(code) = self.try_element(element, item) {
                self.note_item(rule, index, Outcome::Dropped, code);
                continue;
            }
            let node = self.ensure(&scope.places, base, *place);
            if let Ok(Some((outcome, code))) = self.put_element(node, element, item) {
                self.note_item(rule, index, outcome, code);
            }
            self.note_origin(node, rule, Some(index));
            self.written += 1;
            has_written = true;
        }
        if has_written { Wrote::Something } else { Wrote::Nothing }
    }

    /// Whether a value can be written at all.
    fn try_element(&self, element: &'a Element, value: &'a Value) -> Result<(), &'static str> {
        match element {
            Element::Leaf(_) if value.as_text() == Some("") => Err("empty"),
            Element::Leaf(leaf) => leaf.write(value).map(drop),
            Element::Coded(coded) => self.spell(coded, value).map(drop),
        }
    }

    /// Writes a list in one text.
    pub(super) fn write_split(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule, split: &'a Split) -> Wrote {
        let value = self.get(rule.level, &rule.target);
        if matches!(value, Value::List(items) if items.is_empty()) {
            return self.put(scope, base, rule, Content::Text(Cow::Borrowed("")));
        }
        let mut text = String::new();
        for (index, item) in value.items().iter().enumerate() {
            let before = self.sheet.len();
            let node = self.sheet.detached(SheetName::Known(0), 0);
            let result = self.put_element(node, &split.element, item);
            let letters = self.sheet.letters(node).to_owned();
            self.sheet.truncate(before);
            match result {
                Ok(_) if letters.contains(&*split.separator) || letters.trim().is_empty() => {
                    self.note_item(rule, index, Outcome::Dropped, "holds_separator");
                }
                Ok(note) => {
                    if !text.is_empty() {
                        text.push_str(&split.separator);
                    }
                    text.push_str(&letters);
                    if let Some((outcome, code)) = note {
                        self.note_item(rule, index, outcome, code);
                    }
                }
                Err(code) => self.note_item(rule, index, Outcome::Dropped, code),
            }
        }
        if text.is_empty() { Wrote::Nothing } else { self.put(scope, base, rule, Content::Text(Cow::Owned(text))) }
    }

    fn note_item(&mut self, rule: &'a Rule, index: usize, outcome: Outcome, code: &'static str) {
        if !self.is_repeat(rule) {
            let path = format!("{}[{index}]", self.path(rule.level, &rule.target));
            self.note_path(path, outcome, code);
        }
    }
}
