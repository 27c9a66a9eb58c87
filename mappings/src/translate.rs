//! From one dialect to another, with one loss report over both steps. `canonical` is a dialect too.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};
use schemas::{DialectName, Kind, LossEntry, LossReport, Operation, Outcome, Record, Withheld};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    canonical::{CANONICAL, read_canonical, write_canonical},
    catalogue::Catalogue,
    complement::Complement,
    document::ReadFailure,
    reading::{ReadOptions, Reading, Trail},
    writing::{Refusal, WriteOptions},
};

/// A translated document.
#[derive(Debug)]
pub struct Translation {
    /// The document in the target dialect.
    pub bytes: Vec<u8>,
    /// The canonical record in between.
    pub record: Record,
    /// What the document does to its entity.
    pub operation: Operation,
    /// Which of the source dialect's shapes it had.
    pub shape: Option<String>,
    /// What became of every source field, and what the target needed beside them.
    pub loss: LossReport,
    /// The source fields that were kept, if the trail was asked for.
    pub trail: Vec<Trail>,
    /// What the canonical record cannot hold of the source document.
    pub complement: Complement,
    /// What the mask withholds from the receiver, whatever the record says: this may be told to it.
    pub withheld: Vec<Withheld>,
}

/// Why a document is not translated.
#[derive(Debug, Error)]
pub enum TranslateError {
    /// There is no mapping of that name for the kind.
    #[error("there is no mapping for `{dialect}` and {kind}; {remedy}")]
    UnknownDialect {
        /// The name.
        dialect: DialectName,
        /// The kind.
        kind: Kind,
        /// The names there are.
        remedy: String,
    },
    /// The document cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ReadFailure),
    /// The record would be useless in the target dialect.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Translates a document. Of a person only what the mask of the options permits is written, and what it withholds stands
/// in the loss report; without a mask no consent was decided, and the result is for files on the own machine only.
///
/// # Errors
/// If it cannot be read, would be useless in the target dialect, or must say there what is withheld.
pub fn translate(
    catalogue: &Catalogue,
    (from, to): (&DialectName, &DialectName),
    kind: Kind,
    bytes: &[u8],
    (read, write): (&ReadOptions<'_>, &WriteOptions<'_>),
) -> Result<Translation, TranslateError> {
    let mapping = |dialect: &DialectName| {
        catalogue.mapping(dialect, kind).ok_or_else(|| {
            let known = catalogue.mappings().filter(|mapping| mapping.kind() == kind);
            let names = known.map(|mapping| mapping.dialect().as_str().to_owned());
            let names: Vec<String> = names.chain([CANONICAL.to_owned()]).collect();
            let remedy = crate::error::did_you_mean(dialect.as_str(), names.iter().map(String::as_str));
            TranslateError::UnknownDialect { dialect: dialect.clone(), kind, remedy }
        })
    };
    let reading = if from.as_str() == CANONICAL {
        read_canonical(kind, bytes, read)?
    } else {
        mapping(from)?.read(bytes, &ReadOptions { full: true, ..*read })?
    };
    let withheld = write.mask.map(|mask| mask.withheld(reading.record.model())).unwrap_or_default();
    let (bytes, written) = if to.as_str() == CANONICAL {
        let masked = write.mask.map(|mask| mask.apply(&reading.record));
        let writing = write_canonical(masked.as_ref().unwrap_or(&reading.record));
        let mut loss = writing.loss;
        note_withheld(&mut loss, &withheld);
        (writing.bytes, loss)
    } else {
        let writing = mapping(to)?.write(&reading.record, write)?;
        (writing.bytes, writing.loss)
    };
    let (loss, trail) = compose(&reading, &written, read.full);
    let Reading { record, operation, shape, complement, .. } = reading;
    Ok(Translation { bytes, record, operation, shape, loss, trail, complement, withheld })
}

fn note_withheld(loss: &mut LossReport, withheld: &[Withheld]) {
    for one in withheld {
        loss.note(Outcome::Withheld, one.reason.clone(), None, Some(one.path.clone()));
    }
}

/// One line per source field over both steps.
fn compose(reading: &Reading, written: &LossReport, full: bool) -> (LossReport, Vec<Trail>) {
    let mut losses: HashMap<&str, &LossEntry> = HashMap::new();
    for entry in written.entries.iter().filter(|entry| entry.outcome != Outcome::Defaulted) {
        if let Some(path) = entry.path.as_deref() {
            losses.entry(path).or_insert(entry);
        }
    }
    let mut fields: BTreeMap<usize, Field<'_>> = BTreeMap::new();
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut used: HashSet<&str> = HashSet::new();
    for trail in &reading.trail {
        let next = numbers.len();
        let number = *numbers.entry(&trail.pointer).or_insert(next);
        let field = fields.entry(number).or_insert_with(|| Field { pointer: &trail.pointer, ways: Vec::new() });
        let lost = loss_of(&losses, &trail.path);
        used.extend(lost.and_then(|entry| entry.path.as_deref()));
        field.ways.push((&trail.path, lost));
    }
    let mut read_losses: HashMap<&str, &LossEntry> = HashMap::with_capacity(reading.loss.entries.len());
    for entry in &reading.loss.entries {
        if let Some(pointer) = entry.pointer.as_deref() {
            read_losses.entry(pointer).or_insert(entry);
        }
    }
    let mut loss = LossReport::default();
    let mut kept = Vec::new();
    for field in fields.values() {
        if let Some(entry) = field.outcome(read_losses.get(field.pointer).copied()) {
            loss.entries.push(entry);
            continue;
        }
        loss.kept += 1;
        if full {
            let path = field.ways.first().map(|(path, _)| (*path).to_owned()).unwrap_or_default();
            kept.push(Trail { pointer: field.pointer.to_owned(), path });
        }
    }
    // Fields that the reading kept without saying where: discriminators and constants.
    loss.kept += (reading.loss.kept - i64::try_from(fields.len()).unwrap_or_default()).max(0);
    let is_new = |entry: &&LossEntry| entry.pointer.as_deref().is_none_or(|pointer| !numbers.contains_key(pointer));
    loss.entries.extend(reading.loss.entries.iter().filter(is_new).cloned());
    let is_open = |entry: &LossEntry| entry.path.as_deref().is_none_or(|path| !used.contains(path));
    loss.entries.extend(written.entries.iter().filter(|entry| is_open(entry)).cloned());
    (loss, kept)
}

/// A source field, the canonical fields it became, and what the writing lost of them.
struct Field<'r> {
    pointer: &'r str,
    ways: Vec<(&'r str, Option<&'r LossEntry>)>,
}

