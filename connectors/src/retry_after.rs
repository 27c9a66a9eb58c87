//! Reads `Retry-After`: seconds or an HTTP date (RFC 9110 §10.2.3).

use std::time::Duration;

use http::{HeaderMap, header};
use jiff::{
    Timestamp,
    civil::DateTime,
    fmt::{rfc2822, strtime},
    tz::TimeZone,
};

/// Whoever asks for more is asked again after a week.
const LONGEST: Duration = Duration::from_hours(168);

/// How long to wait before the next request; `None` if nothing usable is said.
///
/// A date is compared with the `Date` of the same answer, so that a wrong clock on either side
/// does no harm; with `now` if there is none.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let until = http_date(text)?;
    let answered = headers.get(header::DATE).and_then(|value| http_date(value.to_str().ok()?)).unwrap_or(now);
    let wait = Duration::try_from(until.duration_since(answered)).unwrap_or(Duration::ZERO);
    Some(wait.min(LONGEST))
}

/// An HTTP date in any of its three forms (RFC 9110 §5.6.7).
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    static PARSER: rfc2822::DateTimeParser = rfc2822::DateTimeParser::new();
    if let Ok(timestamp) = PARSER.parse_timestamp(text) {
        return Some(timestamp);
    }
    let obsolete = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let civil =
        obsolete.iter().find_map(|form| -> Option<DateTime> { strtime::parse(form, text).ok()?.to_datetime().ok() })?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        retry_after(&headers, "2026-11-21T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn seconds_are_taken_as_they_are() {
        assert_eq!(wait(&[("retry-after", "90")]), Some(Duration::from_secs(90)));
        assert_eq!(wait(&[("retry-after", "0")]), Some(Duration::ZERO));
    }

    #[test]
    fn all_three_forms_of_a_date_are_read() {
        for date in ["Sat, 21 Nov 2026 12:01:30 GMT", "Saturday, 21-Nov-26 12:01:30 GMT", "Sat Nov 21 12:01:30 2026"] {
            assert_eq!(wait(&[("retry-after", date)]), Some(Duration::from_secs(90)), "{date}");
        }
    }

    #[test]
    fn the_clock_of_the_partner_counts_if_it_is_told() {
        let pairs = [("retry-after", "Sat, 21 Nov 2026 15:00:30 GMT"), ("date", "Sat, 21 Nov 2026 15:00:00 GMT")];
        assert_eq!(wait(&pairs), Some(Duration::from_secs(30)));
    }

    #[test]
    fn the_past_is_now_and_eternity_a_week() {
        assert_eq!(wait(&[("retry-after", "Fri, 20 Nov 2026 12:00:00 GMT")]), Some(Duration::ZERO));
        assert_eq!(wait(&[("retry-after", "99999999999999999999999")]), Some(LONGEST));
        assert_eq!(wait(&[("retry-after", "Fri, 31 Dec 2100 23:59:59 GMT")]), Some(LONGEST));
    }

    #[test]
    fn nonsense_says_nothing() {
        for text in ["soon", "-5", "1.5", ""] {
            assert_eq!(wait(&[("retry-after", text)]), None, "{text}");
        }
        assert_eq!(wait(&[]), None);
    }
}
