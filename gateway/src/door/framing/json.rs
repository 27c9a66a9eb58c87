//! JSON texts one behind the other, with or without space between them (also RFC 7464).

use serde::de::IgnoredAny;

use super::{Broken, Scan, Scanner};
use crate::code::code;

/// Deeper than any honest document.
const MAX_DEPTH: usize = 128;

/// Finds the ends of JSON texts by their brackets.
///
/// After a broken text reading goes on at the next line that begins with a bracket: whoever prints a text over several
/// lines indents what is inside.
#[derive(Default)]
pub(super) struct JsonScanner {
    at: usize,
    depth: usize,
    is_in_string: bool,
}

impl Scanner for JsonScanner {
    fn scan(&mut self, left: &[u8], is_over: bool) -> Scan {
        let blank = blank_before(left);
        if blank > 0 {
            return Scan::Blank(blank);
        }
        if !matches!(left[0], b'{' | b'[') {
            return self.scan_line(left, is_over);
        }
        while let Some(byte) = left.get(self.at) {
            self.at += 1;
            match (self.is_in_string, byte) {
                (true, b'\\') => self.at += 1,
                (true, b'\n') => {
                    // No string reaches over the end of a line (RFC 8259 §7).
                    return self.broken(&left[..self.at - 1], no_json("a string is not closed on its line"));
                }
                (_, b'"') => self.is_in_string = !self.is_in_string,
                (false, b'{' | b'[') if self.depth == MAX_DEPTH => {
                    let problem = format!("more than {MAX_DEPTH} levels: flatten the document");
                    return self.broken(&left[..self.at], Broken { code: const { code("too_deep") }, problem });
                }
                (false, b'{' | b'[') => self.depth += 1,
                (false, b'}' | b']') => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return self.ended(left);
                    }
                }
                _ => {}
            }
        }
        if is_over { self.broken(left, no_json("the text ends before its brackets are closed")) } else { Scan::More }
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    fn next_beginning(&self, left: &[u8]) -> Option<usize> {
        let mut newlines = memchr::memchr_iter(b'\n', left);
        newlines.find(|at| matches!(left.get(at + 1), Some(b'{' | b'['))).map(|at| at + 1)
    }
}

impl JsonScanner {
    /// What begins with no bracket ends with its line; whoever reads it will say what is wrong with it.
    fn scan_line(&mut self, left: &[u8], is_over: bool) -> Scan {
        match memchr::memchr(b'\n', &left[self.at..]) {
            Some(end) => Scan::Document(self.at + end),
            None if is_over => Scan::Document(left.len()),
            None => {
                self.at = left.len();
                Scan::More
            }
        }
    }

    /// All brackets are closed: a text, unless it is a broken one that has swallowed its neighbour.
    fn ended(&self, left: &[u8]) -> Scan {
        let text = &left[..self.at];
        if self.next_beginning(text).is_some() && serde_json::from_slice::<IgnoredAny>(text).is_err() {
            return self.broken(text, no_json("the text is no JSON before the next one begins"));
        }
        Scan::Document(self.at)
    }

    /// A broken text; what may begin within it is looked at by itself.
    fn broken(&self, text: &[u8], why: Broken) -> Scan {
        let length = self.next_beginning(text).map_or(text.len(), |beginning| beginning - 1);
        Scan::Broken(length, why)
    }
}

fn no_json(problem: &str) -> Broken {
    Broken { code: const { code("no_json") }, problem: problem.to_owned() }
}

/// White space, record separators, and the byte order mark of a file.
fn blank_before(left: &[u8]) -> usize {
    let mark = if left.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    mark + left[mark..].iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x1E).count()
}

#[cfg(test)]
mod tests {
    use mappings::Format;

    use super::super::tests::check as check_format;

    fn check(stream: &str, expected: &[&str]) {
        check_format(Format::Json, "application/json", stream, expected);
    }

    #[test]
    fn texts_are_told_apart_by_their_brackets() {
        check("{\"a\":1}\n{\"b\":2}\n", &["{\"a\":1}", "{\"b\":2}"]);
        check("{\"a\":1}{\"b\":2}[3]", &["{\"a\":1}", "{\"b\":2}", "[3]"]);
        check(
            "{\n  \"a\": {\n    \"b\": \"}\\\"{\"\n  }\n}\n{}",
            &["{\n  \"a\": {\n    \"b\": \"}\\\"{\"\n  }\n}", "{}"],
        );
        check("\u{1e}{\"a\":1}\n\u{1e}{}\n", &["{\"a\":1}", "{}"]);
        check("[\n{\"a\":1},\n{\"b\":2}\n]\n{}", &["[\n{\"a\":1},\n{\"b\":2}\n]", "{}"]);
    }

    #[test]
    fn a_broken_text_takes_no_good_one_with_it() {
        let good = "{\"b\":2}";
        check(&format!("{{\"a\":\n{good}\n{good}\n"), &["!no_json", good, good]);
        check(&format!("{{\"a\":\"open\n{good}"), &["!no_json", good]);
        check(&format!("{{\"a\":1\n{good}\n}}\n{good}"), &["!no_json", good, "}", good]);
        check(&format!("{{\"a\":\n{good}\n{{\"c\":\"open\n{good}"), &["!no_json", good, "!no_json", good]);
        check(&format!("nonsense\n{good}"), &["nonsense", good]);
        check(&format!("{{\"a\":1,}}\n{good}"), &["{\"a\":1,}", good]);
        check(&format!("}}\n{good}"), &["}", good]);
        check("{\"a\":", &["!no_json"]);
        check(&format!("{{\"a\":\"{}\"}}\n{good}", "x".repeat(100)), &["!too_large", good]);
    }

    #[test]
    fn what_is_too_deep_is_given_up_early() {
        let stream = format!("{}{}\n{{}}", "[".repeat(10_000), "]".repeat(10_000));
        let found = super::super::tests::taken_apart(Format::Json, "", stream.as_bytes(), 1 << 20, 512);
        assert_eq!(found, ["!too_deep", "{}"]);
    }
}
