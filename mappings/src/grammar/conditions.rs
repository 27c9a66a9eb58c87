//! What is asked of a document, and the paths that stand beside it.

use toml_edit::{Item, TableLike};

use crate::{document::Format, error::Mistakes};

use super::{Place, file::read_texts, toml::Table};

/// Something that is asked of a document.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) at: Place,
    /// The values that are wanted; empty where it is enough that something stands there.
    pub(crate) is: Vec<String>,
    /// Whether nothing may stand there.
    pub(crate) is_lacking: bool,
}

/// A place that may not be kept, and the code it is reported under.
#[derive(Debug, Clone)]
pub(crate) struct Discard {
    pub(crate) at: Place,
    pub(crate) code: String,
}

/// Reads the paths under a key.
pub(super) fn read_places_of(
    table: &mut Table<'_>,
    name: &'static str,
    format: Format,
    mistakes: &mut Mistakes<'_>,
) -> Vec<Place> {
    let mut places = Vec::new();
    for text in table.texts(name, mistakes) {
        match Place::parse(&text, format) {
            Ok(place) => places.push(place),
            Err(problem) => {
                let span = table.item(name).and_then(Item::span);
                mistakes.at(span, &table.rule, format!("`{text}` under `{name}` is no path"), problem);
            }
        }
    }
    places
}

/// Reads `{ at = "…", is = […] }`, `{ has = "…" }` or `{ lacks = "…" }`, or a list of them.
pub(super) fn read_conditions(
    table: &mut Table<'_>,
    name: &'static str,
    format: Format,
    mistakes: &mut Mistakes<'_>,
) -> Vec<Condition> {
    let Some(item) = table.item(name) else {
        return Vec::new();
    };
    let rule = table.rule.clone();
    let tables: Vec<&dyn TableLike> = match (item.as_table_like(), item.as_array()) {
        (Some(table), _) => vec![table],
        (_, Some(array)) => {
            array.iter().filter_map(|value| value.as_inline_table()).map(|table| table as &dyn TableLike).collect()
        }
        _ => Vec::new(),
    };
    if tables.is_empty() {
        table.expected(name, item, "`{ at = \"…\", is = [\"…\"] }` or `{ has = \"…\" }`", mistakes);
    }
    let mut conditions = Vec::new();
    for condition in tables {
        let mut options = Table::new(condition, &rule, item.span());
        let is = options.texts("is", mistakes);
        let at = read_places_of(&mut options, "at", format, mistakes).pop();
        let has = read_places_of(&mut options, "has", format, mistakes).pop();
        let lacks = read_places_of(&mut options, "lacks", format, mistakes).pop();
        let is_lacking = lacks.is_some();
        options.finish(mistakes);
        match at.filter(|_| !is.is_empty()).or(has).or(lacks) {
            Some(at) => conditions.push(Condition { at, is, is_lacking }),
            None => table.expected(name, item, "`{ at = \"…\", is = [\"…\"] }` or `{ has = \"…\" }`", mistakes),
        }
    }
    conditions
}

/// Reads `discard = { "path" = "code" }`.
pub(super) fn read_discards(table: &mut Table<'_>, format: Format, mistakes: &mut Mistakes<'_>) -> Vec<Discard> {
    let texts = read_texts(table.item("discard"), "discard", mistakes);
    let mut discards = Vec::new();
    for (path, code) in texts {
        match Place::parse(&path, format) {
            Ok(at) => discards.push(Discard { at, code }),
            Err(problem) => {
                let span = table.item("discard").and_then(Item::span);
                mistakes.at(span, &table.rule, format!("`{path}` under `discard` is no path"), problem);
            }
        }
    }
    discards
}
