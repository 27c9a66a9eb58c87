//! How far behind the gateway is, for operators.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Door, identity::Operator, problem::Problem};
use crate::{
    backbone::Topic,
    store::{DispatchState, ParkedFilter},
};

/// What is still to be done.
#[derive(Debug, Serialize, ToSchema)]
pub struct Backlog {
    /// Accepted messages that are not routed yet.
    unrouted: i64,
    /// What each partner is still owed.
    partners: BTreeMap<String, Owing>,
    /// Inputs that wait for a person.
    parked_inputs: usize,
}

/// What a partner is still owed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Owing {
    /// Dispatches of its log that are not settled yet; those under way are among them.
    unsettled: i64,
    /// Dispatches under way.
    claimed: i64,
    /// Dispatches that wait for their time.
    deferred: i64,
    /// Dispatches that the partner refused; they wait for a person or a correction.
    rejected: i64,
    /// Dispatches in doubt; they wait for a person.
    ambiguous: i64,
}

/// Says how far behind the gateway is.
#[utoipa::path(get, path = "/v1/backlog", tag = "health", responses((status = 200, description = "What is still to be done.", body = Backlog)), security(("operator token" = [])))]
pub async fn show(State(door): State<Door>, _: Operator) -> Result<Json<Backlog>, Problem> {
    let (backbone, store) = (&door.intake.backbone, &door.intake.store);
    // In the order of the way, so that nothing slips through between two looks.
    let unrouted = backbone.lag("router", &Topic::accepted()).await?;
    let mut partners = BTreeMap::new();
    for partner in door.intake.in_force.now().configuration.all_receivers() {
        let unsettled = backbone.lag("delivery", &Topic::dispatch(&partner.id)).await?;
        let counts = store.open_counts(&partner.id).await?;
        let count = |state| counts.get(&state).copied().unwrap_or(0);
        let owing = Owing {
            unsettled,
            claimed: count(DispatchState::Claimed),
            deferred: count(DispatchState::Deferred),
            rejected: count(DispatchState::Rejected),
            ambiguous: count(DispatchState::Ambiguous),
        };
        partners.insert(partner.id.to_string(), owing);
    }
    let parked_inputs = store.parked_inputs(&ParkedFilter::default(), 1_000).await?.len();
    Ok(Json(Backlog { unrouted, partners, parked_inputs }))
}
