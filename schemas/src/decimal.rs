//! Decimal numbers as text: never through binary floating point.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// A decimal number in its shortest plain form: no exponent, no leading or trailing zeros.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decimal(String);

/// Why a text is no decimal.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is no decimal number: use digits, with a point before the fraction")]
pub struct DecimalError(String);

/// More digits than any amount or coordinate needs.
const MAX_LENGTH: usize = 40;

impl Decimal {
    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let error = || DecimalError(text.chars().take(MAX_LENGTH).collect());
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let has_empty_part = whole.is_empty() || (digits.contains('.') && fraction.is_empty());
        if text.len() > MAX_LENGTH || has_empty_part || !is_number(whole) || !is_number(fraction) {
            return Err(error());
        }
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            trimmed => trimmed,
        };
        let fraction = fraction.trim_end_matches('0');
        Ok(Self(match (sign, whole, fraction) {
            ("-", "0", "") => "0".to_owned(),
            (sign, whole, "") => format!("{sign}{whole}"),
            (sign, whole, fraction) => format!("{sign}{whole}.{fraction}"),
        }))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_one_way() {
        for (text, canonical) in [
            ("2500", "2500"),
            ("2500.00", "2500"),
            ("007.50", "7.5"),
            ("-0.0", "0"),
            ("-12.30", "-12.3"),
            ("0.1", "0.1"),
        ] {
            assert_eq!(text.parse::<Decimal>().unwrap().as_str(), canonical);
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", ".", "1.", ".5", "1,5", "1e3", "--1", "NaN", "1 000", &"9".repeat(41)] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
    }
}
