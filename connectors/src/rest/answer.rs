//! Sorts a partner's answer into an outcome.
//!
//! The status decides; the body only adds to it. So an answer whose body breaks off, or is too long,
//! still has the outcome that its status says.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use reqwest::Response;
use schemas::Kind;
use serde_json::Value;

use crate::{
    foreign_text, http_client, limit,
    outcome::{Outcome, Sent, code},
    problem::{self, Words},
    retry_after::retry_after,
    sender::Repeats,
};

/// No more than this is read of an answer.
const BODY_LIMIT: usize = 64 * 1024;
/// No partner calls anything by a longer name.
const LONGEST_REFERENCE: usize = 200;

/// What was asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) kind: Kind,
    pub(super) repeats: Repeats,
}

/// Reads the answer and sorts it.
pub(super) async fn sent(response: Response, question: Question) -> Sent {
    let status = response.status();
    let headers = response.headers().clone();
    let body = http_client::body_up_to(BODY_LIMIT, response).await.unwrap_or_default();
    let limits = limit::announced(&headers, Timestamp::now());
    Sent { outcome: sorted(status, &headers, &body, question), limits }
}

fn sorted(status: StatusCode, headers: &HeaderMap, body: &[u8], question: Question) -> Outcome {
    let after = pause(status, headers, Timestamp::now());
    let detail = format!("answered {}", status.as_u16());
    let retry = |code, detail| Outcome::Retry { code, detail, after };
    match status.as_u16() {
        200..=299 => Outcome::Delivered { foreign_reference: foreign_reference(headers, body) },
        300..=399 => retry(code::REDIRECTED, detail),
        401 | 407 => retry(code::UNAUTHORISED, detail),
        408 | 425 | 429 | 503 => retry(code::LATER, detail),
        409 if after.is_some() => retry(code::LATER, detail),
        400..=499 => Outcome::Rejected { faults: problem::faults(status, body, words(question.kind)) },
        502 | 504 if question.repeats == Repeats::Never => Outcome::Ambiguous { code: code::PROXY_ANSWERED, detail },
        500.. => retry(code::PARTNER_FAILED, detail),
        _ => Outcome::Ambiguous { code: code::ODD_STATUS, detail },
    }
}

/// How long the partner wants to be left alone: it says so, or its limit is used up.
pub(crate) fn pause(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let stated = retry_after(headers, now);
    if stated.is_some() || status != StatusCode::TOO_MANY_REQUESTS {
        return stated;
    }
    limit::exhausted_for(&limit::announced(headers, now))
}

fn words(kind: Kind) -> Words {
    match kind {
        Kind::Vacancy => Words::Kept,
        Kind::TalentProfile | Kind::PlacementStatus => Words::Withheld,
    }
}

/// The member `reference` of a JSON answer, else the last segment of `Location`.
fn foreign_reference(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let stated = match serde_json::from_slice::<Value>(body).ok().as_ref().and_then(|answer| answer.get("reference")) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => located(headers),
    }?;
    let is_harmless = (1..=LONGEST_REFERENCE).contains(&stated.len()) && foreign_text::one_line(&stated) == stated;
    is_harmless.then_some(stated)
}

fn located(headers: &HeaderMap) -> Option<String> {
    let location = headers.get(header::LOCATION)?.to_str().ok()?;
    let path = location.split(['?', '#']).next()?.trim_end_matches('/');
    let segment = path.rsplit('/').next()?;
    Some(percent_decode_str(segment).decode_utf8().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPSERT: Question = Question { kind: Kind::Vacancy, repeats: Repeats::ByKey };

    fn answer(status: u16, pairs: &[(&'static str, &str)], body: &str, question: Question) -> Outcome {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        sorted(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes(), question)
    }

    fn class(outcome: &Outcome) -> &'static str {
        match outcome {
            Outcome::Delivered { .. } => "delivered",
            Outcome::Retry { code, .. } | Outcome::Ambiguous { code, .. } => code,
            Outcome::Rejected { .. } => "rejected",
        }
    }

    #[test]
    fn every_status_has_its_outcome() {
        for (status, expected) in [
            (200, "delivered"),
            (204, "delivered"),
            (301, "redirected"),
            (304, "redirected"),
            (400, "rejected"),
            (401, "unauthorised"),
            (403, "rejected"),
            (404, "rejected"),
            (408, "later"),
            (409, "rejected"),
            (410, "rejected"),
            (422, "rejected"),
            (425, "later"),
            (429, "later"),
            (500, "partner_failed"),
            (502, "partner_failed"),
            (503, "later"),
            (504, "partner_failed"),
            (999, "partner_failed"),
            (101, "odd_status"),
        ] {
            assert_eq!(class(&answer(status, &[], "", UPSERT)), expected, "{status}");
        }
    }

    #[test]
    fn a_proxy_says_nothing_of_a_partner_that_must_not_get_it_twice() {
        let never = Question { repeats: Repeats::Never, ..UPSERT };
        assert_eq!(class(&answer(502, &[], "", never)), "proxy_answered");
        assert_eq!(class(&answer(504, &[], "", never)), "proxy_answered");
        assert_eq!(class(&answer(503, &[], "", never)), "later");
        assert_eq!(class(&answer(500, &[], "", never)), "partner_failed");
    }

    #[test]
    fn a_conflict_that_will_pass_is_waited_for() {
        let outcome = answer(409, &[("retry-after", "5")], "", UPSERT);
        let after = Some(Duration::from_secs(5));
        assert_eq!(outcome, Outcome::Retry { code: code::LATER, detail: "answered 409".to_owned(), after });
    }

    #[test]
    fn a_limit_that_is_used_up_says_how_long_to_wait() {
        let after = |status, pairs: &[(&'static str, &str)]| match answer(status, pairs, "", UPSERT) {
            Outcome::Retry { after, .. } => after,
            other => panic!("{other:?}"),
        };
        let used_up = ("ratelimit", r#""burst";r=0;t=7"#);
        assert_eq!(after(429, &[used_up]), Some(Duration::from_secs(7)));
        assert_eq!(after(429, &[used_up, ("retry-after", "3")]), Some(Duration::from_secs(3)));
        assert_eq!(after(500, &[used_up]), None);
    }

    #[test]
    fn the_partner_says_what_it_calls_the_vacancy() {
        let reference = |pairs, body| match answer(201, pairs, body, UPSERT) {
            Outcome::Delivered { foreign_reference } => foreign_reference,
            other => panic!("{other:?}"),
        };
        let located = [("location", "https://partner.example/offers/R%2F7/?lang=nl")];
        assert_eq!(reference(&[], r#"{"reference":"P-7"}"#).as_deref(), Some("P-7"));
        assert_eq!(reference(&[], r#"{"reference":7}"#).as_deref(), Some("7"));
        assert_eq!(reference(&located, "").as_deref(), Some("R/7"));
        assert_eq!(reference(&located, r#"{"reference":"P-7"}"#).as_deref(), Some("P-7"));
        assert_eq!(reference(&[], "<ok/>"), None);
        assert_eq!(reference(&[], r#"{"reference":"a\nb"}"#), None);
        assert_eq!(reference(&[], &format!(r#"{{"reference":"{}"}}"#, "x".repeat(201))), None);
    }
}
