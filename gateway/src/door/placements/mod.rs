//! Placements: what each party says happened on a person's way to a job, and what all of it comes to. Operators only.

mod due;
mod merged;
mod permit;
#[cfg(test)]
mod tests;

use std::num::NonZeroU16;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use schemas::{EntityKey, Kind, PlacementStatus, Record};
use serde::{Deserialize, Serialize};
use serde_json::Value as JsonValue;
use utoipa::{IntoParams, ToSchema};

pub use self::merged::{Said, by_employer, country_of};
use self::{
    due::Due,
    merged::{Merged, merge},
};
use super::{
    Door,
    identity::Operator,
    messages::{instant, wrong_filter},
    problem::Problem,
};
use crate::{intake::place_of_event, store::PlacementEvent};

/// Events of one answer.
const PAGE: usize = 1_000;
/// Persons that one page of a list looks at, at most.
const PERSONS: usize = 100;

/// Which placements.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PlacementFilter {
    /// Only those where something is late, or about which nobody has said anything for too long.
    #[serde(default)]
    late: bool,
    /// The `cursor` of the page before.
    cursor: Option<String>,
    /// Look at so many persons at most; 100 if not said, and never more.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Option<NonZeroU16>,
}

/// Placements that match.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlacementList {
    /// By pseudonym, then by employer.
    placements: Vec<Brief>,
    /// Where to go on, if more may match. A page looks at so many persons, and may hold fewer placements or none.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// Where one placement stands, in brief.
#[derive(Debug, Serialize, ToSchema)]
pub struct Brief {
    /// The pseudonym under which the profile goes out.
    #[schema(example = "0c6f0a5e-7f0c-4c8a-9d55-5f8e3f1f9d11")]
    profile: String,
    /// The employer: its number in a register, else its name, else who says it.
    #[schema(example = "be-kbo:0999999922")]
    employer: String,
    /// Where it stands; none if it has not begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "permit_admissible")]
    state: Option<&'static str>,
    /// Since when, as it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// What is due, and until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<Due>,
    /// The newest thing that was said, if it is longer ago than anybody may be silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    silent_since: Option<String>,
}

/// What happened to one person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Placements {
    /// The pseudonym under which the profile goes out.
    #[schema(example = "0c6f0a5e-7f0c-4c8a-9d55-5f8e3f1f9d11")]
    profile: String,
    /// What all that was said comes to, for each employer; of those that only looked at the profile there is none.
    placements: Vec<Merged>,
    /// What each party says, in the order in which it came; 1,000 at most.
    events: Vec<Happened>,
}

/// An event, as one party says it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Happened {
    /// The message that brought it.
    message_id: String,
    /// Who says it.
    #[schema(example = "platform-belgium")]
    partner: String,
    /// When it came.
    received_at: String,
    /// What happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "selected")]
    happened: Option<&'static str>,
    /// The event as a canonical record.
    #[schema(value_type = Object)]
    event: JsonValue,
}

/// Tells what happened to somebody: what employers made of the profile and where placements stand, as each party says it,
/// and what all of it comes to.
#[utoipa::path(get, path = "/v1/placements/{pseudonym}", tag = "placements",
    params(("pseudonym" = String, Path, description = "The reference under which the profile goes out.", example = "0c6f0a5e-7f0c-4c8a-9d55-5f8e3f1f9d11")),
    responses((status = 200, description = "What each party says, and what it comes to.", body = Placements),
        (status = 404, description = "Nothing is known of such a person, or the keys were destroyed.", body = Problem, content_type = "application/problem+json")),
    security(("operator token" = [])))]
pub async fn of(
    State(door): State<Door>,
    _: Operator,
    Path(pseudonym): Path<String>,
) -> Result<Json<Placements>, Problem> {
    let unknown = || Problem::not_found("placement");
    let person: EntityKey = pseudonym.parse().map_err(|_| unknown())?;
    let said = door.said_of(person).await?;
    if said.is_empty() {
        return Err(unknown());
    }
    let placements = door.merged(&said);
    let events = said.into_iter().map(Happened::of).collect::<Result<_, _>>()?;
    Ok(Json(Placements { profile: person.to_string(), placements, events }))
}

/// Lists placements page by page; with `late=true` those where something is late, or everybody silent.
#[utoipa::path(get, path = "/v1/placements", tag = "placements", params(PlacementFilter),
    responses((status = 200, description = "Placements in brief.", body = PlacementList),
        (status = 400, description = "The filter is wrong.", body = Problem, content_type = "application/problem+json")),
    security(("operator token" = [])))]
pub async fn list(
    State(door): State<Door>,
    _: Operator,
    Query(filter): Query<PlacementFilter>,
) -> Result<Json<PlacementList>, Problem> {
    let after = filter.cursor.map(|cursor| cursor.parse().map_err(|_| wrong_filter("cursor"))).transpose()?;
    let limit = filter.limit.map_or(PERSONS, |limit| usize::from(limit.get()).min(PERSONS));
    let persons = door.intake.store.placement_subjects(after, limit).await?;
    let mut placements = Vec::new();
    for person in &persons {
        let merged = door.merged(&door.said_of(*person).await?);
        let wanted = merged.into_iter().filter(|one| !filter.late || one.is_late());
        placements.extend(wanted.map(|one| Brief::of(*person, one)));
    }
    let cursor = persons.last().filter(|_| persons.len() == limit).map(ToString::to_string);
    Ok(Json(PlacementList { placements, cursor }))
}

impl Door {
    /// What was said of a person. Nothing if the keys were destroyed.
    async fn said_of(&self, person: EntityKey) -> Result<Vec<Said>, Problem> {
        let mut said = Vec::new();
        for event in self.intake.store.placement_events(person, PAGE).await? {
            said.extend(self.said(event).await?);
        }
        Ok(said)
    }

    /// What that comes to now.
    fn merged(&self, said: &[Said]) -> Vec<Merged> {
        merge(said, &self.intake.in_force.now().configuration, self.intake.clock.now())
    }

    /// An event, opened. None if the keys of whom it is about were destroyed.
    pub(super) async fn said(&self, event: PlacementEvent) -> Result<Option<Said>, Problem> {
        let (kind, place) = (Kind::PlacementStatus, place_of_event(event.message_id));
        let Some(canonical) = self.intake.bodies.kept(kind, &place, &event.canonical).await? else { return Ok(None) };
        let record = Record::from_avro(kind, &canonical).map_err(anyhow::Error::from)?;
        Ok(Some(Said { event, record }))
    }
}

impl Brief {
    fn of(person: EntityKey, merged: Merged) -> Self {
        let Merged { employer, state, since, due, silent_since, .. } = merged;
        Self { profile: person.to_string(), employer, state, since, due, silent_since }
    }
}

impl Happened {
    fn of(said: Said) -> Result<Self, Problem> {
        let Said { event, record } = said;
        Ok(Self {
            message_id: event.message_id.to_string(),
            partner: event.partner.to_string(),
            received_at: instant(event.received_at),
            happened: PlacementStatus::of(&record).and_then(PlacementStatus::happened),
            event: serde_json::to_value(&record).map_err(anyhow::Error::from)?,
        })
    }
}
