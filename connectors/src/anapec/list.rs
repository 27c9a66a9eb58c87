//! Reads a page of ANAPEC's list: `{"Offre": […], "paginate": {"count", "next", "last"}}`.

use bytes::Bytes;
use schemas::Hash;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    call::Answer,
    poller::{PollError, Unreadable},
};

/// An id has five to seven digits today.
const LONGEST_ID: usize = 12;

/// A page of the list.
#[derive(Debug)]
pub(super) struct ListPage {
    pub(super) entries: Vec<Entry>,
    pub(super) unreadable: Vec<Unreadable>,
    /// How many offers the whole list has.
    pub(super) count: Option<u64>,
    pub(super) has_next: bool,
}

/// What the list says of one offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The number by which SIGEC knows it; its reference is not unique.
    pub(super) id: String,
    /// International offers have pages of their own.
    pub(super) is_international: bool,
    /// Of everything that the list says.
    pub(super) hash: Hash,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "Offre", borrow)]
    offers: Vec<&'a RawValue>,
    #[serde(default)]
    paginate: Paginate,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Paginate {
    count: Value,
    next: Value,
}

#[derive(Deserialize)]
struct Offer {
    id: Value,
    #[serde(default)]
    ref_offre: Option<String>,
}

impl ListPage {
    pub(super) fn read(answer: &Answer) -> Result<Self, PollError> {
        let envelope: Envelope<'_> = answer.json()?;
        let Paginate { count, next } = envelope.paginate;
        let mut page = Self {
            entries: Vec::new(),
            unreadable: Vec::new(),
            count: number(&count),
            has_next: !envelope.offers.is_empty() && is_true(&next),
        };
        for (index, raw) in envelope.offers.into_iter().enumerate() {
            match entry(raw.get()) {
                Some(entry) => page.entries.push(entry),
                None => page.unreadable.push(Unreadable {
                    reference: None,
                    call: answer.call,
                    pointer: format!("/Offre/{index}"),
                    problem: "the offer has no number",
                    bytes: Bytes::copy_from_slice(raw.get().as_bytes()),
                }),
            }
        }
        Ok(page)
    }
}

fn entry(text: &str) -> Option<Entry> {
    let Offer { id, ref_offre } = serde_json::from_str(text).ok()?;
    let id = match id {
        Value::String(id) => id.trim().to_owned(),
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    let is_id = (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    let reference = ref_offre.unwrap_or_default().trim().to_ascii_uppercase();
    let is_international = reference.starts_with("INT");
    is_id.then(|| Entry { id, is_international, hash: Hash::of(text.as_bytes()) })
}

/// A number, also as text.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// What PHP takes for true.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !matches!(text.as_str(), "" | "0"),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn read(body: &str) -> Result<ListPage, PollError> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        ListPage::read(&Answer { call: "list", status: StatusCode::OK, headers: HeaderMap::new(), body })
    }

    #[test]
    fn an_offer_is_known_by_its_number() {
        let page = read(
            r#"{"Offre":[{"id":"1139632","ref_offre":"AG0307261139632"},{"id":1139554,"ref_offre":"INTCar07/26-1139554"}],
                "paginate":{"count":"17","next":2,"last":2}}"#,
        )
        .unwrap();
        let found: Vec<_> = page.entries.iter().map(|entry| (entry.id.as_str(), entry.is_international)).collect();
        assert_eq!(found, [("1139632", false), ("1139554", true)]);
        assert_eq!((page.count, page.has_next), (Some(17), true));
    }

    #[test]
    fn an_offer_without_a_number_is_kept_for_a_person() {
        let page = read(r#"{"Offre":[{"id":"12"},{"id":"AG12"},{"ref_offre":"X"},7],"paginate":{"count":4}}"#).unwrap();
        assert_eq!(page.entries.len(), 1);
        let pointers: Vec<&str> = page.unreadable.iter().map(|unreadable| unreadable.pointer.as_str()).collect();
        assert_eq!(pointers, ["/Offre/1", "/Offre/2", "/Offre/3"]);
    }

    #[test]
    fn the_last_page_says_so_in_many_ways() {
        for next in ["false", "null", "0", "\"\"", "[]"] {
            assert!(
                !read(&format!(r#"{{"Offre":[{{"id":1}}],"paginate":{{"next":{next}}}}}"#)).unwrap().has_next,
                "{next}"
            );
        }
        assert!(!read(r#"{"Offre":[],"paginate":{"next":2}}"#).unwrap().has_next, "an empty page is the last");
        assert!(!read(r#"{"Offre":[{"id":1}]}"#).unwrap().has_next);
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for body in ["", "<html>", "[]", r#"{"paginate":{}}"#, r#"{"Offre":{}}"#] {
            assert!(matches!(read(body), Err(PollError::Protocol { call: "list", .. })), "{body}");
        }
    }
}
