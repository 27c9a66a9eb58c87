//! Takes a stream of documents apart, without holding more than one of them.
//!
//! **Invariant:** a broken document takes no good one with it, as far as its syntax lets tell where the next begins.

mod json;
mod lines;
mod xml;

use mappings::Format;

use self::{json::JsonScanner, lines::LineScanner, xml::XmlScanner};
use crate::code::{Code, code};

/// A part of a stream that should be one document.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// The byte of the stream that it begins at.
    pub at: u64,
    /// Its bytes, or why it cannot be one.
    pub content: Result<Vec<u8>, Broken>,
}

/// Why a part of a stream is no document.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken {
    /// Why.
    pub code: Code,
    /// More, in words.
    pub problem: String,
}

/// How far a stream has been taken apart.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// This is the next part.
    Piece(Piece),
    /// Something was passed over; there is more to look at.
    Again,
    /// More bytes are needed.
    Hungry,
    /// That was all.
    Over,
}

/// What a scanner found at the beginning of what is left.
enum Scan {
    /// So many bytes of no document.
    Blank(usize),
    /// A document of so many bytes.
    Document(usize),
    /// So many bytes of a broken document; what follows them up to the next beginning belongs to it.
    Broken(usize, Broken),
    /// No end yet.
    More,
}

/// Finds where a document ends. It is asked again with the same bytes and more, until it finds an end.
trait Scanner: Send {
    /// Looks at what is left of the stream.
    fn scan(&mut self, left: &[u8], is_over: bool) -> Scan;

    /// Forgets what it has seen: what is left begins elsewhere now.
    fn reset(&mut self);

    /// Where, behind the first byte, a document may begin after a broken one.
    fn next_beginning(&self, left: &[u8]) -> Option<usize>;
}

/// Takes one stream apart.
pub struct Framer {
    scanner: Box<dyn Scanner>,
    limit: usize,
    buffer: Vec<u8>,
    /// What of the buffer is done with.
    done: usize,
    /// The byte of the stream that the buffer begins at.
    offset: u64,
    is_over: bool,
    /// Whether the rest of a broken document is passed over.
    is_skipping: bool,
}

/// The longest text that tells where a document may begin.
const LONGEST_SIGN: usize = 8;

impl Framer {
    /// A framer for documents of that syntax, each at most so many bytes long; none if they cannot be told apart.
    pub fn new(format: Format, media_type: Option<&str>, limit: usize) -> Option<Self> {
        let scanner: Box<dyn Scanner> = match format {
            Format::Json if is_line_by_line(media_type) => Box::new(LineScanner),
            Format::Json => Box::new(JsonScanner::default()),
            Format::Xml => Box::new(XmlScanner::default()),
            Format::Labels => return None,
        };
        Some(Self { scanner, limit, buffer: Vec::new(), done: 0, offset: 0, is_over: false, is_skipping: false })
    }

    /// Takes more of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.done);
        self.offset += self.done as u64;
        self.done = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Notes that nothing more will come.
    pub fn end(&mut self) {
        self.is_over = true;
    }

    /// Takes the next step.
    pub fn step(&mut self) -> Step {
        let left = &self.buffer[self.done..];
        if left.is_empty() {
            return if self.is_over { Step::Over } else { Step::Hungry };
        }
        if self.is_skipping {
            return self.skip();
        }
        match self.scanner.scan(left, self.is_over) {
            Scan::Blank(length) => {
                self.pass(length);
                Step::Again
            }
            Scan::Document(length) if length > self.limit => self.too_large(),
            Scan::Document(length) => {
                let content = Ok(left[..length].to_vec());
                Step::Piece(Piece { at: self.pass(length), content })
            }
            Scan::Broken(length, broken) => {
                self.is_skipping = true;
                Step::Piece(Piece { at: self.pass(length), content: Err(broken) })
            }
            Scan::More if left.len() > self.limit => self.too_large(),
            Scan::More => Step::Hungry,
        }
    }

