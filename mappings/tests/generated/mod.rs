//! Canonical records made by chance, driven by the model alone.

use std::sync::Arc;

use mappings::codes::{CodeList, Library};
use proptest::{collection::vec, option::weighted, prelude::*, sample::select, strategy::Union};
use schemas::{Field, Format, Kind, Path, Record, RecordType, Type, Value};

/// Words for keys and kinds; the dialects know some of them.
const KEYS: [(&str, &[&str]); 5] = [
    ("language", &["nl", "fr", "en", "de"]),
    ("scheme", &["vdab", "external", "hrxml", "be-kbo", "greenhouse-job", "requisition", "other"]),
    ("type", &["email", "web", "telephone", "mobile", "fax", "post", "in_person"]),
    ("kind", &["technical", "soft", "certificate", "knowledge", "handicraft", "office"]),
    ("script", &["Latn", "Arab", "Tfng", "Hebr"]),
];

/// Records of a kind. Every record has what no partner can do without.
pub fn records(kind: Kind, library: &Library) -> BoxedStrategy<Record> {
    let model = RecordType::of(kind);
    let root = record(model, library);
    let happened = model.field("happened").map_or(1, |(_, field)| match field.ty {
        Type::Symbol(symbols) => u16::try_from(symbols.len()).unwrap(),
        _ => 1,
    });
    (root, any::<bool>(), 0..happened)
        .prop_map(move |(root, is_complete, happened)| {
            let mut record = Record::new(kind);
            *record.root_mut() = root;
            if kind == Kind::PlacementStatus {
                for (path, value) in [
                    ("reference", Value::text("E-1")),
                    ("profile", Value::text("0c6f0a5e-7f0c-4c8a-9d55-5f8e3f1f9d11")),
                    ("effective_at", Value::text("2026-11-20T14:05:00Z")),
                    ("happened", Value::Symbol(happened)),
                ] {
                    fill(&mut record, path, value);
                }
                return record;
            }
            if kind == Kind::TalentProfile {
                fill(&mut record, "restricted_ids[ma-cin].value", Value::text("AB123456"));
                if is_complete {
                    complete(&mut record);
                }
                return record;
            }
            for (path, value) in [
                ("reference", Value::text("R-1")),
                ("profiles[nl].title", Value::text("Lasser")),
                ("profiles[nl].language", Value::text("nl")),
                ("status", Value::Symbol(2)),
            ] {
                fill(&mut record, path, value);
            }
            let places = record.at("locations").unwrap().items().len();
            if places == 0 {
                fill(&mut record, "locations[0].country", Value::text("BE"));
            }
            record
        })
        .boxed()
}

/// Gives a profile what a first registration asks for.
fn complete(record: &mut Record) {
    for (path, text) in [
        ("reference", "P-1"),
        ("person.names[Latn].family", "AIT EXEMPLE"),
        ("person.names[Latn].given", "Fatima"),
        ("person.birth_date", "1997-03-05"),
        ("person.residence.address_line", "12 rue des Orangers"),
        ("contacts[email].value", "fatima@example.org"),
        ("contacts[mobile].value", "+212600000001"),
    ] {
        fill(record, path, Value::text(text));
    }
    for (path, scheme, code) in [
        ("person.sex", "iso-5218", "1"),
        ("person.nationalities[0]", "iso-3166-1", "MA"),
        ("person.marital_status", "sigec/situation-familiale", "Célibataire"),
        ("person.residence.town", "anapec/ville", "11"),
        ("person.residence.municipality", "sigec/commune", "7728"),
        ("seeking.situation", "sigec/situation-emploi", "Sans emploi"),
    ] {
        let path = Path::resolve(record.model(), path).unwrap();
        let mut value = Value::empty_record(path.ty().record_inside().unwrap());
        for (name, text) in [("scheme", scheme), ("code", code)] {
            let model = path.ty().record_inside().unwrap();
            *value.field_mut(model, model.field(name).unwrap().0) = Value::text(text);
        }
        *path.slot(record.root_mut()) = value;
    }
}

fn fill(record: &mut Record, path: &str, value: Value) {
    let path = Path::resolve(record.model(), path).unwrap();
    let slot = path.slot(record.root_mut());
    if slot.is_absent() || slot.as_text() == Some("") {
        *slot = value;
    }
}

fn record(model: &'static RecordType, library: &Library) -> BoxedStrategy<Value> {
    let fields: Vec<BoxedStrategy<Value>> = model.fields.iter().map(|field| self::field(field, library)).collect();
    fields.prop_map(|fields| Value::Record(fields.into_boxed_slice())).boxed()
}

fn field(field: &'static Field, library: &Library) -> BoxedStrategy<Value> {
    if ["cleared", "withheld"].contains(&field.name) {
        return Just(Value::Absent).boxed();
    }
    let value = match field.ty {
        Type::List { item, key } => list(*item, key, field, library),
        ty => value(ty, field, library),
    };
    weighted(0.5, value).prop_map(Option::unwrap_or_default).boxed()
}

/// Items that say something, and of lists with a key one per key.
fn list(item: Type, key: Option<usize>, field: &'static Field, library: &Library) -> BoxedStrategy<Value> {
    let items = vec(value(item, field, library), 1..4);
    items
        .prop_map(move |items| {
            let mut kept: Vec<Value> = Vec::new();
            for item in items {
                let is_empty = !item.fields().is_empty()
                    && item.fields().iter().enumerate().all(|(index, field)| field.is_absent() || Some(index) == key);
                let is_twin = key.is_some_and(|key| {
                    item.field(key).is_absent() || kept.iter().any(|other| other.field(key) == item.field(key))
                });
                if !is_empty && !is_twin && !kept.contains(&item) {
                    kept.push(item);
                }
            }
            if kept.is_empty() { Value::Absent } else { Value::List(kept) }
        })
        .boxed()
}

