//! What operators do with partners.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};

use super::{Door, identity::Operator, problem::Problem};

/// Gives a partner everything that is open and that it may have, in a lane below live traffic. What it has already
/// been sent is not sent again.
#[utoipa::path(post, path = "/v1/partners/{id}/sync", tag = "messages", params(("id" = String, Path, example = "agency")),
    responses((status = 202, description = "It goes on in the background, and over restarts."),
        (status = 404, description = "No such partner, or nothing goes to it.", body = Problem, content_type = "application/problem+json")),
    security(("operator token" = [])))]
pub async fn sync(State(door): State<Door>, _: Operator, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let rules = door.intake.in_force.now();
    let partner = rules.configuration.partner(&id).filter(|partner| !partner.outgoing.is_empty());
    let partner = partner.ok_or_else(|| Problem::not_found("partner"))?;
    door.intake.store.restart_sync(&partner.id).await?;
    door.sync_wanted.send_replace(());
    Ok(StatusCode::ACCEPTED)
}
