//! Bytes as text.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use quick_xml::{Reader, events::Event};

use super::ReadFailure;

/// JSON is UTF-8 (RFC 8259 §8.1); a byte order mark is passed over.
pub(crate) fn decode_utf8(bytes: &[u8]) -> Result<&str, ReadFailure> {
    let bytes = bytes.strip_prefix(super::BYTE_ORDER_MARK).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let problem = format!("byte {} is no UTF-8: send the document in UTF-8", error.valid_up_to());
        ReadFailure::of("", "charset", problem)
    })
}

/// A page is UTF-8 if its bytes are, whatever it says; else what its `<meta>` says.
pub(crate) fn decode_page(bytes: &[u8]) -> Result<Cow<'_, str>, ReadFailure> {
    let marked = Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    if let Ok(text) = decode_utf8(bytes) {
        return Ok(Cow::Borrowed(text));
    }
    // Every letter of the mark-up is ASCII, in which all encodings of pages agree.
    let named = || super::page::declared_encoding(&WINDOWS_1252.decode_without_bom_handling(bytes).0);
    let encoding = marked.or_else(|| Encoding::for_label(named()?.as_bytes())).ok_or_else(|| {
        ReadFailure::of(
            "",
            "charset",
            "the page is no UTF-8 and names no encoding: add `<meta charset>`, or send UTF-8",
        )
    })?;
    let (text, _, had_errors) = encoding.decode(bytes);
    if had_errors {
        let problem = format!("the page is no {}: correct its `<meta charset>`, or its bytes", encoding.name());
        return Err(ReadFailure::of("", "charset", problem));
    }
    Ok(text)
}

/// XML names its encoding by a byte order mark or in its declaration; else it is UTF-8.
pub(crate) fn decode_xml(bytes: &[u8]) -> Result<Cow<'_, str>, ReadFailure> {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None => declared_encoding(bytes)?,
    };
    let (text, _, had_errors) = encoding.decode(bytes);
    if had_errors {
        let problem = format!("the document is no {}: correct its declaration, or its bytes", encoding.name());
        return Err(ReadFailure::of("", "charset", problem));
    }
    Ok(text)
}

fn declared_encoding(bytes: &[u8]) -> Result<&'static Encoding, ReadFailure> {
    // The declaration is ASCII in every encoding that needs one and has no byte order mark.
    let end = bytes.iter().take(MAX_DECLARATION).position(|byte| *byte == b'>').map_or(0, |at| at + 1);
    let Ok(declaration) = std::str::from_utf8(&bytes[..end]) else {
        return Ok(UTF_8);
    };
    let Ok(Event::Decl(declaration)) = Reader::from_str(declaration.trim_start()).read_event() else {
        return Ok(UTF_8);
    };
    let Some(Ok(name)) = declaration.encoding() else {
        return Ok(UTF_8);
    };
    Encoding::for_label(name.as_bytes())
        .ok_or_else(|| ReadFailure::of("", "charset", "the declared encoding is unknown: send the document in UTF-8"))
}

/// Longer than any XML declaration.
const MAX_DECLARATION: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_what_its_bytes_are() {
        assert_eq!(decode_page("<p>\u{e9}".as_bytes()).unwrap(), "<p>\u{e9}");
        assert_eq!(decode_page(b"\xEF\xBB\xBF<p>").unwrap(), "<p>");
        let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain("<p>".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(decode_page(&utf16).unwrap(), "<p>");
        let arabic = b"<meta http-equiv='Content-Type' content='text/html; charset=windows-1256'><p>\xE1";
        assert!(decode_page(arabic).unwrap().ends_with("<p>\u{644}"));
        assert!(decode_page(b"<meta charset=iso-8859-1><p>\xE9").unwrap().ends_with("<p>\u{e9}"));
        for bytes in [&b"<p>\xE9"[..], b"<meta charset=utf-8><p>\xE9", b"<meta charset=x-none><p>\xE9"] {
            assert_eq!(decode_page(bytes).unwrap_err().faults[0].code, "charset");
        }
    }

    #[test]
    fn xml_names_its_encoding() {
        let latin = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xE9</a>";
        assert!(decode_xml(latin).unwrap().contains('\u{e9}'));
        let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain("<a/>".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(decode_xml(&utf16).unwrap(), "<a/>");
        assert_eq!(decode_xml(b"\xEF\xBB\xBF<a/>").unwrap(), "<a/>");
        assert_eq!(decode_xml(b"<a>\xFF</a>").unwrap_err().faults[0].code, "charset");
        assert_eq!(
            decode_xml(b"<?xml version=\"1.0\" encoding=\"x-none\"?><a/>").unwrap_err().faults[0].code,
            "charset"
        );
        assert_eq!(decode_utf8(b"\"\xFF\"").unwrap_err().faults[0].code, "charset");
    }
}