impl Field<'_> {
    fn outcome(&self, read: Option<&LossEntry>) -> Option<LossEntry> {
        let lost: Vec<&LossEntry> = self.ways.iter().filter_map(|(_, lost)| *lost).collect();
        let all_are_gone = lost.len() == self.ways.len()
            && lost.iter().all(|entry| matches!(entry.outcome, Outcome::Dropped | Outcome::Withheld));
        let worst = lost.into_iter().chain(read).max_by_key(|entry| severity(entry.outcome))?;
        let outcome = match worst.outcome {
            Outcome::Dropped if !all_are_gone && read.is_none_or(|read| read.outcome != Outcome::Dropped) => {
                Outcome::Coarsened
            }
            outcome => outcome,
        };
        Some(LossEntry {
            outcome,
            code: worst.code.clone(),
            pointer: Some(self.pointer.to_owned()),
            path: worst.path.clone().or_else(|| self.ways.first().map(|(path, _)| (*path).to_owned())),
        })
    }
}

fn severity(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Unknown => 0,
        Outcome::Defaulted => 1,
        Outcome::Repaired => 2,
        Outcome::Coarsened => 3,
        Outcome::Withheld => 4,
        Outcome::Dropped => 5,
    }
}

/// What the writing lost of a canonical field, or of something that it is a part of.
fn loss_of<'e>(losses: &HashMap<&str, &'e LossEntry>, path: &str) -> Option<&'e LossEntry> {
    let mut part = path;
    loop {
        if let Some(entry) = losses.get(part) {
            return Some(entry);
        }
        part = &part[..part.rfind(['.', '['])?];
    }
}

/// The complements of several dialects, as a file beside a document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Complements(BTreeMap<String, Complement>);

impl Complements {
    /// The complement of a dialect.
    pub fn get(&self, dialect: &DialectName) -> Option<&Complement> {
        self.0.get(dialect.as_str())
    }

    /// Replaces the complement of a dialect.
    pub fn put(&mut self, dialect: &DialectName, complement: Complement) {
        self.0.insert(dialect.as_str().to_owned(), complement);
    }

    /// The complements as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers are JSON")
    }

    /// Reads complements.
    ///
    /// # Errors
    /// If the JSON holds none.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }
}
