//! Where an organisation is.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A country: ISO 3166-1 alpha-2.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Country(String);

/// A text that is no country.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no country: use ISO 3166-1, two capital letters")]
pub struct NoCountry(String);

impl Country {
    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Country {
    type Err = NoCountry;

    fn from_str(text: &str) -> Result<Self, NoCountry> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for Country {
    type Error = NoCountry;

    fn try_from(text: String) -> Result<Self, NoCountry> {
        // Cleared text is a text to the model, and no country here.
        let is_country = !text.is_empty() && schemas::Format::Country.check(&text).is_ok();
        if is_country { Ok(Self(text)) } else { Err(NoCountry(text)) }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_two_capital_letters_and_nothing_else() {
        let read = |text: &str| serde_json::from_value::<Country>(text.into());
        assert_eq!(read("BE").unwrap().to_string(), "BE");
        for bad in ["", "be", "B", "BEL", "B1", "BE "] {
            assert!(read(bad).unwrap_err().to_string().contains("ISO 3166-1"), "{bad}");
        }
    }
}
