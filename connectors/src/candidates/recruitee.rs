//! Recruitee (Tellent): `GET /c/{company}/candidates`, and `GET /c/{company}/candidates/{id}`.
//!
//! Published (docs.recruitee.com: `reference/candidates-get`): `limit` and `offset` (without them everybody comes at once),
//! `sort` by `by_date` or by `by_last_message`, that a company's subdomain stands for its number. Seen in use only: `Bearer`,
//! at most 1,000 at once, newest first, the members `candidates` and `candidate`. Which members an entry of the list has is
//! not published, so the rest is fetched for those that are wanted.
//!
//! Offsets skip somebody when somebody before goes. So every page begins with the last candidate of the page before, and a
//! run that does not meet that one again is not complete. The list has no end but a page that brings nobody new.

use std::ops::RangeInclusive;

use bytes::Bytes;
use http::{HeaderMap, header, header::InvalidHeaderValue};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Number, value::RawValue};

use super::{
    list::{CANDIDATE, CandidateList, Entry, Order, mark, unreadable_entry},
    vendor::{Vendor, secret_header},
};
use crate::{
    BaseUrl,
    call::{Answer, protocol},
    poller::PollError,
};

/// An account of Recruitee.
#[derive(Debug)]
pub(super) struct Recruitee {
    pub(super) company: String,
    pub(super) token: SecretString,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    candidates: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct One<'a> {
    #[serde(borrow)]
    candidate: &'a RawValue,
}

#[derive(Deserialize)]
struct Candidate {
    id: Number,
    #[serde(default)]
    updated_at: Option<String>,
}

impl Vendor for Recruitee {
    fn page_lengths(&self) -> RangeInclusive<usize> {
        2..=1_000
    }

    fn authorise(&self, headers: &mut HeaderMap) -> Result<(), InvalidHeaderValue> {
        headers.insert(header::AUTHORIZATION, secret_header(&format!("Bearer {}", self.token.expose_secret()))?);
        Ok(())
    }

    fn list_url(&self, base: &BaseUrl, length: usize, place: Option<&str>) -> Url {
        let mut url = base.join(&["c", &self.company, "candidates"]);
        url.query_pairs_mut()
            .append_pair("limit", &length.to_string())
            .append_pair("offset", place.unwrap_or("0"))
            .append_pair("sort", "by_date");
        url
    }

    fn read_list(&self, answer: &Answer, place: Option<&str>) -> Result<CandidateList, PollError> {
        let List { candidates } = answer.json()?;
        let offset: usize = place.map_or(Ok(0), str::parse).map_err(|_| PollError::Cursor)?;
        let last = candidates.len().checked_sub(1);
        let next = last.map(|last| offset.saturating_add(last).to_string());
        let (mut entries, mut unreadable) = (Vec::new(), Vec::new());
        for (index, raw) in candidates.into_iter().enumerate() {
            match entry(raw) {
                Some(entry) => entries.push(entry),
                None => unreadable.push(unreadable_entry("candidates", index, "it is no candidate with an id", raw)),
            }
        }
        Ok(CandidateList { entries, gone: Vec::new(), unreadable, next, order: Order::Overlapping })
    }

    fn candidate_url(&self, base: &BaseUrl, id: &str) -> Url {
        base.join(&["c", &self.company, "candidates", id])
    }

    /// `{"candidate": ..}`; what stands beside it is about others.
    fn read_candidate(&self, answer: &Answer) -> Result<Option<Entry>, PollError> {
        let One { candidate } = answer.json()?;
        let entry =
            entry(candidate).ok_or_else(|| protocol(CANDIDATE, "/candidate", "it is no candidate with an id"))?;
        let document = Bytes::from(format!(r#"{{"candidate":{}}}"#, candidate.get()));
        Ok(Some(Entry { document: Some(document), ..entry }))
    }
}

/// A candidate without its document.
fn entry(raw: &RawValue) -> Option<Entry> {
    let Candidate { id, updated_at } = serde_json::from_str(raw.get()).ok()?;
    let id = id.as_u64()?.to_string();
    Some(Entry {
        reference: id.clone(),
        id,
        mark: mark(updated_at.as_deref(), raw),
        modified_at: updated_at.and_then(|text| text.parse().ok()),
        document: None,
        media_type: "application/json",
    })
}
