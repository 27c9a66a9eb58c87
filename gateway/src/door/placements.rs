//! Placements: what each party says happened on a person's way to a job. Operators only.

use axum::{
    Json,
    extract::{Path, State},
};
use schemas::{EntityKey, Interest, Kind, PlacementStatus, Record};
use serde::Serialize;
use serde_json::Value as JsonValue;
use utoipa::ToSchema;

use super::{Door, identity::Operator, messages::instant, problem::Problem};
use crate::{intake::place_of_event, store::PlacementEvent};

/// Events of one answer.
const PAGE: usize = 1_000;

/// What happened to one person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Placement {
    /// The pseudonym under which the profile goes out.
    #[schema(example = "0c6f0a5e-7f0c-4c8a-9d55-5f8e3f1f9d11")]
    profile: String,
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
    /// What an employer made of the profile: `viewed`, `interested` or `selected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "selected")]
    interest: Option<&'static str>,
    /// The event as a canonical record.
    #[schema(value_type = Object)]
    event: JsonValue,
}

/// Tells what happened to somebody: what employers made of the profile, as each party says it.
#[utoipa::path(get, path = "/v1/placements/{pseudonym}", tag = "placements",
    params(("pseudonym" = String, Path, description = "The reference under which the profile goes out.", example = "0c6f0a5e-7f0c-4c8a-9d55-5f8e3f1f9d11")),
    responses((status = 200, description = "What each party says.", body = Placement),
        (status = 404, description = "Nothing is known of such a person, or the keys were destroyed.", body = Problem, content_type = "application/problem+json")),
    security(("operator token" = [])))]
pub async fn of(
    State(door): State<Door>,
    _: Operator,
    Path(pseudonym): Path<String>,
) -> Result<Json<Placement>, Problem> {
    let unknown = || Problem::not_found("placement");
    let person: EntityKey = pseudonym.parse().map_err(|_| unknown())?;
    let kept = door.intake.store.placement_events(person, PAGE).await?;
    let mut events = Vec::with_capacity(kept.len());
    for event in kept {
        events.extend(door.happened(event).await?);
    }
    if events.is_empty() {
        return Err(unknown());
    }
    Ok(Json(Placement { profile: person.to_string(), events }))
}

impl Door {
    /// An event, opened. None if the keys of whom it is about were destroyed.
    async fn happened(&self, event: PlacementEvent) -> Result<Option<Happened>, Problem> {
        let (kind, place) = (Kind::PlacementStatus, place_of_event(event.message_id));
        let Some(canonical) = self.intake.bodies.kept(kind, &place, &event.canonical).await? else { return Ok(None) };
        let record = Record::from_avro(kind, &canonical).map_err(anyhow::Error::from)?;
        let interest = PlacementStatus::of(&record).and_then(PlacementStatus::interest);
        Ok(Some(Happened {
            message_id: event.message_id.to_string(),
            partner: event.partner.to_string(),
            received_at: instant(event.received_at),
            interest: interest.map(Interest::as_str),
            event: serde_json::to_value(&record).map_err(anyhow::Error::from)?,
        }))
    }
}
