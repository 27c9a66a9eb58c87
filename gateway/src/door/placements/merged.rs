//! Where the placements of one person stand, by everything that every party says.
//!
//! What is about one employer is about one placement after another: the employer is known by its number in a register,
//! else by its name, else as the partner that says it. [`placements::replay`] says what the events of one come to.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use placements::{Event, Happening, Placement, Track, replay};
use schemas::{PartialDateTime, PlacementStatus, Record};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{config::Configuration, eligibility::legal_ids, store::PlacementEvent};

/// An event, and what it says.
pub struct Said {
    pub event: PlacementEvent,
    pub record: Record,
}

/// Where one placement stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct Merged {
    /// The employer: its number in a register, else its name, else who says it.
    #[schema(example = "be-kbo:0999999922")]
    employer: String,
    /// Where it stands, in the words of `docs/placements.md`; none if it has not begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "offer_accepted")]
    state: Option<&'static str>,
    /// Since when, as it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// `home` or `away`, as far as that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    track: Option<&'static str>,
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

/// What does not fit.
#[derive(Debug, Serialize, ToSchema)]
pub struct Conflict {
    /// Who says it.
    partner: String,
    /// When it is said to have happened.
    at: String,
    /// What is said to have happened.
    happened: String,
    /// Why it does not fit.
    #[schema(example = "no_way")]
    code: &'static str,
}

/// What everything comes to, by employer.
pub fn merge(said: &[Said], configuration: &Configuration) -> Vec<Merged> {
    let mut by_employer: BTreeMap<String, Vec<&Said>> = BTreeMap::new();
    for one in said {
        by_employer.entry(employer_of(one, configuration)).or_default().push(one);
    }
    let mut merged = Vec::new();
    for (employer, said) in by_employer {
        let track = said.iter().find_map(|one| track_of(&one.record));
        let placements = replay(track, said.iter().filter_map(|one| event_of(one)));
        merged.extend(placements.iter().map(|placement| Merged::of(&employer, placement)));
    }
    merged
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
    fn of(employer: &str, placement: &Placement) -> Self {
        let moved = placement.steps.iter().rfind(|step| step.from != step.to);
        let since = moved.map(|step| step.event.effective_at.to_string());
        let track = placement.track.map(|track| match track {
            Track::Home => "home",
            Track::Away => "away",
        });
        let step = |step: &placements::Step| Step {
            partner: step.event.source.clone(),
            at: step.event.effective_at.to_string(),
            happened: word_of(&step.event),
            inferred: step.inferred.iter().map(|state| state.as_str()).collect(),
            confirms: step.from == step.to && matches!(step.event.happening, Some(Happening::Reached(_))),
        };
        let conflict = |parked: &placements::Parked| Conflict {
            partner: parked.event.source.clone(),
            at: parked.event.effective_at.to_string(),
            happened: word_of(&parked.event),
            code: parked.why.code(),
        };
        Self {
            employer: employer.to_owned(),
            state: placement.state.map(placements::State::as_str),
            since,
            track,
            steps: placement.steps.iter().map(step).collect(),
            conflicts: placement.parked.iter().map(conflict).collect(),
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
