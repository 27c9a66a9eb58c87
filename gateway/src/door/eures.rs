//! The EURES Input API for vacancies, as EURES pulls it (FMES 1.3.2; NAV's implementation is the public witness).
//!
//! The bearer token selects the source: VDAB, Actiris and Le Forem are three feeds.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{FromRequestParts, Path, State},
    http::request::Parts,
};
use schemas::{Kind, PartnerId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Door, identity::bearer_token, problem::Problem};
use crate::{config::Connector, store::FeedItem};

/// The version of the payload profile.
const CONTENT_FORMAT_VERSION: &str = "1.3";

/// The feed that a puller may see.
pub struct Puller {
    partner: PartnerId,
    source: String,
}

impl FromRequestParts<Door> for Puller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let token = bearer_token(&parts.headers).ok_or_else(Problem::unauthorized)?;
        let rules = door.intake.in_force.now();
        let configuration = &rules.configuration;
        for (partner, outgoing) in configuration.receivers(Kind::Vacancy) {
            if let Connector::EuresFeed { token: name, source } = &outgoing.connector
                && configuration.secrets.get(name)?.matches(token)
            {
                door.limits.require(&format!("puller of {}", partner.id))?;
                return Ok(Self { partner: partner.id.clone(), source: source.clone() });
            }
        }
        Err(Problem::unauthorized())
    }
}

/// A reference to a vacancy of the feed. Times are milliseconds since 1970 UTC.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    /// Our outgoing reference.
    reference: String,
    /// The source.
    #[schema(example = "VDAB")]
    source: String,
    /// `ACTIVE` or `CLOSED`; this is the truth, not the status inside the document.
    #[schema(example = "ACTIVE")]
    status: &'static str,
    /// When it became visible in this feed.
    creation_timestamp: i64,
    /// When it last changed in this feed.
    last_modification_timestamp: i64,
    /// When it went.
    #[serde(skip_serializing_if = "Option::is_none")]
    closing_timestamp: Option<i64>,
}

/// Everything that is active.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct All {
    all_references: Vec<Reference>,
}

/// Everything that changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    created_references: Vec<Reference>,
    modified_references: Vec<Reference>,
    closed_references: Vec<Reference>,
}

/// Vacancies with their documents.
#[derive(Debug, Serialize, ToSchema)]
pub struct Details {
    details: BTreeMap<String, Detail>,
}

/// A vacancy with its document; what is closed has none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    #[serde(flatten)]
    reference: Reference,
    /// The `PositionOpening`, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// The version of the payload profile.
    content_format_version: &'static str,
}

/// Says that the service is there.
#[utoipa::path(get, path = "/input/api/jv/v0.1/ping", tag = "eures", responses((status = 200, description = "It is.", body = String)), security(("puller token" = [])))]
pub async fn ping(_: Puller) -> &'static str {
    "pong"
}

/// Lists everything that is active.
#[utoipa::path(get, path = "/input/api/jv/v0.1/getAll", tag = "eures", responses((status = 200, description = "Every active vacancy.", body = All)), security(("puller token" = [])))]
pub async fn get_all(State(door): State<Door>, puller: Puller) -> Result<Json<All>, Problem> {
    let items = door.intake.store.feed_active(&puller.partner).await?;
    Ok(Json(All { all_references: items.iter().map(|item| puller.reference(item)).collect() }))
}

/// Lists what was created, modified or closed at or after that time.
#[utoipa::path(get, path = "/input/api/jv/v0.1/getChanges/{since}", tag = "eures",
    params(("since" = i64, Path, description = "Milliseconds since 1970 UTC.", example = 1_795_305_600_000_i64)),
    responses((status = 200, description = "What changed.", body = Changes)), security(("puller token" = [])))]
pub async fn get_changes(
    State(door): State<Door>,
    puller: Puller,
    Path(since): Path<i64>,
) -> Result<Json<Changes>, Problem> {
    let mut changes = Changes { created_references: vec![], modified_references: vec![], closed_references: vec![] };
    for item in door.intake.store.feed_changes(&puller.partner, since).await? {
        let list = if !item.is_active {
            &mut changes.closed_references
        } else if item.created_at >= since {
            // Created and edited since the last pull: the puller has never seen it, so it is created.
            &mut changes.created_references
        } else {
            &mut changes.modified_references
        };
        list.push(puller.reference(&item));
    }
    Ok(Json(changes))
}

/// Gives the documents of those references; what is unknown is left out.
#[utoipa::path(post, path = "/input/api/jv/v0.1/getDetails", tag = "eures", request_body(content = Vec<String>, example = json!(["0c6f0a5e-7f0c-5c8a-9d55-5f8e3f1f9d11"])),
    responses((status = 200, description = "The documents.", body = Details)), security(("puller token" = [])))]
pub async fn get_details(
    State(door): State<Door>,
    puller: Puller,
    Json(references): Json<Vec<String>>,
) -> Result<Json<Details>, Problem> {
    let items = door.intake.store.feed_details(&puller.partner, &references).await?;
    let detail = |item: FeedItem| {
        let reference = puller.reference(&item);
        let content = item.is_active.then_some(item.content);
        (item.reference, Detail { reference, content, content_format_version: CONTENT_FORMAT_VERSION })
    };
    Ok(Json(Details { details: items.into_iter().map(detail).collect() }))
}

impl Puller {
    fn reference(&self, item: &FeedItem) -> Reference {
        Reference {
            reference: item.reference.clone(),
            source: self.source.clone(),
            status: if item.is_active { "ACTIVE" } else { "CLOSED" },
            creation_timestamp: item.created_at,
            last_modification_timestamp: item.modified_at,
            closing_timestamp: item.closed_at,
        }
    }
}
