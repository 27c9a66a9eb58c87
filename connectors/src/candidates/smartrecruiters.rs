//! SmartRecruiters: `GET /candidates`, whose entries are summaries, and `GET /candidates/{id}`.
//!
//! Published (developers.smartrecruiters.com: `reference/candidatesall-1`, `reference/pagination`): `X-SmartToken`, `limit` up
//! to 100, `pageId` from the member `nextPageId` or from the header `Link`, one list at a time, that only candidates with
//! at least one application to a job are listed: **somebody in a talent pool alone is absent**. Seen in use only (public
//! clients): the members `content`, `updatedOn` and those of the details, and `nextPageId` with candidates. A next page that
//! stands in the header `Link` alone is not followed: it is an error, so that nobody counts as gone.

use std::ops::RangeInclusive;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, header, header::InvalidHeaderValue};
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

const TOKEN: HeaderName = HeaderName::from_static("x-smarttoken");

/// An account of SmartRecruiters.
#[derive(Debug)]
pub(super) struct SmartRecruiters {
    pub(super) token: SecretString,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    content: Vec<&'a RawValue>,
    #[serde(default, rename = "nextPageId")]
    next_page_id: Option<String>,
}

#[derive(Deserialize)]
struct Candidate {
    id: String,
    #[serde(default, rename = "updatedOn")]
    updated_on: Option<String>,
}

impl Vendor for SmartRecruiters {
    fn page_lengths(&self) -> RangeInclusive<usize> {
        1..=100
    }

    fn authorise(&self, headers: &mut HeaderMap) -> Result<(), InvalidHeaderValue> {
        headers.insert(TOKEN, secret_header(self.token.expose_secret())?);
        Ok(())
    }

    fn list_url(&self, base: &BaseUrl, length: usize, place: Option<&str>) -> Url {
        let mut url = base.join(&["candidates"]);
        url.query_pairs_mut().append_pair("limit", &length.to_string());
        if let Some(place) = place {
            url.query_pairs_mut().append_pair("pageId", place);
        }
        url
    }

    fn read_list(&self, answer: &Answer, _: Option<&str>) -> Result<CandidateList, PollError> {
        let List { content, next_page_id } = answer.json()?;
        let next = next_page_id.filter(|next| !next.is_empty() && !content.is_empty());
        if next.as_ref().is_some_and(|next| next.len() > LONGEST_PLACE) {
            return Err(protocol(LIST, "/nextPageId", "it is too long"));
        }
        if next.is_none() && !content.is_empty() && links_on(&answer.headers) {
            return Err(protocol(LIST, "/nextPageId", "it is missing, while the header `Link` names a next page"));
        }
        let (mut entries, mut unreadable) = (Vec::new(), Vec::new());
        for (index, raw) in content.into_iter().enumerate() {
            match entry(raw) {
                Some(entry) => entries.push(entry),
                None => unreadable.push(unreadable_entry("content", index, "it is no candidate with an id", raw)),
            }
        }
        Ok(CandidateList { entries, gone: Vec::new(), unreadable, next, order: Order::Cursor })
    }

    fn lists_everybody(&self) -> bool {
        false
    }

    fn candidate_url(&self, base: &BaseUrl, id: &str) -> Url {
        base.join(&["candidates", id])
    }

    fn read_candidate(&self, answer: &Answer) -> Result<Option<Entry>, PollError> {
        let raw: &RawValue = answer.json()?;
        let entry = entry(raw).ok_or_else(|| protocol(CANDIDATE, "", "it is no candidate with an id"))?;
        let document = Bytes::copy_from_slice(raw.get().as_bytes());
        Ok(Some(Entry { document: Some(document), ..entry }))
    }
}

/// A candidate without its document.
fn entry(raw: &RawValue) -> Option<Entry> {
    let Candidate { id, updated_on } = serde_json::from_str(raw.get()).ok()?;
    is_id(&id).then(|| Entry {
        reference: id.clone(),
        id,
        mark: mark(updated_on.as_deref(), raw),
        modified_at: updated_on.and_then(|text| text.parse().ok()),
        document: None,
        media_type: "application/json",
    })
}

/// Whether there is a link to a next page (RFC 8288).
fn links_on(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    values.into_iter().any(|value| value.contains("rel=\"next\"") || value.contains("rel=next"))
}

#[cfg(test)]
mod tests {
    use super::{super::vendor::read, *};

    #[test]
    fn a_next_page_in_the_header_alone_is_not_the_end() {
        let vendor = SmartRecruiters { token: "t".into() };
        let list = |headers: &[(&'static str, &str)], next| {
            read(&vendor, headers, &format!(r#"{{"limit":1,"content":[{{"id":"a"}}]{next}}}"#)).map(|list| list.next)
        };
        let link = [("link", r#"</candidates?limit=1&pageId=p>; rel="next""#)];
        assert_eq!(list(&link, "").unwrap_err().code(), "protocol");
        assert_eq!(list(&link, r#","nextPageId":"p""#), Ok(Some("p".to_owned())));
        assert_eq!(list(&[("link", r#"</candidates>; rel="first""#)], ""), Ok(None));
        assert_eq!(list(&[], r#","nextPageId":null"#), Ok(None));
        assert_eq!(list(&[], &format!(r#","nextPageId":"{}""#, "p".repeat(9_000))).unwrap_err().code(), "protocol");
    }
}
