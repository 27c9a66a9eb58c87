//! Placements: what each party says happened on a person's way to a job, and what all of it comes to. Operators only.

mod merged;

use axum::{
    Json,
    extract::{Path, State},
};
use schemas::{EntityKey, Kind, PlacementStatus, Record};
use serde::Serialize;
use serde_json::Value as JsonValue;
use utoipa::ToSchema;

use self::merged::{Merged, Said, merge};
use super::{Door, identity::Operator, messages::instant, problem::Problem};
use crate::{intake::place_of_event, store::PlacementEvent};

/// Events of one answer.
const PAGE: usize = 1_000;

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
    let mut said = Vec::new();
    for event in door.intake.store.placement_events(person, PAGE).await? {
        said.extend(door.said(event).await?);
    }
    if said.is_empty() {
        return Err(unknown());
    }
    let rules = door.intake.in_force.now();
    let placements = merge(&said, &rules.configuration);
    let events = said.into_iter().map(Happened::of).collect::<Result<_, _>>()?;
    Ok(Json(Placements { profile: person.to_string(), placements, events }))
}

impl Door {
    /// An event, opened. None if the keys of whom it is about were destroyed.
    async fn said(&self, event: PlacementEvent) -> Result<Option<Said>, Problem> {
        let (kind, place) = (Kind::PlacementStatus, place_of_event(event.message_id));
        let Some(canonical) = self.intake.bodies.kept(kind, &place, &event.canonical).await? else { return Ok(None) };
        let record = Record::from_avro(kind, &canonical).map_err(anyhow::Error::from)?;
        Ok(Some(Said { event, record }))
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