    /// Gives up what is too large; what seems to begin within it is looked at by itself.
    fn too_large(&mut self) -> Step {
        let left = &self.buffer[self.done..];
        let beginning = self.scanner.next_beginning(left);
        let limit = self.limit;
        let broken = Broken {
            code: const { code("too_large") },
            problem: format!(
                "the document is longer than {limit} bytes, or has no end; `door.max_body_bytes` sets the limit"
            ),
        };
        let length = beginning.unwrap_or(left.len());
        self.is_skipping = beginning.is_none();
        Step::Piece(Piece { at: self.pass(length), content: Err(broken) })
    }

    fn skip(&mut self) -> Step {
        let left = &self.buffer[self.done..];
        if let Some(beginning) = self.scanner.next_beginning(left) {
            self.is_skipping = false;
            self.pass(beginning);
            return Step::Again;
        }
        let kept = if self.is_over { 0 } else { left.len().min(LONGEST_SIGN) };
        self.pass(left.len() - kept);
        if self.is_over { Step::Over } else { Step::Hungry }
    }

    /// Passes over so many bytes and says where in the stream they began.
    fn pass(&mut self, length: usize) -> u64 {
        let at = self.offset + self.done as u64;
        self.done += length;
        self.scanner.reset();
        at
    }
}

/// Whether every line is one document (<https://github.com/ndjson/ndjson-spec>, <https://jsonlines.org>).
fn is_line_by_line(media_type: Option<&str>) -> bool {
    let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let subtype = essence.strip_prefix("application/").or(essence.strip_prefix("text/")).unwrap_or_default();
    ["x-ndjson", "ndjson", "jsonl", "x-jsonl", "jsonlines", "x-jsonlines", "json-lines"].contains(&subtype)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a stream is taken apart into: each document, or the code of what is broken.
    pub(super) fn taken_apart(
        format: Format,
        media_type: &str,
        stream: &[u8],
        limit: usize,
        chunk: usize,
    ) -> Vec<String> {
        let mut framer = Framer::new(format, Some(media_type), limit).unwrap();
        let mut found = Vec::new();
        let mut chunks = stream.chunks(chunk);
        loop {
            match framer.step() {
                Step::Piece(Piece { content: Ok(bytes), .. }) => {
                    found.push(String::from_utf8_lossy(&bytes).into_owned());
                }
                Step::Piece(Piece { content: Err(broken), .. }) => found.push(format!("!{}", broken.code.as_str())),
                Step::Again => {}
                Step::Hungry => match chunks.next() {
                    Some(chunk) => framer.push(chunk),
                    None => framer.end(),
                },
                Step::Over => return found,
            }
        }
    }

    pub(super) fn check(format: Format, media_type: &str, stream: &str, expected: &[&str]) {
        for chunk in [1, 2, 3, 7, 1_000] {
            assert_eq!(
                taken_apart(format, media_type, stream.as_bytes(), 64, chunk),
                expected,
                "{stream:?} by {chunk}"
            );
        }
    }

    #[test]
    fn pieces_say_where_they_begin() {
        let mut framer = Framer::new(Format::Json, None, 64).unwrap();
        framer.push(b" {}\n");
        framer.push(b"\n[1]");
        let mut places = Vec::new();
        framer.end();
        loop {
            match framer.step() {
                Step::Piece(piece) => places.push(piece.at),
                Step::Over => break,
                _ => {}
            }
        }
        assert_eq!(places, [1, 5]);
    }

    #[test]
    fn labels_cannot_be_told_apart() {
        assert!(Framer::new(Format::Labels, None, 64).is_none());
    }

    proptest! {
        #[test]
        fn nothing_makes_a_framer_hang_or_hold_more_than_its_limit(
            stream in "[<>a/?xml \\-!\\[\\]CDATA\"{}:,\n\\\\1]{0,200}",
            chunk in 1_usize..40,
        ) {
            for (format, media_type) in
                [(Format::Json, "application/json"), (Format::Json, "application/x-ndjson"), (Format::Xml, "application/xml")]
            {
                for piece in taken_apart(format, media_type, stream.as_bytes(), 16, chunk) {
                    prop_assert!(piece.starts_with('!') || piece.len() <= 16, "{piece}");
                }
            }
        }
    }
}
