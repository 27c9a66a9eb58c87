//! What differs between vendors: where they list candidates, where they show one, and how both are read.

use std::{fmt, ops::RangeInclusive};

use http::{HeaderMap, HeaderValue, header::InvalidHeaderValue};
use reqwest::Url;

use super::list::{CandidateList, Entry};
use crate::{BaseUrl, call::Answer, poller::PollError};

/// One vendor, with the credentials of one account.
pub(super) trait Vendor: fmt::Debug + Send + Sync {
    /// How many candidates may be asked for at once.
    fn page_lengths(&self) -> RangeInclusive<usize>;

    /// Says who we are; no header can carry some keys.
    fn authorise(&self, headers: &mut HeaderMap) -> Result<(), InvalidHeaderValue>;

    /// The address of a page of the list; without a place, of the first.
    fn list_url(&self, base: &BaseUrl, length: usize, place: Option<&str>) -> Url;

    /// Reads a page that was found at a place.
    fn read_list(&self, answer: &Answer, place: Option<&str>) -> Result<CandidateList, PollError>;

    /// Of a page that is cut by number: the place where the last candidate of the page before stands alone.
    fn place_before(&self, _place: &str, _length: usize) -> Option<String> {
        None
    }

    /// Whether who is not listed is gone.
    fn lists_everybody(&self) -> bool {
        true
    }

    /// The address of one candidate, by the id that the vendor's events name.
    fn candidate_url(&self, base: &BaseUrl, id: &str) -> Url;

    /// Reads one candidate, whole; none if nothing of the person is left.
    fn read_candidate(&self, answer: &Answer) -> Result<Option<Entry>, PollError>;
}

/// A value that is not shown.
pub(super) fn secret_header(text: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// What a vendor makes of a list, for the tests of the vendors.
#[cfg(test)]
pub(super) fn read(
    vendor: &dyn Vendor,
    headers: &[(&'static str, &str)],
    body: &str,
) -> Result<CandidateList, PollError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    let body = bytes::Bytes::copy_from_slice(body.as_bytes());
    let answer = Answer { call: super::list::LIST, status: http::StatusCode::OK, headers: map, body };
    vendor.read_list(&answer, None)
}
