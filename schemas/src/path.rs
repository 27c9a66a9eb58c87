//! Paths into canonical records: `reference`, `locations[].city`, `profiles[nl].title`, `locations[0].city`.

use std::{fmt, sync::Arc};

use thiserror::Error;

use crate::{
    Category,
    model::{Field, RecordType, Type},
    value::Value,
};

/// A path that was checked against the model.
#[derive(Debug, Clone)]
pub struct Path {
    steps: Vec<Step>,
    text: String,
    field: Option<&'static Field>,
    ty: Type,
}

/// One step of a path.
#[derive(Debug, Clone)]
pub enum Step {
    /// Into the field of that index of that record.
    Field(&'static RecordType, usize),
    /// Into every item of a list.
    Each,
    /// Into the item whose key field, of that index in that record, holds that text.
    Keyed(&'static RecordType, usize, Arc<str>),
    /// Into the item of that index.
    Index(usize),
}

/// Why a text is no path of the model.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PathError {
    /// A name that the record does not have.
    #[error("`{path}`: `{record}` has no field `{name}`; it has {known}")]
    UnknownField {
        /// The whole path.
        path: String,
        /// The record looked into.
        record: &'static str,
        /// The name that was not found.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A bracket behind something that is no list, or a list without one.
    #[error("`{path}`: {problem}")]
    Shape {
        /// The whole path.
        path: String,
        /// What is wrong, and the remedy.
        problem: String,
    },
}

impl Path {
    /// Resolves a path against a model.
    ///
    /// # Errors
    /// Names the part that the model does not have, and what it has instead.
    pub fn resolve(root: &'static RecordType, text: &str) -> Result<Self, PathError> {
        let mut path = Self { steps: Vec::new(), text: text.to_owned(), field: None, ty: Type::Record(root) };
        for segment in text.split('.') {
            path.push_segment(segment)?;
        }
        Ok(path)
    }

    /// The steps from the root.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The last field stepped into.
    pub fn field(&self) -> Option<&'static Field> {
        self.field
    }

    /// What stands at the end of the path.
    pub fn ty(&self) -> Type {
        self.ty
    }

    /// The consent category of what stands there: that of the last field on the way that has one. Nothing for vacancies,
    /// and for a group whose fields have categories of their own.
    pub fn category(&self) -> Option<Category> {
        let mut fields = self.steps.iter().rev().filter_map(|step| match step {
            Step::Field(record, index) => Some(&record.fields[*index]),
            Step::Each | Step::Keyed(..) | Step::Index(_) => None,
        });
        fields.find_map(|field| field.category)
    }

    /// The path as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The value at the path: the first one where the path goes through every item of a list.
    pub fn get<'a>(&self, root: &'a Value) -> &'a Value {
        let mut value = root;
        for step in &self.steps {
            let next = match step {
                Step::Field(_, index) => Some(value.field(*index)),
                Step::Each => value.items().first(),
                Step::Index(index) => value.items().get(*index),
                Step::Keyed(_, key, wanted) => {
                    value.items().iter().find(|item| item.field(*key).as_text() == Some(wanted))
                }
            };
            match next {
                Some(next) => value = next,
                None => return &Value::Absent,
            }
        }
        value
    }

    /// The slot at the path, making whatever is missing on the way.
    pub fn slot<'a>(&self, root: &'a mut Value) -> &'a mut Value {
        let mut value = root;
        for step in &self.steps {
            value = match step {
                Step::Field(record, index) => value.field_mut(record, *index),
                Step::Each => item_slot(value, 0),
                Step::Index(index) => item_slot(value, *index),
                Step::Keyed(record, key, wanted) => keyed_slot(value, record, *key, wanted),
            };
        }
        value
    }

    fn push_segment(&mut self, segment: &str) -> Result<(), PathError> {
        let (name, brackets) = match segment.find('[') {
            Some(at) => segment.split_at(at),
            None => (segment, ""),
        };
        let Type::Record(record) = self.ty else {
            return Err(self.shape(format!("nothing can follow before `.{segment}`; a list needs `[]` behind it")));
        };
        let Some((index, field)) = record.field(name) else {
            let known: Vec<String> = record.fields.iter().map(|field| format!("`{}`", field.name)).collect();
            return Err(PathError::UnknownField {
                path: self.text.clone(),
                record: record.name,
                name: name.to_owned(),
                known: known.join(", "),
            });
        };
        self.steps.push(Step::Field(record, index));
        self.field = Some(field);
        self.ty = field.ty;
        if brackets.is_empty() { Ok(()) } else { self.push_brackets(brackets) }
    }

    fn push_brackets(&mut self, brackets: &str) -> Result<(), PathError> {
        let Type::List { item, key } = self.ty else {
            return Err(self.shape(format!("`{brackets}` stands behind something that is no list; remove it")));
        };
        let Some(inside) = brackets.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
            return Err(self.shape(format!("`{brackets}` is not closed; write `[]`, `[key]` or `[0]`")));
        };
        let step = match (inside, key, *item) {
            ("", ..) => Step::Each,
            (wanted, Some(key), Type::Record(record)) => Step::Keyed(record, key, wanted.into()),
            (number, ..) => match number.parse() {
                Ok(index) => Step::Index(index),
                Err(_) => {
                    return Err(self
                        .shape(format!("`[{number}]` selects by key, but items of this list have none; write `[]`")));
                }
            },
        };
        self.steps.push(step);
        self.ty = *item;
        Ok(())
    }

    fn shape(&self, problem: String) -> PathError {
        PathError::Shape { path: self.text.clone(), problem }
    }
}

