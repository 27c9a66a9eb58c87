//! A document a line.

use super::{Scan, Scanner};

/// Finds the ends of lines; nothing that stands in a line reaches over its end.
pub(super) struct LineScanner;

impl Scanner for LineScanner {
    fn scan(&mut self, left: &[u8], is_over: bool) -> Scan {
        let blank = left.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if blank > 0 {
            return Scan::Blank(blank);
        }
        match memchr::memchr(b'\n', left) {
            Some(end) => Scan::Document(end),
            None if is_over => Scan::Document(left.len()),
            None => Scan::More,
        }
    }

    fn reset(&mut self) {}

    fn next_beginning(&self, left: &[u8]) -> Option<usize> {
        memchr::memchr(b'\n', left).map(|end| end + 1)
    }
}

#[cfg(test)]
mod tests {
    use mappings::Format;

    use super::super::tests::check;

    #[test]
    fn lines_are_documents_whatever_they_hold() {
        let check =
            |stream, expected: &[&str]| check(Format::Json, "application/x-ndjson; charset=utf-8", stream, expected);
        check("{\"a\":1}\n{\"b\":2}", &["{\"a\":1}", "{\"b\":2}"]);
        check("\r\n{\"a\":\r\n\n{\"b\":2}\r\n", &["{\"a\":\r", "{\"b\":2}\r"]);
        check("{} {}\nnonsense\n", &["{} {}", "nonsense"]);
        let long = format!("{{\"a\":\"{}\"}}\n{{}}\n", "x".repeat(100));
        check(&long, &["!too_large", "{}"]);
        check("", &[]);
    }
}
