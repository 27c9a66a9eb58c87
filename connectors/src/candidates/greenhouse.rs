//! Greenhouse: `GET /v1/candidates`, and `GET /v1/candidates/{id}` of the Harvest API, behind its signed webhooks.
//!
//! Published (grnhse/greenhouse-api-docs, `harvest/_introduction.md` and `_candidates.md`): Basic with the key as user and no
//! password, `per_page` up to 500, the next page in the header `Link` and nowhere else, at present with `page` as a number,
//! `X-RateLimit-*` per 10 seconds, the form of a candidate, that a candidate is listed whole. The order of the list is not
//! known. Pages that are cut by number skip somebody when somebody before goes: after each it is asked who stands last before
//! it, alone on a page, and a run where that is somebody else is not complete.
//! The vendor announced the end of v1 and v2 for 31 August 2026; its v3 shows the parts of a candidate apart and is not read.
//!
//! Links to files are signed anew every time and live for 7 days: they are no part of the mark as long as there is `updated_at`.

use std::ops::RangeInclusive;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, header, header::InvalidHeaderValue};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Number, value::RawValue};

use super::{
    list::{CANDIDATE, CandidateList, Entry, LIST, LONGEST_PLACE, Order, mark, unreadable_entry},
    vendor::{Vendor, secret_header},
};
use crate::{
    BaseUrl,
    call::{Answer, protocol},
    greenhouse::next_link,
    poller::PollError,
};

/// The parameter that says how long a page is: ours, not part of the place.
const LENGTH: &str = "per_page";
/// The parameter of pages that are cut by number.
const NUMBER: &str = "page";

/// An account of Greenhouse.
#[derive(Debug)]
pub(super) struct Greenhouse {
    pub(super) api_key: SecretString,
}

#[derive(Deserialize)]
struct Candidate {
    id: Number,
    /// What tells a candidate of Harvest from others in its dialect.
    #[serde(rename = "email_addresses")]
    _email_addresses: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    updated_at: Option<String>,
}

impl Vendor for Greenhouse {
    fn page_lengths(&self) -> RangeInclusive<usize> {
        1..=500
    }

    fn authorise(&self, headers: &mut HeaderMap) -> Result<(), InvalidHeaderValue> {
        let credentials = BASE64_STANDARD.encode(format!("{}:", self.api_key.expose_secret()));
        headers.insert(header::AUTHORIZATION, secret_header(&format!("Basic {credentials}"))?);
        Ok(())
    }

    fn list_url(&self, base: &BaseUrl, length: usize, place: Option<&str>) -> Url {
        let mut url = base.join(&["candidates"]);
        url.query_pairs_mut().append_pair(LENGTH, &length.to_string());
        if let Some((name, value)) = place.and_then(|place| place.split_once('=')) {
            url.query_pairs_mut().append_pair(name, value);
        }
        url
    }

    fn read_list(&self, answer: &Answer, place: Option<&str>) -> Result<CandidateList, PollError> {
        let candidates: Vec<&RawValue> = answer.json()?;
        let next = next_link(&answer.headers).map(|link| next_place(&link)).transpose()?;
        let is_numbered = [place, next.as_deref()].into_iter().flatten().any(|place| number_of(place).is_some());
        let order = if is_numbered { Order::Numbered } else { Order::Cursor };
        let (mut entries, mut unreadable) = (Vec::new(), Vec::new());
        for (index, raw) in candidates.into_iter().enumerate() {
            match entry(raw) {
                Some(entry) => entries.push(entry),
                None => unreadable.push(unreadable_entry("", index, "it is no candidate with an id", raw)),
            }
        }
        Ok(CandidateList { entries, gone: Vec::new(), unreadable, next, order })
    }

    fn place_before(&self, place: &str, length: usize) -> Option<String> {
        let before = number_of(place)?.checked_sub(1)?;
        Some(format!("{NUMBER}={}", before.checked_mul(length)?))
    }

    fn candidate_url(&self, base: &BaseUrl, id: &str) -> Url {
        base.join(&["candidates", id])
    }

    fn read_candidate(&self, answer: &Answer) -> Result<Option<Entry>, PollError> {
        entry(answer.json()?).map(Some).ok_or_else(|| protocol(CANDIDATE, "", "it is no candidate with an id"))
    }
}

