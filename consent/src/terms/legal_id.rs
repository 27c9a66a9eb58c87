//! Under which number an employer stands in a register.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::UnknownTerm;

/// A register and the number in it, such as `be-kbo:0999999922`. Written in one way only, so that equal means the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LegalId(String);

impl LegalId {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LegalId {
    type Err = UnknownTerm;

    /// Takes numbers of the Belgian register (`be-kbo`: ten digits of which the last two check the others) and of the
    /// Moroccan one (`ma-ice`: fifteen digits; how they check themselves is not published).
    fn from_str(text: &str) -> Result<Self, UnknownTerm> {
        let is_known = match text.split_once(':') {
            Some(("be-kbo", number)) => is_enterprise_number(number),
            Some(("ma-ice", number)) => number.len() == 15 && number.bytes().all(|byte| byte.is_ascii_digit()),
            _ => false,
        };
        if is_known {
            Ok(Self(text.to_owned()))
        } else {
            let known = vec!["be-kbo:<10 digits>", "ma-ice:<15 digits>"];
            Err(UnknownTerm { list: "legal identifier", text: text.to_owned(), known })
        }
    }
}

/// Source: <https://economie.fgov.be>, "Structure of the enterprise number": 97 less the remainder of the first eight.
fn is_enterprise_number(number: &str) -> bool {
    if number.len() != 10 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let (body, check) = number.split_at(8);
    match (body.parse::<u32>(), check.parse::<u32>()) {
        (Ok(body), Ok(check)) => 97 - body % 97 == check,
        _ => false,
    }
}

impl TryFrom<String> for LegalId {
    type Error = UnknownTerm;

    fn try_from(text: String) -> Result<Self, UnknownTerm> {
        text.parse()
    }
}

impl From<LegalId> for String {
    fn from(id: LegalId) -> Self {
        id.0
    }
}

impl fmt::Display for LegalId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_checked_as_their_register_does() {
        for good in ["be-kbo:0000000097", "be-kbo:0999999922", "ma-ice:001234567000089"] {
            assert!(good.parse::<LegalId>().is_ok(), "{good}");
        }
        for bad in [
            "be-kbo:0000000096",
            "be-kbo:000000097",
            "be-kbo:0000.000.097",
            "be-kbo:00000000+7",
            "ma-ice:00123456700008",
            "ma-ice:00123456700008x",
            "fr-siren:123456789",
            "0000000097",
        ] {
            assert!(bad.parse::<LegalId>().is_err(), "{bad}");
        }
    }
}
