//! Texts that are longer than the target takes: cut at a word.

use super::{plain_of_html, sanitise};

/// How long a text may be in the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Limit {
    /// In characters.
    pub(crate) characters: Option<usize>,
    /// In bytes of UTF-8.
    pub(crate) bytes: Option<usize>,
}

impl Limit {
    /// Whether the text is short enough.
    pub(crate) fn holds(self, text: &str) -> bool {
        self.bytes.is_none_or(|bytes| text.len() <= bytes)
            && self.characters.is_none_or(|characters| text.len() <= characters || text.chars().count() <= characters)
    }

    /// The longest beginning that is short enough.
    fn beginning(self, text: &str) -> &str {
        let by_characters =
            self.characters.and_then(|count| text.char_indices().nth(count)).map_or(text.len(), |(at, _)| at);
        let end = by_characters.min(self.bytes.unwrap_or(usize::MAX)).min(text.len());
        &text[..text.floor_char_boundary(end)]
    }

    /// The same limit, smaller by so much.
    fn less(self, by: usize) -> Self {
        Self {
            characters: self.characters.map(|count| count.saturating_sub(by)),
            bytes: self.bytes.map(|count| count.saturating_sub(by)),
        }
    }
}

/// Cuts plain text at the last blank that fits; a word longer than the limit is cut inside.
pub(crate) fn cut_plain(text: &str, limit: Limit) -> &str {
    if limit.holds(text) {
        return text;
    }
    let beginning = limit.beginning(text);
    let is_between_words = text[beginning.len()..].starts_with(char::is_whitespace);
    match beginning.rfind(char::is_whitespace) {
        Some(at) if !is_between_words && !beginning[..at].trim().is_empty() => beginning[..at].trim_end(),
        _ => beginning.trim_end(),
    }
}

/// Cuts HTML at a word, with its elements closed; mark-up that does not fit at all is left out.
pub(crate) fn cut_html(html: &str, limit: Limit) -> String {
    const MAX_ROUNDS: usize = 6;
    if limit.holds(html) {
        return html.to_owned();
    }
    let mut shorter = limit;
    for _ in 0..MAX_ROUNDS {
        let piece = cut_plain(html, shorter);
        // Not inside a tag, nor inside a character reference.
        let end = [('<', '>'), ('&', ';')].iter().fold(piece.len(), |end, (open, close)| match piece.rfind(*open) {
            Some(at) if !piece[at..].contains(*close) => end.min(at),
            _ => end,
        });
        let cut = sanitise(piece[..end].trim_end()).into_owned();
        if limit.holds(&cut) {
            return cut;
        }
        shorter = shorter.less((cut.len() - piece.len().min(cut.len())).max(1));
    }
    super::html_of_plain(cut_plain(&plain_of_html(html), limit.less(limit.bytes.or(limit.characters).unwrap_or(0) / 2)))
        .into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn characters(count: usize) -> Limit {
        Limit { characters: Some(count), bytes: None }
    }

    #[test]
    fn the_cut_is_at_a_word() {
        for (text, count, cut) in [
            ("one two three", 20, "one two three"),
            ("one two three", 9, "one two"),
            ("one two three", 7, "one two"),
            ("onetwothree", 5, "onetw"),
            ("\u{e9}\u{e9}\u{e9} \u{e9}", 4, "\u{e9}\u{e9}\u{e9}"),
        ] {
            assert_eq!(cut_plain(text, characters(count)), cut, "{text} {count}");
        }
        assert_eq!(cut_plain("\u{e9}\u{e9}", Limit { bytes: Some(3), characters: None }), "\u{e9}");
    }

    #[test]
    fn cut_html_is_closed() {
        assert_eq!(cut_html("<p>one two <b>three four</b></p>", characters(30)), "<p>one two <b>three</b></p>");
        assert_eq!(cut_html("<p>a &amp; b</p>", characters(12)), "<p>a</p>");
    }

    proptest! {
        #[test]
        fn what_is_cut_fits(text in "(<p>|</p>|<b>|&amp;|[a-z ]{1,9}){0,12}", count in 8_usize..40) {
            let cut = cut_html(&text, characters(count));
            prop_assert!(characters(count).holds(&cut), "{cut}");
        }
    }
}
