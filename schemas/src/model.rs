//! The canonical model, read from the Avro files: what fields there are, and what is known of each.
//!
//! A model lives as long as the process, so that names and types are plain references.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::Value as Json;

use crate::Kind;

/// A record of named fields.
#[derive(Debug)]
pub struct RecordType {
    /// The record's own name, such as `Location`.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// The fields, in the order of the schema.
    pub fields: Vec<Field>,
}

/// One field of a record, with what the schema says about it.
#[derive(Debug)]
pub struct Field {
    /// The name: ours, snake_case.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Its place in HR Open 4.2.
    pub hropen: Option<&'static str>,
    /// The canonical code lists of a coded field, most wanted first.
    pub schemes: Vec<&'static str>,
    /// Whether a change of it is a change of the record.
    pub is_content: bool,
    /// The consent category; personal kinds only.
    pub category: Option<&'static str>,
    /// What it holds. Every field may be absent.
    pub ty: Type,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// A text under a format.
    Text(Format),
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// One of a closed set of symbols.
    Symbol(&'static [&'static str]),
    /// A record.
    Record(&'static RecordType),
    /// A list; `key` is the field of an item by which paths select it.
    List {
        /// What an item is.
        item: &'static Type,
        /// The item's field that tells items apart.
        key: Option<usize>,
    },
}

/// What rules a text obeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Plain text.
    Plain,
    /// A sanitised fragment of HTML.
    Html,
    /// A [`crate::Decimal`].
    Decimal,
    /// A [`crate::PartialDateTime`].
    PartialDateTime,
    /// ISO 639-1, lower case.
    Language,
    /// ISO 3166-1 alpha-2, upper case.
    Country,
    /// ISO 4217, upper case.
    Currency,
}

impl RecordType {
    /// The model of a kind, or nothing while the kind is not accepted.
    pub fn of(kind: Kind) -> Option<&'static RecordType> {
        match kind {
            Kind::Vacancy => Some(*VACANCY),
            Kind::TalentProfile | Kind::PlacementStatus => None,
        }
    }

    /// Reads a model from the text of an Avro schema.
    ///
    /// # Errors
    /// Says what the schema holds that the model cannot.
    pub fn parse(avsc: &str) -> Result<&'static RecordType, String> {
        let json: Json = serde_json::from_str(avsc).map_err(|error| error.to_string())?;
        let mut parser = Parser::default();
        match parser.parse_type(&json)? {
            Type::Record(record) => Ok(record),
            other => Err(format!("a kind is a record, not {other:?}")),
        }
    }

    /// The index and the field of that name.
    pub fn field(&self, name: &str) -> Option<(usize, &Field)> {
        self.fields.iter().enumerate().find(|(_, field)| field.name == name)
    }

    /// Whether this is the record of coded values, which mappings treat as one value.
    pub fn is_coded(&self) -> bool {
        self.name == "Coded"
    }
}

/// The text of the vacancy schema.
pub(crate) const VACANCY_AVSC: &str = include_str!("../avro/vacancy.avsc");

static VACANCY: LazyLock<&'static RecordType> =
    LazyLock::new(|| RecordType::parse(VACANCY_AVSC).expect("the embedded schema is tested"));

#[derive(Default)]
struct Parser {
    named: HashMap<String, Type>,
}

impl Parser {
    fn parse_type(&mut self, json: &Json) -> Result<Type, String> {
        match json {
            Json::String(name) => self.parse_name(name),
            Json::Object(object) => match text_of(json, "type") {
                Some("record") => self.parse_record(json),
                Some("enum") => self.parse_enum(json),
                Some("array") => self.parse_list(json),
                Some("string") => parse_format(text_of(json, "logicalType")).map(Type::Text),
                _ => object
                    .get("type")
                    .ok_or_else(|| format!("no type in {json}"))
                    .and_then(|inner| self.parse_type(inner)),
            },
            Json::Array(union) => match union.as_slice() {
                [Json::String(null), inner] if null == "null" => self.parse_type(inner),
                _ => Err(format!("a union must be null and one type: {json}")),
            },
            _ => Err(format!("no type: {json}")),
        }
    }

    fn parse_name(&self, name: &str) -> Result<Type, String> {
        match name {
            "string" => Ok(Type::Text(Format::Plain)),
            "long" => Ok(Type::Integer),
            "boolean" => Ok(Type::Boolean),
            other => self.named.get(other).copied().ok_or_else(|| format!("unknown type `{other}`")),
        }
    }

