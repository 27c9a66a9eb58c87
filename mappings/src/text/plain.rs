//! HTML as plain text, and plain text as HTML.

use std::{borrow::Cow, cell::RefCell};

use html5ever::{
    buffer_queue::BufferQueue,
    local_name,
    tendril::StrTendril,
    tokenizer::{
        Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::{RawKind, ScriptEscapeKind},
    },
};

use super::{has_markup, is_plain_in_html};

/// Plain text as a fragment of HTML: special characters escaped, line ends as `<br>`.
pub fn html_of_plain(text: &str) -> Cow<'_, str> {
    let is_special = |byte: u8| matches!(byte, b'&' | b'<' | b'>' | b'\n' | 0xC2);
    if !text.as_bytes().chunks(64).any(|chunk| chunk.iter().fold(false, |any, byte| any | is_special(*byte))) {
        return Cow::Borrowed(text);
    }
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '\u{a0}' => html.push_str("&nbsp;"),
            '\n' => html.push_str("<br>"),
            other => html.push(other),
        }
    }
    Cow::Owned(html)
}

/// A fragment of HTML as plain text: blocks on lines of their own, list items behind `- `.
///
/// What [`html_of_plain`] made becomes exactly what it was.
pub fn plain_of_html(html: &str) -> Cow<'_, str> {
    if !has_markup(html) {
        return Cow::Borrowed(html);
    }
    let layout = if is_plain_in_html(html) { Layout::Verbatim } else { Layout::Flowing };
    let sink = Sink { layout, state: RefCell::default() };
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let text = tokenizer.sink.state.into_inner().text;
    Cow::Owned(match layout {
        Layout::Verbatim => text,
        Layout::Flowing => text.trim().to_owned(),
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Layout {
    /// Blanks stay as they are: the HTML is escaped plain text.
    Verbatim,
    /// Runs of blanks count as one, as a browser shows them.
    Flowing,
}

struct Sink {
    layout: Layout,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    text: String,
    /// How many line ends are due before the next word.
    due_breaks: usize,
    is_blank_due: bool,
    /// Inside an element whose content is no text, such as a script.
    is_silent: bool,
}

impl State {
    fn break_lines(&mut self, count: usize) {
        self.due_breaks = self.due_breaks.max(count);
        self.is_blank_due = false;
    }

    fn settle(&mut self) {
        if self.due_breaks > 0 {
            if !self.text.is_empty() {
                self.text.extend(std::iter::repeat_n('\n', self.due_breaks));
            }
            self.due_breaks = 0;
        } else if self.is_blank_due && !self.text.is_empty() && !self.text.ends_with(['\n', ' ']) {
            self.text.push(' ');
        }
        self.is_blank_due = false;
    }

    fn flow(&mut self, characters: &str) {
        for character in characters.chars() {
            if matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{c}') {
                self.is_blank_due = true;
                continue;
            }
            self.settle();
            self.text.push(if character == '\u{a0}' { ' ' } else { character });
        }
    }
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut state = self.state.borrow_mut();
        match token {
            Token::CharacterTokens(characters) if !state.is_silent => match self.layout {
                Layout::Verbatim => state.text.push_str(&characters),
                Layout::Flowing => state.flow(&characters),
            },
            Token::TagToken(tag) => return self.process_tag(&mut state, &tag),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Sink {
    fn process_tag(&self, state: &mut State, tag: &Tag) -> TokenSinkResult<()> {
        match tag.name {
            local_name!("br") if self.layout == Layout::Verbatim => state.text.push('\n'),
            local_name!("br") => {
                state.settle();
                state.text.push('\n');
            }
            local_name!("p")
            | local_name!("h1")
            | local_name!("h2")
            | local_name!("h3")
            | local_name!("h4")
            | local_name!("h5")
            | local_name!("h6")
            | local_name!("ul")
            | local_name!("ol")
            | local_name!("blockquote")
            | local_name!("table") => state.break_lines(2),
            local_name!("li") => {
                state.break_lines(1);
                if tag.kind == TagKind::StartTag {
                    state.settle();
                    state.text.push_str("- ");
                }
            }
            local_name!("div") | local_name!("tr") | local_name!("dt") | local_name!("dd") | local_name!("hr") => {
                state.break_lines(1);
            }
            local_name!("td") | local_name!("th") => state.is_blank_due = true,
            local_name!("script") | local_name!("style") => {
                state.is_silent = tag.kind == TagKind::StartTag;
                if state.is_silent {
                    let is_script = tag.name == local_name!("script");
                    return TokenSinkResult::RawData(if is_script {
                        RawKind::ScriptDataEscaped(ScriptEscapeKind::Escaped)
                    } else {
                        RawKind::Rawtext
                    });
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blocks_stand_on_their_own_lines() {
        for (html, text) in [
            ("<p>One</p><p>Two</p>", "One\n\nTwo"),
            ("<p>We ask:</p><ul><li>a</li><li>b &amp; c</li></ul>End", "We ask:\n\n- a\n- b & c\n\nEnd"),
            ("a<br>b", "a\nb"),
            ("<b>a</b>  \n <i>b</i>", "a b"),
            ("<div>a</div><div>b</div>", "a\nb"),
            ("x<script>if (a < b) { alert('p') }</script>y<style>p{}</style>", "xy"),
            ("caf&eacute;&nbsp;x", "caf\u{e9}\u{a0}x"),
            ("no mark-up", "no mark-up"),
        ] {
            assert_eq!(plain_of_html(html), text, "{html}");
        }
    }

    proptest! {
        #[test]
        fn plain_text_survives_html(text in "[ -~\u{a0}\u{e9}\n]{0,40}") {
            let html = html_of_plain(&text).into_owned();
            prop_assert_eq!(plain_of_html(&html), text.as_str());
        }
    }
}