fn item_slot(list: &mut Value, index: usize) -> &mut Value {
    let items = list.items_mut();
    if items.len() <= index {
        items.resize(index + 1, Value::Absent);
    }
    &mut items[index]
}

fn keyed_slot<'a>(list: &'a mut Value, record: &RecordType, key: usize, wanted: &Arc<str>) -> &'a mut Value {
    let items = list.items_mut();
    let found = items.iter().position(|item| item.field(key).as_text() == Some(wanted));
    let index = found.unwrap_or_else(|| {
        let mut item = Value::empty_record(record);
        *item.field_mut(record, key) = Value::Text(wanted.clone());
        items.push(item);
        items.len() - 1
    });
    &mut items[index]
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn resolve(text: &str) -> Result<Path, PathError> {
        Path::resolve(RecordType::of(Kind::Vacancy), text)
    }

    #[test]
    fn slots_are_made_on_the_way() {
        let mut record = Value::Absent;
        for (path, text) in [
            ("profiles[nl].title", "Lasser"),
            ("profiles[fr].title", "Soudeur"),
            ("locations[1].city", "Gent"),
            ("employer.legal_ids[be-kbo].value", "0123456789"),
        ] {
            *resolve(path).unwrap().slot(&mut record) = Value::text(text);
            assert_eq!(resolve(path).unwrap().get(&record).as_text(), Some(text));
        }
        assert_eq!(resolve("profiles[].language").unwrap().get(&record).as_text(), Some("nl"));
        assert_eq!(resolve("profiles[en].title").unwrap().get(&record), &Value::Absent);
    }

    #[test]
    fn a_path_has_the_category_of_what_is_around_it() {
        let category = |text: &str| {
            let path = Path::resolve(RecordType::of(Kind::TalentProfile), text).unwrap();
            path.category()
        };
        for (path, expected) in [
            ("contacts", Category::Contact),
            ("contacts[email].value", Category::Contact),
            ("employment[3].location.city", Category::Employment),
            ("desired.locations[].city", Category::Profile),
            ("person.residence.city", Category::Profile),
            ("person.residence.address_line", Category::Restricted),
            ("media.video_cv.reference", Category::Video),
            ("withheld[].reason", Category::Record),
        ] {
            assert_eq!(category(path), Some(expected), "{path}");
        }
        assert_eq!(category("person"), None);
        assert_eq!(resolve("employer.name").unwrap().category(), None);
    }

    #[test]
    fn a_wrong_path_names_its_remedy() {
        for (path, message) in [
            ("titel", "`titel`: `Vacancy` has no field `titel`"),
            ("locations.city", "`locations.city`: nothing can follow before `.city`; a list needs `[]` behind it"),
            ("reference[]", "`reference[]`: `[]` stands behind something that is no list; remove it"),
            (
                "locations[nl].city",
                "`locations[nl].city`: `[nl]` selects by key, but items of this list have none; write `[]`",
            ),
            ("locations[.city", "`locations[.city`: `[` is not closed; write `[]`, `[key]` or `[0]`"),
        ] {
            let error = resolve(path).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
