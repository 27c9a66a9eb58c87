//! Whether a body is a document at all: JSON (RFC 8259), XML 1.0 or plain text, in UTF-8.

use quick_xml::{Reader, events::Event};
use serde::de::IgnoredAny;

/// The formats that the receiver reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Xml,
    Text,
}

impl Format {
    /// The format of a media type; only UTF-8 may be named as charset.
    pub(super) fn of(media_type: &str) -> Option<Self> {
        let mut parts = media_type.split(';').map(str::trim);
        let essence = parts.next()?.to_ascii_lowercase();
        let is_utf8 = |parameter: &str| match parameter.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
                value.trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        };
        if !parts.all(is_utf8) {
            return None;
        }
        match essence.as_str() {
            "application/json" => Some(Self::Json),
            "application/xml" | "text/xml" => Some(Self::Xml),
            "text/plain" => Some(Self::Text),
            other if other.ends_with("+json") => Some(Self::Json),
            other if other.ends_with("+xml") => Some(Self::Xml),
            _ => None,
        }
    }

    /// Why the body is no such document.
    pub(super) fn fault(self, body: &[u8]) -> Option<&'static str> {
        match self {
            Self::Json => serde_json::from_slice::<IgnoredAny>(body).err().map(|_| "it is no JSON"),
            Self::Xml => xml_fault(body),
            Self::Text => std::str::from_utf8(body).err().map(|_| "it is not in UTF-8"),
        }
    }
}

fn xml_fault(body: &[u8]) -> Option<&'static str> {
    let Ok(text) = std::str::from_utf8(body) else { return Some("it is not in UTF-8") };
    if !text.chars().all(is_xml_character) {
        return Some("it holds a character that XML 1.0 forbids");
    }
    let mut reader = Reader::from_str(text);
    let (mut depth, mut roots) = (0_usize, 0_usize);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                roots += usize::from(depth == 0);
                depth += 1;
                if start.attributes().any(|attribute| attribute.is_err()) {
                    return Some("an attribute is malformed or given twice");
                }
            }
            Ok(Event::Empty(_)) => roots += usize::from(depth == 0),
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::DocType(_)) => return Some("it has a document type"),
            Ok(Event::Text(text)) if depth == 0 && !text.trim().is_empty() => return Some("it has text outside"),
            Ok(Event::Eof) if depth == 0 && roots == 1 => return None,
            Ok(Event::Eof) => return Some("it has not one root that is closed"),
            Ok(_) => {}
            Err(_) => return Some("it is no well-formed XML"),
        }
    }
}

/// XML 1.0 §2.2; what lesson 13 of the design is about.
fn is_xml_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_have_a_format() {
        for (media_type, format) in [
            ("application/json", Some(Format::Json)),
            ("Application/LD+JSON; charset=UTF-8", Some(Format::Json)),
            ("text/xml;charset=\"utf-8\"", Some(Format::Xml)),
            ("application/atom+xml", Some(Format::Xml)),
            ("application/xml; charset=latin1", None),
            ("text/plain; charset=utf-8", Some(Format::Text)),
            ("text/plain; charset=windows-1256", None),
            ("text/html", None),
            ("", None),
        ] {
            assert_eq!(Format::of(media_type), format, "{media_type}");
        }
    }

    #[test]
    fn documents_are_told_from_others() {
        assert_eq!(Format::Json.fault(b"{\"a\":[1]}"), None);
        assert_eq!(Format::Xml.fault(b"<?xml version='1.0'?><a b='1'><c/>t</a>\n"), None);
        for body in ["", "{", "{} {}", "{'a':1}", "\u{feff}{}"] {
            assert!(Format::Json.fault(body.as_bytes()).is_some(), "{body}");
        }
        for body in
            ["", "<a>", "<a></b>", "<a/><b/>", "text", "<a b='1' b='2'></a>", "<!DOCTYPE a><a/>", "<a>\u{1}</a>"]
        {
            assert!(Format::Xml.fault(body.as_bytes()).is_some(), "{body}");
        }
        assert!(Format::Xml.fault(b"<a>\xe9</a>").is_some());
        assert!(Format::Text.fault(b"\xe9").is_some());
        assert_eq!(Format::Text.fault("Intitulé : <".as_bytes()), None);
    }
}
