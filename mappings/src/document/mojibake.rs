//! Text that was UTF-8, was read as Latin-1 or Windows-1252, and was encoded once more: `SecrÃ©taire`.
//!
//! **Invariant:** correct text stays as it is. A text is only repaired if all of it goes back to bytes that are UTF-8,
//! and what comes out is made of characters that people write.

use std::borrow::Cow;

use encoding_rs::{WINDOWS_1252, mem};

/// A text may have been encoded too often more than once, but not endlessly.
const MAX_ROUNDS: usize = 2;

/// The text as it was; nothing if it is correct, or cannot be repaired.
pub(crate) fn repair(text: &str) -> Option<String> {
    let mut repaired = None;
    for _ in 0..MAX_ROUNDS {
        let Some(better) = decode_once_less(repaired.as_deref().unwrap_or(text)) else {
            break;
        };
        repaired = Some(better);
    }
    // Half-way, a text may hold control characters; nobody writes them.
    repaired.filter(|text| !text.chars().any(|character| matches!(character, '\u{80}'..='\u{9f}')))
}

fn decode_once_less(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let bytes = bytes_of(text)?;
    let decoded = std::str::from_utf8(&bytes).ok()?;
    let written: Vec<char> = text.chars().collect();
    let mut proofs = 0;
    let mut arabic_letters = 0;
    for (at, character) in decoded.char_indices().filter(|(_, character)| !character.is_ascii()) {
        if !is_usual(character) {
            return None;
        }
        if is_arabic_letter(character) {
            arabic_letters += 1;
        } else {
            proofs += usize::from(is_proof(&written[..at], &written[at..at + character.len_utf8()]));
        }
    }
    // One Arabic letter may be chance: `Ù` before a sign is the end of a French word in capitals.
    (proofs > 0 || arabic_letters > 1).then(|| decoded.to_owned())
}

/// The bytes that a text was read from: one for every character.
fn bytes_of(text: &str) -> Option<Cow<'_, [u8]>> {
    if mem::is_str_latin1(text) {
        return Some(mem::encode_latin1_lossy(text));
    }
    let (bytes, _, is_lossy) = WINDOWS_1252.encode(text);
    (!is_lossy).then_some(bytes)
}

/// Whether letters can hardly stand so in correct text. `Â»` can, behind a capital: it ends a quotation.
fn is_proof(before: &[char], pair: &[char]) -> bool {
    let is_sign = |character: &char| !character.is_alphanumeric() && !character.is_control();
    let may_end_a_word = pair.len() == 2 && is_sign(&pair[1]) && "\u{a0}\u{ab}\u{b7}\u{bb}".contains(pair[1]);
    !(may_end_a_word && before.last().is_some_and(|character| character.is_uppercase()))
}

/// Latin, Arabic and Tifinagh letters, and the signs that texts in them hold.
fn is_usual(character: char) -> bool {
    matches!(character,
        '\u{80}'..='\u{17f}' | '\u{2c6}' | '\u{2dc}' | '\u{600}'..='\u{6ff}' | '\u{2000}'..='\u{206f}' | '\u{20a0}'..='\u{20bf}'
        | '\u{2100}'..='\u{214f}' | '\u{2190}'..='\u{21ff}' | '\u{25a0}'..='\u{27bf}' | '\u{2d30}'..='\u{2d7f}'
        | '\u{f0a7}' | '\u{f0b7}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{1f300}'..='\u{1faff}')
}

fn is_arabic_letter(character: char) -> bool {
    matches!(character, '\u{600}'..='\u{6ff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What becomes of a text that is UTF-8 and is read as something else.
    fn spoil(text: &str, as_windows: bool) -> String {
        if as_windows {
            WINDOWS_1252.decode_without_bom_handling(text.as_bytes()).0.into_owned()
        } else {
            mem::decode_latin1(text.as_bytes()).into_owned()
        }
    }

    #[test]
    fn spoilt_text_is_repaired() {
        for text in [
            "Secr\u{e9}taire",
            "voil\u{e0}",
            "poste \u{e0} Rabat",
            "\u{c0} pourvoir",
            "l\u{2019}industrie automobile",
            "\u{f0b7} Vente, 5 \u{20ac}",
            "\u{ab}\u{a0}Atelier\u{a0}\u{bb}",
            "c\u{153}ur de m\u{e9}tier",
            "\u{645}\u{637}\u{644}\u{648}\u{628}",
            "\u{2d63}\u{2d30}",
        ] {
            for as_windows in [false, true] {
                let spoilt = spoil(text, as_windows);
                assert_eq!(repair(&spoilt).as_deref(), Some(text), "{spoilt}");
                let twice = spoil(&spoilt, as_windows);
                assert_eq!(repair(&twice).as_deref(), Some(text), "{twice}");
            }
        }
    }

    #[test]
    fn correct_text_is_left_alone() {
        for text in [
            "Secretaire",
            "Secr\u{e9}taire",
            "\u{ab}\u{c9}GALIT\u{c9}\u{bb}",
            "QUALIT\u{c9}\u{bb}",
            "O\u{d9}\u{a0}?",
            "O\u{d9}\u{bb}",
            "PRÉPARÉ\u{a0}: oui",
            "AMANH\u{c3}\u{bb}",
            "\u{c2}ge, \u{c3}o, \u{e2}ne",
            "5 \u{20ac}, l\u{2019}atelier",
            "\u{645}\u{637}\u{644}\u{648}\u{628} Secr\u{e9}taire",
            // Half of it spoilt: nothing is guessed.
            "Secr\u{c3}\u{a9}taire dipl\u{f4}m\u{e9}e",
            "Dr\u{fffd}a",
        ] {
            assert_eq!(repair(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn texts_of_correct_words_are_left_alone(text in "[ a-zA-Z\u{e0}\u{e2}\u{e7}-\u{eb}\u{ee}\u{ef}\u{f4}\u{f9}\u{fb}\u{153}\u{2019}\u{c9}\u{c0}'-]{0,40}") {
            prop_assert_eq!(repair(&text), None);
        }

        #[test]
        fn arabic_is_left_alone(text in "[ \u{621}-\u{64a}\u{60c}0-9]{0,40}") {
            prop_assert_eq!(repair(&text), None);
        }
    }
}
