//! A length of time in the calendar, such as `P6M`.

use std::{fmt, str::FromStr};

use jiff::{Span, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// A length of time in years, months, weeks and days, more than none. ISO 8601; counted in UTC.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(Span);

/// A text that is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no period: write years, months, weeks and days as ISO 8601 does, such as `P6M`, up to `P100Y`")]
pub struct NoPeriod(String);

impl Period {
    /// The moment that lies a period after another; the end of time if there is none.
    pub fn after(self, start: Timestamp) -> Timestamp {
        start.to_zoned(TimeZone::UTC).checked_add(self.0).map_or(Timestamp::MAX, |end| end.timestamp())
    }
}

impl Period {
    /// Years, months, weeks and days, each with how many there are.
    pub fn parts(self) -> [(&'static str, i64); 4] {
        let Self(span) = self;
        [
            ("year", i64::from(span.get_years())),
            ("month", i64::from(span.get_months())),
            ("week", i64::from(span.get_weeks())),
            ("day", i64::from(span.get_days())),
        ]
    }
}

impl FromStr for Period {
    type Err = NoPeriod;

    fn from_str(text: &str) -> Result<Self, NoPeriod> {
        let refused = || NoPeriod(text.to_owned());
        let span: Span = text.parse().map_err(|_| refused())?;
        let has_clock_units = text.contains(['T', 't', 'h', 's']);
        let start = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
        let longest = start.checked_add(Span::new().years(100)).map_err(|_| refused())?;
        let end = start.checked_add(span).map_err(|_| refused())?;
        if has_clock_units || end <= start || end > longest { Err(refused()) } else { Ok(Self(span)) }
    }
}

impl TryFrom<String> for Period {
    type Error = NoPeriod;

    fn try_from(text: String) -> Result<Self, NoPeriod> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

impl PartialEq for Period {
    /// Spelt alike: a year is not twelve months here.
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Period {}

impl fmt::Display for Period {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_go_by_the_calendar() {
        let after =
            |period: &str, start: &str| period.parse::<Period>().unwrap().after(start.parse().unwrap()).to_string();
        assert_eq!(after("P1M", "2026-01-31T08:00:00Z"), "2026-02-28T08:00:00Z");
        assert_eq!(after("P12M", "2026-03-01T00:00:00Z"), "2027-03-01T00:00:00Z");
        assert_eq!(after("P2W", "2026-03-01T00:00:00Z"), "2026-03-15T00:00:00Z");
        assert_eq!(after("P100Y", "9990-03-01T00:00:00Z"), Timestamp::MAX.to_string());
    }

    #[test]
    fn a_period_is_written_as_it_was_read_and_none_is_endless() {
        for good in ["P6M", "P12M", "P1Y", "P30D", "P1Y6M", "P2W"] {
            assert_eq!(good.parse::<Period>().unwrap().to_string(), good);
        }
        for bad in ["", "P", "P0D", "-P1M", "PT5M", "P1DT1H", "P101Y", "6 months", "for ever"] {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }
}
