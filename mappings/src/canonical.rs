//! The canonical record as a dialect: plain JSON, its texts cleaned as those of every other dialect.

use schemas::{DialectName, Format, Kind, LossReport, Operation, Outcome, Record, Type, Value};

use crate::{
    complement::Complement,
    confined::{confined_of, note_confined, without},
    document::{Fault, ReadFailure, json_value},
    plan::push_index,
    reading::{ReadOptions, Reading, Trail},
    text::{clean, sanitise},
    writing::Writing,
};

/// The name of the canonical record as a dialect.
pub const CANONICAL: &str = "canonical";

/// Reads a canonical record from plain JSON. HTML is sanitised; what no field can hold is a fault.
///
/// # Errors
/// Every fault of the document.
pub fn read_canonical(kind: Kind, bytes: &[u8], options: &ReadOptions<'_>) -> Result<Reading, ReadFailure> {
    let mut record = Record::from_json(kind, &json_value(bytes)?).map_err(|faults| {
        let code = "no_canonical_record".to_owned();
        let fault =
            |fault: schemas::JsonError| Fault { pointer: fault.pointer, code: code.clone(), problem: fault.problem };
        ReadFailure { faults: faults.into_iter().map(fault).collect() }
    })?;
    let mut loss = LossReport::default();
    let confined = confined_of(&record, &name());
    note_confined(&mut loss, &record, &confined);
    if !confined.is_empty() {
        record = without(&record, &confined);
    }
    let model = Type::Record(record.model());
    clean_texts(record.root_mut(), model, &mut String::new(), &mut loss);
    let mut trail = Vec::new();
    record.visit_leaves(&mut |path, _| trail.push(Trail { pointer: pointer_of(path), path: path.to_owned() }));
    let repaired = loss.entries.iter().filter(|entry| entry.outcome == Outcome::Repaired).count();
    loss.kept = i64::try_from(trail.len()).unwrap_or(i64::MAX) - i64::try_from(repaired).unwrap_or_default();
    if let Some(defaults) = options.defaults {
        for path in defaults.apply(record.root_mut()) {
            loss.note(Outcome::Defaulted, "not_said", None, Some(path));
        }
    }
    let complement = Complement::default();
    Ok(Reading { record, operation: Operation::Upsert, shape: None, loss, complement, trail })
}

/// Writes a canonical record as plain JSON; nothing is lost but what is confined to other dialects.
pub fn write_canonical(record: &Record) -> Writing {
    let confined = confined_of(record, &name());
    let shown = without(record, &confined);
    let mut bytes = serde_json::to_vec_pretty(&shown).expect("records are JSON");
    bytes.push(b'\n');
    let mut loss = LossReport::default();
    shown.visit_leaves(&mut |_, _| loss.kept += 1);
    note_confined(&mut loss, record, &confined);
    Writing { bytes, loss, trail: Vec::new() }
}

fn name() -> DialectName {
    CANONICAL.parse().expect("the name is one of a dialect")
}

fn pointer_of(path: &str) -> String {
    format!("/{}", path.replace(['.', '['], "/").replace(']', ""))
}

fn clean_texts(value: &mut Value, ty: Type, path: &mut String, loss: &mut LossReport) {
    let length = path.len();
    match (value, ty) {
        (Value::Text(text), Type::Text(format)) => {
            let (clean, was_repaired) = clean(text);
            let sanitised = if format == Format::Html { sanitise(&clean) } else { clean.as_ref().into() };
            let code = if was_repaired { Some("illegal_characters") } else { None };
            let code = code.or((*sanitised != *clean).then_some("html_sanitised"));
            if let Some(code) = code {
                loss.note(Outcome::Repaired, code, Some(pointer_of(path)), Some(path.clone()));
            }
            if *sanitised != **text {
                *text = sanitised.as_ref().into();
            }
        }
        (Value::List(items), Type::List { item: ty, .. }) => {
            for (index, item) in items.iter_mut().enumerate() {
                push_index(path, index);
                clean_texts(item, *ty, path, loss);
                path.truncate(length);
            }
        }
        (Value::Record(fields), Type::Record(record)) => {
            for (field, value) in record.fields.iter().zip(fields) {
                if length > 0 {
                    path.push('.');
                }
                path.push_str(field.name);
                clean_texts(value, field.ty, path, loss);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        let read = |json: &str| read_canonical(Kind::Vacancy, json.as_bytes(), &ReadOptions::default()).unwrap().record;
        assert_eq!(read("\u{feff}{\"reference\": \"A\"}"), read("{\"reference\": \"A\"}"));
    }

    #[test]
    fn html_that_is_pushed_is_sanitised() {
        let json = r#"{"profiles": [{"language": "nl", "title": "A\u0001", "description": "<p onclick=x>a</p>"}]}"#;
        let reading = read_canonical(Kind::Vacancy, json.as_bytes(), &ReadOptions::default()).unwrap();
        assert_eq!(reading.record.text("profiles[nl].description"), Some("<p>a</p>"));
        assert_eq!(reading.record.text("profiles[nl].title"), Some("A"));
        let codes: Vec<&str> = reading.loss.entries.iter().map(|entry| &*entry.code).collect();
        assert_eq!((codes, reading.loss.kept), (vec!["illegal_characters", "html_sanitised"], 1));
        let again = read_canonical(Kind::Vacancy, &write_canonical(&reading.record).bytes, &ReadOptions::default());
        assert_eq!(again.unwrap().record, reading.record);
    }
}