    fn parse_record(&mut self, json: &Json) -> Result<Type, String> {
        let name = text_of(json, "name").ok_or("a record without a name")?;
        let fields = json["fields"].as_array().ok_or_else(|| format!("`{name}` has no fields"))?;
        let fields = fields.iter().map(|field| self.parse_field(field)).collect::<Result<Vec<_>, _>>()?;
        let record = RecordType { name: keep(name), doc: keep(text_of(json, "doc").unwrap_or_default()), fields };
        let ty = Type::Record(Box::leak(Box::new(record)));
        self.named.insert(name.to_owned(), ty);
        Ok(ty)
    }

    fn parse_field(&mut self, json: &Json) -> Result<Field, String> {
        let name = text_of(json, "name").ok_or("a field without a name")?;
        let schemes = json["scheme"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(Field {
            name: keep(name),
            doc: keep(text_of(json, "doc").unwrap_or_default()),
            hropen: text_of(json, "hropen").map(keep),
            schemes: schemes.iter().filter_map(Json::as_str).map(keep).collect(),
            is_content: json["content"].as_bool().unwrap_or(true),
            category: text_of(json, "category").map(keep),
            ty: self.parse_type(&json["type"]).map_err(|error| format!("field `{name}`: {error}"))?,
        })
    }

    fn parse_enum(&mut self, json: &Json) -> Result<Type, String> {
        let name = text_of(json, "name").ok_or("an enum without a name")?;
        let symbols = json["symbols"].as_array().ok_or_else(|| format!("`{name}` has no symbols"))?;
        let symbols: Vec<&'static str> = symbols.iter().filter_map(Json::as_str).map(keep).collect();
        let ty = Type::Symbol(Vec::leak(symbols));
        self.named.insert(name.to_owned(), ty);
        Ok(ty)
    }

    fn parse_list(&mut self, json: &Json) -> Result<Type, String> {
        let item = self.parse_type(&json["items"])?;
        let key = match (text_of(json, "key"), item) {
            (Some(name), Type::Record(record)) => {
                Some(record.field(name).ok_or_else(|| format!("no field `{name}` in `{}`", record.name))?.0)
            }
            _ => None,
        };
        Ok(Type::List { item: Box::leak(Box::new(item)), key })
    }
}

fn parse_format(logical_type: Option<&str>) -> Result<Format, String> {
    Ok(match logical_type {
        None => Format::Plain,
        Some("passerelle-html") => Format::Html,
        Some("passerelle-decimal") => Format::Decimal,
        Some("passerelle-partial-date-time") => Format::PartialDateTime,
        Some("passerelle-language") => Format::Language,
        Some("passerelle-country") => Format::Country,
        Some("passerelle-currency") => Format::Currency,
        Some(other) => return Err(format!("unknown logical type `{other}`")),
    })
}

fn text_of<'a>(json: &'a Json, name: &str) -> Option<&'a str> {
    json.get(name).and_then(Json::as_str)
}

/// Keeps a text for the life of the process; models are loaded once.
fn keep(text: &str) -> &'static str {
    Box::leak(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_vacancy_is_documented_and_placed() {
        fn check(record: &RecordType, path: &str) {
            for field in &record.fields {
                assert!(!field.doc.is_empty(), "{path}.{} has no doc", field.name);
                let mut ty = field.ty;
                while let Type::List { item, .. } = ty {
                    ty = *item;
                }
                if let Type::Record(inner) = ty {
                    check(inner, &format!("{path}.{}", field.name));
                }
            }
        }
        let vacancy = RecordType::of(Kind::Vacancy).unwrap();
        check(vacancy, "vacancy");
        let (_, profiles) = vacancy.field("profiles").unwrap();
        assert!(matches!(profiles.ty, Type::List { key: Some(0), .. }));
        assert!(!vacancy.field("modified_at").unwrap().1.is_content);
    }

    #[test]
    fn no_personal_kind_has_a_model_yet() {
        assert!(RecordType::of(Kind::TalentProfile).is_none());
        assert!(RecordType::of(Kind::PlacementStatus).is_none());
    }

    #[test]
    fn what_the_model_cannot_hold_is_refused() {
        let float = r#"{"type":"record","name":"R","fields":[{"name":"f","type":["null","float"]}]}"#;
        assert_eq!(RecordType::parse(float).unwrap_err(), "field `f`: unknown type `float`");
    }
}
