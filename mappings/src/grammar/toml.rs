//! Reading TOML with the place of every word, and a remedy for every wrong one.

use std::ops::Range;

use toml_edit::{Item, TableLike};

use crate::error::{Mistakes, did_you_mean};

use super::Scalar;

/// A table whose keys are asked for by name; what nobody asked for is a mistake.
pub(super) struct Table<'t> {
    table: &'t dyn TableLike,
    /// What mistakes are reported under.
    pub(super) rule: String,
    span: Option<Range<usize>>,
    asked: Vec<&'static str>,
}

impl<'t> Table<'t> {
    /// Looks at an item as a table.
    pub(super) fn of(item: &'t Item, rule: &str, mistakes: &mut Mistakes<'_>) -> Option<Self> {
        let table = item.as_table_like();
        if table.is_none() {
            mistakes.at(item.span(), rule, format!("expected a table, found {}", item.type_name()), "write `{ … }`");
        }
        Some(Self { table: table?, rule: rule.to_owned(), span: item.span(), asked: Vec::new() })
    }

    /// Looks at a table.
    pub(super) fn new(table: &'t dyn TableLike, rule: &str, span: Option<Range<usize>>) -> Self {
        Self { table, rule: rule.to_owned(), span, asked: Vec::new() }
    }

    /// Where the table stands.
    pub(super) fn span(&self) -> Option<Range<usize>> {
        self.span.clone()
    }

    /// The item of that name.
    pub(super) fn item(&mut self, name: &'static str) -> Option<&'t Item> {
        self.asked.push(name);
        self.table.get(name).filter(|item| !item.is_none())
    }

    /// A text.
    pub(super) fn text(&mut self, name: &'static str, mistakes: &mut Mistakes<'_>) -> Option<String> {
        let item = self.item(name)?;
        let text = item.as_str().map(str::to_owned);
        if text.is_none() {
            self.expected(name, item, "a text in quotation marks", mistakes);
        }
        text
    }

    /// A text, or a list of texts.
    pub(super) fn texts(&mut self, name: &'static str, mistakes: &mut Mistakes<'_>) -> Vec<String> {
        let Some(item) = self.item(name) else {
            return Vec::new();
        };
        if let Some(text) = item.as_str() {
            return vec![text.to_owned()];
        }
        let texts = item.as_array().map(|array| array.iter().map(|value| value.as_str().map(str::to_owned)));
        let texts: Option<Vec<String>> = texts.and_then(Iterator::collect);
        if texts.is_none() {
            self.expected(name, item, "a text or a list of texts", mistakes);
        }
        texts.unwrap_or_default()
    }

    /// True or false.
    pub(super) fn boolean(&mut self, name: &'static str, mistakes: &mut Mistakes<'_>) -> Option<bool> {
        let item = self.item(name)?;
        let truth = item.as_bool();
        if truth.is_none() {
            self.expected(name, item, "`true` or `false`", mistakes);
        }
        truth
    }

    /// A positive whole number.
    pub(super) fn count(&mut self, name: &'static str, mistakes: &mut Mistakes<'_>) -> Option<u32> {
        let item = self.item(name)?;
        let count = item.as_integer().and_then(|number| u32::try_from(number).ok()).filter(|count| *count > 0);
        if count.is_none() {
            self.expected(name, item, "a positive whole number", mistakes);
        }
        count
    }

    /// A whole number.
    pub(super) fn integer(&mut self, name: &'static str, mistakes: &mut Mistakes<'_>) -> Option<i64> {
        let item = self.item(name)?;
        let number = item.as_integer();
        if number.is_none() {
            self.expected(name, item, "a whole number", mistakes);
        }
        number
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[(&'static str, T)],
        mistakes: &mut Mistakes<'_>,
    ) -> Option<T> {
        let text = self.text(name, mistakes)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let remedy = did_you_mean(&text, words.iter().map(|(word, _)| *word));
            mistakes.at(self.table.get(name).and_then(Item::span), &self.rule, format!("`{name}` is `{text}`"), remedy);
        }
        found
    }

    /// Notes what was found where something else was expected.
    pub(super) fn expected(&self, name: &str, item: &Item, what: &str, mistakes: &mut Mistakes<'_>) {
        let problem = format!("`{name}` is {}", item.type_name());
        mistakes.at(item.span().or_else(|| self.span()), &self.rule, problem, format!("write {what}"));
    }

    /// Notes every key that nobody asked for.
    pub(super) fn finish(self, mistakes: &mut Mistakes<'_>) {
        for (key, item) in self.table.iter().filter(|(key, _)| !self.asked.contains(key)) {
            let span = self.table.key(key).and_then(toml_edit::Key::span).or_else(|| item.span());
            let remedy = did_you_mean(key, self.asked.iter().copied());
            mistakes.at(span, &self.rule, format!("unknown option `{key}`"), remedy);
        }
    }
}

/// A value in a table of values or constants.
pub(crate) fn scalar(item: &toml_edit::Value) -> Option<Scalar> {
    item.as_str()
        .map(|text| Scalar::Text(text.to_owned()))
        .or_else(|| item.as_integer().map(Scalar::Integer))
        .or_else(|| item.as_bool().map(Scalar::Boolean))
}

/// The entries of a table, each with where it stands.
pub(crate) fn entries(table: &dyn TableLike) -> Vec<(&str, &Item, Option<Range<usize>>)> {
    let entry = |(key, item)| {
        let item: &Item = item;
        (key, item, table.key(key).and_then(toml_edit::Key::span).or_else(|| item.span()))
    };
    table.iter().map(entry).collect()
}
