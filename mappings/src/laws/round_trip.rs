//! `write(read(d), complement) = d` up to the normal form: nothing unaccounted for, and writing again changes nothing.

use schemas::{LossReport, Outcome};

use crate::{
    Catalogue, Mapping, ReadOptions, Reading, WriteOptions, Writing,
    laws::{
        document::{Leaves, differences, leaves_of, plain_number, pointers_of},
        record,
    },
};

/// A law, and how it was broken.
pub(super) type BrokenLaw = (&'static str, String);

/// Checks the laws for one document. A document that cannot be read or parsed keeps every law.
pub(super) fn check_document(
    catalogue: &Catalogue,
    mapping: &Mapping,
    bytes: &[u8],
    options: &ReadOptions<'_>,
) -> Vec<BrokenLaw> {
    let Ok(reading) = mapping.read(bytes, &ReadOptions { full: true, ..*options }) else {
        return Vec::new();
    };
    let Ok(pointers) = pointers_of(bytes, &mapping.program.syntax, &mapping.program.names) else {
        return Vec::new();
    };
    let mut broken = check_accounts(&reading, pointers.len());
    if !mapping.directions().writes() || reading.shape.as_deref() != mapping.program.shapes[0].name.as_deref() {
        return broken;
    }
    let write = WriteOptions { complement: Some(&reading.complement), ..WriteOptions::default() };
    let Ok(first) = mapping.write(&reading.record, &write) else {
        return broken;
    };
    let again = match mapping.read(&first.bytes, options) {
        Ok(again) => again,
        Err(failure) => return vec![("reads_its_own", failure.to_string())],
    };
    let losses = (&first.loss, &again.loss);
    let problems = record::differences(&reading.record, losses, &again.record, catalogue.library());
    broken.extend(problems.into_iter().map(|problem| ("same_record", problem)));
    broken.extend(check_fixed_point(mapping, &first, &again));
    if let Ok(written) = leaves_of(&first.bytes, &mapping.program.syntax, &mapping.program.names) {
        broken.extend(check_complement(mapping, &reading, (&first.loss, &written), &pointers));
    }
    broken
}

/// Every field of the document is kept or reported.
fn check_accounts(reading: &Reading, fields: usize) -> Vec<BrokenLaw> {
    let mut lost: Vec<&str> = reading.loss.entries.iter().filter_map(|entry| entry.pointer.as_deref()).collect();
    lost.sort_unstable();
    lost.dedup();
    let accounted = usize::try_from(reading.loss.kept).unwrap_or_default() + lost.len();
    if fields == accounted {
        return Vec::new();
    }
    vec![("accounted", format!("{fields} fields, but {accounted} are kept or reported"))]
}

/// What was written once is written the same again.
fn check_fixed_point(mapping: &Mapping, first: &Writing, again: &Reading) -> Vec<BrokenLaw> {
    let write = WriteOptions { complement: Some(&again.complement), ..WriteOptions::default() };
    let second = match mapping.write(&again.record, &write) {
        Ok(second) if second.bytes == first.bytes => return Vec::new(),
        Ok(second) => second,
        Err(refusal) => return vec![("fixed_point", refusal.to_string())],
    };
    let leaves = |bytes: &[u8]| leaves_of(bytes, &mapping.program.syntax, &mapping.program.names).unwrap_or_default();
    let mut problems = differences(&leaves(&second.bytes), &leaves(&first.bytes));
    if problems.is_empty() {
        problems.push("the order changes".to_owned());
    }
    problems.into_iter().map(|problem| ("fixed_point", problem)).collect()
}

/// What the record could not hold is there when the document is written again.
fn check_complement(
    mapping: &Mapping,
    reading: &Reading,
    (loss, written): (&LossReport, &Leaves),
    pointers: &[[String; 3]],
) -> Vec<BrokenLaw> {
    let discarded: Vec<&str> =
        mapping.program.shapes.iter().flat_map(|shape| &shape.discard).map(|(_, code)| &**code).collect();
    let is_left_over = |code: &str| {
        // What the document says twice, it says once in its normal form.
        !["differs_between_repeats", "said_twice"].contains(&code) && !discarded.contains(&code)
    };
    let mut broken = Vec::new();
    for entry in reading.loss.entries.iter().filter(|entry| entry.outcome == Outcome::Dropped) {
        let Some(pointer) = entry.pointer.as_deref().filter(|_| is_left_over(&entry.code)) else {
            continue;
        };
        let Some([_, place, text]) = pointers.iter().find(|[known, ..]| known == pointer) else {
            continue;
        };
        let texts = written.get(place).map(Vec::as_slice).unwrap_or_default();
        let is_there = texts.iter().any(|known| known == text || plain_number(text) == *known);
        if !is_there && !went_with_its_item(pointer, reading, loss) {
            broken.push(("complement", format!("`{pointer}` is not there when the document is written again")));
        }
    }
    broken
}

/// Whether a field stood beside one that the writing reports as dropped: what belonged to it goes with it.
fn went_with_its_item(pointer: &str, reading: &Reading, written: &LossReport) -> bool {
    let around = pointer.rsplit_once('/').map_or("", |(around, _)| around);
    let beside = reading.trail.iter().filter(|trail| {
        trail.pointer.strip_prefix(around).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    let paths: Vec<&str> = beside.map(|trail| trail.path.as_str()).collect();
    let mut dropped = written.entries.iter().filter(|entry| entry.outcome == Outcome::Dropped);
    !around.is_empty() && dropped.any(|entry| entry.path.as_deref().is_some_and(|path| paths.contains(&path)))
}
