//! The lines of an HTML page: what a reader sees on a line of its own, in the pieces that mark-up makes of it.
//!
//! **Invariant:** a page is read token by token, in time proportional to its length, however its elements are nested.

use std::{borrow::Cow, cell::RefCell};

use html5ever::{
    Attribute, LocalName,
    buffer_queue::BufferQueue,
    local_name,
    tendril::StrTendril,
    tokenizer::{
        Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::{RawKind, ScriptEscapeKind},
    },
};

use super::{
    Tree,
    labelled::tree_of,
    labels::{LabelSyntax, Line},
    mojibake::repair,
    tree::Damage,
};

/// Elements that begin and end a line.
const BLOCKS: [&str; 46] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "legend",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
];

/// Elements whose text nobody reads on the page.
const SILENT: [&str; 8] = ["button", "noscript", "script", "select", "style", "template", "textarea", "title"];

/// Parses a page.
pub(crate) fn parse_page(html: &str, syntax: &LabelSyntax, repairs: bool) -> Tree<'static> {
    tree_of(lines(html, syntax.page.as_deref(), repairs), syntax, true)
}

/// The encoding that a page names in its `<meta>`.
pub(super) fn declared_encoding(html: &str) -> Option<String> {
    let encoding = RefCell::new(None);
    tokenize(html, |token| {
        if let Token::TagToken(Tag { name: local_name!("meta"), attrs, .. }) = token
            && encoding.borrow().is_none()
        {
            let described = || attribute(attrs, "content")?.split_once("charset=").map(|(_, name)| name.trim());
            *encoding.borrow_mut() = attribute(attrs, "charset").or_else(described).map(str::to_owned);
        }
    });
    encoding.into_inner()
}

fn attribute<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes.iter().find(|attribute| *attribute.name.local == *name).map(|attribute| &*attribute.value)
}

/// The lines of the element of that class; of the whole page where there is none.
fn lines(html: &str, class: Option<&str>, repairs: bool) -> Vec<Line<'static>> {
    let reader = RefCell::new(Reader { class, repairs, ..Reader::default() });
    tokenize(html, |token| reader.borrow_mut().token(token));
    let Reader { all, part, wanted, .. } = reader.into_inner();
    if wanted.is_some() { part } else { all }
}

/// Reads the lines of a page.
#[derive(Default)]
struct Reader<'c> {
    /// The class of the element that holds the document.
    class: Option<&'c str>,
    repairs: bool,
    /// The lines of the page, and those of that element.
    all: Vec<Line<'static>>,
    part: Vec<Line<'static>>,
    /// The element of that class, once it is met: its name, and how many of that name are open.
    wanted: Option<Open>,
    /// The element whose text nobody reads.
    silent: Option<Open>,
}

/// An element and those of its name inside of it.
struct Open {
    name: LocalName,
    depth: usize,
}

impl Open {
    /// Counts a tag of that name.
    fn count(&mut self, tag: &Tag) {
        if tag.name == self.name {
            match tag.kind {
                TagKind::StartTag => self.depth += 1,
                TagKind::EndTag => self.depth = self.depth.saturating_sub(1),
            }
        }
    }

    fn is_open(open: Option<&Self>) -> bool {
        open.is_some_and(|open| open.depth > 0)
    }
}

impl Reader<'_> {
    fn token(&mut self, token: &Token) {
        match token {
            Token::TagToken(tag) => self.tag(tag),
            Token::CharacterTokens(text) if !Open::is_open(self.silent.as_ref()) => self.text(text),
            _ => {}
        }
    }

    fn tag(&mut self, tag: &Tag) {
        let begins = |open: &Option<Open>| tag.kind == TagKind::StartTag && !Open::is_open(open.as_ref());
        if begins(&self.silent) && SILENT.contains(&&*tag.name) {
            self.silent = Some(Open { name: tag.name.clone(), depth: 1 });
        } else if let Some(silent) = &mut self.silent {
            silent.count(tag);
        }
        let is_wanted = |class: &&str| {
            attribute(&tag.attrs, "class").is_some_and(|all| all.split_whitespace().any(|one| one == *class))
        };
        if self.wanted.is_none() && tag.kind == TagKind::StartTag && self.class.as_ref().is_some_and(is_wanted) {
            self.wanted = Some(Open { name: tag.name.clone(), depth: 1 });
            self.part.push(Line::default());
        } else if let Some(wanted) = self.wanted.as_mut().filter(|wanted| wanted.depth > 0) {
            wanted.count(tag);
        }
        if BLOCKS.contains(&&*tag.name) {
            self.all.push(Line::default());
            self.part.push(Line::default());
        }
    }

    fn text(&mut self, text: &str) {
        // Repaired before blanks are joined: half of a letter may look like one.
        let repaired = if self.repairs { repair(text) } else { None };
        let damage = Damage::of(repaired.is_some(), text);
        let is_wanted = Open::is_open(self.wanted.as_ref());
        for lines in [Some(&mut self.all), Some(&mut self.part).filter(|_| is_wanted)].into_iter().flatten() {
            if lines.is_empty() {
                lines.push(Line::default());
            }
            if let Some(line) = lines.last_mut() {
                line.damage = line.damage.and(damage);
                push_piece(line, repaired.as_deref().unwrap_or(text));
            }
        }
    }
}

