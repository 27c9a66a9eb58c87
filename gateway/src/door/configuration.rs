//! Which configuration is in force, and putting changed files in force.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Door, identity::Operator, messages::instant, problem::Problem};
use crate::code::code;

/// The configuration in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct InForce {
    /// The hash that the journal is told.
    #[schema(example = "e8f9aa9db377f2dd1f4d65405ab4353275a2dbd84e021adbcbda978f8db79bd0")]
    hash: String,
    /// Since when.
    since: String,
    /// How many partners it knows.
    partners: usize,
    /// Why the files as they are now are not in force; nothing if they are.
    trouble: Option<String>,
}

/// Says which configuration is in force.
#[utoipa::path(get, path = "/v1/configuration", tag = "health",
    responses((status = 200, description = "What is in force.", body = InForce)), security(("operator token" = [])))]
pub async fn show(State(door): State<Door>, _: Operator) -> Json<InForce> {
    Json(door.configuration_in_force())
}

/// Puts the files as they are now in force; if something is wrong with them, what was in force stays.
#[utoipa::path(post, path = "/v1/configuration/reload", tag = "health",
    responses((status = 200, description = "They are in force.", body = InForce),
        (status = 422, description = "They are not; `detail` says why.", body = Problem, content_type = "application/problem+json")),
    security(("operator token" = [])))]
pub async fn reload(State(door): State<Door>, _: Operator) -> Result<Json<InForce>, Problem> {
    door.reloader.reload().await.map_err(|error| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            const { code("configuration_refused") },
            "the new configuration is refused",
        )
        .detail(format!("{error:#}; the old one stays in force"))
    })?;
    Ok(Json(door.configuration_in_force()))
}

impl Door {
    fn configuration_in_force(&self) -> InForce {
        let (rules, state) = (self.reloader.in_force(), self.reloader.state());
        InForce {
            hash: rules.configuration.hash.to_string(),
            since: instant(state.since),
            partners: rules.configuration.partners.len(),
            trouble: state.trouble,
        }
    }
}
