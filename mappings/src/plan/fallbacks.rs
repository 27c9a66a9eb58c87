//! Makes the part of a rule that says what stands in for a field, and what is appended to it.

use schemas::{RecordType, Type};

use crate::error::did_you_mean;

use super::{Fallback, FieldStart, Target, TemplatePart, Window, rules::RuleMaker, scopes::ScopeDraft};

impl RuleMaker<'_, '_, '_> {
    pub(super) fn read_fallbacks(&mut self, owner: &ScopeDraft<'_>) -> Option<Vec<Fallback>> {
        let mut fallbacks = Vec::new();
        for text in &self.written().default_from {
            if text.contains('{') {
                fallbacks.push(Fallback::Template(self.template(text, owner)?));
                continue;
            }
            if let Some((target, start)) = self.field_from(text, "default_from", owner) {
                fallbacks.push(Fallback::Field(target, start));
            }
        }
        if let Some(text) = &self.written().default {
            fallbacks.push(match text.strip_prefix('$') {
                Some(name) => {
                    Fallback::Parameter(self.compiler.parameter(name, &self.line.left.text, self.line.span.clone())?)
                }
                None => Fallback::Text(text.as_str().into()),
            });
        }
        Some(fallbacks)
    }

    /// A field of the same item, or by its path from the root.
    fn field_from(&mut self, text: &str, option: &str, owner: &ScopeDraft<'_>) -> Option<(Target, FieldStart)> {
        let starts = [(owner.record, FieldStart::Item), (self.compiler.model, FieldStart::Root)];
        let found = starts.into_iter().find_map(|(record, start)| Some((field_at(record, text)?, start)));
        if found.is_none() {
            let remedy = "name a field of the same item, or a path from the root without `[]`";
            self.mistake(format!("`{text}` in `{option}` is no field"), remedy);
        }
        found
    }

    /// How long after another day the day of the line may be.
    pub(super) fn read_window(&mut self, owner: &ScopeDraft<'_>) -> Option<Window> {
        let written = self.written();
        let of: Vec<_> = written.of.iter().filter_map(|text| self.field_from(text, "of", owner)).collect();
        match (written.within_days, of.is_empty()) {
            (None, true) => None,
            (Some(days), false) => Some(Window { days, of }),
            _ => {
                self.mistake("`within_days` and `of` go together", "write `within_days = 90, of = [\"published_at\"]`");
                None
            }
        }
    }

    fn template(&mut self, text: &str, owner: &ScopeDraft<'_>) -> Option<Vec<TemplatePart>> {
        let mut parts = Vec::new();
        for piece in text.split_inclusive(['{', '}']) {
            let Some(name) = piece.strip_suffix('}') else {
                parts.push(TemplatePart::Text(piece.trim_end_matches('{').into()));
                continue;
            };
            let Some(target) = field_at(owner.record, name) else {
                let remedy = did_you_mean(name, owner.record.fields.iter().map(|field| field.name));
                self.mistake(format!("`{{{name}}}` in `default_from` is no field of the item"), remedy);
                return None;
            };
            parts.push(TemplatePart::Field(target));
        }
        Some(parts)
    }

    pub(super) fn read_append(&mut self, owner: &ScopeDraft<'_>) -> Option<Vec<Target>> {
        let mut targets = Vec::new();
        for name in &self.written().append {
            let Some(target) = field_at(owner.record, name) else {
                let remedy = did_you_mean(name, owner.record.fields.iter().map(|field| field.name));
                self.mistake(format!("`{name}` in `append` is no field of the item"), remedy);
                return None;
            };
            targets.push(target);
        }
        Some(targets)
    }
}

/// A field by its path from a record; lists need an index or a key.
fn field_at(record: &'static RecordType, path: &str) -> Option<Target> {
    let left = crate::grammar::Left::parse(path).ok()?;
    Target::resolve(Type::Record(record), &left.segments)
}
