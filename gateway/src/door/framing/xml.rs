//! XML documents one behind the other.

use memchr::memmem;

use super::{Broken, Scan, Scanner};
use crate::code::code;

/// The longest sign that tells kinds of markup apart: `<![CDATA[`.
const LONGEST_SIGN: usize = 9;

/// Finds the ends of XML documents: where as many elements of the root's name are closed as were opened.
///
/// Whether the elements inside fit is for whoever reads the document. A declaration begins a new document wherever it
/// stands, since it may stand nowhere else (XML 1.0 §2.8).
#[derive(Default)]
pub(super) struct XmlScanner {
    at: usize,
    /// Where the search for the end of the markup at `at` goes on, and what it must know.
    inside: Option<Inside>,
    root: Option<Vec<u8>>,
    /// Elements of the root's name that are open.
    open: usize,
    /// Whether there is text before the root.
    has_text: bool,
}

#[derive(Clone, Copy)]
struct Inside {
    markup: Markup,
    searched: usize,
    quote: Option<u8>,
    brackets: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Markup {
    Comment,
    CharacterData,
    Instruction,
    DocumentType,
    Start,
    End,
}

impl Scanner for XmlScanner {
    fn scan(&mut self, left: &[u8], is_over: bool) -> Scan {
        if left.starts_with(b"\xFF\xFE") || left.starts_with(b"\xFE\xFF") {
            let problem = "documents in UTF-16 are not told apart: send them in UTF-8, or one by one".to_owned();
            return Scan::Broken(left.len(), Broken { code: const { code("charset") }, problem });
        }
        let blank = left.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if blank > 0 {
            return Scan::Blank(blank);
        }
        loop {
            if self.inside.is_none() {
                if !self.find_markup(left) {
                    break;
                }
                if !is_over && left.len() < self.at + LONGEST_SIGN {
                    return Scan::More;
                }
                if self.at > 0 && is_declaration(&left[self.at..]) {
                    return self.cut(self.at);
                }
            }
            let Some(end) = self.find_end(left) else { break };
            if self.pass_markup(left, end) {
                return Scan::Document(end);
            }
        }
        if is_over { self.cut(left.len()) } else { Scan::More }
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    fn next_beginning(&self, left: &[u8]) -> Option<usize> {
        memmem::find_iter(left, b"<?xml").find(|at| *at > 0)
    }
}

impl XmlScanner {
    /// Goes to the next markup; returns whether there is one.
    fn find_markup(&mut self, left: &[u8]) -> bool {
        let text = &left[self.at..];
        let length = memchr::memchr(b'<', text).unwrap_or(text.len());
        self.has_text |= self.root.is_none() && text[..length].iter().any(|byte| !byte.is_ascii_whitespace());
        self.at += length;
        self.at < left.len()
    }

    /// Where the markup in hand ends.
    fn find_end(&mut self, left: &[u8]) -> Option<usize> {
        let mut inside = self.inside.unwrap_or_else(|| Inside::at(self.at, left));
        let end = match inside.markup {
            Markup::Comment => inside.find(left, b"-->"),
            Markup::CharacterData => inside.find(left, b"]]>"),
            Markup::Instruction => inside.find(left, b"?>"),
            Markup::DocumentType => inside.end_of_document_type(left),
            Markup::Start | Markup::End => inside.end_of_tag(left),
        };
        self.inside = Some(inside);
        end
    }

    /// Passes over markup; returns whether the document ends with it.
    fn pass_markup(&mut self, left: &[u8], end: usize) -> bool {
        let markup = self.inside.take().map(|inside| inside.markup);
        let text = &left[self.at..end];
        self.at = end;
        let is_tag = matches!(markup, Some(Markup::Start | Markup::End));
        if !is_tag {
            return false;
        }
        let (is_start, name) = (markup == Some(Markup::Start), name_of(text));
        let is_empty = text.ends_with(b"/>");
        match &self.root {
            None if is_start => {
                self.root = Some(name.to_vec());
                self.open = usize::from(!is_empty);
                is_empty
            }
            Some(root) if root == name && is_start => {
                self.open += usize::from(!is_empty);
                false
            }
            Some(root) if root == name => {
                self.open -= 1;
                self.open == 0
            }
            _ => false,
        }
    }

