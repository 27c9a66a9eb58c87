//! Where a value stands in the canonical record, seen from the item that its rule belongs to.

use std::sync::Arc;

use schemas::{Field, RecordType, Type, Value};

use crate::grammar::{Bracket, Segment};

/// A canonical place.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) steps: Vec<TargetStep>,
    pub(crate) ty: Type,
    pub(crate) field: Option<&'static Field>,
}

/// One step to it.
#[derive(Debug, Clone)]
pub(crate) enum TargetStep {
    /// Into a field.
    Field(&'static RecordType, usize),
    /// Into the item of that key.
    Key(&'static RecordType, usize, Arc<str>),
    /// Into the item whose key is the language of the document.
    Language(&'static RecordType, usize),
    /// Into the item of that index.
    Index(usize),
}

/// The language of a document, and which item of a list it means when writing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tongue {
    /// The language.
    pub(crate) language: Option<Arc<str>>,
    /// Whether the document says so itself.
    pub(crate) is_said: bool,
    /// The index of the item to write; nothing where there is none.
    pub(crate) index: Option<usize>,
}

impl Target {
    /// Resolves segments against a type; the model was asked before whether it has them.
    pub(crate) fn resolve(start: Type, segments: &[Segment]) -> Option<Self> {
        let mut target = Self { steps: Vec::new(), ty: start, field: None };
        for segment in segments {
            let Type::Record(record) = target.ty else {
                return None;
            };
            target.push_field(record, &segment.name)?;
            match &segment.bracket {
                None => {}
                Some(bracket) => target.push_bracket(bracket)?,
            }
        }
        Some(target)
    }

    fn push_field(&mut self, record: &'static RecordType, name: &str) -> Option<()> {
        let (index, field) = record.field(name)?;
        self.steps.push(TargetStep::Field(record, index));
        self.ty = field.ty;
        self.field = Some(field);
        Some(())
    }

    fn push_bracket(&mut self, bracket: &Bracket) -> Option<()> {
        let Type::List { item, key } = self.ty else {
            return None;
        };
        let record = match *item {
            Type::Record(record) => Some(record),
            _ => None,
        };
        let step = match bracket {
            Bracket::Index(index) => TargetStep::Index(*index),
            Bracket::Key(wanted) => TargetStep::Key(record?, key?, wanted.as_str().into()),
            Bracket::Language => TargetStep::Language(record?, key?),
            Bracket::Each | Bracket::Where(..) => return None,
        };
        self.steps.push(step);
        self.ty = *item;
        Some(())
    }

    /// The target one field further.
    pub(crate) fn child(&self, name: &str) -> Option<Self> {
        let Type::Record(record) = self.ty else {
            return None;
        };
        let mut target = self.clone();
        target.push_field(record, name)?;
        Some(target)
    }

    /// The value there.
    pub(crate) fn get<'v>(&self, root: &'v Value, tongue: &Tongue) -> &'v Value {
        let mut value = root;
        for step in &self.steps {
            let next = match step {
                TargetStep::Field(_, index) => Some(value.field(*index)),
                TargetStep::Index(index) => value.items().get(*index),
                TargetStep::Key(_, key, wanted) => {
                    value.items().iter().find(|item| item.field(*key).as_text() == Some(wanted))
                }
                TargetStep::Language(..) => tongue.index.and_then(|index| value.items().get(index)),
            };
            match next {
                Some(next) => value = next,
                None => return &Value::Absent,
            }
        }
        value
    }

    /// The slot there, made if it is not.
    pub(crate) fn slot<'v>(&self, root: &'v mut Value, tongue: &Tongue) -> &'v mut Value {
        let mut value = root;
        for step in &self.steps {
            value = match step {
                TargetStep::Field(record, index) => value.field_mut(record, *index),
                TargetStep::Index(index) => indexed(value, *index),
                TargetStep::Key(record, key, wanted) => keyed(value, record, *key, Some(wanted)),
                TargetStep::Language(record, key) => keyed(value, record, *key, tongue.language.as_ref()),
            };
        }
        value
    }

    /// Writes the path with the indices that it has in this record.
    pub(crate) fn render(&self, root: &Value, tongue: &Tongue, text: &mut String) {
        let mut value = root;
        for step in &self.steps {
            match step {
                TargetStep::Field(record, index) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(record.fields[*index].name);
                    value = value.field(*index);
                }
                TargetStep::Index(index) => {
                    push_index(text, *index);
                    value = value.items().get(*index).unwrap_or(&Value::Absent);
                }
                TargetStep::Key(_, key, wanted) => value = render_keyed(value, *key, Some(wanted), text),
                TargetStep::Language(_, key) => {
                    let wanted = tongue.language.as_deref();
                    let index = tongue.index.or_else(|| position(value, *key, wanted));
                    push_index(text, index.unwrap_or_default());
                    value = index.and_then(|index| value.items().get(index)).unwrap_or(&Value::Absent);
                }
            }
        }
    }
}

/// Writes an index of a path; formatting a number costs more than most paths need.
pub(crate) fn push_index(text: &mut String, index: usize) {
    text.push('[');
    match u8::try_from(index) {
        Ok(digit @ 0..=9) => text.push(char::from(b'0' + digit)),
        _ => text.push_str(&index.to_string()),
    }
    text.push(']');
}

fn indexed(list: &mut Value, index: usize) -> &mut Value {
    let items = list.items_mut();
    if items.len() <= index {
        items.resize(index + 1, Value::Absent);
    }
    &mut items[index]
}

fn position(list: &Value, key: usize, wanted: Option<&str>) -> Option<usize> {
    list.items().iter().position(|item| item.field(key).as_text() == wanted)
}

fn keyed<'v>(list: &'v mut Value, record: &'static RecordType, key: usize, wanted: Option<&Arc<str>>) -> &'v mut Value {
    let found = position(list, key, wanted.map(|wanted| &**wanted));
    let items = list.items_mut();
    let index = found.unwrap_or_else(|| {
        let mut item = Value::empty_record(record);
        *item.field_mut(record, key) = wanted.cloned().map_or(Value::Absent, Value::Text);
        items.push(item);
        items.len() - 1
    });
    &mut items[index]
}

fn render_keyed<'v>(list: &'v Value, key: usize, wanted: Option<&str>, text: &mut String) -> &'v Value {
    if let Some(index) = position(list, key, wanted) {
        push_index(text, index);
        return &list.items()[index];
    }
    text.push('[');
    text.push_str(wanted.unwrap_or_default());
    text.push(']');
    &Value::Absent
}
