//! Avro bytes of canonical records, envelopes and contents, each under the published schema that wrote it.
//!
//! Every datum carries the fingerprint of its schema (Avro 1.12, single-object encoding), so that a
//! log outlives its schemas. **Invariant:** what does not decode to its last byte is an error.

mod codec;
mod evolution;

use std::{fmt, sync::LazyLock};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, EnumAccess, IgnoredAny, MapAccess, SeqAccess, VariantAccess, Visitor},
    ser::{SerializeMap, SerializeSeq},
};
use thiserror::Error;

pub(crate) use self::codec::Codec;
pub use self::evolution::{Learned, Subject, check_full, learn};
use crate::{
    Kind,
    model::{RecordType, Type},
    record::Record,
    value::Value,
};

/// The published versions of a schema, oldest first; the last one is what is written now.
///
/// `subject` is `vacancy`, `talent_profile`, `placement_status`, `envelope` or `content`.
pub fn published_versions(subject: &str) -> &'static [&'static str] {
    match subject {
        "vacancy" => &[include_str!("../avro/published/vacancy/1.avsc")],
        "talent_profile" => &[include_str!("../avro/published/talent_profile/1.avsc")],
        "placement_status" => &[include_str!("../avro/published/placement_status/1.avsc")],
        "envelope" => &[include_str!("../avro/published/envelope/1.avsc")],
        "content" => &[include_str!("../avro/published/content/1.avsc")],
        _ => &[],
    }
}

/// Why bytes are no record.
#[derive(Debug, Error)]
pub enum CodecError {
    /// The bytes do not begin with the marker of the single-object encoding.
    #[error("no Avro single-object header")]
    Header,
    /// A schema that this program does not know: a newer one wrote it.
    #[error("written under schema {fingerprint}, which this version does not know: upgrade before you read this log")]
    UnknownSchema {
        /// The CRC-64-AVRO fingerprint, hexadecimal.
        fingerprint: String,
    },
    /// The bytes stop early, go on too long, or hold something else.
    #[error("damaged Avro record: {0}")]
    Damaged(String),
    /// A record that its own schema refuses: a defect of this program.
    #[error("cannot encode the record: {0}")]
    Encode(String),
    /// A text that is no schema of ours, or one that could not read what we write.
    #[error("not a version of our schemas: {0}")]
    Schema(String),
    /// A personal kind in a plain body, or another state that the types do not allow.
    #[error("{0}")]
    Forbidden(&'static str),
}

/// The codecs of the subjects.
pub(crate) static ENVELOPE: LazyLock<Codec> = LazyLock::new(|| Codec::new("envelope"));
pub(crate) static CONTENT: LazyLock<Codec> = LazyLock::new(|| Codec::new("content"));
static VACANCY: LazyLock<Codec> = LazyLock::new(|| Codec::new("vacancy"));
static TALENT_PROFILE: LazyLock<Codec> = LazyLock::new(|| Codec::new("talent_profile"));
static PLACEMENT_STATUS: LazyLock<Codec> = LazyLock::new(|| Codec::new("placement_status"));

impl Record {
    /// The record in Avro.
    ///
    /// # Errors
    /// [`CodecError::Encode`] if the record does not obey its model.
    pub fn to_avro(&self) -> Result<Vec<u8>, CodecError> {
        codec_of(self.kind()).encode(&Typed(Type::Record(self.model()), self.root()))
    }

    /// Reads a record from Avro. Fields that a newer schema added are passed over.
    ///
    /// # Errors
    /// Every variant but [`CodecError::Encode`].
    pub fn from_avro(kind: Kind, bytes: &[u8]) -> Result<Self, CodecError> {
        let codec = codec_of(kind);
        let root = match kind {
            Kind::Vacancy => codec.decode::<VacancyValue>(bytes)?.0,
            Kind::TalentProfile => codec.decode::<TalentProfileValue>(bytes)?.0,
            Kind::PlacementStatus => codec.decode::<PlacementStatusValue>(bytes)?.0,
        };
        let mut record = Self::new(kind);
        *record.root_mut() = root;
        Ok(record)
    }
}

fn codec_of(kind: Kind) -> &'static Codec {
    match kind {
        Kind::Vacancy => &VACANCY,
        Kind::TalentProfile => &TALENT_PROFILE,
        Kind::PlacementStatus => &PLACEMENT_STATUS,
    }
}