    /// Ends what has no end of its own: a document that breaks off, or what stands between two.
    fn cut(&self, length: usize) -> Scan {
        if self.root.is_none() && !self.has_text { Scan::Blank(length) } else { Scan::Document(length) }
    }
}

impl Inside {
    fn at(at: usize, left: &[u8]) -> Self {
        let signs: [(&[u8], Markup); 5] = [
            (b"<!--", Markup::Comment),
            (b"<![CDATA[", Markup::CharacterData),
            (b"<!", Markup::DocumentType),
            (b"<?", Markup::Instruction),
            (b"</", Markup::End),
        ];
        let found = signs.iter().find(|(sign, _)| left[at..].starts_with(sign));
        let (length, markup) = found.map_or((1, Markup::Start), |(sign, markup)| (sign.len(), *markup));
        Self { markup, searched: at + length, quote: None, brackets: 0 }
    }

    fn find(&mut self, left: &[u8], sign: &[u8]) -> Option<usize> {
        let found = memmem::find(&left[self.searched..], sign).map(|at| self.searched + at + sign.len());
        self.searched = self.searched.max(left.len().saturating_sub(sign.len() - 1));
        found
    }

    fn end_of_document_type(&mut self, left: &[u8]) -> Option<usize> {
        while let Some(byte) = left.get(self.searched) {
            self.searched += 1;
            match byte {
                b'[' => self.brackets += 1,
                b']' => self.brackets = self.brackets.saturating_sub(1),
                b'>' if self.brackets == 0 => return Some(self.searched),
                _ => {}
            }
        }
        None
    }

    fn end_of_tag(&mut self, left: &[u8]) -> Option<usize> {
        while let Some(byte) = left.get(self.searched) {
            match (self.quote, byte) {
                // No tag holds this sign, in quotes or not (XML 1.0 §3.1): this one was never closed.
                (_, b'<') => return Some(self.searched),
                (Some(quote), byte) if quote == *byte => self.quote = None,
                (None, b'"' | b'\'') => self.quote = Some(*byte),
                (None, b'>') => return Some(self.searched + 1),
                _ => {}
            }
            self.searched += 1;
        }
        None
    }
}

fn is_declaration(markup: &[u8]) -> bool {
    markup.strip_prefix(b"<?xml").is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_whitespace))
}

/// The name in a tag.
fn name_of(tag: &[u8]) -> &[u8] {
    let name = tag.strip_prefix(b"</").or(tag.strip_prefix(b"<")).unwrap_or(tag);
    let length = name.iter().take_while(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'/' | b'>')).count();
    &name[..length]
}

#[cfg(test)]
mod tests {
    use mappings::Format;

    use super::super::tests::check as check_format;

    fn check(stream: &str, expected: &[&str]) {
        check_format(Format::Xml, "application/xml", stream, expected);
    }

    #[test]
    fn documents_end_with_their_root() {
        check("<a/><b>x</b>\n<a><a/></a>", &["<a/>", "<b>x</b>", "<a><a/></a>"]);
        let one = "<?xml version='1.0'?>\n<a><a>1</a></a>";
        check(&format!("{one}\n{one}\n"), &[one, one]);
        check(
            "<a b='>'><![CDATA[</a>]]><!-- </a> --></a><b/>",
            &["<a b='>'><![CDATA[</a>]]><!-- </a> --></a>", "<b/>"],
        );
        check("<!DOCTYPE a [<!ENTITY x '>'>]><a>&x;</a><b/>", &["<!DOCTYPE a [<!ENTITY x '>'>]><a>&x;</a>", "<b/>"]);
    }

    #[test]
    fn a_broken_document_takes_no_good_one_with_it() {
        let good = "<?xml version='1.0'?><b/>";
        check(&format!("<a><c></a>{good}"), &["<a><c></a>", good]);
        check(&format!("<a><c>{good}{good}"), &["<a><c>", good, good]);
        check(&format!("<a b='{good}{good}"), &["<a b='", good, good]);
        check(&format!("nonsense{good}"), &["nonsense", good]);
        check("<a><b/>", &["<a><b/>"]);
        check(&format!("<a>{}</a>{good}", "x".repeat(100)), &["!too_large", good]);
    }

    #[test]
    fn what_stands_between_documents_is_none() {
        check("<a/><!-- the end --><?xml version='1.0'?><b/><!-- really -->", &["<a/>", "<?xml version='1.0'?><b/>"]);
        check(" \n ", &[]);
    }
}