fn value(ty: Type, field: &'static Field, library: &Library) -> BoxedStrategy<Value> {
    match ty {
        Type::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Type::Integer => (0_i64..5000).prop_map(Value::Integer).boxed(),
        Type::Symbol(symbols) => {
            let count = u16::try_from(symbols.len()).unwrap();
            (0..count).prop_map(Value::Symbol).boxed()
        }
        Type::Text(format) => text(format, field).prop_map(Value::text).boxed(),
        Type::Record(model) if model.is_coded() => coded(model, field, library),
        Type::Record(model) => record(model, library),
        Type::List { item, key } => list(*item, key, field, library),
    }
}

fn text(format: Format, field: &'static Field) -> BoxedStrategy<String> {
    if let Some((_, words)) = KEYS.iter().find(|(name, _)| *name == field.name) {
        return select(words.to_vec()).prop_map(str::to_owned).boxed();
    }
    let cleared = Just(String::new());
    let texts = match format {
        Format::Plain => "[A-Za-z0-9<>&\"'\u{e9}/.,;:-]{1,8}( [A-Za-z0-9<>&\u{e9}\u{20ac}-]{1,8}){0,3}".boxed(),
        Format::Html => html(),
        Format::Decimal => {
            let number = (0_u32..100_000, 0_u32..100).prop_map(|(whole, cents)| match cents {
                0 => whole.to_string(),
                cents => format!("{whole}.{cents:02}").trim_end_matches('0').to_owned(),
            });
            number.boxed()
        }
        Format::PartialDateTime => dates(),
        Format::Language => select(vec!["nl", "fr", "en", "de"]).prop_map(str::to_owned).boxed(),
        Format::Country => select(vec!["BE", "FR", "NL", "GR", "GB", "MA"]).prop_map(str::to_owned).boxed(),
        Format::Currency => select(vec!["EUR", "SEK", "MAD"]).prop_map(str::to_owned).boxed(),
    };
    Union::new_weighted(vec![(12, texts), (1, cleared.boxed())]).boxed()
}

fn html() -> BoxedStrategy<String> {
    let word = select(vec![
        "werk",
        "R&amp;D",
        "&lt;3",
        "caf\u{e9}",
        "a",
        "<b>vet</b>",
        "<a href=\"https://example.org/\">x</a>",
    ]);
    let line = vec(word, 1..4).prop_map(|words| words.join(" "));
    let block = (line.clone(), select(vec!["p", "h2", "div"])).prop_map(|(line, tag)| format!("<{tag}>{line}</{tag}>"));
    let list = vec(line.clone(), 1..3).prop_map(|lines| format!("<ul><li>{}</li></ul>", lines.join("</li><li>")));
    let plain = vec(line, 1..3).prop_map(|lines| lines.join("<br>"));
    prop_oneof![plain, vec(prop_oneof![block, list], 1..3).prop_map(|blocks| blocks.concat())].boxed()
}

fn dates() -> BoxedStrategy<String> {
    (2020_u16..2030, 1_u8..13, 1_u8..29, 0_u8..24, 0_u8..4)
        .prop_map(|(year, month, day, hour, precision)| match precision {
            0 => format!("{year}"),
            1 => format!("{year}-{month:02}"),
            2 => format!("{year}-{month:02}-{day:02}"),
            _ => format!("{year}-{month:02}-{day:02}T{hour:02}:30:00Z"),
        })
        .boxed()
}

/// A code of one of the field's own vocabularies, or of any list; sometimes only words.
fn coded(model: &'static RecordType, field: &'static Field, library: &Library) -> BoxedStrategy<Value> {
    let has_codes = |list: &&Arc<CodeList>| list.codes().next().is_some();
    let own = library.lists().filter(|list| field.schemes.contains(&&**list.scheme())).filter(has_codes);
    let own: Vec<(Arc<str>, Arc<str>)> = own.flat_map(|list| named(list, 40)).collect();
    let all: Vec<(Arc<str>, Arc<str>)> = library.lists().filter(has_codes).flat_map(|list| named(list, 4)).collect();
    let known = if own.is_empty() { all.clone() } else { own };
    let pick = prop_oneof![9 => select(known), 1 => select(all)];
    // No list has a word with a blank in it that was made by chance: it stands for words that are no code.
    (pick, weighted(0.2, "[a-z]{1,6} [a-z]{1,6}"), weighted(0.9, Just(())))
        .prop_map(move |((scheme, code), label, has_code)| {
            let mut value = Value::empty_record(model);
            let mut put = |name: &str, text: Value| {
                let (index, _) = model.field(name).unwrap();
                *value.field_mut(model, index) = text;
            };
            put("scheme", Value::Text(scheme));
            if has_code.is_some() || label.is_none() {
                put("code", Value::Text(code));
            }
            put("obtained", Value::Symbol(1));
            if let Some(label) = label {
                put("label", Value::text(label));
            }
            value
        })
        .boxed()
}

fn named(list: &Arc<CodeList>, count: usize) -> Vec<(Arc<str>, Arc<str>)> {
    list.codes().take(count).map(|code| (list.scheme().clone(), code.clone())).collect()
}
