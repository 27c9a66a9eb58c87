//! SHA-256 of documents and of canonical content.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    model::{Field, Type},
    record::Record,
    value::Value,
};

/// A SHA-256; its text form is lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// The hash of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The hash of several parts, each with its length before it.
pub fn hash_of(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    Hash(hasher.finalize().into())
}

/// The hash of what a record says, without the fields that are no content.
///
/// It walks names and values, so a schema that only gained fields gives the same hash.
pub fn content_hash(record: &Record) -> Hash {
    let mut hasher = Sha256::new();
    for (field, value) in record.model().fields.iter().zip(record.root().fields()) {
        feed_field(&mut hasher, field, value);
    }
    Hash(hasher.finalize().into())
}

fn feed_field(hasher: &mut Sha256, field: &Field, value: &Value) {
    if value.is_absent() || !field.is_content {
        return;
    }
    feed(hasher, b'f', field.name.as_bytes());
    feed_value(hasher, value, field.ty);
}

fn feed_value(hasher: &mut Sha256, value: &Value, ty: Type) {
    match (value, ty) {
        (Value::Absent, _) => feed(hasher, b'0', b""),
        (Value::Boolean(truth), _) => feed(hasher, b'b', &[u8::from(*truth)]),
        (Value::Integer(number), _) => feed(hasher, b'i', &number.to_be_bytes()),
        (Value::Symbol(index), Type::Symbol(symbols)) => feed(hasher, b's', symbols[usize::from(*index)].as_bytes()),
        (Value::Symbol(index), _) => feed(hasher, b's', &index.to_be_bytes()),
        (Value::Text(text), _) => feed(hasher, b't', text.as_bytes()),
        (Value::List(items), Type::List { item, .. }) => {
            feed(hasher, b'l', &(items.len() as u64).to_be_bytes());
            for value in items {
                feed_value(hasher, value, *item);
            }
        }
        (Value::Record(fields), Type::Record(record)) => {
            feed(hasher, b'r', b"");
            for (field, value) in record.fields.iter().zip(fields) {
                feed_field(hasher, field, value);
            }
            feed(hasher, b'e', b"");
        }
        (Value::List(_) | Value::Record(_), _) => unreachable!("values obey the model"),
    }
}

fn feed(hasher: &mut Sha256, tag: u8, bytes: &[u8]) {
    hasher.update([tag]);
    hasher.update((bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Hash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let error = || format!("`{text}` is no SHA-256 in hexadecimal");
        if text.len() != 64 || !text.is_ascii() {
            return Err(error());
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).map_err(|_| error())?;
        }
        Ok(Self(bytes))
    }
}

impl From<[u8; 32]> for Hash {
    /// What a keyed hash (HMAC-SHA-256) gave.
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl TryFrom<String> for Hash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Path};

    fn record(pairs: &[(&str, &str)]) -> Record {
        let mut record = Record::new(Kind::Vacancy);
        for (path, text) in pairs {
            *Path::resolve(record.model(), path).unwrap().slot(record.root_mut()) = Value::text(*text);
        }
        record
    }

    #[test]
    fn the_time_of_change_is_no_content() {
        let before = record(&[("reference", "R1"), ("modified_at", "2026-11-21")]);
        let after = record(&[("reference", "R1"), ("modified_at", "2026-11-22")]);
        assert_eq!(content_hash(&before), content_hash(&after));
    }

    #[test]
    fn content_is_content() {
        let pairs = [("reference", "R1"), ("profiles[nl].title", "Lasser")];
        assert_eq!(content_hash(&record(&pairs)), content_hash(&record(&pairs)));
        assert_ne!(content_hash(&record(&pairs)), content_hash(&record(&pairs[..1])));
        let cleared = [("reference", "R1"), ("profiles[nl].title", "")];
        assert_ne!(content_hash(&record(&cleared)), content_hash(&record(&pairs[..1])));
    }

    #[test]
    fn a_hash_is_read_back() {
        let hash = Hash::of(b"passerelle");
        assert_eq!(hash.to_string().parse::<Hash>().unwrap(), hash);
        assert!("xyz".parse::<Hash>().is_err());
    }
}
