//! Makes words of others fit for logs, errors and the park: one line, no control characters, bounded.

use std::error::Error;

/// The longest text taken over, in characters.
const LONGEST: usize = 400;
/// The longest code taken over, in bytes.
const LONGEST_CODE: usize = 64;

/// The text on one line without control, format and bidirectional characters, cut at 400 characters.
pub(crate) fn one_line(text: &str) -> String {
    let visible: String =
        text.chars().filter(|&c| !is_hidden(c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = visible.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST).collect()
}

/// Characters that are not seen but change what is: zero-width, bidirectional, tags, byte-order mark.
fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{00ad}' | '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// The text as a code, if it is one: 1 to 64 letters, digits, `.`, `_`, `-` or `:`.
pub(crate) fn as_code(text: &str) -> Option<String> {
    let is_code_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
    let is_code = (1..=LONGEST_CODE).contains(&text.len()) && text.bytes().all(is_code_byte);
    is_code.then(|| text.to_owned())
}

/// An error and its causes on one line; each part once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let part = cause.to_string();
        if !text.ends_with(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        next = cause.source();
    }
    one_line(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_line_breaks_become_one_space() {
        assert_eq!(one_line("  bad\r\n\tvalue\u{1b}[31m \u{202e}x\u{200b}y "), "bad value [31m xy");
    }

    #[test]
    fn a_long_text_is_cut_at_characters() {
        assert_eq!(one_line(&"é".repeat(1_000)).chars().count(), LONGEST);
    }

    #[test]
    fn only_plain_words_are_codes() {
        assert_eq!(as_code("title.too-long"), Some("title.too-long".to_owned()));
        for text in ["", "two words", "é", &"x".repeat(65)] {
            assert_eq!(as_code(text), None, "{text}");
        }
    }
}
