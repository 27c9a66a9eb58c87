//! What a partner's documents never say, by canonical path; what they say may decide (`[[defaults_when]]`).

use std::sync::Arc;

use schemas::{Format, Kind, Path, RecordType, Step, Type, Value};
use toml_edit::{Document, Item, TableLike};

use crate::{
    codes::{CodedShape, Named},
    error::{MappingError, Mistakes, did_you_mean},
    plan::canonical_value,
};

/// What a partner's documents never say.
#[derive(Debug, Clone, Default)]
pub struct Defaults {
    pub(crate) language: Option<Arc<str>>,
    always: Vec<(Path, Value)>,
    conditional: Vec<Conditional>,
}

#[derive(Debug, Clone)]
struct Conditional {
    when: Vec<(Path, String)>,
    set: Vec<(Path, Value)>,
}

impl Defaults {
    /// Reads `language`, `[defaults]` and `[[defaults_when]]` of a partner file; all else in it is left alone.
    ///
    /// # Errors
    /// Every mistake, with its line.
    pub fn from_toml(file: &str, text: &str, kind: Kind) -> Result<Self, Vec<MappingError>> {
        let mut mistakes = Mistakes::new(file, text);
        let model = RecordType::of(kind);
        let mut defaults = Self::default();
        match Document::parse(text) {
            Ok(document) => defaults.read(document.as_table(), model, &mut mistakes),
            Err(error) => mistakes.at(error.span(), "defaults", error.message().trim(), "the file is TOML 1.0"),
        }
        if mistakes.found.is_empty() { Ok(defaults) } else { Err(mistakes.found) }
    }

    fn read(&mut self, root: &toml_edit::Table, model: &'static RecordType, mistakes: &mut Mistakes<'_>) {
        if let Some(table) = root.get("defaults").and_then(Item::as_table_like) {
            self.always = read_values(table, model, mistakes);
        }
        if let Some(item) = root.get("language") {
            self.language = item.as_str().filter(|text| Format::Language.check(text).is_ok()).map(Into::into);
            if self.language.is_none() {
                mistakes.at(item.span(), "language", "the language is no ISO 639-1 code", "write `language = \"nl\"`");
            }
        }
        let conditionals = root.get("defaults_when").and_then(Item::as_array_of_tables);
        for table in conditionals.into_iter().flat_map(|tables| tables.iter()) {
            let sub_table = |name| table.get(name).and_then(Item::as_table_like);
            let (Some(when), Some(set)) = (sub_table("when"), sub_table("set")) else {
                let remedy = "write `when = { \"path\" = \"text\" }` and `set = { \"path\" = \"text\" }`";
                mistakes.at(table.span(), "defaults_when", "`when` or `set` is missing", remedy);
                continue;
            };
            let when = read_texts(when, model, mistakes);
            self.conditional.push(Conditional { when, set: read_values(set, model, mistakes) });
        }
    }

    /// Fills in what a record does not say; gives the paths that were filled.
    pub(crate) fn apply(&self, root: &mut Value) -> Vec<String> {
        let mut filled = Vec::new();
        for conditional in &self.conditional {
            conditional.apply(root, &mut filled);
        }
        for (path, value) in &self.always {
            filled.extend(fill(root, path, value, true));
        }
        filled
    }
}

fn read_values(table: &dyn TableLike, model: &'static RecordType, mistakes: &mut Mistakes<'_>) -> Vec<(Path, Value)> {
    let mut values = Vec::new();
    for (path, item, span) in crate::grammar::entries(table) {
        let resolved = Path::resolve(model, path).map_err(|error| error.to_string());
        match resolved.and_then(|resolved| Ok((default_value(item, &resolved)?, resolved))) {
            Ok((value, resolved)) => values.push((resolved, value)),
            Err(problem) => mistakes.at(span, path, problem, "see the README on `[defaults]`"),
        }
    }
    values
}

