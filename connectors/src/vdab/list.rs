//! Reads VDAB's lists of references: `{"aantal": n, "resultaten": [{"vacatureReferentie": …, "status": …}]}`.

use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{call::Answer, foreign_text, poller::PollError, poller::Unreadable};

/// No reference of VDAB is longer.
const LONGEST_REFERENCE: usize = 200;
/// Only vacancies that are not published have another status.
const PUBLISHED: &str = "GEPUBLICEERD";
/// Stands in the references of some entries of `bulk`, which name no vacancy then.
const NAMELESS: &str = "NOT_FOUND";

/// A part of a list.
#[derive(Debug)]
pub(super) struct Slice {
    pub(super) entries: Vec<Entry>,
    pub(super) unreadable: Vec<Unreadable>,
    /// How many entries came, whatever they are.
    pub(super) length: usize,
    /// How many the whole list has.
    pub(super) total: Option<usize>,
    /// When VDAB answered, by its clock.
    pub(super) date: Option<Timestamp>,
}

/// What a list says of one vacancy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) reference: String,
    pub(super) is_published: bool,
}

/// The envelope of every list.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(default)]
    aantal: Option<usize>,
    #[serde(borrow)]
    pub(super) resultaten: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reported {
    vacature_referentie: References,
    #[serde(default)]
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct References {
    interne_referentie: String,
}

/// The reference of a vacancy, or of an entry about one.
pub(super) fn reference(document: &str) -> Option<String> {
    let Reported { vacature_referentie: References { interne_referentie }, .. } =
        serde_json::from_str(document).ok()?;
    is_reference(&interne_referentie).then_some(interne_referentie)
}

/// An opaque text that can be part of a path.
fn is_reference(text: &str) -> bool {
    (1..=LONGEST_REFERENCE).contains(&text.len()) && foreign_text::one_line(text) == text
}

impl Slice {
    pub(super) fn read(answer: &Answer) -> Result<Self, PollError> {
        answer.success()?;
        let envelope: Envelope<'_> = answer.json()?;
        let mut slice = Self {
            entries: Vec::new(),
            unreadable: Vec::new(),
            length: envelope.resultaten.len(),
            total: envelope.aantal,
            date: answer.date(),
        };
        for (index, raw) in envelope.resultaten.into_iter().enumerate() {
            match serde_json::from_str::<Reported>(raw.get()) {
                Ok(reported) if reported.vacature_referentie.interne_referentie.contains(NAMELESS) => {}
                Ok(Reported { vacature_referentie: References { interne_referentie: reference }, status })
                    if is_reference(&reference) =>
                {
                    let is_published = status.is_none_or(|status| status == PUBLISHED);
                    slice.entries.push(Entry { reference, is_published });
                }
                _ => slice.unreadable.push(Unreadable {
                    reference: None,
                    call: answer.call,
                    pointer: format!("/resultaten/{index}"),
                    problem: "the entry has no reference",
                    bytes: Bytes::copy_from_slice(raw.get().as_bytes()),
                }),
            }
        }
        Ok(slice)
    }

    /// Whether the list goes on after this part, which begins at an offset and was asked for with a length.
    pub(super) fn goes_on(&self, offset: usize, asked: usize) -> bool {
        let is_full = self.length >= asked;
        self.length > 0 && (is_full || self.total.is_some_and(|total| total > offset + self.length))
    }

    /// Whether the list should go on and does not.
    pub(super) fn breaks_off(&self, offset: usize) -> bool {
        self.length == 0 && self.total.is_some_and(|total| total > offset)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn read(body: &str) -> Result<Slice, PollError> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        Slice::read(&Answer { call: "bulk", status: StatusCode::OK, headers: HeaderMap::new(), body })
    }

    #[test]
    fn entries_say_whether_a_vacancy_is_published() {
        let slice = read(
            r#"{"aantal":3,"resultaten":[{"vacatureReferentie":{"interneReferentie":"a","vdabReferentie":1},"status":"GEPUBLICEERD"},
               {"vacatureReferentie":{"interneReferentie":"b"},"status":"NIET_GEPUBLICEERD","more":1},
               {"vacatureReferentie":{"interneReferentie":"NOT_FOUND"},"status":"NIET_GEPUBLICEERD"}]}"#,
        )
        .unwrap();
        let entry = |reference: &str, is_published| Entry { reference: reference.to_owned(), is_published };
        assert_eq!(slice.entries, [entry("a", true), entry("b", false)]);
        assert_eq!((slice.length, slice.total, slice.unreadable.len()), (3, Some(3), 0));
    }

    #[test]
    fn an_entry_without_a_reference_is_kept_for_a_person() {
        let slice = read(
            r#"{"aantal":2,"resultaten":[{"status":"GEPUBLICEERD"},{"vacatureReferentie":{"interneReferentie":"a\nb"}}]}"#,
        );
        let slice = slice.unwrap();
        assert_eq!(slice.entries, []);
        let pointers: Vec<&str> = slice.unreadable.iter().map(|unreadable| unreadable.pointer.as_str()).collect();
        assert_eq!(pointers, ["/resultaten/0", "/resultaten/1"]);
        assert_eq!(slice.unreadable[0].bytes, r#"{"status":"GEPUBLICEERD"}"#);
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for body in ["", "<html>", "[]", r#"{"aantal":1}"#, r#"{"resultaten":7}"#] {
            assert!(matches!(read(body), Err(PollError::Protocol { call: "bulk", .. })), "{body}");
        }
    }

    #[test]
    fn a_list_goes_on_while_parts_are_full_or_more_are_counted() {
        let slice =
            |length: usize, total| Slice { entries: Vec::new(), unreadable: Vec::new(), length, total, date: None };
        assert!(slice(100, None).goes_on(0, 100));
        assert!(slice(50, Some(200)).goes_on(100, 100), "the source gives less than asked for");
        assert!(slice(100, Some(100)).goes_on(100, 100), "some count the part, not the whole");
        assert!(!slice(50, Some(150)).goes_on(100, 100));
        assert!(!slice(0, None).goes_on(0, 100));
        assert!(slice(0, Some(150)).breaks_off(100));
    }
}
