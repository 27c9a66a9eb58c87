//! The mark by which a test follows one version from end to end: `(rev 7)` in its title.
//!
//! The stub of an ATS writes it, the stubs of receivers look for it: what is between them only translates.

const BEGINNING: &str = "(rev ";

/// The mark of a revision.
pub fn mark(revision: u64) -> String {
    format!("{BEGINNING}{revision})")
}

/// The first mark in a document, whatever its format.
pub fn find(document: &[u8]) -> Option<u64> {
    let beginning = BEGINNING.as_bytes();
    let starts = document.windows(beginning.len()).enumerate().filter(|(_, window)| *window == beginning);
    starts.map(|(index, _)| &document[index + beginning.len()..]).find_map(number)
}

/// The number before a closing parenthesis.
fn number(text: &[u8]) -> Option<u64> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit())?;
    let digits = std::str::from_utf8(&text[..end]).ok()?;
    (text[end] == b')').then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_again() {
        assert_eq!(find(format!(r#"{{"title":"Lasser MIG/MAG {}"}}"#, mark(42)).as_bytes()), Some(42));
        assert_eq!(find(b"<Title>(rev x) of (rev 7)</Title>"), Some(7));
        assert_eq!(find(b"(rev 7"), None);
        assert_eq!(find(b"(rev )"), None);
    }
}