/// Runs of blanks count as one, as a browser shows them.
fn push_piece(line: &mut Line<'static>, text: &str) {
    let words: Vec<&str> = text.split_whitespace().collect();
    let blank_if = |is_blank: bool| if is_blank { " " } else { "" };
    let follows_blank = line.pieces.last().is_none_or(|piece| piece.ends_with(' '));
    let before = blank_if(!follows_blank && text.starts_with(char::is_whitespace));
    let behind = blank_if(!words.is_empty() && text.ends_with(char::is_whitespace));
    let piece = [before, &words.join(" "), behind].concat();
    if !piece.is_empty() {
        line.pieces.push(Cow::Owned(piece));
    }
}

/// Hands on the tokens of a page; text between two tags comes as one.
fn tokenize(html: &str, run: impl Fn(&Token)) {
    let tokenizer = Tokenizer::new(Sink { run, text: RefCell::default() }, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
}

struct Sink<F> {
    run: F,
    /// Text that was not handed on yet: entities come as tokens of their own.
    text: RefCell<StrTendril>,
}

impl<F: Fn(&Token)> TokenSink for Sink<F> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::CharacterTokens(more) => self.text.borrow_mut().push_tendril(&more),
            Token::CommentToken(_) | Token::ParseError(_) => {}
            token => {
                let text = self.text.take();
                if !text.is_empty() {
                    (self.run)(&Token::CharacterTokens(text));
                }
                (self.run)(&token);
                if let Token::TagToken(tag) = &token {
                    return raw_text_of(tag);
                }
            }
        }
        TokenSinkResult::Continue
    }
}

/// Elements in which `<` is no mark-up.
fn raw_text_of(tag: &Tag) -> TokenSinkResult<()> {
    let kind = match tag.name {
        _ if tag.kind == TagKind::EndTag => return TokenSinkResult::Continue,
        local_name!("script") => RawKind::ScriptDataEscaped(ScriptEscapeKind::Escaped),
        local_name!("style") => RawKind::Rawtext,
        local_name!("textarea") | local_name!("title") => RawKind::Rcdata,
        _ => return TokenSinkResult::Continue,
    };
    TokenSinkResult::RawData(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(html: &str) -> Vec<String> {
        let lines = lines(html, Some("offer"), true);
        lines.iter().filter(|line| !line.is_empty()).map(|line| line.text().into_owned()).collect()
    }

    #[test]
    fn a_line_is_what_a_reader_sees_as_one() {
        for (html, lines) in [
            ("<p>a<p>b", &["a", "b"][..]),
            ("<div>a<div>b</div>c</div>", &["a", "b", "c"]),
            ("<b>Da</b>te : <i>1</i>", &["Date : 1"]),
            ("one<br>two <br/> three", &["one", "two", "three"]),
            ("<table><tr><th>Date</th><td>1</td><tr><td>2</table>", &["Date", "1", "2"]),
            ("<ul><li>x<li>y</ul>", &["x", "y"]),
            ("a\u{a0}\u{a0}b\n  c", &["a b c"]),
            ("<head><title>t</title></head>a<script>b</script><style>c</style><select><option>d</select>", &["a"]),
            ("L&#039;Oriental &amp; &lt;b&gt;", &["L'Oriental & <b>"]),
            ("Secr\u{c3}\u{a9}taire \u{c3}\u{a0} Rabat", &["Secr\u{e9}taire \u{e0} Rabat"]),
        ] {
            assert_eq!(texts(html), lines, "{html}");
        }
    }

    #[test]
    fn the_part_with_the_class_is_read() {
        for (html, lines) in [
            ("a<div class='x offer'><div>b</div>c</div><div>d</div>", &["b", "c"][..]),
            ("a<div class=offers>b</div>", &["a", "b"]),
            ("<div class=offer><p>b</div><div class=offer>c</div>", &["b"]),
            ("<!-- <div class=offer> -->a<td class=offer>b<!-- x -->c", &["bc"]),
        ] {
            assert_eq!(texts(html), lines, "{html}");
        }
    }

    #[test]
    fn deep_pages_take_no_longer_than_flat_ones() {
        let html = format!("{}a<div/>{}", "<div><b></i>".repeat(300_000), "</b></div>".repeat(300_000));
        assert_eq!(texts(&html), ["a"]);
    }

    #[test]
    fn scripts_and_titles_may_hold_anything() {
        assert_eq!(
            texts("<title><p>x</title>a<script>'<div>' < 3; /* </p> */</script>b<textarea><p>c</textarea>"),
            ["ab"]
        );
        assert_eq!(texts("<select><option>a<option>b</select>c<button>d</button>"), ["c"]);
    }
}
