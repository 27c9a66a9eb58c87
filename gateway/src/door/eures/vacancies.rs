//! Vacancies for EURES: `/input/api/jv/v0.1`.

use axum::{
    Json,
    extract::{Path, State},
};
use schemas::Kind;

use super::{All, Changes, Details, Door, Problem, Pulled, Puller};

/// Vacancies.
pub struct Vacancies;

impl Pulled for Vacancies {
    const KIND: Kind = Kind::Vacancy;
}

/// Says that the service is there.
#[utoipa::path(get, path = "/input/api/jv/v0.1/ping", tag = "eures", responses((status = 200, description = "It is.", body = String)), security(("puller token" = [])))]
pub async fn ping(_: Puller<Vacancies>) -> &'static str {
    "pong"
}

/// Lists everything that is active.
#[utoipa::path(get, path = "/input/api/jv/v0.1/getAll", tag = "eures", responses((status = 200, description = "Every active vacancy.", body = All)), security(("puller token" = [])))]
pub async fn get_all(State(door): State<Door>, puller: Puller<Vacancies>) -> Result<Json<All>, Problem> {
    Ok(Json(puller.all(&door).await?))
}

/// Lists what was created, modified or closed at or after that time.
#[utoipa::path(get, path = "/input/api/jv/v0.1/getChanges/{since}", tag = "eures",
    params(("since" = i64, Path, description = "Milliseconds since 1970 UTC.", example = 1_795_305_600_000_i64)),
    responses((status = 200, description = "What changed.", body = Changes)), security(("puller token" = [])))]
pub async fn get_changes(
    State(door): State<Door>,
    puller: Puller<Vacancies>,
    Path(since): Path<i64>,
) -> Result<Json<Changes>, Problem> {
    Ok(Json(puller.changes(&door, since).await?))
}

/// Gives the documents of those references; what is unknown is left out.
#[utoipa::path(post, path = "/input/api/jv/v0.1/getDetails", tag = "eures", request_body(content = Vec<String>, example = json!(["0c6f0a5e-7f0c-5c8a-9d55-5f8e3f1f9d11"])),
    responses((status = 200, description = "The documents: `PositionOpening`.", body = Details)), security(("puller token" = [])))]
pub async fn get_details(
    State(door): State<Door>,
    puller: Puller<Vacancies>,
    Json(references): Json<Vec<String>>,
) -> Result<Json<Details>, Problem> {
    Ok(Json(puller.details(&door, &references).await?))
}
