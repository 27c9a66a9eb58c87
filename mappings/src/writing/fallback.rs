//! What stands in for a field that the record does not say: other fields, texts of the mapping, parameters.

use std::borrow::Cow;

use schemas::{Outcome, Value};

use crate::{
    document::Format,
    plan::{Action, Fallback, FieldStart, Rule, Scope, TemplatePart},
};

use super::{
    sheet::Content,
    writer::{Writer, Wrote},
};

impl<'a> Writer<'a> {
    /// Writes what stands in for a field that the record does not say.
    pub(super) fn write_fallback(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule) -> bool {
        let is_withheld = self.withholds(rule);
        for fallback in &rule.fallbacks {
            // A text of the mapping in the place of what is withheld would say something that nobody has said.
            if is_withheld && matches!(fallback, Fallback::Text(_) | Fallback::Parameter(_)) {
                continue;
            }
            // What does not come from the item itself makes no item.
            let (content, origin) = match fallback {
                Fallback::Text(text) => (self.default_content(rule, text), Origin::Default),
                Fallback::Parameter(index) => (self.default_content(rule, self.parameter(*index)), Origin::Default),
                Fallback::Field(target, start) => {
                    let level = if *start == FieldStart::Item { rule.level } else { 0 };
                    let value = self.get(level, target);
                    let Some(content) = self.stand_in(rule, value) else {
                        continue;
                    };
                    let path = self.path(level, target);
                    self.merged.push(path);
                    (content, if *start == FieldStart::Item { Origin::Item } else { Origin::Elsewhere })
                }
                Fallback::Template(parts) => match self.template(rule.level, parts) {
                    Some(text) => (Content::Text(Cow::Owned(text)), Origin::Item),
                    None => continue,
                },
            };
            let before = self.written;
            let wrote = match &rule.action {
                Action::Coded(coded) => self.put_code(scope, base, rule, coded, content),
                _ => self.put(scope, base, rule, content),
            };
            if wrote == Wrote::Something {
                if let (Origin::Default, Some(place)) = (origin, rule.places.first()) {
                    // What the document said there, unreadable to us, comes back with the complement.
                    self.sheet.node_mut(self.slots[base + place]).is_constant = true;
                }
                if origin != Origin::Item {
                    self.written = before;
                }
                if !self.is_repeat(rule) {
                    let path = self.path(rule.level, &rule.target);
                    let code = if origin == Origin::Default { "default" } else { "merged" };
                    self.loss.note(Outcome::Defaulted, code, None, Some(path));
                }
                return true;
            }
        }
        false
    }

    fn default_content(&self, rule: &Rule, text: &'a str) -> Content<'a> {
        match &rule.action {
            Action::Leaf(leaf) if leaf.is_number && self.program.syntax.format == Format::Json => {
                Content::Bare(Cow::Borrowed(text))
            }
            Action::Leaf(leaf)
                if matches!(leaf.form, crate::plan::Form::Boolean) && self.program.syntax.format == Format::Json =>
            {
                Content::Bare(Cow::Borrowed(text))
            }
            _ => Content::Text(Cow::Borrowed(text)),
        }
    }

    /// The value of another field in the form of this one.
    fn stand_in(&self, rule: &'a Rule, value: &'a Value) -> Option<Content<'a>> {
        match (&rule.action, value) {
            (Action::Leaf(leaf), Value::Text(text)) => {
                if text.is_empty() {
                    return None;
                }
                leaf.write(value).ok().map(|lettered| lettered.content)
            }
            (Action::Coded(coded), Value::Record(_)) => {
                let written = coded.coder.write(&coded.shape, value, false, self.options.refused_grades).ok()?;
                written.code.map(|code| Content::Text(Cow::Owned(code.as_str().to_owned())))
            }
            _ => None,
        }
    }

    fn template(&mut self, level: usize, parts: &'a [TemplatePart]) -> Option<String> {
        let mut text = String::new();
        let mut between = "";
        for part in parts {
            match part {
                TemplatePart::Text(letters) => between = letters,
                TemplatePart::Field(target) => {
                    let Some(value) = self.get(level, target).as_text().filter(|text| !text.is_empty()) else {
                        continue;
                    };
                    if !text.is_empty() {
                        text.push_str(between);
                    }
                    text.push_str(value);
                    let path = self.path(level, target);
                    self.merged.push(path);
                }
            }
        }
        (!text.is_empty()).then_some(text)
    }
}

/// Where a value that stands in comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Origin {
    /// From the mapping.
    Default,
    /// From another field of the same item.
    Item,
    /// From another part of the record.
    Elsewhere,
}
