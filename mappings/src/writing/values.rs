//! Writes single values, and that a value was emptied.

use std::borrow::Cow;

use schemas::{Outcome, PartialDateTime, Precision, Value};

use crate::{
    document::{Format, Kind, NameKind},
    plan::{Leaf, PlaceId, Rule, Scope},
    reading::Read,
};

use super::{
    sheet::{Content, NONE},
    writer::{Writer, Wrote},
};

impl<'a> Writer<'a> {
    pub(super) fn write_leaf(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule, leaf: &'a Leaf) -> Wrote {
        let wrote = self.write_value(scope, base, rule, leaf);
        let Some(target) = &leaf.keep_text else {
            return wrote;
        };
        let text = self.get(rule.level, target);
        match (wrote, text.as_text()) {
            (_, None) => wrote,
            (Wrote::Something, Some(_)) => {
                self.note(rule.level, target, Outcome::Dropped, "place_taken");
                wrote
            }
            (Wrote::Nothing, Some(_)) if leaf.is_keep_text_read_only => {
                self.note(rule.level, target, Outcome::Dropped, "not_a_date");
                wrote
            }
            // An empty place empties the value, not the words that stand in for it.
            (Wrote::Nothing, Some("")) => {
                self.note(rule.level, target, Outcome::Dropped, "cleared_not_expressible");
                wrote
            }
            (Wrote::Nothing, Some(text)) => self.put(scope, base, rule, Content::Text(Cow::Borrowed(text))),
        }
    }

    fn write_value(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule, leaf: &'a Leaf) -> Wrote {
        let value = self.get(rule.level, &rule.target);
        if value.is_absent() {
            return self.write_emptied(scope, base, rule);
        }
        if value.as_text() == Some("") {
            return self.write_cleared(scope, base, rule, leaf.is_number);
        }
        if let Some(place) = rule.month {
            return self.write_year_and_month(scope, base, rule, (value, place));
        }
        if self.is_said_there(scope, base, rule, (leaf, value)) {
            self.written += 1;
            return Wrote::Something;
        }
        let lettered = match self.write_in_window(rule, leaf, value) {
            Ok(lettered) => lettered,
            Err(code) => {
                self.note(rule.level, &rule.target, Outcome::Dropped, code);
                return Wrote::Nothing;
            }
        };
        let content = self.appended(rule, lettered.content);
        let wrote = self.put(scope, base, rule, content);
        if wrote == Wrote::Something && leaf.leads_to_symbol() {
            self.symbols.extend(rule.places.first().and_then(|place| self.written_at(&scope.places, base, *place)));
        }
        if let (Wrote::Something, Some((outcome, code))) = (wrote, lettered.note) {
            self.note(rule.level, &rule.target, outcome, code);
        }
        wrote
    }

    /// Whether another field was written at a place of the rule, in letters that say this value too: the source's own
    /// status, from which follows what happened.
    fn is_said_there(&self, scope: &Scope, base: usize, rule: &Rule, (leaf, value): (&Leaf, &Value)) -> bool {
        if !leaf.leads_to_symbol() {
            return false;
        }
        let mut written = rule.places.iter().filter_map(|place| self.written_at(&scope.places, base, *place));
        written.any(|node| {
            let letters = self.sheet.letters(node).trim();
            !letters.is_empty() && matches!(leaf.read(letters, Kind::Text, &[]), Read::Value(said, _) if said == *value)
        })
    }

    /// Writes that a field which is no text was emptied.
    pub(super) fn write_emptied(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule) -> Wrote {
        if self.cleared.is_empty() {
            return Wrote::Nothing;
        }
        let path = self.path(rule.level, &rule.target);
        if !self.cleared.contains_key(path.as_str()) {
            return Wrote::Nothing;
        }
        let content = match self.program.syntax.format {
            Format::Json if self.program.null_clears => Content::Null,
            Format::Xml if !self.program.omits_empty => Content::Text(Cow::Borrowed("")),
            _ => {
                self.note(rule.level, &rule.target, Outcome::Dropped, "cleared_not_expressible");
                return Wrote::Nothing;
            }
        };
        self.cleared.remove(path.as_str());
        self.put(scope, base, rule, content)
    }

