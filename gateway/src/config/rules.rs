//! Which vacancies a partner may have and when: `[outgoing.vacancy.rules]` of its file.

use std::{fmt, str::FromStr};

use anyhow::{Result, ensure};
use consent::Country;
use jiff::{Timestamp, tz::TimeZone};
use schemas::PartialDateTime;
use serde::{Deserialize, Deserializer, de};

/// Which vacancies a partner may have and when, beside what holds for every partner.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Countries of employers; empty for all.
    pub employer_countries: Vec<Country>,
    /// Countries of work, one of which is enough; empty for all.
    pub location_countries: Vec<Country>,
    /// What the employer's word on recruiting abroad means.
    pub international: International,
    /// Where vacancies for nationals only go.
    pub nationals_only: NationalsOnly,
    /// Employers that do not want their vacancies passed on to this partner: legal identifiers, or names as they stand.
    pub opted_out_employers: Vec<String>,
    /// How long others have a vacancy before this partner, in hours since its publication.
    pub embargo_hours: u16,
    /// Nothing goes before this moment.
    pub not_before: Option<Moment>,
    /// From this moment on nothing goes any more, and what stands there is closed.
    pub until: Option<Moment>,
    /// Whether it is given vacancies before their own `valid_from`, since it waits for that by itself.
    pub early: bool,
}

/// What the employer's word on recruiting abroad (`eligibility.international`) means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum International {
    /// Nothing: every vacancy may go.
    #[default]
    Ignored,
    /// Those that the employer keeps at home do not go.
    NotRefused,
    /// Only those go for which the employer looks abroad.
    Required,
}

/// Where vacancies for nationals only (`eligibility.nationals_only`) go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NationalsOnly {
    /// To partners of the employer's country, and never into the feed of EURES.
    #[default]
    OwnCountry,
    /// Here, whatever the country.
    Allowed,
    /// Not here.
    Refused,
}

/// A moment: a day (its beginning, UTC) or an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Timestamp);

impl Rules {
    /// Checks what the rules say about each other.
    ///
    /// # Errors
    /// Names the keys, and the remedy.
    pub fn check(&self) -> Result<()> {
        if let (Some(not_before), Some(until)) = (self.not_before, self.until) {
            ensure!(
                not_before < until,
                "`not_before` is not before `until`: nothing would ever go; swap or remove one"
            );
        }
        ensure!(
            self.opted_out_employers.iter().all(|employer| !employer.trim().is_empty()),
            "`opted_out_employers` holds an empty text; name each employer by its legal identifier or its name"
        );
        Ok(())
    }
}

impl Moment {
    /// As an instant.
    pub fn instant(self) -> Timestamp {
        self.0
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let date: PartialDateTime = text.parse().map_err(|error| format!("{error}"))?;
        date.start(&TimeZone::UTC)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no moment: use YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ"))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
