//! Teamtailor: `GET /v1/candidates`, JSON:API.
//!
//! Published (docs.teamtailor.com, in the copy of 2021): `Authorization: Token token=..`, the header `X-Api-Version`,
//! `page[size]` up to 30, the next page in `links.next`, `X-Rate-Limit-*` with `Reset` in seconds, the form of a candidate.
//! Seen in use only: that `links.next` has `page[number]` (clients of every year) or `page[after]` (newer ones). The order
//! of the list is not known. Pages that are cut by number skip somebody when somebody before goes: after each it is asked
//! who stands last before it, alone on a page, and a run where that is somebody else is not complete.
//!
//! The link to a resume lives for 30 seconds: it is no part of the mark as long as there is `updated-at`.

use std::ops::RangeInclusive;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header, header::InvalidHeaderValue};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    list::{CANDIDATE, CandidateList, Entry, LIST, LONGEST_PLACE, Order, is_id, mark, unreadable_entry},
    vendor::{Vendor, secret_header},
};
use crate::{
    BaseUrl,
    call::{Answer, protocol},
    poller::PollError,
};

const VERSION: HeaderName = HeaderName::from_static("x-api-version");
const MEDIA_TYPE: &str = "application/vnd.api+json";
/// The parameters that say where a page begins.
const PLACES: [&str; 2] = ["page[after]", "page[number]"];

/// An account of Teamtailor.
#[derive(Debug)]
pub(super) struct Teamtailor {
    pub(super) api_key: SecretString,
    pub(super) api_version: String,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    links: Links,
}

#[derive(Deserialize)]
struct Links {
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct One<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Candidate {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    attributes: Attributes,
}

#[derive(Deserialize)]
struct Attributes {
    #[serde(default, rename = "updated-at")]
    updated_at: Option<String>,
}

impl Vendor for Teamtailor {
    fn page_lengths(&self) -> RangeInclusive<usize> {
        1..=30
    }

    fn authorise(&self, headers: &mut HeaderMap) -> Result<(), InvalidHeaderValue> {
        let token = secret_header(&format!("Token token={}", self.api_key.expose_secret()))?;
        headers.insert(header::AUTHORIZATION, token);
        headers.insert(VERSION, HeaderValue::from_str(&self.api_version)?);
        headers.insert(header::ACCEPT, HeaderValue::from_static(MEDIA_TYPE));
        Ok(())
    }

    fn list_url(&self, base: &BaseUrl, length: usize, place: Option<&str>) -> Url {
        let mut url = base.join(&["candidates"]);
        url.query_pairs_mut().append_pair("page[size]", &length.to_string());
        if let Some((name, value)) = place.and_then(|place| place.split_once('=')) {
            url.query_pairs_mut().append_pair(name, value);
        }
        url
    }

    fn read_list(&self, answer: &Answer, place: Option<&str>) -> Result<CandidateList, PollError> {
        let List { data, links } = answer.json()?;
        let next = links.next.as_deref().map(next_place).transpose()?;
        let is_numbered = [place, next.as_deref()].into_iter().flatten().any(|place| place.starts_with(PLACES[1]));
        let order = if is_numbered { Order::Numbered } else { Order::Cursor };
        let (mut entries, mut unreadable) = (Vec::new(), Vec::new());
        for (index, raw) in data.into_iter().enumerate() {
            match entry(raw) {
                Some(entry) => entries.push(entry),
                None => unreadable.push(unreadable_entry("data", index, "it is no candidate with an id", raw)),
            }
        }
        Ok(CandidateList { entries, gone: Vec::new(), unreadable, next, order })
    }

    fn place_before(&self, place: &str, length: usize) -> Option<String> {
        let (name, page) = place.split_once('=').filter(|(name, _)| *name == PLACES[1])?;
        let before: usize = page.parse::<usize>().ok()?.checked_sub(1)?;
        Some(format!("{name}={}", before.checked_mul(length)?))
    }

    fn candidate_url(&self, base: &BaseUrl, id: &str) -> Url {
        base.join(&["candidates", id])
    }

    fn read_candidate(&self, answer: &Answer) -> Result<Option<Entry>, PollError> {
        let One { data } = answer.json()?;
        entry(data).map(Some).ok_or_else(|| protocol(CANDIDATE, "/data", "it is no candidate with an id"))
    }
}

/// `{"data": ..}`, from a list as well as from an answer about one.
fn entry(raw: &RawValue) -> Option<Entry> {
    let Candidate { id, kind, attributes } = serde_json::from_str(raw.get()).ok()?;
    if kind != "candidates" || !is_id(&id) {
        return None;
    }
    Some(Entry {
        reference: id.clone(),
        id,
        mark: mark(attributes.updated_at.as_deref(), raw),
        modified_at: attributes.updated_at.and_then(|text| text.parse().ok()),
        document: Some(Bytes::from(format!(r#"{{"data":{}}}"#, raw.get()))),
        media_type: MEDIA_TYPE,
    })
}

/// Of the address nothing but the place is believed: the key goes to nobody else.
fn next_place(next: &str) -> Result<String, PollError> {
    let unfit = || protocol(LIST, "/links/next", "it says nothing of where the next page begins");
    let base = Url::parse("https://api.teamtailor.com/v1/candidates").expect("it is a URL");
    let url = base.join(next).map_err(|_| unfit())?;
    let found = url.query_pairs().find(|(name, _)| PLACES.contains(&name.as_ref()));
    let (name, value) = found.filter(|(_, value)| (1..=LONGEST_PLACE).contains(&value.len())).ok_or_else(unfit)?;
    Ok(format!("{name}={value}"))
}

#[cfg(test)]
mod tests {
    use super::{super::vendor::read, *};

    fn list(body: &str) -> Result<(Option<String>, Order), &'static str> {
        let vendor = Teamtailor { api_key: "k".into(), api_version: "20240404".to_owned() };
        read(&vendor, &[], body).map(|list| (list.next, list.order)).map_err(|error| error.code())
    }

    #[test]
    fn a_next_page_is_a_number_or_a_cursor() {
        let next = |next: &str| list(&format!(r#"{{"data":[],"links":{{"next":"{next}"}}}}"#));
        let by_number = Ok((Some("page[number]=2".to_owned()), Order::Numbered));
        assert_eq!(next("https://other.example/x?page%5Bsize%5D=30&page%5Bnumber%5D=2"), by_number);
        assert_eq!(next("/v1/candidates?page[number]=2"), by_number);
        assert_eq!(next("?page%5Bafter%5D=a%2Bb%3D"), Ok((Some("page[after]=a+b=".to_owned()), Order::Cursor)));
        assert_eq!(next("https://api.teamtailor.com/v1/candidates"), Err("protocol"));
        assert_eq!(next("?page[after]="), Err("protocol"));
    }

    #[test]
    fn a_list_that_does_not_say_where_it_ends_is_none() {
        assert_eq!(list(r#"{"data":[]}"#), Err("protocol"));
        assert_eq!(list(r#"{"data":[],"links":{}}"#), Ok((None, Order::Cursor)));
    }

    #[test]
    fn the_last_one_before_a_page_stands_alone_on_a_page_of_one() {
        let vendor = Teamtailor { api_key: "k".into(), api_version: "20240404".to_owned() };
        assert_eq!(vendor.place_before("page[number]=3", 30).as_deref(), Some("page[number]=60"));
        assert_eq!(vendor.place_before("page[after]=3", 30), None);
        assert_eq!(vendor.place_before("page[number]=x", 30), None);
    }
}
