//! Reads the faults that a partner states: RFC 9457 `application/problem+json`, or its shape under another name.

use http::StatusCode;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

use crate::{foreign_text, outcome::Fault};

/// More faults than this help nobody.
const MOST_FAULTS: usize = 50;
/// The longest JSON pointer taken over, in bytes.
const LONGEST_POINTER: usize = 200;
/// Stands for a partner's words about a person: they may quote what they refuse.
const WITHHELD: &str = "the partner's words are withheld, they may be personal";

/// What becomes of the partner's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// They are taken over, bounded.
    Kept,
    /// Only codes and pointers are.
    Withheld,
}

/// The members of RFC 9457 that say something about faults; others are ignored, wrong ones too.
#[derive(Debug, Default, Deserialize)]
struct Problem {
    #[serde(default, rename = "type", deserialize_with = "text_or_nothing")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "text_or_nothing")]
    title: Option<String>,
    #[serde(default, deserialize_with = "text_or_nothing")]
    detail: Option<String>,
    #[serde(default)]
    errors: Value,
}

/// One entry of the extension member `errors` (RFC 9457 §3, example).
#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(default, deserialize_with = "text_or_nothing")]
    pointer: Option<String>,
    #[serde(default, deserialize_with = "text_or_nothing")]
    code: Option<String>,
    #[serde(default, deserialize_with = "text_or_nothing")]
    detail: Option<String>,
}

fn text_or_nothing<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_str().map(str::to_owned))
}

/// The faults stated in an answer; one that only gives the status if none are stated.
pub(crate) fn faults(status: StatusCode, body: &[u8], words: Words) -> Vec<Fault> {
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let general = problem.kind.as_deref().and_then(code_of_type).unwrap_or_else(|| format!("http_{}", status.as_u16()));
    let entries = problem.errors.as_array().into_iter().flatten().filter_map(|entry| Entry::deserialize(entry).ok());
    let faults: Vec<Fault> = entries
        .take(MOST_FAULTS)
        .map(|entry| Fault {
            pointer: entry.pointer.as_deref().and_then(json_pointer),
            code: entry.code.as_deref().and_then(foreign_text::as_code).unwrap_or_else(|| general.clone()),
            problem: said(entry.detail.as_deref().or(problem.title.as_deref()), status, words),
        })
        .collect();
    if !faults.is_empty() {
        return faults;
    }
    let problem = said(problem.detail.as_deref().or(problem.title.as_deref()), status, words);
    vec![Fault { pointer: None, code: general, problem }]
}

fn said(text: Option<&str>, status: StatusCode, words: Words) -> String {
    match (text.map(foreign_text::one_line), words) {
        (Some(text), Words::Kept) if !text.is_empty() => text,
        (Some(_), Words::Withheld) => WITHHELD.to_owned(),
        _ => format!("answered {}", status.as_u16()),
    }
}

/// The last part of a problem type: `https://partner.example/problems/unknown-code` is `unknown-code`.
fn code_of_type(kind: &str) -> Option<String> {
    if kind == "about:blank" {
        return None;
    }
    foreign_text::as_code(kind.trim_end_matches('/').rsplit(['/', '#']).next()?)
}

/// A JSON pointer, also in its form as a URI fragment (`#/age`, RFC 6901 §6).
fn json_pointer(text: &str) -> Option<String> {
    let pointer = match text.strip_prefix('#') {
        Some(fragment) => percent_decode_str(fragment).decode_utf8().ok()?.into_owned(),
        None => text.to_owned(),
    };
    let is_pointer = pointer.is_empty() || pointer.starts_with('/');
    let is_harmless = pointer.len() <= LONGEST_POINTER && foreign_text::one_line(&pointer) == pointer;
    (is_pointer && is_harmless).then_some(pointer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Vec<Fault> {
        faults(StatusCode::UNPROCESSABLE_ENTITY, body.as_bytes(), Words::Kept)
    }

    fn fault(pointer: Option<&str>, code: &str, problem: &str) -> Fault {
        Fault { pointer: pointer.map(str::to_owned), code: code.to_owned(), problem: problem.to_owned() }
    }

    #[test]
    fn every_stated_error_is_a_fault() {
        let body = r##"{"type":"https://partner.example/problems/invalid","title":"Invalid","status":422,"errors":[
            {"detail":"must be an integer","pointer":"#/age"},
            {"detail":"unknown\ncode","pointer":"/profiles/0/a~1b","code":"list.unknown"},
            {"pointer":"age"}, 7]}"##;
        assert_eq!(
            read(body),
            [
                fault(Some("/age"), "invalid", "must be an integer"),
                fault(Some("/profiles/0/a~1b"), "list.unknown", "unknown code"),
                fault(None, "invalid", "Invalid"),
            ]
        );
    }

    #[test]
    fn without_errors_the_detail_is_the_fault() {
        let body = r#"{"type":"about:blank","title":"Conflict","detail":"already posted by another","errors":[]}"#;
        assert_eq!(read(body), [fault(None, "http_422", "already posted by another")]);
    }

    #[test]
    fn what_is_no_problem_document_leaves_the_status() {
        for body in ["", "<html>no</html>", "[1]", r#"{"detail":5}"#] {
            assert_eq!(read(body), [fault(None, "http_422", "answered 422")], "{body}");
        }
    }

    #[test]
    fn a_wrong_member_does_not_hide_the_others() {
        let body = r#"{"errors":"no list","title":7,"detail":"no such employer"}"#;
        assert_eq!(read(body), [fault(None, "http_422", "no such employer")]);
    }

    #[test]
    fn words_about_persons_are_withheld() {
        let body = r#"{"errors":[{"detail":"`Jan Voorbeeld` is no e-mail address","pointer":"/email"}]}"#;
        let faults = faults(StatusCode::BAD_REQUEST, body.as_bytes(), Words::Withheld);
        assert_eq!(faults, [fault(Some("/email"), "http_400", WITHHELD)]);
    }

    #[test]
    fn a_flood_of_faults_is_bounded() {
        let entry = format!(r#"{{"detail":"{}","pointer":"/{}"}}"#, "x".repeat(5_000), "p".repeat(5_000));
        let faults = read(&format!(r#"{{"errors":[{}]}}"#, vec![entry; 100].join(",")));
        assert_eq!(faults.len(), MOST_FAULTS);
        assert!(faults.iter().all(|fault| fault.pointer.is_none() && fault.problem.len() <= 400));
    }
}
