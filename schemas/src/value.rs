//! Values of canonical records: a slot per field, in the order of the schema.

use std::sync::Arc;

use crate::model::{RecordType, Type};

/// One value. Which variant is right is said by the [`Type`] at its place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Value {
    /// Nothing is said.
    #[default]
    Absent,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// The index of a symbol.
    Symbol(u16),
    /// A text; empty means cleared.
    Text(Arc<str>),
    /// A list; empty means cleared.
    List(Vec<Value>),
    /// A record: one value per field.
    Record(Box<[Value]>),
}

impl Value {
    /// A record of that type in which every field is absent.
    pub fn empty_record(record: &RecordType) -> Self {
        Self::Record(vec![Self::Absent; record.fields.len()].into_boxed_slice())
    }

    /// A text.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// Whether nothing is said.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, if it is one.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The items; none if it is no list.
    pub fn items(&self) -> &[Value] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The fields; none if it is no record.
    pub fn fields(&self) -> &[Value] {
        match self {
            Self::Record(fields) => fields,
            _ => &[],
        }
    }

    /// The field at that index; absent if it is no record.
    pub fn field(&self, index: usize) -> &Value {
        self.fields().get(index).unwrap_or(&Value::Absent)
    }

    /// The slot at that index, making the record if nothing was said.
    ///
    /// # Panics
    /// If the index is no field of the type: paths are resolved against the type first.
    pub fn field_mut(&mut self, record: &RecordType, index: usize) -> &mut Value {
        if !matches!(self, Self::Record(_)) {
            *self = Self::empty_record(record);
        }
        match self {
            Self::Record(fields) => &mut fields[index],
            _ => unreachable!("made a record above"),
        }
    }

    /// The items, making the list if nothing was said.
    pub fn items_mut(&mut self) -> &mut Vec<Value> {
        if !matches!(self, Self::List(_)) {
            *self = Self::List(Vec::new());
        }
        match self {
            Self::List(items) => items,
            _ => unreachable!("made a list above"),
        }
    }

    /// Calls back with the pointer and the value of every leaf that says something, in the order of the schema.
    ///
    /// Empty texts and lists are leaves: they say `cleared`.
    pub fn visit_leaves<'a>(&'a self, ty: Type, visit: &mut dyn FnMut(&str, &'a Value)) {
        walk(self, ty, &mut String::new(), visit);
    }
}

fn walk<'a>(value: &'a Value, ty: Type, pointer: &mut String, visit: &mut dyn FnMut(&str, &'a Value)) {
    let length = pointer.len();
    match (value, ty) {
        (Value::Absent, _) => {}
        (Value::Record(fields), Type::Record(record)) => {
            for (field, value) in record.fields.iter().zip(fields) {
                if length > 0 {
                    pointer.push('.');
                }
                pointer.push_str(field.name);
                walk(value, field.ty, pointer, visit);
                pointer.truncate(length);
            }
        }
        (Value::List(items), Type::List { item, .. }) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                pointer.push('[');
                pointer.push_str(&index.to_string());
                pointer.push(']');
                walk(value, *item, pointer, visit);
                pointer.truncate(length);
            }
        }
        (leaf, _) => visit(pointer, leaf),
    }
}
