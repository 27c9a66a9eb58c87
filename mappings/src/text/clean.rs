//! What every text goes through: characters that XML 1.0 forbids out, line ends one way, Unicode NFC.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Whether XML 1.0 allows the character.
pub fn is_xml_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Whether a look at the bytes is enough: no control character, and nothing from U+0300 on, where composing begins.
pub(super) fn is_simple(text: &str) -> bool {
    let is_hard = |byte: u8| !matches!(byte, b' '..=0xCB | b'\n' | b'\t');
    // No early exit inside a chunk: the compiler then looks at many bytes at once.
    text.as_bytes().chunks(64).all(|chunk| !chunk.iter().fold(false, |hard, byte| hard | is_hard(*byte)))
}

/// Cleans a text; the flag tells whether forbidden characters were taken out.
///
/// Mark-up is left alone: what composes with the `>` of a tag in NFC is not composed with it.
pub(crate) fn clean(text: &str) -> (Cow<'_, str>, bool) {
    if is_simple(text) {
        return (Cow::Borrowed(text), false);
    }
    let was_repaired = !text.chars().all(is_xml_character);
    let mut clean = Cow::Borrowed(text);
    if was_repaired {
        clean = Cow::Owned(text.chars().filter(|character| is_xml_character(*character)).collect());
    }
    if clean.contains('\r') {
        clean = Cow::Owned(clean.replace("\r\n", "\n").replace('\r', "\n"));
    }
    if is_nfc_quick(clean.chars()) != IsNormalized::Yes {
        clean = Cow::Owned(clean.split_inclusive('>').flat_map(UnicodeNormalization::nfc).collect());
    }
    (clean, was_repaired)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forbidden_characters_go_and_are_told() {
        for (text, clean_text, was_repaired) in [
            ("a\u{0}b\u{1F}c", "abc", true),
            ("a\u{FFFE}b\u{FFFF}", "ab", true),
            ("line\r\nline\rline", "line\nline\nline", false),
            ("cafe\u{301}", "caf\u{e9}", false),
            ("plain\ttext", "plain\ttext", false),
            ("<p>\u{338}x", "<p>\u{338}x", false),
        ] {
            assert_eq!(clean(text), (Cow::Borrowed(clean_text), was_repaired), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn cleaning_twice_is_cleaning_once(text in any::<String>()) {
            let once = clean(&text).0.into_owned();
            prop_assert!(once.chars().all(is_xml_character));
            prop_assert_eq!(clean(&once), (Cow::Borrowed(once.as_str()), false));
        }
    }
}
