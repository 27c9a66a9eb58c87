//! Statuses, and what a test asks of them.

use mappings::{Catalogue, Mapping};
use schemas::{DialectName, Kind, LossReport, Record, RecordType, Type};
use serde_json::Value as Json;

/// The kind of all of this.
pub const KIND: Kind = Kind::PlacementStatus;

/// Why a status may not be written.
pub const REFUSALS: [&str; 6] = ["no_event_id", "no_event_type", "no_profile", "no_status", "no_time", "no_reference"];

/// The statuses of a dialect.
pub fn mapping<'c>(catalogue: &'c Catalogue, dialect: &str) -> &'c Mapping {
    catalogue.mapping(&dialect.parse::<DialectName>().unwrap(), KIND).unwrap()
}

/// Every dialect of statuses.
pub fn dialects(catalogue: &Catalogue) -> Vec<DialectName> {
    catalogue.mappings().filter(|mapping| mapping.kind() == KIND).map(|mapping| mapping.dialect().clone()).collect()
}

/// Every word of the machine.
pub fn states() -> &'static [&'static str] {
    match RecordType::of(KIND).field("happened").unwrap().1.ty {
        Type::Symbol(symbols) => &symbols[1..],
        _ => panic!("`happened` is no symbol"),
    }
}

/// A status.
pub fn record(json: &Json) -> Record {
    Record::from_json(KIND, json).unwrap()
}

/// What happened, by a status.
pub fn happened(record: &Record) -> Option<String> {
    serde_json::to_value(record).unwrap()["happened"].as_str().map(str::to_owned)
}

/// The codes of what was lost of a field.
pub fn losses(loss: &LossReport, path: &str) -> Vec<String> {
    let about = loss.entries.iter().filter(|entry| entry.path.as_deref() == Some(path));
    about.map(|entry| entry.code.to_string()).collect()
}
