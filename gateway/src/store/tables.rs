//! Every table of the store and what its columns hold, for those who read or write it as a whole.

mod list;

use schemas::{Hash, hash_of};

pub use self::list::TABLES;

/// A table that is store-first, or derived and kept all the same.
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [(&'static str, Kind)],
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A UUID.
    Id,
    /// Text.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// Bytes.
    Bytes,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A UUID.
    Id(Option<uuid::Uuid>),
    /// Text.
    Text(Option<String>),
    /// A number.
    Number(Option<i64>),
    /// Yes or no.
    Flag(Option<bool>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}

impl Table {
    /// The names of the columns, as they stand in a statement.
    pub fn column_names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The place of a column.
    pub fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|(name, _)| *name == column)
    }
}

/// How many rows, and which, in whatever order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest {
    /// How many.
    pub rows: i64,
    sum: [u128; 2],
}

impl Digest {
    /// Counts a row in.
    pub fn add(&mut self, row: &[Value]) {
        let bytes: Vec<Vec<u8>> = row.iter().map(Value::bytes).collect();
        let hash = hash_of(&bytes.iter().map(Vec::as_slice).collect::<Vec<_>>());
        for (sum, half) in self.sum.iter_mut().zip(hash.as_bytes().chunks_exact(16)) {
            let mut number = [0; 16];
            number.copy_from_slice(half);
            *sum = sum.wrapping_add(u128::from_be_bytes(number));
        }
        self.rows += 1;
    }

    /// Both in one.
    pub fn hash(&self) -> Hash {
        hash_of(&[&self.rows.to_be_bytes(), &self.sum[0].to_be_bytes(), &self.sum[1].to_be_bytes()])
    }
}

impl Value {
    /// The value with its kind before it; nothing for none, which no value is.
    fn bytes(&self) -> Vec<u8> {
        let (kind, bytes) = match self {
            Self::Id(value) => (b'i', value.map(|id| id.as_bytes().to_vec())),
            Self::Text(value) => (b't', value.as_ref().map(|text| text.as_bytes().to_vec())),
            Self::Number(value) => (b'n', value.map(|number| number.to_be_bytes().to_vec())),
            Self::Flag(value) => (b'f', value.map(|flag| vec![u8::from(flag)])),
            Self::Bytes(value) => (b'b', value.clone()),
        };
        bytes
            .map(|mut bytes| {
                bytes.insert(0, kind);
                bytes
            })
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_knows_rows_in_any_order_and_none_from_nothing() {
        let (one, other) =
            ([Value::Text(Some("a".to_owned())), Value::Number(None)], [Value::Text(None), Value::Number(Some(1))]);
        let of = |rows: &[&[Value]]| {
            let mut digest = Digest::default();
            for row in rows {
                digest.add(row);
            }
            digest
        };
        assert_eq!(of(&[&one, &other]), of(&[&other, &one]));
        assert_ne!(of(&[&one, &one]), of(&[&one, &other]));
        assert_ne!(of(&[&[Value::Text(None)]]), of(&[&[Value::Text(Some(String::new()))]]));
    }
}