/// A default for a coded field is a code of the field's first vocabulary, or a scheme with a code.
fn default_value(item: &Item, path: &Path) -> Result<Value, String> {
    let scalar = item.as_value().and_then(crate::grammar::scalar);
    let Some(shape) = CodedShape::of(path.ty()) else {
        let scalar = scalar.ok_or("a default is a text, a number or a truth value")?;
        return canonical_value(&scalar, path.ty());
    };
    let own_scheme = path.field().and_then(|field| field.schemes.first().copied());
    if let Some(scalar) = scalar {
        let code = Some(scalar.letters().into());
        return Ok(shape.of_default(Named { scheme: own_scheme.map(Into::into), code, ..Named::default() }));
    }
    let table = item.as_table_like().ok_or("write a code, or `{ scheme = \"…\", code = \"…\" }`")?;
    let known = ["scheme", "code", "label"];
    if let Some((key, _)) = table.iter().find(|(key, _)| !known.contains(key)) {
        return Err(format!("`{key}` is no part of a coded value; {}", did_you_mean(key, known)));
    }
    let text = |key| table.get(key).and_then(Item::as_str).map(Into::into);
    let scheme = text("scheme").or_else(|| own_scheme.map(Into::into));
    let named = Named { scheme, version: None, code: text("code"), label: text("label") };
    if named.code.is_none() && named.label.is_none() {
        return Err("write a code, or `{ scheme = \"…\", code = \"…\" }`".to_owned());
    }
    Ok(shape.of_default(named))
}

fn read_texts(table: &dyn TableLike, model: &'static RecordType, mistakes: &mut Mistakes<'_>) -> Vec<(Path, String)> {
    let mut texts = Vec::new();
    for (path, item, span) in crate::grammar::entries(table) {
        match (Path::resolve(model, path), item.as_str()) {
            (Ok(resolved), Some(text)) => texts.push((resolved, text.to_owned())),
            (Err(error), _) => mistakes.at(span, path, error.to_string(), ""),
            (_, None) => mistakes.at(span, path, "the condition is no text", "write `\"…\"`"),
        }
    }
    texts
}

impl Conditional {
    /// Fills in the items, or the record, of which the conditions hold.
    fn apply(&self, root: &mut Value, filled: &mut Vec<String>) {
        let list = self.when.iter().find_map(|(path, _)| list_of(path));
        let Some((list_steps, list_text)) = list else {
            if self.when.iter().all(|(path, text)| is(path.get(root), path.ty(), text)) {
                for (path, value) in &self.set {
                    filled.extend(fill(root, path, value, true));
                }
            }
            return;
        };
        let length = follow(root, list_steps).items().len();
        for index in 0..length {
            let holds = self.when.iter().all(|(path, text)| {
                let item = list_of(path).filter(|(_, text)| *text == list_text);
                let value = match item {
                    Some((steps, _)) => {
                        let item = &follow(root, steps).items()[index];
                        follow(item, &path.steps()[steps.len() + 1..])
                    }
                    None => path.get(root),
                };
                is(value, path.ty(), text)
            });
            if holds {
                for (path, value) in &self.set {
                    fill_item(root, (path, value), (list_text, index), filled);
                }
            }
        }
    }
}

fn fill_item(
    root: &mut Value,
    (path, value): (&Path, &Value),
    (list_text, index): (&str, usize),
    filled: &mut Vec<String>,
) {
    match list_of(path).filter(|(_, text)| *text == list_text) {
        None => filled.extend(fill(root, path, value, true)),
        Some((steps, _)) => {
            let rest = &path.steps()[steps.len() + 1..];
            let mut text = String::new();
            let list = slot(root, steps, &mut text);
            text.push_str(&format!("[{index}]"));
            if let Some(item) = list.items_mut().get_mut(index) {
                let slot = slot(item, rest, &mut text);
                if slot.is_absent() {
                    *slot = value.clone();
                    filled.push(text);
                }
            }
        }
    }
}

