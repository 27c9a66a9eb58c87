//! A page of candidates, whatever the vendor.

use bytes::Bytes;
use jiff::Timestamp;
use schemas::Hash;
use serde_json::value::RawValue;

use crate::{
    call::Answer,
    poller::{Fetched, Listed, Unreadable},
};

/// The name of the call in errors.
pub(super) const LIST: &str = "candidates";
/// The name of the call in errors.
pub(super) const CANDIDATE: &str = "candidate";
/// No vendor's id is longer, in bytes.
pub(super) const LONGEST_ID: usize = 200;
/// No vendor's cursor is longer, in bytes.
pub(super) const LONGEST_PLACE: usize = 8 * 1024;
/// How much of what cannot be read is kept, in bytes.
const KEPT: usize = 16 * 1024;

/// What one page says.
#[derive(Debug)]
pub(super) struct CandidateList {
    pub(super) entries: Vec<Entry>,
    /// References of those of whom nothing is left; none of them is among the entries.
    pub(super) gone: Vec<String>,
    pub(super) unreadable: Vec<Unreadable>,
    /// Where the next page begins; none: that was the last.
    pub(super) next: Option<String>,
    pub(super) order: Order,
}

/// What is known of the order of a list while candidates come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Pages go on after the last candidate of the page before: nothing is skipped.
    Cursor,
    /// Pages are cut by number: whether the page before still ends where it did is asked for.
    Numbered,
    /// Pages are cut by number, and each begins with the last candidate of the page before. That is the end where
    /// there is nobody else.
    Overlapping,
}

/// One candidate.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// By which the vendor shows the candidate.
    pub(super) id: String,
    /// What its dialect maps to `reference`.
    pub(super) reference: String,
    pub(super) mark: String,
    pub(super) modified_at: Option<Timestamp>,
    /// As a shape of its dialect reads it; none if the list holds only a part.
    pub(super) document: Option<Bytes>,
    pub(super) media_type: &'static str,
}

impl Entry {
    pub(super) fn listed(&self) -> Listed {
        Listed { reference: self.reference.clone(), mark: Some(self.mark.clone()) }
    }

    pub(super) fn fetched(self, document: Bytes) -> Fetched {
        let Self { reference, modified_at, media_type, .. } = self;
        Fetched { reference, bytes: document, media_type: media_type.to_owned(), modified_at }
    }
}

/// Whether it can stand in a path as one segment that stays there.
pub(super) fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len()) && !matches!(text, "." | "..") && !text.chars().any(char::is_control)
}

/// What changes when the candidate does: the vendor's own moment of change, else the hash of what it says.
pub(super) fn mark(changed_at: Option<&str>, raw: &RawValue) -> String {
    match changed_at {
        Some(text) if (1..=LONGEST_ID).contains(&text.len()) => text.to_owned(),
        _ => Hash::of(raw.get().as_bytes()).to_string(),
    }
}

/// An entry of a list that is not what it should be.
pub(super) fn unreadable_entry(member: &str, index: usize, problem: &'static str, raw: &RawValue) -> Unreadable {
    let pointer = format!("/{member}/{index}");
    Unreadable { reference: None, call: LIST, pointer, problem, bytes: kept(raw.get().as_bytes()) }
}

/// A candidate whose details are not what they should be.
pub(super) fn unreadable_candidate(reference: String) -> Unreadable {
    let problem = "the vendor neither shows the candidate as agreed nor says that there is none";
    let (reference, pointer) = (Some(reference), String::new());
    Unreadable { reference, call: CANDIDATE, pointer, problem, bytes: Bytes::new() }
}

/// A page that the vendor will not give, though it named it.
pub(super) fn refused_page(answer: &Answer) -> Unreadable {
    let problem = "the vendor refuses its own cursor, a second time";
    Unreadable { reference: None, call: LIST, pointer: String::new(), problem, bytes: kept(&answer.body) }
}

fn kept(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&bytes[..bytes.len().min(KEPT)])
}
