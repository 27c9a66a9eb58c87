//! Dates that keep the precision they were given with.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, civil, tz::TimeZone};
use thiserror::Error;

/// How much of a date is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// `2026`
    Year,
    /// `2026-11`
    Month,
    /// `2026-11-22`
    Day,
    /// `2026-11-22T08:30:00Z`
    Instant,
}

/// A year, a month, a day or an instant. A date stays a date; an instant is UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialDateTime {
    text: String,
    precision: Precision,
}

/// Why a text is no partial date.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is no date: use YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ")]
pub struct PartialDateTimeError(String);

impl PartialDateTime {
    /// How much of the date is known.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Makes one from an instant.
    pub fn from_timestamp(instant: Timestamp) -> Self {
        Self { text: instant.to_string(), precision: Precision::Instant }
    }

    /// Makes one from a civil date.
    pub fn from_date(date: civil::Date) -> Self {
        Self { text: date.to_string(), precision: Precision::Day }
    }

    /// The first instant that the text may mean, in the given zone.
    pub fn start(&self, zone: &TimeZone) -> Option<Timestamp> {
        if self.precision == Precision::Instant {
            return self.text.parse().ok();
        }
        let first_day = self.first_day()?;
        first_day.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
    }

    /// The first instant that the text no longer means, in the given zone.
    pub fn end(&self, zone: &TimeZone) -> Option<Timestamp> {
        if self.precision == Precision::Instant {
            return self.text.parse().ok();
        }
        let first_day = self.first_day()?;
        let past_the_end = match self.precision {
            Precision::Year => first_day.checked_add(jiff::Span::new().years(1)),
            Precision::Month => first_day.checked_add(jiff::Span::new().months(1)),
            Precision::Day | Precision::Instant => first_day.tomorrow(),
        };
        past_the_end.ok()?.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
    }

    fn first_day(&self) -> Option<civil::Date> {
        match self.precision {
            Precision::Year => format!("{}-01-01", self.text).parse().ok(),
            Precision::Month => format!("{}-01", self.text).parse().ok(),
            Precision::Day => self.text.parse().ok(),
            Precision::Instant => None,
        }
    }
}

impl FromStr for PartialDateTime {
    type Err = PartialDateTimeError;

    fn from_str(text: &str) -> Result<Self, PartialDateTimeError> {
        let error = || PartialDateTimeError(text.to_owned());
        let precision = match text.len() {
            4 => Precision::Year,
            7 => Precision::Month,
            10 => Precision::Day,
            20.. => Precision::Instant,
            _ => return Err(error()),
        };
        let candidate = Self { text: text.to_owned(), precision };
        let holds = match precision {
            Precision::Instant => text.ends_with('Z') && text.parse::<Timestamp>().is_ok(),
            _ => is_digits_and_dashes(text) && candidate.first_day().is_some(),
        };
        if holds { Ok(candidate) } else { Err(error()) }
    }
}

fn is_digits_and_dashes(text: &str) -> bool {
    text.bytes().enumerate().all(|(index, byte)| match index {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    })
}

impl fmt::Display for PartialDateTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_survives() {
        for (text, precision) in [
            ("2026", Precision::Year),
            ("2026-11", Precision::Month),
            ("2026-11-22", Precision::Day),
            ("2026-11-22T08:30:00Z", Precision::Instant),
            ("2026-11-22T08:30:00.125Z", Precision::Instant),
        ] {
            let parsed: PartialDateTime = text.parse().unwrap();
            assert_eq!((parsed.as_str(), parsed.precision()), (text, precision));
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in ["", "26", "2026-13", "2026-02-30", "01.03.2019", "2026-11-22T08:30:00+01:00", "+026", "2026/11/22"]
        {
            assert!(text.parse::<PartialDateTime>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_ends_at_midnight_of_its_own_zone() {
        let zone = TimeZone::get("Europe/Brussels").unwrap();
        let day: PartialDateTime = "2026-11-22".parse().unwrap();
        assert_eq!(day.end(&zone).unwrap().to_string(), "2026-11-22T23:00:00Z");
        assert_eq!(day.start(&TimeZone::UTC).unwrap().to_string(), "2026-11-22T00:00:00Z");
    }
}
