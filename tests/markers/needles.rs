//! Looks for many markers at once, in every form in which a text may lie somewhere.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};

/// How a text may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    Utf8,
    Utf16LittleEndian,
    Utf16BigEndian,
    /// Base64 of something in which the text begins at so many bytes beyond a multiple of three.
    Base64(usize),
    /// The same in the alphabet for addresses.
    UrlSafeBase64(usize),
    /// Every character as JSON may escape it, `\u00e9`.
    JsonEscapes,
    JsonEscapesUpper,
    /// Every byte as addresses escape it, `%c3%a9`.
    Percent,
    PercentUpper,
    /// Every character as XML and HTML may escape it, `&#233;`.
    DecimalEntities,
    HexEntities,
    HexEntitiesUpper,
    /// Every byte in hexadecimal, as PostgreSQL shows bytes.
    Hex,
    HexUpper,
    /// Every byte as `\303`, as PostgreSQL and C escape it.
    Octal,
}

/// Every form.
pub const FORMS: [Form; 19] = [
    Form::Utf8,
    Form::Utf16LittleEndian,
    Form::Utf16BigEndian,
    Form::Base64(0),
    Form::Base64(1),
    Form::Base64(2),
    Form::UrlSafeBase64(0),
    Form::UrlSafeBase64(1),
    Form::UrlSafeBase64(2),
    Form::JsonEscapes,
    Form::JsonEscapesUpper,
    Form::Percent,
    Form::PercentUpper,
    Form::DecimalEntities,
    Form::HexEntities,
    Form::HexEntitiesUpper,
    Form::Hex,
    Form::HexUpper,
    Form::Octal,
];

/// So many zero bytes are passed over at once: files are full of them, and no marker is.
const ZEROS: [u8; 4_096] = [0; 4_096];
/// The zero bytes beside the last letter in UTF-16.
const EDGE: usize = 2;

impl Form {
    /// A text in this form.
    pub fn write(self, text: &str) -> Vec<u8> {
        let each_byte = |write: fn(u8) -> String| text.bytes().map(write).collect::<String>().into_bytes();
        let each_char = |write: fn(char) -> String| text.chars().map(write).collect::<String>().into_bytes();
        let each_unit = |write: fn(u16) -> Vec<u8>| text.encode_utf16().flat_map(write).collect::<Vec<u8>>();
        let moved = |by: usize| [&b"~~"[..by], text.as_bytes()].concat();
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf16LittleEndian => each_unit(|unit| unit.to_le_bytes().to_vec()),
            Self::Utf16BigEndian => each_unit(|unit| unit.to_be_bytes().to_vec()),
            Self::Base64(offset) => STANDARD.encode(moved(offset)).into_bytes(),
            Self::UrlSafeBase64(offset) => URL_SAFE.encode(moved(offset)).into_bytes(),
            Self::JsonEscapes => each_unit(|unit| format!("\\u{unit:04x}").into_bytes()),
            Self::JsonEscapesUpper => each_unit(|unit| format!("\\u{unit:04X}").into_bytes()),
            Self::Percent => each_byte(|byte| format!("%{byte:02x}")),
            Self::PercentUpper => each_byte(|byte| format!("%{byte:02X}")),
            Self::DecimalEntities => each_char(|char| format!("&#{};", u32::from(char))),
            Self::HexEntities => each_char(|char| format!("&#x{:x};", u32::from(char))),
            Self::HexEntitiesUpper => each_char(|char| format!("&#x{:X};", u32::from(char))),
            Self::Hex => each_byte(|byte| format!("{byte:02x}")),
            Self::HexUpper => each_byte(|byte| format!("{byte:02X}")),
            Self::Octal => each_byte(|byte| format!("\\{byte:03o}")),
        }
    }

    /// What is always there where a text lies in this form, whatever stands beside it.
    fn needle(self, text: &str) -> Vec<u8> {
        let written = self.write(text);
        let (Self::Base64(offset) | Self::UrlSafeBase64(offset)) = self else { return written };
        // The first and the last character may hold bits of what stands beside it.
        written[(offset * 8).div_ceil(6)..(offset + text.len()) * 8 / 6].to_vec()
    }
}

/// A marker that was found, and in which form.
pub type Found = (String, Form);

/// Markers to look for.
pub struct Needles {
    automaton: AhoCorasick,
    meanings: Vec<Found>,
}

impl Needles {
    /// Looks for markers as they are, in capitals and in small letters.
    pub fn of(markers: &[String]) -> Self {
        let (mut patterns, mut meanings) = (Vec::new(), Vec::new());
        for marker in markers {
            let cases = BTreeSet::from([marker.clone(), marker.to_lowercase(), marker.to_uppercase()]);
            for (case, form) in cases.iter().flat_map(|case| FORMS.map(|form| (case, form))) {
                patterns.push(form.needle(case));
                meanings.push((marker.clone(), form));
            }
        }
        let automaton = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(&patterns).unwrap();
        Self { automaton, meanings }
    }

    /// What is found in some bytes.
    pub fn search(&self, bytes: &[u8]) -> BTreeSet<Found> {
        let mut found = BTreeSet::new();
        for range in stretches(bytes) {
            let matches = self.automaton.find_overlapping_iter(&bytes[range]);
            found.extend(matches.map(|found| self.meanings[found.pattern().as_usize()].clone()));
        }
        found
    }
}

/// The stretches of bytes between long rows of zeros.
fn stretches(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut stretches: Vec<std::ops::Range<usize>> = Vec::new();
    for (index, chunk) in bytes.chunks(ZEROS.len()).enumerate() {
        if *chunk == ZEROS[..chunk.len()] {
            continue;
        }
        let begin = index * ZEROS.len();
        let end = (begin + chunk.len() + EDGE).min(bytes.len());
        match stretches.last_mut() {
            Some(last) if begin <= last.end => last.end = end,
            _ => stretches.push(begin.saturating_sub(EDGE)..end),
        }
    }
    stretches
}

/// Leaks of markers: each in each form, amid other things, apart from each other.
pub fn leaks(markers: &[String]) -> Vec<Vec<u8>> {
    let each = markers.iter().flat_map(|marker| FORMS.map(|form| (marker, form)));
    each.map(|(marker, form)| [b"\x01".to_vec(), form.write(&format!("abc{marker}xy")), b"\x01".to_vec()].concat())
        .collect()
}

/// All that is to be found where [`leaks`] are.
pub fn every_form(markers: &[String]) -> BTreeSet<Found> {
    markers.iter().flat_map(|marker| FORMS.map(|form| (marker.clone(), form))).collect()
}
