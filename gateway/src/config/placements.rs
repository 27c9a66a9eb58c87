//! The section `[placements]`: what must have happened by when, and how long everybody may stay silent.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use jiff::{SignedDuration, tz::TimeZone};
use placements::{Deadlines, State};
use schemas::permit_regions;
use serde::Deserialize;

/// The key for every state that has none of its own.
const OTHERWISE: &str = "otherwise";
/// More than ten years are no deadline, in days.
const LONGEST_DAYS: u16 = 3_660;

/// What placements are held to; each setting is documented where its default stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacementSettings {
    /// In which zone days begin and end.
    pub zone: TimeZone,
    /// Wherever a region has none of its own.
    deadlines: Deadlines,
    by_region: BTreeMap<&'static str, Deadlines>,
    /// Days; 0: for ever.
    silence_days: u16,
    silence_days_in: BTreeMap<State, u16>,
}

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlacementsSection {
    zone: String,
    silence_days: BTreeMap<String, u16>,
    deadlines: DeadlinesSection,
    #[serde(default)]
    regions: BTreeMap<String, RegionSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeadlinesSection {
    decision_days: u16,
    complex_days: u16,
    is_deemed_positive: bool,
    completion_days: u16,
    registration_working_days: u16,
}

/// What a region has otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegionSection {
    decision_days: Option<u16>,
    complex_days: Option<u16>,
    is_deemed_positive: Option<bool>,
    completion_days: Option<u16>,
    registration_working_days: Option<u16>,
}

impl PlacementsSection {
    pub(super) fn settings(self) -> Result<PlacementSettings> {
        let DeadlinesSection {
            decision_days,
            complex_days,
            is_deemed_positive,
            completion_days,
            registration_working_days,
        } = self.deadlines;
        let deadlines =
            Deadlines { decision_days, complex_days, is_deemed_positive, completion_days, registration_working_days };
        check("placements.deadlines", &deadlines)?;
        let mut by_region = BTreeMap::new();
        for (name, region) in self.regions {
            let regions = permit_regions();
            let Some(known) = regions.iter().find(|known| **known == name) else {
                bail!("`placements.regions.{name}` is no region that decides; write one of {}", regions.join(", "));
            };
            let own = region.over(deadlines);
            check(&format!("placements.regions.{name}"), &own)?;
            by_region.insert(*known, own);
        }
        let (mut silence_days, mut silence_days_in) = (None, BTreeMap::new());
        for (name, days) in self.silence_days {
            ensure!(
                days <= LONGEST_DAYS,
                "`placements.silence_days.{name}` is above {LONGEST_DAYS}; for never write 0"
            );
            if name == OTHERWISE {
                silence_days = Some(days);
                continue;
            }
            let state: State = name.parse().ok().with_context(|| {
                format!("`placements.silence_days.{name}`: that is no state of docs/placements.md, nor `{OTHERWISE}`")
            })?;
            ensure!(
                !state.is_terminal(),
                "`placements.silence_days.{name}`: nothing comes after that state; leave it out"
            );
            silence_days_in.insert(state, days);
        }
        let zone = TimeZone::get(&self.zone).with_context(|| {
            format!("`placements.zone` is `{}`, which is no time zone; write it like Europe/Brussels", self.zone)
        })?;
        let silence_days = silence_days.with_context(|| format!("`placements.silence_days.{OTHERWISE}` is missing"))?;
        Ok(PlacementSettings { zone, deadlines, by_region, silence_days, silence_days_in })
    }
}

impl RegionSection {
    fn over(&self, others: Deadlines) -> Deadlines {
        Deadlines {
            decision_days: self.decision_days.unwrap_or(others.decision_days),
            complex_days: self.complex_days.unwrap_or(others.complex_days),
            is_deemed_positive: self.is_deemed_positive.unwrap_or(others.is_deemed_positive),
            completion_days: self.completion_days.unwrap_or(others.completion_days),
            registration_working_days: self.registration_working_days.unwrap_or(others.registration_working_days),
        }
    }
}

