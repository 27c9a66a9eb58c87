//! Fields that never leave the dialects which the model names, such as the number of an identity card.

use schemas::{DialectName, LossReport, Outcome, Record, RecordType, Value};

use crate::{
    error::{MappingError, Mistakes},
    grammar::MappingFile,
};

/// The code of what was not carried for that reason.
const CONFINED: &str = "confined";

/// The fields of a record, by index, that may not be read from or written to a dialect.
pub(crate) fn confined_of(record: &Record, dialect: &DialectName) -> Vec<usize> {
    let fields = record.model().fields.iter().enumerate();
    let is_out = |names: &[&str]| !names.is_empty() && !names.contains(&dialect.as_str());
    fields.filter(|(_, field)| is_out(&field.confined_to)).map(|(index, _)| index).collect()
}

/// The lines of a mapping file that speak of such a field in a dialect which may not.
pub(crate) fn confined_lines(
    file: &MappingFile,
    model: &RecordType,
    dialect: &DialectName,
    (path, text): (&str, &str),
) -> Vec<MappingError> {
    let mut mistakes = Mistakes::new(path, text);
    for line in file.shapes.iter().flat_map(|shape| &shape.lines) {
        let field = line.left.segments.first().and_then(|first| model.field(&first.name));
        let Some((_, field)) = field.filter(|(_, field)| !field.confined_to.is_empty()) else {
            continue;
        };
        if !field.confined_to.contains(&dialect.as_str()) {
            let problem = format!("`{}` never leaves {}", field.name, field.confined_to.join(", "));
            mistakes.at(line.span.clone(), &line.left.text, problem, "remove the line");
        }
    }
    mistakes.found
}

/// The record without those fields.
pub(crate) fn without(record: &Record, confined: &[usize]) -> Record {
    let mut shown = record.clone();
    let model = shown.model();
    for index in confined {
        *shown.root_mut().field_mut(model, *index) = Value::Absent;
    }
    shown
}

/// Reports which of those fields said something.
pub(crate) fn note_confined(loss: &mut LossReport, record: &Record, confined: &[usize]) {
    for index in confined {
        if !record.root().field(*index).is_absent() {
            let path = record.model().fields[*index].name.to_owned();
            loss.note(Outcome::Withheld, CONFINED, None, Some(path));
        }
    }
}
