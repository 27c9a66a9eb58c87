//! `read(write(r)) = r` up to the losses reported.

use schemas::{LossEntry, LossReport, Outcome, Record, Type, Value};

use crate::{
    Catalogue, Mapping, ReadOptions, WriteOptions,
    codes::{CodedShape, Grade, Library},
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
    let losses = (&writing.loss, &reading.loss);
    let problems = differences(record, losses, &reading.record, catalogue.library());
    problems.into_iter().map(|problem| broken("same_record", problem)).collect()
}

/// How a record that came back differs from what it was, other than by the losses reported.
pub(super) fn differences(
    record: &Record,
    (written, read): (&LossReport, &LossReport),
    back: &Record,
    library: &Library,
) -> Vec<String> {
    let model = Type::Record(record.model());
    let mut expected = record.root().clone();
    for entry in &written.entries {
        apply(&mut expected, entry, record.root(), model);
    }
    prune(&mut expected);
    // What the reading reports is counted in the record that came back, without the items that were left out.
    let pruned = expected.clone();
    for entry in &read.entries {
        apply(&mut expected, entry, &pruned, model);
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
    compare(&expected, &found, model, library, &mut String::new(), &mut problems);
    problems
}

/// Puts what the report says into the record that is expected.
fn apply(expected: &mut Value, entry: &LossEntry, record: &Value, model: Type) {
    let Some(path) = entry.path.as_deref() else {
        return;
    };
    let mark = if entry.outcome == Outcome::Dropped { GONE } else { ANY };
    let is_said = is_said(record, model, path);
    if (entry.outcome == Outcome::Defaulted || is_said)
        && let Some(slot) = slot(expected, model, path)
    {
        *slot = Value::text(mark);
    }
}

/// What stands in the brackets of a step.
enum Which<'p> {
    Only,
    Index(usize),
    /// The key of an item that the record does not have.
    Key(&'p str),
}

/// Takes the first step off a path such as `locations[0].city` or `application.channels[fax].value`.
fn first_step(path: &str) -> (&str, Which<'_>, &str) {
    let (segment, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some((name, inside)) = segment.split_once('[') else {
        return (segment, Which::Only, rest);
    };
    let inside = inside.trim_end_matches(']');
    (name, inside.parse().map_or(Which::Key(inside), Which::Index), rest)
}

fn is_said(value: &Value, ty: Type, path: &str) -> bool {
    if path.is_empty() {
        return !value.is_absent();
    }
    let (name, which, rest) = first_step(path);
    let Type::Record(record) = ty else {
        return false;
    };
    match (record.field(name), which) {
        (Some((at, field)), Which::Only) => is_said(value.field(at), field.ty, rest),
        (Some((at, field)), Which::Index(index)) => match (value.field(at).items().get(index), field.ty) {
            (Some(item), Type::List { item: ty, .. }) => is_said(item, *ty, rest),
            _ => false,
        },
        (_, Which::Key(_)) | (None, _) => false,
    }
}

fn slot<'v>(value: &'v mut Value, ty: Type, path: &str) -> Option<&'v mut Value> {
    if path.is_empty() || value.as_text().is_some() {
        return Some(value);
    }
    let (name, which, rest) = first_step(path);
    let Type::Record(record) = ty else {
        return None;
    };
    let (at, field) = record.field(name)?;
    let inner = value.field_mut(record, at);
    let (index, item) = match (which, field.ty) {
        (Which::Only, ty) => return slot(inner, ty, rest),
        (Which::Index(index), Type::List { item, .. }) => (index, item),
        (Which::Key(wanted), Type::List { item, key: Some(key) }) => {
            let Type::Record(model) = *item else {
                return None;
            };
            let mut made = Value::empty_record(model);
            *made.field_mut(model, key) = Value::text(wanted);
            inner.items_mut().push(made);
            (inner.items().len() - 1, item)
        }
        _ => return None,
    };
    let items = inner.items_mut();
    if items.len() <= index {
        items.resize(index + 1, Value::Absent);
    }
    slot(&mut items[index], *item, rest)
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
        Value::Record(fields) => {
            fields.iter().any(is_any) && fields.iter().all(|field| field.is_absent() || is_any(field))
        }
        Value::List(items) => !items.is_empty() && items.iter().all(is_any),
        _ => false,
    }
}

fn compare(
    expected: &Value,
    found: &Value,
    ty: Type,
    library: &Library,
    path: &mut String,
    problems: &mut Vec<String>,
) {
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
        (Value::List(one), found, Type::List { item, key: Some(key) }) => {
            compare_keyed(one, found.items(), (*item, key), library, path, problems);
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

/// Items of a list with a key are told apart by it; their order says nothing.
fn compare_keyed(
    expected: &[Value],
    found: &[Value],
    (ty, key): (Type, usize),
    library: &Library,
    path: &mut String,
    problems: &mut Vec<String>,
) {
    let length = path.len();
    // An item whose key may have become anything is whichever is left over.
    let is_named = |other: &&Value| expected.iter().any(|one| one.field(key) == other.field(key));
    let mut left_over: Vec<&Value> = found.iter().filter(|other| !is_named(other)).collect();
    for one in expected {
        let mut same = found.iter().find(|other| other.field(key) == one.field(key));
        if is_any(one.field(key)) && !left_over.is_empty() {
            same = Some(left_over.remove(0));
        }
        path.push_str(&format!("[{}]", one.field(key).as_text().unwrap_or_default()));
        match same {
            Some(other) => compare(one, other, ty, library, path, problems),
            None if is_any_but(one, key) => {}
            None => problems.push(format!("`{path}` did not come back")),
        }
        path.truncate(length);
    }
    for other in left_over {
        problems.push(format!("`{path}` came back with {other:?}"));
    }
}

/// Whether nothing but the key of an item is certain.
fn is_any_but(item: &Value, key: usize) -> bool {
    item.fields().iter().enumerate().all(|(index, field)| index == key || field.is_absent() || is_any(field))
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
    // Read again, a code of the source may have been led on; it travels with what it was led to.
    let is_source = shape.code(expected).is_some()
        && (shape.scheme(expected), shape.code(expected)) == (shape.source_scheme(found), shape.source_code(found));
    let codes_agree = is_source
        || match (shape.code(expected), shape.code(found)) {
            (Some(code), Some(other)) => {
                (code == other && shape.scheme(expected) == shape.scheme(found))
                    || leads_exactly(library, shape.scheme(expected), code, (shape.scheme(found), other))
            }
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

/// Whether a crosswalk leads from one code to another as to the same concept.
fn leads_exactly(library: &Library, scheme: Option<&str>, code: &str, to: (Option<&str>, &str)) -> bool {
    let lists = scheme.and_then(|scheme| library.by_scheme().get(scheme)).map(Vec::as_slice).unwrap_or_default();
    let routes = lists.iter().flat_map(|list| library.routes_from(list));
    let mut routes = routes.filter(|route| Some(&**route.to.scheme()) == to.0);
    routes.any(|route| {
        route.follow(code, None).is_some_and(|there| there.grade == Grade::Exact && *there.code.share() == *to.1)
    })
}
