//! A canonical record: a value and the model it obeys.

use crate::{
    Kind,
    model::{RecordType, Type},
    path::{Path, PathError},
    value::Value,
};

/// A canonical record of one kind.
#[derive(Debug, Clone)]
pub struct Record {
    kind: Kind,
    model: &'static RecordType,
    root: Value,
}

impl Record {
    /// An empty record.
    pub fn new(kind: Kind) -> Self {
        let model = RecordType::of(kind);
        Self { kind, model, root: Value::empty_record(model) }
    }

    /// What the record is about.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The model it obeys.
    pub fn model(&self) -> &'static RecordType {
        self.model
    }

    /// The value.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// The value, to be changed; whoever changes it keeps to the model.
    pub fn root_mut(&mut self) -> &mut Value {
        &mut self.root
    }

    /// The value at a path.
    ///
    /// # Errors
    /// If the model has no such path.
    pub fn at(&self, path: &str) -> Result<&Value, PathError> {
        Ok(Path::resolve(self.model, path)?.get(&self.root))
    }

    /// The text at a path; nothing if the model has no such path or no text stands there.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.at(path).ok()?.as_text()
    }

    /// Calls back with the pointer and the value of every leaf that says something.
    pub fn visit_leaves<'a>(&'a self, visit: &mut dyn FnMut(&str, &'a Value)) {
        self.root.visit_leaves(Type::Record(self.model), visit);
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.root == other.root
    }
}
