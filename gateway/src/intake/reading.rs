//! Reads a document before it is taken in: within bounds, and where it holds up nobody else.

use std::sync::Arc;

use mappings::Fault;
use schemas::{Hash, Kind, LossEntry, Outcome, Record, TalentProfile, set_reference};
use tokio::sync::Semaphore;

use super::{Document, Intake};
use crate::{code::code, dialects::Read, in_force::Rules};

/// Bytes from which on reading takes so long that others would wait for it.
const LARGE_BYTES: usize = 64 * 1_024;
/// Signs of values that no honest document holds more of: in memory, each takes many times its length.
const MOST_VALUES: usize = 256 * 1_024;
/// The longest reference, in bytes: it stands in addresses, headers and keys.
const LONGEST_REFERENCE: usize = 512;
/// Large documents that are read at once.
static READING: Semaphore = Semaphore::const_new(1);

/// A document that was read and not taken in yet.
pub struct Opened {
    pub(super) rules: Arc<Rules>,
    pub(super) read: Read,
    /// The source's reference. Of a person it is what the source calls the person: it is told to nobody.
    pub reference: String,
}

impl Intake {
    /// Reads a document; nothing is taken in yet. Large ones are read one at a time, where they hold up nobody else.
    ///
    /// # Errors
    /// One fault per place that cannot be read.
    pub async fn open(&self, document: &Document<'_>) -> Result<Opened, Vec<Fault>> {
        let rules = self.in_force.now();
        let (dialect, kind) = (document.dialect.clone(), document.kind);
        let mut read = if document.body.len() < LARGE_BYTES {
            rules.dialects.read(&dialect, kind, document.partner, document.body)?
        } else {
            require_few_values(document.body)?;
            let _turn = READING.acquire().await.expect("the semaphore is never closed");
            let (rules, partner, body) = (rules.clone(), document.partner.clone(), document.body.to_vec());
            let reading = tokio::task::spawn_blocking(move || rules.dialects.read(&dialect, kind, &partner, &body));
            reading.await.expect("reading does not panic and is not cancelled")?
        };
        let reference = reference_of(&read.record).map(str::to_owned);
        let Some(reference) = reference.or_else(|| self.name_of_event(document)) else {
            return Err(vec![no_reference()]);
        };
        if kind == Kind::PlacementStatus {
            set_reference(&mut read.record, &reference);
        }
        require_usable(&reference, &read)?;
        Ok(Opened { rules, read, reference })
    }
}

impl Intake {
    /// What an event is called whose source gives events no names, as most ATS vendors do: by its idempotency key, else by its
    /// bytes, so that the same again is the same event. It says nothing of either.
    fn name_of_event(&self, document: &Document<'_>) -> Option<String> {
        let vault = self.bodies.vault().filter(|_| document.kind == Kind::PlacementStatus)?;
        let body = Hash::of(document.body).to_string();
        let name = vault.hash_of_use(&document.partner.id, document.idempotency_key.unwrap_or(&body));
        Some(format!("unnamed-{name}"))
    }
}

/// By what the source knows it; of a person it stays inside the intake.
fn reference_of(record: &Record) -> Option<&str> {
    match TalentProfile::of(record) {
        Some(profile) => profile.foreign_id(),
        None => record.text("reference").filter(|reference| !reference.is_empty()),
    }
}

/// Whether a reference is read from a field of that name.
fn is_reference(field: &str) -> bool {
    matches!(field, "reference" | "restricted_ids" | "source_ids")
}

/// Refuses a document that would grow out of all proportion when it is read.
fn require_few_values(body: &[u8]) -> Result<(), Vec<Fault>> {
    let values = memchr::memchr3_iter(b'{', b'[', b',', body).count() + memchr::memchr2_iter(b'<', b'\n', body).count();
    if values <= MOST_VALUES {
        return Ok(());
    }
    let problem = format!("the document holds more than {MOST_VALUES} values: send several documents instead");
    let code = const { code("too_many_values") };
    Err(vec![Fault { pointer: String::new(), code: code.as_str().to_owned(), problem }])
}

/// Refuses a reference that nobody could close, or that had to be mended: two vacancies, or persons, could become one.
fn require_usable(reference: &str, read: &Read) -> Result<(), Vec<Fault>> {
    let of_reference =
        |entry: &&LossEntry| entry.path.as_deref().and_then(|path| path.split('[').next()).is_some_and(is_reference);
    let mended = read.loss.entries.iter().filter(of_reference).find(|entry| entry.outcome == Outcome::Repaired);
    let unusable = match mended {
        Some(mended) => Some(odd_characters(mended.pointer.clone().unwrap_or_default())),
        None => unusable(reference),
    };
    unusable.map_or(Ok(()), |fault| Err(vec![fault]))
}

/// Why nothing may be known by a reference; none if it may.
pub fn unusable(reference: &str) -> Option<Fault> {
    if reference.trim().is_empty() || reference.chars().any(char::is_control) {
        return Some(odd_characters(String::new()));
    }
    (reference.len() > LONGEST_REFERENCE).then(|| {
        let problem = format!("the reference is longer than {LONGEST_REFERENCE} bytes");
        Fault { pointer: String::new(), code: const { code("reference_too_long") }.as_str().to_owned(), problem }
    })
}

fn odd_characters(pointer: String) -> Fault {
    let problem = "the reference holds control characters, or nothing but blanks; mended it could be another's";
    Fault { pointer, code: const { code("reference_characters") }.as_str().to_owned(), problem: problem.to_owned() }
}

fn no_reference() -> Fault {
    Fault {
        pointer: String::new(),
        code: "no_reference".to_owned(),
        problem: "the document does not say by which reference it is known; without one a change could not be told from a new vacancy"
            .to_owned(),
    }
}
