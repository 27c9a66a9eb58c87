//! What the receiver asks of a request before it takes the document.

use http::{HeaderMap, Method, header};
use percent_encoding::percent_decode_str;
use schemas::{Kind, Operation};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::{received::Rule, well_formed::Format};
use crate::Notice;

/// No reference is longer, in bytes.
const LONGEST_REFERENCE: usize = 200;
/// No key is longer, in bytes.
const LONGEST_KEY: usize = 255;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) rule: Rule,
    pub(crate) status: u16,
    pub(crate) detail: &'static str,
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(super) kind: Kind,
    pub(super) reference: String,
    pub(super) operation: Operation,
    pub(super) idempotency_key: String,
    pub(super) media_type: Option<String>,
    pub(super) notice: Option<Notice>,
}

pub(super) fn refuse<T>(rule: Rule, status: u16, detail: &'static str) -> Result<T, Refusal> {
    Err(Refusal { rule, status, detail })
}

/// RFC 6750 §2.1; compared in constant time.
pub(crate) fn token(expected: Option<&SecretString>, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(expected) = expected else { return Ok(()) };
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return refuse(Rule::Token, 401, "there is not one `Authorization` header");
    };
    let given = value.as_bytes().strip_prefix(b"Bearer ").unwrap_or_default();
    if bool::from(given.ct_eq(expected.expose_secret().as_bytes())) {
        return Ok(());
    }
    refuse(Rule::Token, 401, "the token is not the one that was agreed")
}

/// What stands behind the reference where it is closed by `POST`.
const CLOSE: &str = "/close";

/// The kind and the reference: `/{kind}/{reference}`, percent-encoded.
pub(super) fn path(path: &str) -> Result<(Kind, String), Refusal> {
    let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    let [kind, reference] = segments[..] else {
        return refuse(Rule::Path, 404, "the path is not `/{kind}/{reference}`");
    };
    let Ok(kind) = kind.parse() else {
        return refuse(Rule::Path, 404, "the kind is unknown");
    };
    let Ok(reference) = percent_decode_str(reference).decode_utf8() else {
        return refuse(Rule::Path, 404, "the reference is not in UTF-8");
    };
    if !(1..=LONGEST_REFERENCE).contains(&reference.len()) || reference.chars().any(char::is_control) {
        return refuse(Rule::Path, 404, "the reference is empty, too long or not printable");
    }
    Ok((kind, reference.into_owned()))
}

/// Everything that can be said before looking at what came earlier.
pub(super) fn request(method: &Method, uri: &str, headers: &HeaderMap, body: &[u8]) -> Result<Asked, Refusal> {
    if let Some(place) = uri.strip_suffix(CLOSE).filter(|_| method == Method::POST) {
        return close(place, headers, body);
    }
    let (kind, reference) = path(uri)?;
    let operation = match method.as_str() {
        "PUT" => Operation::Upsert,
        "POST" => Operation::Event,
        "DELETE" => Operation::Close,
        _ => return refuse(Rule::Method, 405, "the method is none of `PUT`, `POST` and `DELETE`"),
    };
    let idempotency_key = key(headers)?;
    if operation == Operation::Close {
        if !body.is_empty() || headers.contains_key(header::CONTENT_TYPE) {
            return refuse(Rule::Body, 400, "a close has no document");
        }
        return Ok(Asked { kind, reference, operation, idempotency_key, media_type: None, notice: None });
    }
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(format) = Format::of(media_type) else {
        return refuse(Rule::MediaType, 415, "the media type is none of JSON, XML and plain text, or not in UTF-8");
    };
    if let Some(detail) = format.fault(body) {
        return refuse(Rule::Body, 422, detail);
    }
    let (media_type, notice) = (Some(media_type.to_owned()), notice(headers));
    Ok(Asked { kind, reference, operation, idempotency_key, media_type, notice })
}

/// A close that is posted says why, and nothing else.
fn close(place: &str, headers: &HeaderMap, body: &[u8]) -> Result<Asked, Refusal> {
    let (kind, reference) = path(place)?;
    let idempotency_key = key(headers)?;
    let said: Option<Value> = serde_json::from_slice(body).ok();
    let members = said.as_ref().and_then(Value::as_object);
    if members.is_none_or(|members| members.iter().any(|(name, value)| name != "reason" || !value.is_string())) {
        return refuse(Rule::Body, 422, "a close is an object with a `reason`, if there is one");
    }
    Ok(Asked { kind, reference, operation: Operation::Close, idempotency_key, media_type: None, notice: None })
}

/// What is said beside a document about a person.
fn notice(headers: &HeaderMap) -> Option<Notice> {
    let said = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (withheld, obligations) = (said(Notice::WITHHELD), said(Notice::OBLIGATIONS));
    let is_there = withheld.is_some() || obligations.is_some();
    is_there.then(|| Notice { withheld: withheld.unwrap_or_default(), obligations: obligations.unwrap_or_default() })
}

/// The key: one structured-field string (RFC 9651 §3.3.3), as the IETF draft asks for.
fn key(headers: &HeaderMap) -> Result<String, Refusal> {
    let mut values = headers.get_all("idempotency-key").iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return refuse(Rule::Key, 400, "there is not one `Idempotency-Key` header");
    };
    match unquoted(value.as_bytes()) {
        Some(key) if (1..=LONGEST_KEY).contains(&key.len()) => Ok(key),
        Some(_) => refuse(Rule::Key, 400, "the idempotency key is empty or too long"),
        None => refuse(Rule::Key, 400, "the idempotency key is no quoted string"),
    }
}

fn unquoted(value: &[u8]) -> Option<String> {
    let mut bytes = value.trim_ascii().strip_prefix(b"\"")?.strip_suffix(b"\"")?.iter().copied();
    let mut text = String::new();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'"' => return None,
            b'\\' => bytes.next().filter(|escaped| matches!(escaped, b'"' | b'\\'))?,
            other => other,
        };
        if !(0x20..0x7f).contains(&byte) {
            return None;
        }
        text.push(char::from(byte));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_structured_string() {
        for (value, expected) in [
            (&br#""a-1""#[..], Some("a-1")),
            (br#""a\"b\\c""#, Some(r#"a"b\c"#)),
            (br#" "a" "#, Some("a")),
            (br#""""#, Some("")),
            (b"a-1", None),
            (br#""a"#, None),
            (br#"""#, None),
            (br#""a"b""#, None),
            (br#""a\n""#, None),
            ("\"é\"".as_bytes(), None),
            (br#""a";p=1"#, None),
        ] {
            assert_eq!(unquoted(value).as_deref(), expected, "{}", String::from_utf8_lossy(value));
        }
    }

    #[test]
    fn a_path_is_a_kind_and_a_reference() {
        assert_eq!(path("/vacancy/REQ%2F50").unwrap(), (Kind::Vacancy, "REQ/50".to_owned()));
        for wrong in ["/", "/vacancy", "/vacancy/", "/vacancy/a/b", "/cat/a", "/vacancy/%00", "/vacancy/%ff"] {
            assert_eq!(path(wrong).unwrap_err().rule, Rule::Path, "{wrong}");
        }
    }
}
