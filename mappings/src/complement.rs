//! The complement: what the canonical record cannot hold of a document, kept for writing the document again.
//!
//! It is a pruned copy of the document. Items of lists are guarded by what the record says of them, so that what
//! belonged to one item is not attached to another.

use std::hash::Hasher;

use schemas::Value;
use serde::{Deserialize, Serialize};

use crate::fnv::Fnv;

/// What the canonical record cannot hold of a document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Complement {
    /// The shape that the document had; documents of other shapes have other places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shape: Option<String>,
    /// The parts of the document that are kept.
    #[serde(default)]
    pub(crate) parts: Vec<Part>,
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// The name: of a member, of an element as `{namespace}local`, of an attribute as `@name`; empty for an item.
    #[serde(rename = "at")]
    pub(crate) name: String,
    /// The index among the items, or among the elements of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) index: Option<usize>,
    /// What the record says of the item, hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) guard: Option<String>,
    /// What is kept.
    #[serde(flatten)]
    pub(crate) held: Held,
}

/// The name of the part that is an element's own text.
pub(crate) const OWN_TEXT: &str = ".";

/// What is kept of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Held {
    /// Some parts of it.
    Parts(Vec<Part>),
    /// All of it, in the syntax of its format.
    Whole(String),
    /// A text that stands where the mapping has a constant.
    Instead(String),
}

impl Complement {
    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The complement as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers are JSON")
    }

    /// Reads a complement.
    ///
    /// # Errors
    /// If the JSON is no complement.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }
}

/// What tells an item from others: its key field, else all it says. Stable over processes and versions.
pub(crate) fn guard_of(item: &Value, key: Option<usize>) -> String {
    let mut hash = Fnv::default();
    feed(&mut hash, key.map_or(item, |key| item.field(key)));
    format!("{:016x}", hash.finish())
}

fn feed(hash: &mut Fnv, value: &Value) {
    let mut put = |tag: u8, bytes: &[u8]| {
        hash.write(&[tag]);
        hash.write(bytes);
    };
    match value {
        Value::Absent => put(b'-', b""),
        Value::Boolean(truth) => put(b'b', &[u8::from(*truth)]),
        Value::Integer(number) => put(b'i', &number.to_be_bytes()),
        Value::Symbol(index) => put(b's', &index.to_be_bytes()),
        Value::Text(text) => put(b't', text.as_bytes()),
        Value::List(items) => {
            put(b'l', b"");
            for item in items {
                feed(hash, item);
            }
        }
        Value::Record(fields) => {
            for (index, field) in (0_u32..).zip(fields).filter(|(_, field)| !field.is_absent()) {
                hash.write(&index.to_be_bytes());
                feed(hash, field);
            }
        }
    }
}