/// The steps before the first `[]` of a path, and its text up to there.
fn list_of(path: &Path) -> Option<(&[Step], &str)> {
    let at = path.steps().iter().position(|step| matches!(step, Step::Each))?;
    let text = path.as_str().split_once("[]").map_or(path.as_str(), |(text, _)| text);
    Some((&path.steps()[..at], text))
}

fn follow<'v>(root: &'v Value, steps: &[Step]) -> &'v Value {
    let mut value = root;
    for step in steps {
        value = match step {
            Step::Field(_, index) => value.field(*index),
            Step::Each => value.items().first().unwrap_or(&Value::Absent),
            Step::Index(index) => value.items().get(*index).unwrap_or(&Value::Absent),
            Step::Keyed(_, key, wanted) => {
                let found = value.items().iter().find(|item| item.field(*key).as_text() == Some(wanted));
                found.unwrap_or(&Value::Absent)
            }
        };
    }
    value
}

fn slot<'v>(root: &'v mut Value, steps: &[Step], text: &mut String) -> &'v mut Value {
    let mut value = root;
    for step in steps {
        if let Step::Field(record, index) = step {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(record.fields[*index].name);
            value = value.field_mut(record, *index);
        }
    }
    value
}

/// Whether a value is a text, a symbol, or a coded value with that code or label.
fn is(value: &Value, ty: Type, text: &str) -> bool {
    match (value, ty) {
        (Value::Text(found), _) => **found == *text,
        (Value::Symbol(index), Type::Symbol(symbols)) => symbols.get(usize::from(*index)) == Some(&text),
        (Value::Boolean(truth), _) => truth.to_string() == text,
        (Value::Integer(number), _) => number.to_string() == text,
        (Value::Record(_), ty) => CodedShape::of(ty).is_some_and(|shape| {
            let said = [shape.code(value), shape.label(value), shape.source_code(value), shape.source_label(value)];
            said.contains(&Some(text))
        }),
        _ => false,
    }
}

/// Fills in a value wherever a path leads and nothing is said; gives the paths that were filled.
///
/// Records are made on the way; items of lists only if `makes_items`, and then the first.
pub(crate) fn fill(root: &mut Value, path: &Path, value: &Value, makes_items: bool) -> Vec<String> {
    let mut filled = Vec::new();
    fill_steps(root, path.steps(), value, makes_items, &mut String::new(), &mut filled);
    filled
}

fn fill_steps(
    at: &mut Value,
    steps: &[Step],
    value: &Value,
    makes_items: bool,
    text: &mut String,
    filled: &mut Vec<String>,
) {
    let length = text.len();
    let Some((step, rest)) = steps.split_first() else {
        if at.is_absent() {
            *at = value.clone();
            filled.push(text.clone());
        }
        return;
    };
    if let Step::Field(record, index) = step {
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(record.fields[*index].name);
        let was_absent = at.is_absent();
        let before = filled.len();
        fill_steps(at.field_mut(record, *index), rest, value, makes_items, text, filled);
        // Nothing was filled in below: no empty record is left behind.
        if was_absent && filled.len() == before {
            *at = Value::Absent;
        }
        text.truncate(length);
        return;
    }
    let count = at.items().len();
    let wanted: Vec<usize> = match step {
        Step::Each if count == 0 && makes_items => vec![0],
        Step::Each => (0..count).collect(),
        Step::Index(index) if *index < count || makes_items => vec![*index],
        Step::Keyed(_, key, wanted) => {
            let found = at.items().iter().position(|item| item.field(*key).as_text() == Some(wanted));
            found.into_iter().chain((found.is_none() && makes_items).then_some(count)).collect()
        }
        Step::Index(_) | Step::Field(..) => Vec::new(),
    };
    for index in wanted {
        let items = at.items_mut();
        if items.len() <= index {
            items.resize(index + 1, Value::Absent);
        }
        if let Step::Keyed(record, key, wanted) = step {
            *items[index].field_mut(record, *key) = Value::Text(wanted.clone());
        }
        text.push_str(&format!("[{index}]"));
        fill_steps(&mut items[index], rest, value, makes_items, text, filled);
        text.truncate(length);
    }
}
