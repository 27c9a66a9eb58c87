//! `read(write(r)) = r` up to the losses reported.

use schemas::{LossEntry, Outcome, Record, Type, Value};

use crate::{
    Catalogue, Mapping, ReadOptions, WriteOptions,
    codes::{CodedShape, Library},
    laws::Broken,
};

/// Stands for a value that may have become anything.
const ANY: &str = "\u{0}any";
/// Stands for a value that must be gone.
const GONE: &str = "\u{0}gone";

/// Writes a record and reads it again; what differs must have been reported.
pub fn check_record(catalogue: &Catalogue, mapping: &Mapping, record: &Record) -> Vec<Broken> {
    let subject = mapping.dialect().to_string();
    let broken = |law, problem: String| Broken { subject: subject.clone(), law, problem };
    let Ok(writing) = mapping.write(record, &WriteOptions::default()) else {
        // A refusal is an answer too: nothing was lost without a word.
        return Vec::new();
    };
    let reading = match mapping.read(&writing.bytes, &ReadOptions::default()) {
        Ok(reading) => reading,
        Err(failure) => return vec![broken("reads_its_own", failure.to_string())],
    };
    let losses = writing.loss.entries.iter().chain(&reading.loss.entries);
    let problems = differences(record, losses, &reading.record, catalogue.library());
    problems.into_iter().map(|problem| broken("same_record", problem)).collect()
}

/// How a record that came back differs from what it was, other than by the losses reported.
pub(super) fn differences<'e>(
    record: &Record,
    losses: impl Iterator<Item = &'e LossEntry>,
    back: &Record,
    library: &Library,
) -> Vec<String> {
    let mut expected = record.root().clone();
    for entry in losses {
        apply(&mut expected, entry, record);
    }
    for field in ["cleared", "withheld"] {
        if let Some((index, _)) = record.model().field(field) {
            *expected.field_mut(record.model(), index) = Value::text(ANY);
        }
    }
    prune(&mut expected);
    let mut found = back.root().clone();
    prune(&mut found);
    let mut problems = Vec::new();
    compare(&expected, &found, Type::Record(record.model()), library, &mut String::new(), &mut problems);
    problems
}

/// Puts what the report says into the record that is expected.
fn apply(expected: &mut Value, entry: &LossEntry, record: &Record) {
    let Some(path) = entry.path.as_deref() else {
        return;
    };
    let mark = if entry.outcome == Outcome::Dropped { GONE } else { ANY };
    let model = Type::Record(record.model());
    let is_said = is_said(record.root(), model, path);
    if (entry.outcome == Outcome::Defaulted || is_said)
        && let Some(slot) = slot(expected, model, path)
    {
        *slot = Value::text(mark);
    }
}

/// Takes the first name and its index off a path such as `locations[0].city`.
fn first_step(path: &str) -> (&str, Option<usize>, &str) {
    let (segment, rest) = path.split_once('.').unwrap_or((path, ""));
    match segment.split_once('[') {
        Some((name, index)) => (name, index.trim_end_matches(']').parse().ok(), rest),
        None => (segment, None, rest),
    }
}

fn is_said(value: &Value, ty: Type, path: &str) -> bool {
    if path.is_empty() {
        return !value.is_absent();
    }
    let (name, index, rest) = first_step(path);
    let Type::Record(record) = ty else {
        return false;
    };
    match (record.field(name), index) {
        (Some((at, field)), None) => is_said(value.field(at), field.ty, rest),
        (Some((at, field)), Some(index)) => match (value.field(at).items().get(index), field.ty) {
            (Some(item), Type::List { item: ty, .. }) => is_said(item, *ty, rest),
            _ => false,
        },
        (None, _) => false,
    }
}