/// Refuses what cannot be meant.
fn check(section: &str, deadlines: &Deadlines) -> Result<()> {
    for (name, days, least) in [
        ("decision_days", deadlines.decision_days, 1),
        ("complex_days", deadlines.complex_days, 0),
        ("completion_days", deadlines.completion_days, 1),
        ("registration_working_days", deadlines.registration_working_days, 1),
    ] {
        ensure!(
            (least..=LONGEST_DAYS).contains(&days),
            "`{section}.{name}` is {days}; write {least} to {LONGEST_DAYS} days"
        );
    }
    Ok(())
}

impl PlacementSettings {
    /// The deadlines of a region, by its symbol in the schema; those of all others where it is not known.
    pub fn deadlines_of(&self, region: Option<&str>) -> &Deadlines {
        region.and_then(|region| self.by_region.get(region)).unwrap_or(&self.deadlines)
    }

    /// How long everybody may stay silent about a placement that stands there; none: for ever.
    pub fn silence_in(&self, state: Option<State>) -> Option<SignedDuration> {
        let own = state.and_then(|state| self.silence_days_in.get(&state)).copied();
        let days = own.unwrap_or(self.silence_days);
        (days > 0).then(|| SignedDuration::from_hours(i64::from(days) * 24))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "zone = \"Europe/Brussels\"\nsilence_days = { otherwise = 30, started = 190, on_hold = 0 }\n\
        [deadlines]\ndecision_days = 120\ncomplex_days = 30\nis_deemed_positive = true\ncompletion_days = 15\n\
        registration_working_days = 8\n";

    fn settings(text: &str) -> Result<PlacementSettings> {
        toml::from_str::<PlacementsSection>(text)?.settings()
    }

    #[test]
    fn a_region_has_what_all_have_unless_it_says_otherwise() {
        let found =
            settings(&format!("{WHOLE}[regions.brussels]\ndecision_days = 90\nis_deemed_positive = false")).unwrap();
        let days = |region| found.deadlines_of(region).decision_days;
        assert_eq!((days(None), days(Some("flanders")), days(Some("brussels"))), (120, 120, 90));
        let brussels = found.deadlines_of(Some("brussels"));
        assert_eq!((brussels.is_deemed_positive, brussels.completion_days), (false, 15));
    }

    #[test]
    fn how_long_silence_may_last_depends_on_where_it_stands() {
        let found = settings(WHOLE).unwrap();
        let days = |state| found.silence_in(state).map(|length| length.as_hours() / 24);
        assert_eq!((days(None), days(Some(State::Presented))), (Some(30), Some(30)));
        assert_eq!((days(Some(State::Started)), days(Some(State::OnHold))), (Some(190), None));
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        for (before, after, expected) in [
            ("decision_days = 120", "decision_days = 0", "`placements.deadlines.decision_days` is 0; write 1"),
            ("completion_days = 15", "completion_days = 9999", "`placements.deadlines.completion_days`"),
            ("decision_days = 120", "decision_days = -1", "u16"),
            ("decision_days = 120", "decision_day = 120", "unknown field `decision_day`"),
            ("Europe/Brussels", "Europe/Atlantis", "`placements.zone` is `Europe/Atlantis`"),
            ("started", "startled", "`placements.silence_days.startled`: that is no state"),
            ("started", "returned", "`placements.silence_days.returned`: nothing comes after"),
            ("otherwise = 30, ", "", "`placements.silence_days.otherwise` is missing"),
            ("otherwise = 30", "otherwise = 4000", "for never write 0"),
        ] {
            let error = format!("{:#}", settings(&WHOLE.replace(before, after)).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
        for (region, expected) in [
            (
                "[regions.vlaanderen]\n",
                "`placements.regions.vlaanderen` is no region that decides; write one of flanders",
            ),
            (
                "[regions.flanders]\nregistration_working_days = 0\n",
                "`placements.regions.flanders.registration_working_days`",
            ),
            ("[regions.flanders]\ndays = 3\n", "unknown field `days`"),
        ] {
            let error = format!("{:#}", settings(&format!("{WHOLE}{region}")).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}
