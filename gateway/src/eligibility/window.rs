//! When a vacancy may stand at a partner: from the latest of what opens it to the earliest of what ends it. Pure.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use schemas::{PartialDateTime, Record};

use crate::config::EligibilityRules;

/// When a vacancy may stand at a partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Not before this, and why.
    pub opens: Option<(Timestamp, &'static str)>,
    /// Not from this on, and why.
    pub ends: Option<(Timestamp, &'static str)>,
}

/// Codes of what waits for its window. What waits for one is not hastened by a partner that answers again.
pub const EMBARGO: &str = "embargo";
/// It holds only later, as it says itself.
pub const NOT_YET_VALID: &str = "not_yet_valid";
/// The partner takes nothing yet.
pub const NOT_BEFORE: &str = "not_before";
/// It held until now, as it says itself.
pub const VALIDITY_ENDED: &str = "validity_ended";
/// The partner takes nothing any more.
pub const WINDOW_ENDED: &str = "window_ended";

/// The window of a vacancy at a partner. `received_at` stands for a time of publication that the vacancy does not
/// say; an embargo is over for what is shown already.
pub fn window(record: &Record, rules: &EligibilityRules, received_at: Timestamp, is_shown: bool) -> Window {
    let date = |path: &str| record.text(path).and_then(|text| text.parse::<PartialDateTime>().ok());
    let start = |path: &str| date(path).and_then(|date| date.start(&TimeZone::UTC));
    let embargo = (rules.embargo_hours > 0 && !is_shown).then(|| {
        let published_at = start("published_at").unwrap_or(received_at);
        let end = published_at.checked_add(SignedDuration::from_hours(i64::from(rules.embargo_hours)));
        (end.unwrap_or(Timestamp::MAX), EMBARGO)
    });
    let valid_from = if rules.early { None } else { start("valid_from") };
    let valid_until = date("valid_until").and_then(|date| date.end(&TimeZone::UTC));
    let opens = [
        embargo,
        valid_from.map(|at| (at, NOT_YET_VALID)),
        rules.not_before.map(|moment| (moment.instant(), NOT_BEFORE)),
    ];
    let ends = [valid_until.map(|at| (at, VALIDITY_ENDED)), rules.until.map(|moment| (moment.instant(), WINDOW_ENDED))];
    Window {
        opens: opens.into_iter().flatten().max_by_key(|(at, _)| *at),
        ends: ends.into_iter().flatten().min_by_key(|(at, _)| *at),
    }
}

#[cfg(test)]
mod tests {
    use schemas::Kind;
    use serde_json::{Value, json};

    use super::*;

    const RECEIVED: &str = "2026-11-22T08:00:00Z";

    /// One row a rule and case: the vacancy, the rules, whether it is shown already, when it opens and when it ends.
    #[test]
    fn a_table_of_windows() {
        let open_from = |at: &str, code| Some((at.parse::<Timestamp>().unwrap(), code));
        let table: [(Value, &str, bool, _, _); 13] = [
            (json!({}), "", false, None, None),
            (json!({"valid_from": "2026-12-01"}), "", false, open_from("2026-12-01T00:00:00Z", NOT_YET_VALID), None),
            (json!({"valid_from": "2026-12-01"}), "early = true", false, None, None),
            (json!({"valid_until": "2026-12-31"}), "", false, None, open_from("2027-01-01T00:00:00Z", VALIDITY_ENDED)),
            (
                json!({"valid_until": "2026-12-31"}),
                "early = true",
                false,
                None,
                open_from("2027-01-01T00:00:00Z", VALIDITY_ENDED),
            ),
            (json!({}), "embargo_hours = 24", false, open_from("2026-11-23T08:00:00Z", EMBARGO), None),
            (
                json!({"published_at": "2026-11-22T06:00:00Z"}),
                "embargo_hours = 24",
                false,
                open_from("2026-11-23T06:00:00Z", EMBARGO),
                None,
            ),
            (
                json!({"published_at": "2026-11-20"}),
                "embargo_hours = 24",
                false,
                open_from("2026-11-21T00:00:00Z", EMBARGO),
                None,
            ),
            (json!({}), "embargo_hours = 24", true, None, None),
            (json!({}), "not_before = \"2026-12-24\"", false, open_from("2026-12-24T00:00:00Z", NOT_BEFORE), None),
            (
                json!({}),
                "until = \"2026-12-24T18:00:00Z\"",
                false,
                None,
                open_from("2026-12-24T18:00:00Z", WINDOW_ENDED),
            ),
            (
                json!({"valid_from": "2026-12-01", "valid_until": "2026-12-31"}),
                "embargo_hours = 1\nnot_before = \"2026-12-24\"\nuntil = \"2026-12-28\"",
                false,
                open_from("2026-12-24T00:00:00Z", NOT_BEFORE),
                open_from("2026-12-28T00:00:00Z", WINDOW_ENDED),
            ),
            (
                json!({"valid_from": "2026-12-26", "valid_until": "2026-12-27"}),
                "not_before = \"2026-12-24\"\nuntil = \"2027-01-01\"",
                true,
                open_from("2026-12-26T00:00:00Z", NOT_YET_VALID),
                open_from("2026-12-28T00:00:00Z", VALIDITY_ENDED),
            ),
        ];
        for (record, rules, is_shown, opens, ends) in table {
            let record = Record::from_json(Kind::Vacancy, &record).unwrap();
            let parsed: EligibilityRules = toml::from_str(rules).unwrap();
            let window = window(&record, &parsed, RECEIVED.parse().unwrap(), is_shown);
            assert_eq!(window, Window { opens, ends }, "{record:?} under `{rules}`, shown: {is_shown}");
        }
    }
}
