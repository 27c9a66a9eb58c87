//! Where the placements of one person stand, by everything that every party says, as it is shown.

use std::collections::BTreeMap;

use jiff::Timestamp;
use placements::{Event, Happening, Parked, Placement, Track};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    due::{Due, silent_since},
    permit::Permit,
};
use crate::{
    config::{Configuration, PlacementSettings},
    said::{ByEmployer, Said, by_employer, event_of},
};

/// What was said, by the event that was read from it.
pub struct Records<'a>(BTreeMap<Event, &'a Said>);

impl<'a> Records<'a> {
    fn new(said: &'a [Said]) -> Self {
        Self(said.iter().filter_map(|one| Some((event_of(one)?, one))).collect())
    }

    /// The record that an event was read from.
    pub fn of(&self, event: &Event) -> Option<&'a Said> {
        self.0.get(event).copied()
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

/// What everything comes to, by employer, as of a moment.
pub fn merge(said: &[Said], configuration: &Configuration, now: Timestamp) -> Vec<Merged> {
    let (records, settings) = (Records::new(said), &configuration.settings.placements);
    let mut merged = Vec::new();
    for ByEmployer { employer, placements, .. } in by_employer(said, configuration) {
        merged.extend(placements.iter().map(|placement| Merged::of(&employer, placement, &records, settings, now)));
    }
    merged
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
