//! By what an employer is known, so that spellings of one do not count as several.

use std::collections::BTreeSet;

use schemas::Record;

use super::{field_index, items, texts};

const LEGAL_IDS: &str = "employer.legal_ids";

/// What the employer of a vacancy is known by: its name and its legal identifiers, each in its one spelling.
pub fn employers(record: &Record) -> impl Iterator<Item = String> {
    texts(record, LEGAL_IDS, "value").chain(record.text("employer.name")).map(spelling)
}

/// The employer's legal identifiers, each with its register, in their one spelling.
pub fn legal_ids(record: &Record) -> BTreeSet<(&str, String)> {
    let [scheme, value] = ["scheme", "value"].map(|name| field_index(record, LEGAL_IDS, name));
    let known = items(record, LEGAL_IDS).iter().filter_map(|item| {
        let register = item.field(scheme?).as_text().unwrap_or_default();
        Some((register, spelling(item.field(value?).as_text()?)))
    });
    known.filter(|(_, value)| !value.is_empty()).collect()
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
    use schemas::Kind;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_employer_is_known_by_register_and_number() {
        let record = |ids: serde_json::Value| {
            Record::from_json(Kind::Vacancy, &json!({"employer": {"legal_ids": ids}})).unwrap()
        };
        let one = record(json!([{"scheme": "be-kbo", "value": "0000000097"}]));
        assert_eq!(legal_ids(&one).into_iter().collect::<Vec<_>>(), [("be-kbo", "0000000097".to_owned())]);
        assert!(legal_ids(&record(json!([]))).is_empty());
    }

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
