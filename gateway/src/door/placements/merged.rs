//! Where the placements of one person stand, by everything that every party says.
//!
//! What is about one employer is about one placement after another: the employer is known by its number in a register,
//! else by its name, else as the partner that says it. [`placements::replay`] says what the events of one come to.

use std::collections::BTreeMap;

use consent::Country;
use jiff::{Timestamp, tz::TimeZone};
use placements::{Event, Happening, Parked, Placement, Track, replay};
use schemas::{PartialDateTime, PlacementStatus, Record};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    due::{Due, silent_since},
    permit::Permit,
};
use crate::{
    config::{Configuration, PlacementSettings},
    eligibility::legal_ids,
    store::PlacementEvent,
};

/// An event, and what it says.
pub struct Said {
    pub event: PlacementEvent,
    pub record: Record,
}

/// What was said, by who said it and what its source calls it.
pub struct Records<'a>(BTreeMap<(&'a str, &'a str), &'a Said>);

impl<'a> Records<'a> {
    fn new(said: &[&'a Said]) -> Self {
        let name = |said: &&'a Said| Some(((said.event.partner.as_str(), said.record.text("reference")?), *said));
        Self(said.iter().filter_map(name).collect())
    }

    /// The record that an event was read from.
    pub fn of(&self, event: &Event) -> Option<&'a Said> {
        self.0.get(&(event.source.as_str(), event.id.as_str())).copied()
    }
}

/// Where one placement stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct Merged {
    /// The employer: its number in a register, else its name, else who says it.
    #[schema(example = "be-kbo:0999999922")]
    pub employer: String,
    /// Where it stands, in the words of `docs/placements.md`; none if it has not begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "offer_accepted")]
    pub state: Option<&'static str>,
    /// Since when, as it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// `home` or `away`, as far as that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    track: Option<&'static str>,
    /// The single permit, if anything is said of it.
    #[serde(skip_serializing_if = "Permit::is_empty")]
    permit: Permit,
    /// What is due, and until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Due>,
    /// The newest thing that was said, if it is longer ago than anybody may be silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-09-01T08:00:00Z")]
    pub silent_since: Option<String>,
    /// How it came there, oldest first.
    steps: Vec<Step>,
    /// What does not fit: said by somebody, and shown until something explains it.
    conflicts: Vec<Conflict>,
}

/// One step.
#[derive(Debug, Serialize, ToSchema)]
pub struct Step {
    /// Who says it.
    partner: String,
    /// When it happened.
    at: String,
    /// What happened.
    happened: String,
    /// What must have come before, though nobody said so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inferred: Vec<&'static str>,
    /// Whether it only confirms what was known.
    confirms: bool,
}

/// What somebody says.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Statement {
    /// Who says it.
    partner: String,
    /// When it is said to have happened.
    at: String,
    /// What is said to have happened.
    happened: String,
    /// Which authority it names, if that is what it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'static str>,
}

/// What does not fit.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Conflict {
    /// What somebody says.
    #[serde(flatten)]
    pub said: Statement,
    /// Why it does not fit: a code of `docs/placements.md`.
    #[schema(example = "no_way")]
    pub code: &'static str,
    /// What people can do about it.
    pub remedy: &'static str,
    /// What another party says instead, where that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Statement>,
}

/// The placements of one person with one employer, one after another.
pub struct WithEmployer<'a> {
    employer: String,
    /// The employer's country, ISO 3166-1 alpha-2, if that is known.
    pub country: Option<String>,
    pub placements: Vec<Placement>,
    said: Vec<&'a Said>,
}

/// What everything comes to, by employer, as of a moment.
pub fn merge(said: &[Said], configuration: &Configuration, now: Timestamp) -> Vec<Merged> {
    let mut merged = Vec::new();
    for WithEmployer { employer, placements, said, .. } in by_employer(said, configuration) {
        let (records, settings) = (Records::new(&said), &configuration.settings.placements);
        merged.extend(placements.iter().map(|placement| Merged::of(&employer, placement, &records, settings, now)));
    }
    merged
}

/// The placements that everything comes to, by employer.
pub fn by_employer<'a>(said: &'a [Said], configuration: &Configuration) -> Vec<WithEmployer<'a>> {
    let mut by_employer: BTreeMap<String, Vec<&Said>> = BTreeMap::new();
    for one in said {
        by_employer.entry(employer_of(one, configuration)).or_default().push(one);
    }
    let with = |(employer, said): (String, Vec<&'a Said>)| {
        let track = said.iter().find_map(|one| track_of(&one.record));
        let placements = replay(track, said.iter().filter_map(|one| event_of(one)));
        let country = said.iter().find_map(|one| country_of(one, configuration));
        WithEmployer { employer, country, placements, said }
    };
    by_employer.into_iter().map(with).collect()
}

/// The country of the employer that something is about: that of the register which gave its number, else that of the
/// partner which says it.
pub fn country_of(said: &Said, configuration: &Configuration) -> Option<String> {
    let of_register = |(scheme, _): &(&str, String)| scheme.split_once('-')?.0.to_uppercase().parse::<Country>().ok();
    let partner = || configuration.partners.get(&said.event.partner).map(|partner| partner.country.clone());
    let country = legal_ids(&said.record).iter().find_map(of_register).or_else(partner)?;
    Some(country.as_str().to_owned())
}

