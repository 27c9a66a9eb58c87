//! CVs for EURES: `/input/api/cv/v1.0`. Every call decides anew what may be shown; see `pulls/persons.rs`.

use axum::{
    Json,
    extract::{Path, State},
};
use schemas::Kind;

use super::{All, Changes, Details, Door, Problem, Pulled, Puller};

/// CVs of jobseekers.
pub struct Cvs;

impl Pulled for Cvs {
    const KIND: Kind = Kind::TalentProfile;
}

/// Says that the service is there.
#[utoipa::path(get, path = "/input/api/cv/v1.0/ping", tag = "eures", operation_id = "ping_cvs", responses((status = 200, description = "It is.", body = String)), security(("puller token" = [])))]
pub async fn ping(_: Puller<Cvs>) -> &'static str {
    "pong"
}

/// Lists everything that is active and may be shown now.
#[utoipa::path(get, path = "/input/api/cv/v1.0/getAll", tag = "eures", operation_id = "get_all_cvs", responses((status = 200, description = "Every active CV.", body = All)), security(("puller token" = [])))]
pub async fn get_all(State(door): State<Door>, puller: Puller<Cvs>) -> Result<Json<All>, Problem> {
    Ok(Json(puller.all(&door).await?))
}

/// Lists what was created, modified or closed at or after that time. What is closed is to be deleted.
#[utoipa::path(get, path = "/input/api/cv/v1.0/getChanges/{since}", tag = "eures", operation_id = "get_changes_of_cvs",
    params(("since" = i64, Path, description = "Milliseconds since 1970 UTC.", example = 1_795_305_600_000_i64)),
    responses((status = 200, description = "What changed.", body = Changes)), security(("puller token" = [])))]
pub async fn get_changes(
    State(door): State<Door>,
    puller: Puller<Cvs>,
    Path(since): Path<i64>,
) -> Result<Json<Changes>, Problem> {
    Ok(Json(puller.changes(&door, since).await?))
}

/// Gives the documents of those references; what is unknown, or may not be shown now, is left out.
#[utoipa::path(post, path = "/input/api/cv/v1.0/getDetails", tag = "eures", operation_id = "get_details_of_cvs", request_body(content = Vec<String>, example = json!(["5f0d7f3e-6a37-4c0e-8b1c-0d5a7f1f9d11"])),
    responses((status = 200, description = "The documents: `Candidate`.", body = Details)), security(("puller token" = [])))]
pub async fn get_details(
    State(door): State<Door>,
    puller: Puller<Cvs>,
    Json(references): Json<Vec<String>>,
) -> Result<Json<Details>, Problem> {
    Ok(Json(puller.details(&door, &references).await?))
}
