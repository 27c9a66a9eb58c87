//! The canonical model, read from the Avro files: what fields there are, and what is known of each.
//!
//! A model lives as long as the process, so that names and types are plain references.

use std::{
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

use serde_json::Value as Json;

use crate::{Category, Kind};

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
    /// The consent category, where it is not that of the field around it; personal kinds only.
    pub category: Option<Category>,
    /// The only dialects that it may be read from and written to; any, if there are none.
    pub confined_to: Vec<&'static str>,
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

impl Type {
    /// The record that it is, or that its items are.
    pub fn record_inside(self) -> Option<&'static RecordType> {
        match self {
            Type::Record(record) => Some(record),
            Type::List { item, .. } => item.record_inside(),
            _ => None,
        }
    }
}

impl RecordType {
    /// The model of a kind.
    pub fn of(kind: Kind) -> &'static RecordType {
        match kind {
            Kind::Vacancy => *VACANCY,
            Kind::TalentProfile => *TALENT_PROFILE,
            Kind::PlacementStatus => *PLACEMENT_STATUS,
        }
    }

    /// Reads the model of a kind from the text of an Avro schema. That of a personal kind says of every field who may
    /// permit it.
    ///
    /// # Errors
    /// Says what the schema holds that the model cannot, or which field has no consent category.
    pub fn parse(kind: Kind, avsc: &str) -> Result<&'static RecordType, String> {
        let json: Json = serde_json::from_str(avsc).map_err(|error| error.to_string())?;
        let mut parser = Parser::default();
        match parser.parse_type(&json)? {
            Type::Record(record) => {
                check_confinement(record)?;
                if kind.is_personal() {
                    check_categories(record)?;
                }
                Ok(record)
            }
            other => Err(format!("a kind is a record, not {other:?}")),
        }
    }

    /// Every consent category that a field has: its own, or that of the field around it.
    pub fn categories(&self) -> BTreeSet<Category> {
        let mut categories = BTreeSet::new();
        self.collect_categories(None, &mut categories);
        categories
    }

    fn collect_categories(&self, around: Option<Category>, categories: &mut BTreeSet<Category>) {
        for field in &self.fields {
            let own = field.category.or(around);
            match field.ty.record_inside() {
                Some(record) => record.collect_categories(own, categories),
                None => categories.extend(own),
            }
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

/// The text of the talent profile schema.
pub(crate) const TALENT_PROFILE_AVSC: &str = include_str!("../avro/talent_profile.avsc");

/// The text of the placement status schema.
pub(crate) const PLACEMENT_STATUS_AVSC: &str = include_str!("../avro/placement_status.avsc");

static VACANCY: LazyLock<&'static RecordType> =
    LazyLock::new(|| RecordType::parse(Kind::Vacancy, VACANCY_AVSC).expect("the embedded schema is tested"));
static TALENT_PROFILE: LazyLock<&'static RecordType> = LazyLock::new(|| {
    RecordType::parse(Kind::TalentProfile, TALENT_PROFILE_AVSC).expect("the embedded schema is tested")
});

static PLACEMENT_STATUS: LazyLock<&'static RecordType> = LazyLock::new(|| {
    RecordType::parse(Kind::PlacementStatus, PLACEMENT_STATUS_AVSC).expect("the embedded schema is tested")
});

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
        Ok(Field {
            name: keep(name),
            doc: keep(text_of(json, "doc").unwrap_or_default()),
            hropen: text_of(json, "hropen").map(keep),
            schemes: texts_of(json, "scheme").map(keep).collect(),
            is_content: json["content"].as_bool().unwrap_or(true),
            category: category_of(json).map_err(|problem| format!("field `{name}`: {problem}"))?,
            confined_to: texts_of(json, "confined_to").map(keep).collect(),
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

fn texts_of<'a>(json: &'a Json, name: &str) -> impl Iterator<Item = &'a str> {
    json.get(name).and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
}

fn category_of(json: &Json) -> Result<Option<Category>, String> {
    match json.get("category") {
        None => Ok(None),
        Some(category) => category.as_str().ok_or("a category is a text")?.parse().map(Some),
    }
}

/// What never leaves a dialect is a field of the record itself: it is taken out as a whole.
fn check_confinement(root: &RecordType) -> Result<(), String> {
    fn check(record: &RecordType, path: &str) -> Result<(), String> {
        for field in &record.fields {
            let path = format!("{path}.{}", field.name);
            if !field.confined_to.is_empty() {
                return Err(format!("field `{path}`: only a field of the record itself is confined to dialects"));
            }
            if let Some(inner) = field.ty.record_inside() {
                check(inner, &path)?;
            }
        }
        Ok(())
    }
    let mut inner = root.fields.iter().filter_map(|field| Some((field.ty.record_inside()?, field.name)));
    inner.try_for_each(|(record, name)| check(record, name))
}

