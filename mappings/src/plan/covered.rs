//! Which part of the canonical record a shape can express.

use std::sync::Arc;

use schemas::Value;

use super::{Target, TargetStep};

/// A part of the canonical record, and what is expressed of it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Covered {
    /// All of it.
    pub(crate) is_whole: bool,
    /// Fields, at their index.
    pub(crate) fields: Vec<Option<Covered>>,
    /// Items of a list.
    pub(crate) items: Vec<(Selector, Covered)>,
    /// While a plan is made: what is expressed of the records around this one.
    pub(crate) outer: Vec<Covered>,
}

/// Which items of a list are meant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Selector {
    /// Every one.
    Each,
    /// Those whose field has that value.
    Only(usize, Value),
    /// The one whose key field has that text.
    Key(usize, Arc<str>),
    /// The one in the language of the document.
    Language,
    /// The one of that index.
    Index(usize),
}

impl Covered {
    /// The part at a target, made if it is not there.
    pub(crate) fn at(&mut self, target: &Target) -> &mut Self {
        let mut covered = self;
        for step in &target.steps {
            covered = match step {
                TargetStep::Field(_, index) => covered.field(*index),
                TargetStep::Index(index) => covered.item(Selector::Index(*index)),
                TargetStep::Key(_, key, wanted) => {
                    let item = covered.item(Selector::Key(*key, wanted.clone()));
                    item.field(*key).is_whole = true;
                    item
                }
                TargetStep::Language(_, key) => {
                    let item = covered.item(Selector::Language);
                    item.field(*key).is_whole = true;
                    item
                }
            };
        }
        covered
    }

    /// The field of that index.
    pub(crate) fn field(&mut self, index: usize) -> &mut Self {
        if self.fields.len() <= index {
            self.fields.resize(index + 1, None);
        }
        self.fields[index].get_or_insert_default()
    }

    /// The items meant by a selector.
    pub(crate) fn item(&mut self, selector: Selector) -> &mut Self {
        let position = self.items.iter().position(|(known, _)| *known == selector).unwrap_or_else(|| {
            self.items.push((selector, Self::default()));
            self.items.len() - 1
        });
        &mut self.items[position].1
    }

    /// Adds what another part expresses.
    pub(crate) fn merge(&mut self, other: Self) {
        self.is_whole |= other.is_whole;
        for (index, covered) in other.fields.into_iter().enumerate() {
            if let Some(covered) = covered {
                self.field(index).merge(covered);
            }
        }
        for (selector, covered) in other.items {
            self.item(selector).merge(covered);
        }
    }

    /// What is expressed of a field.
    pub(crate) fn of_field(&self, index: usize) -> Option<&Self> {
        self.fields.get(index)?.as_ref()
    }

    /// What is expressed of an item.
    pub(crate) fn of_item(&self, index: usize, item: &Value, language_index: Option<usize>) -> Option<&Self> {
        let is_meant = |selector: &Selector| match selector {
            Selector::Each => true,
            Selector::Only(field, value) => item.field(*field) == value,
            Selector::Key(field, text) => item.field(*field).as_text() == Some(text),
            Selector::Language => language_index == Some(index),
            Selector::Index(wanted) => *wanted == index,
        };
        self.items.iter().find(|(selector, _)| is_meant(selector)).map(|(_, covered)| covered)
    }
}