fn slot<'v>(value: &'v mut Value, ty: Type, path: &str) -> Option<&'v mut Value> {
    if path.is_empty() || value.as_text().is_some() {
        return Some(value);
    }
    let (name, index, rest) = first_step(path);
    let Type::Record(record) = ty else {
        return None;
    };
    let (at, field) = record.field(name)?;
    let inner = value.field_mut(record, at);
    match (index, field.ty) {
        (None, ty) => slot(inner, ty, rest),
        (Some(index), Type::List { item, .. }) => {
            let items = inner.items_mut();
            if items.len() <= index {
                items.resize(index + 1, Value::Absent);
            }
            slot(&mut items[index], *item, rest)
        }
        (Some(_), _) => None,
    }
}

/// Takes out what must be gone, and what says nothing once it is.
fn prune(value: &mut Value) {
    match value {
        Value::Text(text) if **text == *GONE => *value = Value::Absent,
        Value::List(items) => {
            let had_items = !items.is_empty();
            items.iter_mut().for_each(prune);
            items.retain(|item| !item.is_absent());
            if had_items && items.is_empty() {
                *value = Value::Absent;
            }
        }
        Value::Record(fields) => {
            fields.iter_mut().for_each(prune);
            if fields.iter().all(Value::is_absent) {
                *value = Value::Absent;
            }
        }
        _ => {}
    }
}

fn is_any(value: &Value) -> bool {
    match value {
        Value::Text(text) => **text == *ANY,
        Value::Record(fields) => fields.iter().any(is_any) && fields.iter().all(|field| field.is_absent() || is_any(field)),
        Value::List(items) => !items.is_empty() && items.iter().all(is_any),
        _ => false,
    }
}

fn compare(expected: &Value, found: &Value, ty: Type, library: &Library, path: &mut String, problems: &mut Vec<String>) {
    if is_any(expected) || expected == found {
        return;
    }
    let length = path.len();
    if let Some(shape) = CodedShape::of(ty) {
        if !is_same_code(&shape, expected, found, library) {
            problems.push(format!("`{path}` was {expected:?} and came back as {found:?}"));
        }
        return;
    }
    match (expected, found, ty) {
        (Value::Record(_), Value::Record(_) | Value::Absent, Type::Record(record)) => {
            for (index, field) in record.fields.iter().enumerate() {
                path.push('.');
                path.push_str(field.name);
                compare(expected.field(index), found.field(index), field.ty, library, path, problems);
                path.truncate(length);
            }
        }
        (Value::List(one), Value::List(other), Type::List { item, .. }) => {
            // An item of which everything was coarsened may be gone altogether.
            let one: Vec<&Value> = one.iter().filter(|item| one.len() == other.len() || !is_any(item)).collect();
            if one.len() != other.len() {
                problems.push(format!("`{path}` had {} items and came back with {}", one.len(), other.len()));
                return;
            }
            for (index, (one, other)) in one.into_iter().zip(other).enumerate() {
                path.push_str(&format!("[{index}]"));
                compare(one, other, *item, library, path, problems);
                path.truncate(length);
            }
        }
        _ => problems.push(format!("`{path}` was {expected:?} and came back as {found:?}")),
    }
}

/// Whether two coded values mean the same; how they were obtained does not count, words do unless the code implies them.
fn is_same_code(shape: &CodedShape, expected: &Value, found: &Value, library: &Library) -> bool {
    let all = |value| {
        [
            (shape.scheme(value), shape.code(value), shape.label(value)),
            (shape.source_scheme(value), shape.source_code(value), shape.source_label(value)),
        ]
    };
    let is_implied = |scheme: Option<&str>, code: Option<&str>, label: &str| {
        let lists = scheme.and_then(|scheme| library.by_scheme().get(scheme)).map(Vec::as_slice).unwrap_or_default();
        code.is_some_and(|code| lists.iter().any(|list| list.implies(code, label)))
    };
    let codes_agree = match (shape.code(expected), shape.code(found)) {
        (Some(code), Some(other)) => code == other && shape.scheme(expected) == shape.scheme(found),
        (None, None) => shape.scheme(expected) == shape.scheme(found),
        _ => false,
    };
    let words_agree = all(expected).into_iter().all(|(scheme, code, label)| {
        label.is_none_or(|label| {
            is_implied(scheme, code, label) || all(found).iter().any(|(_, _, other)| *other == Some(label))
        })
    });
    codes_agree && words_agree
}
