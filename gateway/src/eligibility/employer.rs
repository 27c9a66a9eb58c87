//! By what an employer is known, so that spellings of one do not count as several.

use schemas::Record;

use super::texts;

/// What the employer of a vacancy is known by: its name and its legal identifiers, each in its one spelling.
pub fn employers(record: &Record) -> impl Iterator<Item = String> {
    texts(record, "employer.legal_ids", "value").chain(record.text("employer.name")).map(spelling)
}

/// The one spelling of a name or legal identifier: `0403.170.701`, `BE 0403170701` and `403170701` are one Belgian
/// enterprise number, `Bouw BV` and `BOUW  bv` one name.
///
/// Source: <https://economie.fgov.be>, "Structure of the enterprise number": ten digits, of which the first was added to
/// numbers of nine; `BE` precedes it as a VAT number.
pub fn spelling(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let compact: String = words.chars().filter(|char| !matches!(char, ' ' | '.' | '-' | '/')).collect();
    let number = compact.strip_prefix("be").unwrap_or(&compact);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    match (is_number, number.len()) {
        (true, 9) => format!("0{number}"),
        (true, _) => number.to_owned(),
        (false, _) => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_employer_are_one() {
        for (one, others) in [
            ("0403170701", ["0403.170.701", "BE0403170701", "BE 0403.170.701", "403170701"]),
            ("bouw bv", ["Bouw BV", "bouw  bv", " BOUW BV ", "Bouw\tbv"]),
            ("001525713000088", ["001525713000088", "001 525 713 000088", "001525713 000088", "001-525713000088"]),
            ("bekaert", ["Bekaert", "BEKAERT", " bekaert", "bekaert "]),
        ] {
            for other in others {
                assert_eq!(spelling(other), one, "{other}");
            }
        }
    }
}
