//! Lever: `GET /v1/opportunities`, and `GET /v1/opportunities/{id}`. A candidate is the contact behind its opportunities.
//!
//! Published (hire.lever.co/developer/documentation): Basic with the key as user and no password, `limit` up to 100, the
//! opaque `offset` from the member `next`, `hasNext`, moments as milliseconds since 1970, 10 requests a second.
//! Seen in use only: the members of an opportunity, among them `contact` and `isAnonymized`.
//!
//! Opportunities that are confidential are not asked for. Several opportunities of one person have the same reference, so
//! the mark is made of what they say of the person: neither another opportunity nor a move of one is a change. An
//! opportunity that is anonymised says that its person is gone.

use std::{collections::BTreeMap, ops::RangeInclusive};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, header, header::InvalidHeaderValue};
use jiff::Timestamp;
use reqwest::Url;
use schemas::Hash;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    list::{CANDIDATE, CandidateList, Entry, LIST, LONGEST_PLACE, Order, is_id, unreadable_entry},
    vendor::{Vendor, secret_header},
};
use crate::{
    BaseUrl,
    call::{Answer, protocol},
    poller::PollError,
};

/// The members of an opportunity that are about its person.
const ABOUT_PERSON: [&str; 7] = ["contact", "name", "headline", "location", "emails", "phones", "links"];

/// An account of Lever.
#[derive(Debug)]
pub(super) struct Lever {
    pub(super) api_key: SecretString,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    #[serde(default)]
    next: Option<String>,
    #[serde(rename = "hasNext")]
    has_next: bool,
}

#[derive(Deserialize)]
struct One<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Opportunity {
    id: String,
    contact: String,
    #[serde(default, rename = "updatedAt")]
    updated_at: Option<i64>,
    #[serde(default, rename = "isAnonymized")]
    is_anonymized: Option<bool>,
}

impl Vendor for Lever {
    fn page_lengths(&self) -> RangeInclusive<usize> {
        1..=100
    }

    fn authorise(&self, headers: &mut HeaderMap) -> Result<(), InvalidHeaderValue> {
        let credentials = BASE64_STANDARD.encode(format!("{}:", self.api_key.expose_secret()));
        headers.insert(header::AUTHORIZATION, secret_header(&format!("Basic {credentials}"))?);
        Ok(())
    }

    fn list_url(&self, base: &BaseUrl, length: usize, place: Option<&str>) -> Url {
        let mut url = base.join(&["opportunities"]);
        url.query_pairs_mut().append_pair("limit", &length.to_string());
        if let Some(place) = place {
            url.query_pairs_mut().append_pair("offset", place);
        }
        url
    }

    fn read_list(&self, answer: &Answer, _: Option<&str>) -> Result<CandidateList, PollError> {
        let List { data, next, has_next } = answer.json()?;
        let next = if has_next { next } else { None };
        let is_fit = next.as_ref().is_some_and(|next| (1..=LONGEST_PLACE).contains(&next.len()));
        if has_next && !is_fit {
            return Err(protocol(LIST, "/next", "there is a next page, and it is not said where it begins"));
        }
        let (mut entries, mut gone, mut unreadable) = (Vec::<Entry>::new(), Vec::new(), Vec::new());
        for (index, raw) in data.into_iter().enumerate() {
            match entry(raw) {
                Some((entry, true)) => gone.push(entry.reference),
                Some((entry, false)) => match entries.iter_mut().find(|other| other.reference == entry.reference) {
                    Some(other) if other.modified_at < entry.modified_at => *other = entry,
                    Some(_) => {}
                    None => entries.push(entry),
                },
                None => unreadable.push(unreadable_entry("data", index, "it is no opportunity of a contact", raw)),
            }
        }
        gone.retain(|reference| entries.iter().all(|entry| entry.reference != *reference));
        gone.sort_unstable();
        gone.dedup();
        Ok(CandidateList { entries, gone, unreadable, next, order: Order::Cursor })
    }

    fn candidate_url(&self, base: &BaseUrl, id: &str) -> Url {
        base.join(&["opportunities", id])
    }

    fn read_candidate(&self, answer: &Answer) -> Result<Option<Entry>, PollError> {
        let One { data } = answer.json()?;
        let unfit = || protocol(CANDIDATE, "/data", "it is no opportunity of a contact");
        let (entry, is_anonymised) = entry(data).ok_or_else(unfit)?;
        Ok((!is_anonymised).then_some(entry))
    }
}

/// The opportunity itself, and whether nothing is left of its person.
fn entry(raw: &RawValue) -> Option<(Entry, bool)> {
    let Opportunity { id, contact, updated_at, is_anonymized } = serde_json::from_str(raw.get()).ok()?;
    if !is_id(&id) || !is_id(&contact) {
        return None;
    }
    let entry = Entry {
        id,
        reference: contact,
        mark: person_mark(raw)?,
        modified_at: updated_at.and_then(|moment| Timestamp::from_millisecond(moment).ok()),
        document: Some(Bytes::copy_from_slice(raw.get().as_bytes())),
        media_type: "application/json",
    };
    Some((entry, is_anonymized == Some(true)))
}

/// The hash of what the opportunity says of its person.
fn person_mark(raw: &RawValue) -> Option<String> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get()).ok()?;
    let said: Vec<&str> =
        ABOUT_PERSON.iter().map(|member| members.get(*member).map_or("", |value| value.get())).collect();
    Some(Hash::of(said.join("\n").as_bytes()).to_string())
}

#[cfg(test)]
mod tests {
    use super::{super::vendor::read, *};

    #[test]
    fn a_list_says_whether_it_goes_on_and_where() {
        let vendor = Lever { api_key: "k".into() };
        let next = |body: &str| read(&vendor, &[], body).map(|list| list.next).map_err(|error| error.code());
        assert_eq!(next(r#"{"data":[],"hasNext":true,"next":"n"}"#), Ok(Some("n".to_owned())));
        assert_eq!(next(r#"{"data":[],"hasNext":false,"next":"n"}"#), Ok(None));
        assert_eq!(next(r#"{"data":[],"hasNext":true}"#), Err("protocol"));
        assert_eq!(next(r#"{"data":[]}"#), Err("protocol"));
    }

    #[test]
    fn only_what_is_said_of_the_person_is_a_change() {
        let mark = |text: &str| person_mark(serde_json::from_str(text).unwrap()).unwrap();
        let first = mark(r#"{"id":"1","contact":"c","name":"A","emails":["a@example.org"],"stage":"s"}"#);
        assert_eq!(mark(r#"{"id":"2","stage":"t","contact":"c","emails":["a@example.org"],"name":"A"}"#), first);
        assert_ne!(mark(r#"{"id":"1","contact":"c","name":"B","emails":["a@example.org"],"stage":"s"}"#), first);
    }
}
