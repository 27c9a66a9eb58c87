//! Canonical records as plain JSON: unions unwrapped, what is absent left out. A stable contract.

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};
use serde_json::Value as Json;
use thiserror::Error;

use crate::{
    Decimal, Kind, PartialDateTime,
    model::{Format, Type},
    record::Record,
    value::Value,
};

/// More faults help nobody, and hostile documents have a million.
const MAX_FAULTS: usize = 100;

/// A part of a JSON document that is no canonical record.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{pointer}`: {problem}")]
pub struct JsonError {
    /// JSON Pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong, and the remedy.
    pub problem: String,
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Plain(Type::Record(self.model()), self.root()).serialize(serializer)
    }
}

struct Plain<'a>(Type, &'a Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0, self.1) {
            (_, Value::Absent) => serializer.serialize_none(),
            (_, Value::Boolean(truth)) => serializer.serialize_bool(*truth),
            (_, Value::Integer(number)) => serializer.serialize_i64(*number),
            (_, Value::Text(text)) => serializer.serialize_str(text),
            (Type::Symbol(symbols), Value::Symbol(index)) => serializer.serialize_str(symbols[usize::from(*index)]),
            (Type::List { item, .. }, Value::List(items)) => {
                let mut sequence = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|value| sequence.serialize_element(&Plain(*item, value)))?;
                sequence.end()
            }
            (Type::Record(record), Value::Record(fields)) => {
                let mut map = serializer.serialize_map(None)?;
                for (field, value) in record.fields.iter().zip(fields).filter(|(_, value)| !value.is_absent()) {
                    map.serialize_entry(field.name, &Plain(field.ty, value))?;
                }
                map.end()
            }
            (ty, value) => Err(serde::ser::Error::custom(format!("{value:?} stands where {ty:?} belongs"))),
        }
    }
}

impl Record {
    /// Reads a record from plain JSON.
    ///
    /// # Errors
    /// One fault per place that is no part of the model; a null is absent.
    pub fn from_json(kind: Kind, json: &Json) -> Result<Self, Vec<JsonError>> {
        let mut record = Self::new(kind);
        let mut faults = Faults::default();
        let root = read(json, Type::Record(record.model()), &mut String::new(), &mut faults);
        if !faults.0.is_empty() {
            return Err(faults.0);
        }
        *record.root_mut() = root;
        Ok(record)
    }
}

/// The faults so far.
#[derive(Default)]
struct Faults(Vec<JsonError>);

impl Faults {
    fn note(&mut self, pointer: &str, problem: String) {
        if self.0.len() < MAX_FAULTS {
            self.0.push(JsonError { pointer: pointer.to_owned(), problem });
        }
    }
}

fn read(json: &Json, ty: Type, pointer: &mut String, faults: &mut Faults) -> Value {
    let length = pointer.len();
    match (ty, json) {
        (_, Json::Null) => Value::Absent,
        (Type::Boolean, Json::Bool(truth)) => Value::Boolean(*truth),
        (Type::Integer, Json::Number(number)) if number.is_i64() => Value::Integer(number.as_i64().unwrap_or_default()),
        (Type::Text(format), Json::String(text)) => {
            if let Err(problem) = format.check(text) {
                faults.note(pointer, problem);
            }
            Value::text(text.as_str())
        }
        (Type::Symbol(symbols), Json::String(text)) => {
            if let Some(index) = symbols.iter().position(|symbol| symbol == text) {
                Value::Symbol(u16::try_from(index).unwrap_or_default())
            } else {
                let problem = format!("`{text}` is none of {}", symbols.join(", "));
                faults.note(pointer, problem);
                Value::Absent
            }
        }
        (Type::List { item, .. }, Json::Array(items)) => {
            let mut read_item = |(index, json): (usize, &Json)| {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                let value = read(json, *item, pointer, faults);
                pointer.truncate(length);
                value
            };
            Value::List(items.iter().enumerate().map(&mut read_item).collect())
        }
        (Type::Record(record), Json::Object(object)) => {
            let mut value = Value::empty_record(record);
            for (name, json) in object {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                match record.field(name) {
                    Some((index, field)) => *value.field_mut(record, index) = read(json, field.ty, pointer, faults),
                    None => faults.note(pointer, format!("`{}` has no such field", record.name)),
                }
                pointer.truncate(length);
            }
            value
        }
        (ty, _) => {
            faults.note(pointer, format!("expected {}", name_of(ty)));
            Value::Absent
        }
    }
}

fn name_of(ty: Type) -> &'static str {
    match ty {
        Type::Text(_) | Type::Symbol(_) => "a text",
        Type::Integer => "a whole number",
        Type::Boolean => "true or false",
        Type::Record(_) => "an object",
        Type::List { .. } => "an array",
    }
}

impl Format {
    /// Checks a text; an empty one means cleared and obeys every format.
    ///
    /// # Errors
    /// Says what the format asks for.
    pub fn check(self, text: &str) -> Result<(), String> {
        if text.is_empty() {
            return Ok(());
        }
        match self {
            Self::Plain | Self::Html => Ok(()),
            Self::Decimal => match text.parse::<Decimal>() {
                Ok(decimal) if decimal.as_str() == text => Ok(()),
                Ok(decimal) => Err(format!("write `{text}` as `{decimal}`")),
                Err(error) => Err(error.to_string()),
            },
            Self::PartialDateTime => text.parse::<PartialDateTime>().map(drop).map_err(|error| error.to_string()),
            Self::Language if is_code(text, 2, u8::is_ascii_lowercase) => Ok(()),
            Self::Language => Err(format!("`{text}` is no language: use ISO 639-1, two small letters")),
            Self::Country if is_code(text, 2, u8::is_ascii_uppercase) => Ok(()),
            Self::Country => Err(format!("`{text}` is no country: use ISO 3166-1, two capital letters")),
            Self::Currency if is_code(text, 3, u8::is_ascii_uppercase) => Ok(()),
            Self::Currency => Err(format!("`{text}` is no currency: use ISO 4217, three capital letters")),
        }
    }
}

fn is_code(text: &str, length: usize, belongs: fn(&u8) -> bool) -> bool {
    text.len() == length && text.bytes().all(|byte| belongs(&byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_json_goes_in_and_comes_out() {
        let json = json!({
            "reference": "R1", "status": "published", "openings": 2,
            "profiles": [{"language": "nl", "title": ""}],
            "locations": [{"country": "BE", "latitude": "51.05"}],
            "contract": {"immediate_start": false},
            "categories": []
        });
        let record = Record::from_json(Kind::Vacancy, &json).unwrap();
        let mut sorted = serde_json::to_value(&record).unwrap();
        assert_eq!(sorted["profiles"][0]["title"], "");
        sorted.sort_all_objects();
        let mut expected = json;
        expected.sort_all_objects();
        assert_eq!(sorted, expected);
    }

    #[test]
    fn every_fault_has_its_pointer() {
        let json = json!({
            "titel": 1, "openings": "two", "status": "open",
            "locations": [{"country": "be"}, {"latitude": "51,05"}],
            "valid_until": "tomorrow"
        });
        let faults = Record::from_json(Kind::Vacancy, &json).unwrap_err();
        let mut pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        pointers.sort_unstable();
        assert_eq!(
            pointers,
            ["/locations/0/country", "/locations/1/latitude", "/openings", "/status", "/titel", "/valid_until"]
        );
    }
}
