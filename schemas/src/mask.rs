//! What a receiver may see of a record: a set of consent categories, and the record without the others.
//!
//! **Invariant:** what is withheld follows the mask and never the data. Two records that agree on what is permitted are
//! one and the same under the mask, whatever else they say.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    Category,
    model::{Field, RecordType, Type},
    path::Path,
    record::Record,
    value::Value,
};

/// The fields of a record that speak of the record itself.
const CLEARED: &str = "cleared";
const WITHHELD: &str = "withheld";
/// The reason of a category that nobody gave another.
const NO_CONSENT: &str = "no_consent";

/// What may be shown: some consent categories. Everything else is withheld, for a reason.
///
/// [`Category::Record`] is always permitted: it says nothing of the person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mask {
    permitted: Vec<Category>,
    reasons: BTreeMap<Category, Cow<'static, str>>,
}

/// A place of the model that may not be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// The canonical path.
    pub path: String,
    /// Why, as a code.
    pub reason: Cow<'static, str>,
}

impl Mask {
    /// The mask that shows these categories.
    pub fn permitting(categories: impl IntoIterator<Item = Category>) -> Self {
        Self { permitted: categories.into_iter().collect(), reasons: BTreeMap::new() }
    }

    /// Says why a category is withheld, if it is: a code, such as `before_interview`; else it is `no_consent`.
    #[must_use]
    pub fn because(mut self, category: Category, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reasons.insert(category, reason.into());
        self
    }

    /// Whether a category may be shown.
    pub fn permits(&self, category: Category) -> bool {
        category == Category::Record || self.permitted.contains(&category)
    }

    /// Why what stands at a path may not be shown; nothing if some of it may, or if there are several reasons.
    pub fn reason(&self, path: &Path) -> Option<&str> {
        let around = path.category();
        match path.ty().record_inside() {
            Some(record) if around.is_none() => self.reason_of_all(record, None),
            _ => self.reason_of(around),
        }
    }

    /// The largest parts of a model that may not be shown, in the order of the schema.
    pub fn withheld(&self, model: &'static RecordType) -> Vec<Withheld> {
        let mut withheld = Vec::new();
        self.collect(model, None, &mut String::new(), &mut withheld);
        withheld
    }

    /// The record as it may be shown: what is not permitted is gone, and stands under `withheld`. What the source itself
    /// withheld of the rest stays there.
    pub fn apply(&self, record: &Record) -> Record {
        let model = record.model();
        let mut shown = record.clone();
        self.strip(shown.root_mut(), model, None);
        let withheld = self.withheld(model);
        if let Some((index, _)) = model.field(CLEARED) {
            let cleared = shown.root().field(index).items().iter();
            let cleared: Vec<Value> = cleared.filter(|path| self.may_name(model, path.as_text())).cloned().collect();
            *shown.root_mut().field_mut(model, index) = list_of(cleared);
        }
        if let Some((index, field)) = model.field(WITHHELD)
            && let Some(entry) = field.ty.record_inside()
        {
            let ours = withheld.iter().map(|one| {
                let mut value = Value::empty_record(entry);
                *value.field_mut(entry, 0) = Value::text(&*one.path);
                *value.field_mut(entry, 1) = Value::text(&*one.reason);
                value
            });
            let theirs = record.root().field(index).items().iter();
            let theirs = theirs.filter(|entry| self.may_name(model, entry.field(0).as_text())).cloned();
            *shown.root_mut().field_mut(model, index) = list_of(ours.chain(theirs).collect());
        }
        shown
    }

    /// Whether a path may be named: all of what stands there may be shown.
    fn may_name(&self, model: &'static RecordType, path: Option<&str>) -> bool {
        let Some(path) = path.and_then(|path| Path::resolve(model, path).ok()) else {
            return false;
        };
        let mut withheld = Vec::new();
        match path.ty().record_inside() {
            Some(record) => self.collect(record, path.category(), &mut String::new(), &mut withheld),
            None => return self.reason_of(path.category()).is_none(),
        }
        withheld.is_empty()
    }

    fn reason_of(&self, category: Option<Category>) -> Option<&str> {
        match category {
            Some(category) if self.permits(category) => None,
            Some(category) => Some(self.reasons.get(&category).map_or(NO_CONSENT, |reason| reason)),
            None => Some(NO_CONSENT),
        }
    }

    /// Why nothing of a record may be shown, if there is one reason for all of it.
    fn reason_of_all(&self, record: &'static RecordType, around: Option<Category>) -> Option<&str> {
        let mut reasons = record.fields.iter().map(|field| self.reason_of_field(field, field.category.or(around)));
        let first = reasons.next().flatten()?;
        reasons.all(|reason| reason == Some(first)).then_some(first)
    }

    fn reason_of_field(&self, field: &Field, own: Option<Category>) -> Option<&str> {
        match field.ty.record_inside() {
            Some(record) => self.reason_of_all(record, own),
            None => self.reason_of(own),
        }
    }

    fn collect(
        &self,
        record: &'static RecordType,
        around: Option<Category>,
        path: &mut String,
        withheld: &mut Vec<Withheld>,
    ) {
        let length = path.len();
        for field in &record.fields {
            let own = field.category.or(around);
            if length > 0 {
                path.push('.');
            }
            path.push_str(field.name);
            if let Some(reason) = self.reason_of_field(field, own) {
                withheld.push(Withheld { path: path.clone(), reason: reason.to_owned().into() });
            } else if let Type::Record(inner) = field.ty {
                // The items of a list have one category: they are withheld together or not at all.
                self.collect(inner, own, path, withheld);
            }
            path.truncate(length);
        }
    }

    fn strip(&self, value: &mut Value, record: &'static RecordType, around: Option<Category>) {
        for (index, field) in record.fields.iter().enumerate() {
            if value.field(index).is_absent() {
                continue;
            }
            let own = field.category.or(around);
            let slot = value.field_mut(record, index);
            if self.reason_of_field(field, own).is_some() {
                *slot = Value::Absent;
            } else if let Type::Record(inner) = field.ty {
                self.strip(slot, inner, own);
            }
        }
        if value.fields().iter().all(Value::is_absent) {
            *value = Value::Absent;
        }
    }
}

/// A list, or nothing.
fn list_of(items: Vec<Value>) -> Value {
    if items.is_empty() { Value::Absent } else { Value::List(items) }
}

#[cfg(test)]
mod tests;
