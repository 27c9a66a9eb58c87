//! Reads what a partner announces about its limits.
//!
//! Two families: `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers (structured fields, RFC 9651),
//! and the older `X-RateLimit-*`, `X-Rate-Limit-*` and `RateLimit-*`, whose reset is in seconds with some and an epoch
//! with others. What cannot be understood is as good as not said.

use std::time::Duration;

use http::{HeaderMap, header};
use jiff::Timestamp;
use sfv::{BareItem, Item, List, ListEntry, Parser};

use crate::{foreign_text, retry_after};

/// No partner has more windows.
const MOST_LIMITS: usize = 8;
/// Longer windows are not waited for.
const LONGEST: Duration = Duration::from_hours(168);
/// A reset above this is an epoch, in seconds; above a thousand times this, in milliseconds.
const EARLIEST_EPOCH: u64 = 1_000_000_000;

/// One window of a limit, as far as the partner says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Limit {
    /// What the partner calls it; `default` if it has no name.
    pub name: String,
    /// How many requests a window takes.
    pub quota: Option<u64>,
    /// How long the window is.
    pub window: Option<Duration>,
    /// How many requests are left.
    pub remaining: Option<u64>,
    /// In how long there are more.
    pub resets_in: Option<Duration>,
}

impl Limit {
    fn named(name: String) -> Self {
        Self { name, quota: None, window: None, remaining: None, resets_in: None }
    }
}

/// How long to wait until every limit has room again; `None` if all have, or do not say.
pub fn exhausted_for(limits: &[Limit]) -> Option<Duration> {
    let exhausted = limits.iter().filter(|limit| limit.remaining == Some(0));
    exhausted.filter_map(|limit| limit.resets_in).max()
}

/// The limits announced in an answer.
pub(crate) fn announced(headers: &HeaderMap, now: Timestamp) -> Vec<Limit> {
    let mut limits = Vec::new();
    for (name, item) in items(headers, "ratelimit-policy") {
        if is_about_requests(&item) {
            let limit = entry(&mut limits, name);
            limit.quota = parameter(&item, "q");
            limit.window = parameter(&item, "w").map(seconds);
        }
    }
    for (name, item) in items(headers, "ratelimit") {
        if let Some(remaining) = parameter(&item, "r") {
            let limit = entry(&mut limits, name);
            limit.remaining = Some(remaining);
            limit.resets_in = parameter(&item, "t").map(seconds);
        }
    }
    if limits.is_empty() {
        limits
            .extend(["x-ratelimit", "x-rate-limit", "ratelimit"].iter().find_map(|family| older(headers, family, now)));
    }
    limits.truncate(MOST_LIMITS);
    limits
}

/// The named items of a structured list: `"burst";q=50;w=10, "day";q=1000;w=86400`.
fn items(headers: &HeaderMap, field: &str) -> Vec<(String, Item)> {
    let values: Vec<&[u8]> = headers.get_all(field).iter().map(http::HeaderValue::as_bytes).collect();
    let Ok(list) = Parser::new(&values.join(&b", "[..])).parse::<List>() else { return Vec::new() };
    let entries = list.into_iter().filter_map(|entry| match entry {
        ListEntry::Item(item) => Some((name(&item.bare_item)?, item)),
        ListEntry::InnerList(_) => None,
    });
    entries.collect()
}

fn name(item: &BareItem) -> Option<String> {
    let name = match item {
        BareItem::String(text) => text.as_str(),
        BareItem::Token(token) => token.as_str(),
        _ => return None,
    };
    foreign_text::as_code(name)
}

/// Units other than requests, such as bytes, are not ours to count.
fn is_about_requests(item: &Item) -> bool {
    match item.params.get("qu") {
        None => true,
        Some(BareItem::String(unit)) => unit.as_str() == "requests",
        Some(_) => false,
    }
}

fn parameter(item: &Item, key: &str) -> Option<u64> {
    match item.params.get(key)? {
        BareItem::Integer(number) => u64::try_from(i64::from(*number)).ok(),
        _ => None,
    }
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number).min(LONGEST)
}

fn entry(limits: &mut Vec<Limit>, name: String) -> &mut Limit {
    let index = limits.iter().position(|limit| limit.name == name).unwrap_or_else(|| {
        limits.push(Limit::named(name));
        limits.len() - 1
    });
    &mut limits[index]
}