    /// Writes an empty text.
    fn write_cleared(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule, is_number: bool) -> Wrote {
        let is_json = self.program.syntax.format == Format::Json;
        if is_json && is_number && self.program.null_clears {
            return self.put(scope, base, rule, Content::Null);
        }
        if self.program.omits_empty || self.program.syntax.format == Format::Labels || (is_json && is_number) {
            self.note(rule.level, &rule.target, Outcome::Dropped, "cleared_not_expressible");
            return Wrote::Nothing;
        }
        self.put(scope, base, rule, Content::Text(Cow::Borrowed("")))
    }

    /// Puts content at the place of a rule and wherever else it is said.
    pub(super) fn put(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule, content: Content<'a>) -> Wrote {
        let Some(place) = self.place_to_write(scope, base, rule, &content) else {
            self.note(rule.level, &rule.target, Outcome::Dropped, "no_element");
            return Wrote::Nothing;
        };
        let node = self.ensure(&scope.places, base, place);
        if self.sheet.node(node).content != Content::Empty {
            if self.sheet.node(node).content == content {
                self.written += 1;
                return Wrote::Something;
            }
            self.note(rule.level, &rule.target, Outcome::Dropped, "place_taken");
            return Wrote::Nothing;
        }
        for other in &rule.also {
            // An attribute is said again only where its element is written.
            let parent = scope.places[*other].parent;
            if *other != place && (!self.is_attribute(scope, *other) || self.slots[base + parent] != NONE) {
                let other = self.ensure(&scope.places, base, *other);
                self.sheet.node_mut(other).content = content.clone();
            }
        }
        self.sheet.node_mut(node).content = content;
        self.note_origin(node, rule, None);
        self.written += 1;
        Wrote::Something
    }

    /// The first place of a rule; of several attributes the first whose element is written, and for a month or a year
    /// the one that is for it.
    fn place_to_write(&self, scope: &Scope, base: usize, rule: &Rule, content: &Content<'_>) -> Option<PlaceId> {
        let first = *rule.places.first()?;
        if let (true, Content::Text(text)) = (rule.is_by_precision, content) {
            let precision = text.parse::<PartialDateTime>().map(|date| date.precision());
            return Some(match precision {
                Ok(Precision::Month) => rule.places[1],
                Ok(Precision::Year) => rule.places[2],
                _ => first,
            });
        }
        if rule.places.len() == 1 || !self.is_attribute(scope, first) {
            return Some(first);
        }
        let is_written = |place: &&PlaceId| self.slots[base + scope.places[**place].parent] != NONE;
        rule.places.iter().find(is_written).copied()
    }

    fn is_attribute(&self, scope: &Scope, place: PlaceId) -> bool {
        self.program.names.kind(scope.places[place].name) == NameKind::Attribute
    }

    /// Adds further HTML fields of the same item behind the content.
    fn appended(&mut self, rule: &'a Rule, content: Content<'a>) -> Content<'a> {
        let mut letters = match &content {
            Content::Text(text) | Content::Cdata(text) if !rule.append.is_empty() => text.to_string(),
            _ => return content,
        };
        let merged_before = self.merged.len();
        for target in &rule.append {
            let Some(text) = self.get(rule.level, target).as_text().filter(|text| !text.is_empty()) else {
                continue;
            };
            letters.push_str("<br>");
            letters.push_str(text);
            let path = self.path(rule.level, target);
            self.merged.push(path);
        }
        if !self.is_repeat(rule) && self.merged.len() > merged_before {
            let path = self.path(rule.level, &rule.target);
            self.note_path(path, Outcome::Coarsened, "merged");
        }
        match content {
            Content::Cdata(_) => Content::Cdata(Cow::Owned(letters)),
            _ => Content::Text(Cow::Owned(letters)),
        }
    }
}