/// A value that knows its type, as serde wants it.
struct Typed<'a>(Type, &'a Value);

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0, self.1) {
            (_, Value::Boolean(truth)) => serializer.serialize_bool(*truth),
            (_, Value::Integer(number)) => serializer.serialize_i64(*number),
            (_, Value::Text(text)) => serializer.serialize_str(text),
            (Type::Symbol(symbols), Value::Symbol(index)) => {
                serializer.serialize_unit_variant("", u32::from(*index), symbols[usize::from(*index)])
            }
            (Type::List { item, .. }, Value::List(items)) => {
                let mut sequence = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|value| sequence.serialize_element(&Typed(*item, value)))?;
                sequence.end()
            }
            (Type::Record(record), Value::Record(fields)) => {
                let mut map = serializer.serialize_map(None)?;
                for (field, value) in record.fields.iter().zip(fields) {
                    map.serialize_entry(field.name, &Optional(field.ty, value))?;
                }
                map.end()
            }
            (ty, value) => Err(serde::ser::Error::custom(format!("{value:?} stands where {ty:?} belongs"))),
        }
    }
}

/// A field: null where nothing is said.
struct Optional<'a>(Type, &'a Value);

impl Serialize for Optional<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.1.is_absent() {
            return serializer.serialize_none();
        }
        serializer.serialize_some(&Typed(self.0, self.1))
    }
}

/// The root value of a vacancy; serde gives a type no way to be told its model otherwise.
struct VacancyValue(Value);

/// The root value of a talent profile.
struct TalentProfileValue(Value);

/// The root value of a placement status.
struct PlacementStatusValue(Value);

impl<'de> Deserialize<'de> for VacancyValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        root_of(Kind::Vacancy, deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for TalentProfileValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        root_of(Kind::TalentProfile, deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for PlacementStatusValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        root_of(Kind::PlacementStatus, deserializer).map(Self)
    }
}

fn root_of<'de, D: Deserializer<'de>>(kind: Kind, deserializer: D) -> Result<Value, D::Error> {
    deserializer.deserialize_any(Reading(Type::Record(RecordType::of(kind))))
}

/// Reads the value of a type.
#[derive(Clone, Copy)]
struct Reading(Type);

impl<'de> DeserializeSeed<'de> for Reading {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.0)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Absent)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Boolean(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::text(text))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let Type::Symbol(symbols) = self.0 else {
            return Err(serde::de::Error::custom("a symbol stands where none belongs"));
        };
        let (index, variant) =
            access.variant_seed(NameAmong(|name: &str| symbols.iter().position(|known| *known == name)))?;
        variant.unit_variant()?;
        // A symbol that a newer schema added reads as the first, which is the default.
        Ok(Value::Symbol(u16::try_from(index.unwrap_or_default()).map_err(serde::de::Error::custom)?))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let Type::List { item, .. } = self.0 else {
            return Err(serde::de::Error::custom("a list stands where none belongs"));
        };
        let mut items = Vec::new();
        while let Some(value) = access.next_element_seed(Reading(*item))? {
            items.push(value);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let Type::Record(record) = self.0 else {
            return Err(serde::de::Error::custom("a record stands where none belongs"));
        };
        let mut value = Value::empty_record(record);
        let mut expected = 0;
        let find = |expected: usize, name: &str| match record.fields.get(expected) {
            Some(field) if field.name == name => Some(expected),
            _ => record.field(name).map(|(index, _)| index),
        };
        while let Some(found) = access.next_key_seed(NameAmong(|name: &str| find(expected, name)))? {
            let Some(index) = found else {
                access.next_value::<IgnoredAny>()?;
                continue;
            };
            *value.field_mut(record, index) = access.next_value_seed(Reading(record.fields[index].ty))?;
            expected = index + 1;
        }
        Ok(value)
    }
}

/// Reads a name and finds its index.
struct NameAmong<F>(F);

impl<'de, F: Fn(&str) -> Option<usize>> DeserializeSeed<'de> for NameAmong<F> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<F: Fn(&str) -> Option<usize>> Visitor<'_> for NameAmong<F> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        Ok((self.0)(name))
    }
}

#[cfg(test)]
mod tests;