/// `X-RateLimit-Limit`, `-Remaining` and `-Reset`.
fn older(headers: &HeaderMap, family: &str, now: Timestamp) -> Option<Limit> {
    let number = |suffix: &str| leading_number(headers, &format!("{family}-{suffix}"));
    let (quota, remaining) = (number("limit"), number("remaining"));
    let resets_in = number("reset").map(|reset| match reset {
        0..EARLIEST_EPOCH => seconds(reset),
        _ => until_epoch(headers, if reset < EARLIEST_EPOCH * 1_000 { reset } else { reset / 1_000 }, now),
    });
    let says_something = quota.is_some() || remaining.is_some();
    says_something.then(|| Limit { quota, remaining, resets_in, ..Limit::named("default".to_owned()) })
}

/// Compared with the `Date` of the same answer, so that a wrong clock does no harm.
fn until_epoch(headers: &HeaderMap, epoch: u64, now: Timestamp) -> Duration {
    let date = headers.get(header::DATE).and_then(|value| retry_after::http_date(value.to_str().ok()?));
    let now = u64::try_from(date.unwrap_or(now).as_second()).unwrap_or(0);
    seconds(epoch.saturating_sub(now))
}

/// Some add the window: `50, 50;w=10`.
fn leading_number(headers: &HeaderMap, field: &str) -> Option<u64> {
    let text = headers.get(field)?.to_str().ok()?.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&'static str, &'static str)]) -> Vec<Limit> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        announced(&headers, "2026-11-21T12:00:00Z".parse().unwrap())
    }

    fn limit(name: &str, numbers: [Option<u64>; 4]) -> Limit {
        let [quota, window, remaining, resets_in] = numbers;
        let name = name.to_owned();
        Limit { name, quota, window: window.map(seconds), remaining, resets_in: resets_in.map(seconds) }
    }

    #[test]
    fn policies_and_what_is_left_belong_together_by_name() {
        let limits = read(&[
            ("ratelimit-policy", r#""burst";q=50;w=10, "minute";q=2000;w=60"#),
            ("ratelimit-policy", r#""traffic";q=1000000;w=60;qu="content-bytes""#),
            ("ratelimit", r#""burst";r=0;t=7"#),
        ]);
        let burst = limit("burst", [Some(50), Some(10), Some(0), Some(7)]);
        assert_eq!(limits, [burst, limit("minute", [Some(2000), Some(60), None, None])]);
        assert_eq!(exhausted_for(&limits), Some(Duration::from_secs(7)));
    }

    #[test]
    fn older_families_are_read_with_seconds_and_with_epochs() {
        let expected = limit("default", [Some(50), None, Some(3), Some(9)]);
        for reset in ["9", "1795262409", "1795262409000"] {
            let found =
                read(&[("x-ratelimit-limit", "50"), ("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", reset)]);
            assert_eq!(found, std::slice::from_ref(&expected), "{reset}");
        }
        let teamtailor = [("x-rate-limit-limit", "50, 50;w=10"), ("x-rate-limit-remaining", "0")];
        assert_eq!(read(&teamtailor), [limit("default", [Some(50), None, Some(0), None])]);
        assert_eq!(exhausted_for(&read(&teamtailor)), None);
    }

    #[test]
    fn an_epoch_is_compared_with_the_date_of_the_answer() {
        let found = read(&[
            ("date", "Sat, 21 Nov 2026 11:00:00 GMT"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1795258805"),
        ]);
        assert_eq!(exhausted_for(&found), Some(Duration::from_secs(5)));
    }

    #[test]
    fn nonsense_is_not_said() {
        for pairs in [
            &[("ratelimit", "limit=5; x")][..],
            &[("ratelimit", r#""a";r="many""#)],
            &[("ratelimit-policy", "\"two words\";q=1")],
            &[("x-ratelimit-reset", "7")],
            &[("x-ratelimit-limit", "many")],
        ] {
            assert_eq!(read(pairs), [], "{pairs:?}");
        }
        let flood =
            read(&[("ratelimit-policy", r#""a";q=1,"b";q=1,"c";q=1,"d";q=1,"e";q=1,"f";q=1,"g";q=1,"h";q=1,"i";q=1"#)]);
        assert_eq!(flood.len(), MOST_LIMITS);
    }
}