/// The candidate, whole, from a list as well as from an answer about one.
fn entry(raw: &RawValue) -> Option<Entry> {
    let Candidate { id, updated_at, .. } = serde_json::from_str(raw.get()).ok()?;
    let id = id.as_u64()?.to_string();
    Some(Entry {
        reference: id.clone(),
        id,
        mark: mark(updated_at.as_deref(), raw),
        modified_at: updated_at.and_then(|text| text.parse().ok()),
        document: Some(Bytes::copy_from_slice(raw.get().as_bytes())),
        media_type: "application/json",
    })
}

/// Which page a place is, if it is a number.
fn number_of(place: &str) -> Option<usize> {
    place.split_once('=').filter(|(name, _)| *name == NUMBER)?.1.parse().ok()
}

/// Of the address nothing but the place is believed: the key goes to nobody else.
fn next_place(next: &str) -> Result<String, PollError> {
    let unfit = || protocol(LIST, "", "the header `Link` says nothing of where the next page begins");
    let base = Url::parse("https://harvest.greenhouse.io/v1/candidates").expect("it is a URL");
    let url = base.join(next).map_err(|_| unfit())?;
    let mut places = url.query_pairs().filter(|(name, value)| name != LENGTH && !value.is_empty());
    let (name, value) = places.next().ok_or_else(unfit)?;
    let place = format!("{name}={value}");
    if places.next().is_some() || name.contains('=') || place.len() > LONGEST_PLACE {
        return Err(unfit());
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::{super::vendor::read, *};

    fn list(link: &str) -> Result<(Option<String>, Order), &'static str> {
        let vendor = Greenhouse { api_key: "k".into() };
        let headers = [("link", link)];
        let list = read(&vendor, if link.is_empty() { &[] } else { &headers }, "[]");
        list.map(|list| (list.next, list.order)).map_err(|error| error.code())
    }

    #[test]
    fn a_next_page_is_where_the_header_says() {
        let published = "<https://harvest.greenhouse.io/v1/candidates?page=2&per_page=2>; rel=\"next\",\
                         <https://harvest.greenhouse.io/v1/candidates?page=474&per_page=2>; rel=\"last\"";
        assert_eq!(list(published), Ok((Some("page=2".to_owned()), Order::Numbered)));
        let elsewhere = "<https://other.example/x?per_page=2&page=3>; rel=\"next\"";
        assert_eq!(list(elsewhere), Ok((Some("page=3".to_owned()), Order::Numbered)));
        let by_cursor = "<https://harvest.greenhouse.io/v1/candidates?per_page=2&since=a%2Bb>; rel=\"next\"";
        assert_eq!(list(by_cursor), Ok((Some("since=a+b".to_owned()), Order::Cursor)));
        for unfit in ["?per_page=2", "?page=", "?page=2&since=a", ""] {
            let link = format!("<https://harvest.greenhouse.io/v1/candidates{unfit}>; rel=\"next\"");
            assert_eq!(list(&link), Err("protocol"), "{unfit}");
        }
    }

    #[test]
    fn without_a_next_page_it_is_the_last() {
        for link in ["", "<https://harvest.greenhouse.io/v1/candidates?page=1>; rel=\"prev\""] {
            assert_eq!(list(link), Ok((None, Order::Cursor)), "{link}");
        }
    }

    #[test]
    fn the_last_one_before_a_page_stands_alone_on_a_page_of_one() {
        let vendor = Greenhouse { api_key: "k".into() };
        assert_eq!(vendor.place_before("page=3", 30).as_deref(), Some("page=60"));
        assert_eq!(vendor.place_before("since=3", 30), None);
        assert_eq!(vendor.place_before("page=x", 30), None);
    }

    #[test]
    fn what_is_no_candidate_of_harvest_is_none() {
        let read = |text: &str| entry(serde_json::from_str(text).unwrap()).map(|entry| entry.id);
        assert_eq!(read(r#"{"id":7,"email_addresses":[]}"#).as_deref(), Some("7"));
        for text in [r#"{"id":"7","email_addresses":[]}"#, r#"{"id":null,"email_addresses":[]}"#, r#"{"id":7}"#, "7"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
