//! HTML that a vendor sends with its mark-up encoded as entities, once or twice.

use std::{borrow::Cow, cell::RefCell};

use html5ever::{
    buffer_queue::BufferQueue,
    tendril::StrTendril,
    tokenizer::{
        Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::{RawKind, State},
    },
};

/// More rounds than any vendor was seen to need would decode what somebody meant to be read as text.
const MAX_ROUNDS: usize = 2;

/// Decodes encoded mark-up until mark-up shows or nothing changes, at most twice.
pub(crate) fn decode_html(text: &str) -> Cow<'_, str> {
    let mut html = Cow::Borrowed(text);
    for _ in 0..MAX_ROUNDS {
        if html.contains('<') || !html.contains('&') {
            break;
        }
        let decoded = decode_entities(&html);
        if !decoded.contains(['<', '&']) {
            break;
        }
        html = Cow::Owned(decoded);
    }
    html
}

/// Encodes the mark-up of HTML once, such that [`decode_html`] gives the same HTML again.
///
/// HTML without a tag would be decoded too often; it is put into a paragraph, which the flag tells.
pub(crate) fn encode_html(html: &str) -> (String, bool) {
    let encoded = html.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    if decode_html(&encoded) == html {
        return (encoded, false);
    }
    (format!("&lt;p&gt;{encoded}&lt;/p&gt;"), true)
}

/// Replaces character references by what they stand for; tags stay text.
fn decode_entities(text: &str) -> String {
    let opts = TokenizerOpts { initial_state: Some(State::RawData(RawKind::Rcdata)), ..TokenizerOpts::default() };
    let tokenizer = Tokenizer::new(Collector::default(), opts);
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(text));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.text.into_inner()
}

#[derive(Default)]
struct Collector {
    text: RefCell<String>,
}

impl TokenSink for Collector {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        if let Token::CharacterTokens(characters) = token {
            self.text.borrow_mut().push_str(&characters);
        }
        TokenSinkResult::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_up_is_decoded_until_it_shows_twice_at_most() {
        for (text, html) in [
            ("&lt;p&gt;a &amp;amp; b&lt;/p&gt;", "<p>a &amp; b</p>"),
            ("&amp;lt;p&amp;gt;a&amp;lt;/p&amp;gt;", "<p>a</p>"),
            ("&amp;amp;lt;p&amp;amp;gt;", "&lt;p&gt;"),
            ("<p>a &amp; b</p>", "<p>a &amp; b</p>"),
            ("R&amp;D", "R&D"),
            ("caf&eacute;", "caf&eacute;"),
            ("plain", "plain"),
        ] {
            assert_eq!(decode_html(text), html, "{text}");
        }
    }

    #[test]
    fn what_is_encoded_is_decoded_to_the_same() {
        for html in ["<p>a &amp; b</p>", "plain", "<ul><li>&lt;b&gt;</li></ul>", "a<br>b"] {
            let (encoded, is_wrapped) = encode_html(html);
            assert!(!is_wrapped, "{html}");
            assert_eq!(decode_html(&encoded), html);
        }
        let (encoded, is_wrapped) = encode_html("5 &lt; 6 &amp; 7");
        assert!(is_wrapped);
        assert_eq!(decode_html(&encoded), "<p>5 &lt; 6 &amp; 7</p>");
    }
}