fn employer_of(said: &Said, configuration: &Configuration) -> String {
    let text = |path| said.record.text(path).filter(|text| !text.is_empty());
    let number = legal_ids(&said.record).into_iter().next();
    let partner = || configuration.partners.get(&said.event.partner).and_then(|partner| partner.legal_id.as_ref());
    number
        .map(|(scheme, value)| format!("{scheme}:{value}"))
        .or_else(|| text("employer.name").map(str::to_owned))
        .or_else(|| partner().map(ToString::to_string))
        .unwrap_or_else(|| said.event.partner.to_string())
}

fn track_of(record: &Record) -> Option<Track> {
    match PlacementStatus::of(record)?.track()? {
        "home" => Some(Track::Home),
        "away" => Some(Track::Away),
        _ => None,
    }
}

/// An event of the machine; none if it is about no placement, as what an employer makes of a profile.
fn event_of(said: &Said) -> Option<Event> {
    let status = PlacementStatus::of(&said.record)?;
    let text = |path| said.record.text(path).map(str::to_owned);
    let effective_at: PartialDateTime = said.record.text("effective_at")?.parse().ok()?;
    Some(Event {
        effective_at: effective_at.start(&TimeZone::UTC)?,
        sequence: status.sequence().and_then(|number| u64::try_from(number).ok()),
        source: said.event.partner.to_string(),
        id: text("reference")?,
        supersedes: text("supersedes"),
        happening: Some(Happening::of(status.happened()?, status.is_back())?),
    })
}

impl Merged {
    fn of(
        employer: &str,
        placement: &Placement,
        records: &Records<'_>,
        settings: &PlacementSettings,
        now: Timestamp,
    ) -> Self {
        let moved = placement.steps.iter().rfind(|step| step.is_move());
        let since = moved.map(|step| step.event.effective_at.to_string());
        let track = placement.track.map(|track| match track {
            Track::Home => "home",
            Track::Away => "away",
        });
        let (permit, other_regions) = Permit::of(placement, records);
        Self {
            employer: employer.to_owned(),
            state: placement.state.map(placements::State::as_str),
            since,
            track,
            due: Due::of(placement, &permit, settings, now),
            permit,
            silent_since: silent_since(placement, records, settings, now).map(|at| at.to_string()),
            steps: placement.steps.iter().map(Step::of).collect(),
            conflicts: placement.parked.iter().map(Conflict::of).chain(other_regions).collect(),
        }
    }

    /// Whether something is late, or everybody silent.
    pub fn is_late(&self) -> bool {
        self.silent_since.is_some() || self.due.as_ref().is_some_and(|due| due.late_since.is_some())
    }
}

impl Step {
    fn of(step: &placements::Step) -> Self {
        Self {
            partner: step.event.source.clone(),
            at: step.event.effective_at.to_string(),
            happened: word_of(&step.event),
            inferred: step.inferred.iter().map(|state| state.as_str()).collect(),
            confirms: !step.is_move() && matches!(step.event.happening, Some(Happening::Reached(_))),
        }
    }
}

impl Statement {
    /// What an event says.
    pub fn of(event: &Event) -> Self {
        let (partner, at) = (event.source.clone(), event.effective_at.to_string());
        Self { partner, at, happened: word_of(event), region: None }
    }

    /// What an event says, and the authority that it names.
    pub fn naming(event: &Event, region: &'static str) -> Self {
        Self { region: Some(region), ..Self::of(event) }
    }
}

impl Conflict {
    fn of(parked: &Parked) -> Self {
        Self {
            said: Statement::of(&parked.event),
            code: parked.why.code(),
            remedy: parked.why.remedy(),
            against: parked.against.as_ref().map(Statement::of),
        }
    }
}

fn word_of(event: &Event) -> String {
    match event.happening {
        Some(Happening::Reached(state)) => state.to_string(),
        Some(Happening::Back(state)) => format!("back to {state}"),
        Some(Happening::Milestone(milestone)) => milestone.as_str().to_owned(),
        None => "taken back".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use placements::State;
    use schemas::{Kind, RecordType, Type};

    use super::*;

    #[test]
    fn the_words_of_the_schema_are_those_of_the_machine_and_what_employers_make_of_a_profile() {
        let Type::Symbol(symbols) = RecordType::of(Kind::PlacementStatus).field("happened").unwrap().1.ty else {
            panic!("it is an enum");
        };
        let others: Vec<_> = symbols.iter().filter(|word| Happening::of(word, false).is_none()).collect();
        let others: Vec<_> = others.into_iter().copied().collect();
        let programme = [
            "programme_applied",
            "programme_shortlisted",
            "committee_interview",
            "programme_selected",
            "in_training",
            "trained",
            "pre_departure",
        ];
        assert_eq!(others, [&["unknown", "viewed", "interested", "selected"][..], &programme].concat());
        assert!(State::ALL.iter().all(|state| symbols.contains(&state.as_str())));
    }
}