/// Every leaf has a category, its own or that of a field around it, and the items of a list have one in common: how many
/// there are would tell of those that are withheld.
fn check_categories(root: &RecordType) -> Result<(), String> {
    fn check(
        record: &RecordType,
        path: &str,
        around: Option<Category>,
        of_items: Option<Category>,
    ) -> Result<(), String> {
        for field in &record.fields {
            let path = if path.is_empty() { field.name.to_owned() } else { format!("{path}.{}", field.name) };
            let own = field.category.or(around);
            if own != of_items && of_items.is_some() {
                return Err(format!("field `{path}`: the items of a list have one consent category"));
            }
            match (field.ty, field.ty.record_inside()) {
                (Type::List { .. }, _) | (_, None) if own.is_none() => {
                    return Err(format!("field `{path}` has no consent category"));
                }
                (Type::List { .. }, Some(inner)) => check(inner, &path, own, own)?,
                (_, Some(inner)) => check(inner, &path, own, of_items)?,
                (_, None) => {}
            }
        }
        Ok(())
    }
    check(root, "", None, None)
}

/// Keeps a text for the life of the process; models are loaded once.
fn keep(text: &str) -> &'static str {
    Box::leak(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_documented() {
        fn check(record: &RecordType, path: &str) {
            for field in &record.fields {
                assert!(!field.doc.is_empty(), "{path}.{} has no doc", field.name);
                if let Some(inner) = field.ty.record_inside() {
                    check(inner, &format!("{path}.{}", field.name));
                }
            }
        }
        check(RecordType::of(Kind::TalentProfile), "talent_profile");
        check(RecordType::of(Kind::PlacementStatus), "placement_status");
        let vacancy = RecordType::of(Kind::Vacancy);
        check(vacancy, "vacancy");
        let (_, profiles) = vacancy.field("profiles").unwrap();
        assert!(matches!(profiles.ty, Type::List { key: Some(0), .. }));
        assert!(!vacancy.field("modified_at").unwrap().1.is_content);
    }

    /// A schema with one field at the root and one inside of a group and of a list.
    fn schema(root: &str, group: &str, inside: &str) -> String {
        let leaf = |name: &str, extra: &str| format!(r#"{{"name":"{name}","type":["null","string"]{extra}}}"#);
        let (leaf_at_root, leaf_inside) = (leaf("leaf", root), leaf("inside", inside));
        let record = format!(r#"{{"type":"record","name":"Group","fields":[{leaf_inside}]}}"#);
        let group = format!(r#"{{"name":"group","type":["null",{record}]{group}}}"#);
        let list = r#"{"name":"list","type":["null",{"type":"array","items":"Group"}],"category":"skills"}"#;
        format!(r#"{{"type":"record","name":"R","fields":[{leaf_at_root},{group},{list}]}}"#)
    }

    #[test]
    fn a_personal_field_without_a_category_does_not_load() {
        let (own, other) = (r#","category":"skills""#, r#","category":"video""#);
        for kind in [Kind::TalentProfile, Kind::PlacementStatus] {
            let problem = |root, group, inside| RecordType::parse(kind, &schema(root, group, inside)).unwrap_err();
            assert!(RecordType::parse(kind, &schema(own, own, "")).is_ok(), "inherited");
            assert!(RecordType::parse(kind, &schema(own, "", own)).is_ok(), "its own");
            assert_eq!(problem("", own, ""), "field `leaf` has no consent category");
            assert_eq!(problem(own, "", ""), "field `group.inside` has no consent category");
            assert_eq!(problem(own, "", other), "field `list.inside`: the items of a list have one consent category");
            assert!(problem(r#","category":"hobby""#, own, "").starts_with("field `leaf`: `hobby` is none of"));
            assert_eq!(problem(r#","category":7"#, own, ""), "field `leaf`: a category is a text");
        }
        assert!(RecordType::parse(Kind::Vacancy, &schema("", "", "")).is_ok(), "vacancies are not personal");
    }

    #[test]
    fn confinement_is_a_matter_of_whole_fields() {
        let confined = r#","category":"skills","confined_to":["x"]"#;
        let problem = RecordType::parse(Kind::TalentProfile, &schema(confined, "", confined)).unwrap_err();
        assert_eq!(problem, "field `group.inside`: only a field of the record itself is confined to dialects");
        let own = r#","category":"skills""#;
        assert!(RecordType::parse(Kind::TalentProfile, &schema(confined, own, "")).is_ok());
    }

    #[test]
    fn the_categories_of_the_schema_are_ours_and_explained() {
        let explained = |avsc| {
            let json: Json = serde_json::from_str(avsc).unwrap();
            let categories = json["categories"].as_object().unwrap().clone();
            categories.into_iter().map(|(name, words)| (name, words.to_string())).collect::<Vec<_>>()
        };
        let of_profiles = explained(TALENT_PROFILE_AVSC);
        let ours: Vec<&str> = Category::ALL.iter().map(|category| category.as_str()).collect();
        assert_eq!(of_profiles.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ours);
        let of_statuses = explained(PLACEMENT_STATUS_AVSC);
        let used = RecordType::of(Kind::PlacementStatus).categories();
        assert_eq!(of_statuses.iter().map(|(name, _)| name.parse().unwrap()).collect::<BTreeSet<_>>(), used);
        assert!(of_statuses.iter().all(|category| of_profiles.contains(category)), "they mean the same");
    }

    #[test]
    fn what_the_model_cannot_hold_is_refused() {
        let float = r#"{"type":"record","name":"R","fields":[{"name":"f","type":["null","float"]}]}"#;
        assert_eq!(RecordType::parse(Kind::Vacancy, float).unwrap_err(), "field `f`: unknown type `float`");
    }
}
