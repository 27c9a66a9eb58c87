//! Persons: found by what partners call them, which is asked for in bodies and never stands in an address.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use consent::Method;
use schemas::PartnerId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    Door,
    consents::reconsider,
    identity::Operator,
    messages::instant,
    problem::Problem,
    recalls::{self, Recalled},
};
use crate::{
    code::code,
    vault::{Subject, Vault},
};

/// Persons that are asked for at once.
const MOST: usize = 1_000;

/// Why recipients delete what is about somebody whose keys are destroyed.
const ERASED: &str = "subject_erased";

/// Which persons.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The partner that calls them so.
    #[schema(example = "anapec")]
    partner: String,
    /// What it calls them; at most 1,000.
    #[schema(example = json!(["1139632"]))]
    foreign_ids: Vec<String>,
}

/// Who they are here.
#[derive(Debug, Serialize, ToSchema)]
pub struct Found {
    /// A pseudonym for each foreign id, in the order they were asked for; none for whoever is not known.
    #[schema(value_type = Vec<Option<String>>, example = json!(["5f0d7f3e-6a37-4c0e-8b1c-0d5a7f1f9d11"]))]
    subjects: Vec<Option<Uuid>>,
}

/// What was destroyed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Destroyed {
    /// How many keys there were.
    keys: u64,
    /// What recipients are asked to delete.
    recalls: Vec<Recalled>,
    /// Who else is the same person, known to other sources: their keys are as they were.
    #[schema(value_type = Vec<String>)]
    linked: BTreeSet<Uuid>,
}

/// How we know what a person wants.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// `web`, `app`, `paper`, `in_person` or `phone`.
    #[param(value_type = String, example = "phone")]
    method: Method,
}

/// Whether a person's data is left alone.
#[derive(Debug, Serialize, ToSchema)]
pub struct Restriction {
    /// Since when; none if it is not.
    restricted_since: Option<String>,
    /// Who else is the same person: it holds for these too, whichever of them it was said of. It is lifted where it was said.
    #[schema(value_type = Vec<String>)]
    linked: BTreeSet<Uuid>,
}

/// Finds persons by what a partner calls them.
#[utoipa::path(post, path = "/v1/subjects/lookup", tag = "subjects", request_body = Wanted,
    responses((status = 200, description = "A pseudonym each, or none.", body = Found),
        (status = 404, description = "No such partner, or there is no vault.", body = Problem),
        (status = 422, description = "Too many at once.", body = Problem)),
    security(("operator token" = [])))]
pub async fn look_up(
    State(door): State<Door>,
    _: Operator,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Found>, Problem> {
    let partner: PartnerId = wanted.partner.parse().map_err(|_| Problem::not_found("partner"))?;
    if !door.intake.in_force.now().configuration.partners.contains_key(&partner) {
        return Err(Problem::not_found("partner"));
    }
    if wanted.foreign_ids.len() > MOST {
        let title = "these are too many at once";
        return Err(Problem::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, const { code("wrong_body") }, title)
            .detail(format!("ask for at most {MOST}")));
    }
    let found = vault(&door)?.find(&partner, &wanted.foreign_ids).await?;
    Ok(Json(Found { subjects: found.into_iter().map(|subject| subject.map(Subject::as_uuid)).collect() }))
}

/// Destroys the keys of a person: everything that is sealed of it is unreadable from now on, here and in every backup.
/// Whoever received something before is asked to delete it, too (GDPR article 19).
#[utoipa::path(delete, path = "/v1/subjects/{pseudonym}/keys", tag = "subjects",
    params(("pseudonym" = String, Path, example = "5f0d7f3e-6a37-4c0e-8b1c-0d5a7f1f9d11")),
    responses((status = 200, description = "They are destroyed, and cannot be brought back.", body = Destroyed),
        (status = 404, description = "No such person, or there is no vault.", body = Problem)),
    security(("operator token" = [])))]
pub async fn destroy_keys(
    State(door): State<Door>,
    _: Operator,
    Path(pseudonym): Path<String>,
) -> Result<Json<Destroyed>, Problem> {
    let pseudonym: Uuid = pseudonym.parse().map_err(|_| Problem::not_found("subject"))?;
    let vault = vault(&door)?;
    // Before, so that a gateway that dies in between has asked for more than it has done, never for less; and again, for
    // what was opened and sent meanwhile.
    door.intake.store.recall(pseudonym, ERASED, door.intake.clock.now_micros()).await?;
    let destroyed = vault.destroy(Subject::from(pseudonym)).await?;
    door.intake.store.recall(pseudonym, ERASED, door.intake.clock.now_micros()).await?;
    let keys = destroyed.ok_or_else(|| Problem::not_found("subject"))?;
    tracing::info!(subject = %pseudonym, keys, "the keys of a subject were destroyed");
    let mut linked = door.intake.store.same_person(pseudonym).await?;
    linked.remove(&pseudonym);
    Ok(Json(Destroyed { keys, recalls: recalls::begun(&door, pseudonym).await?, linked }))
}

/// Leaves a person's data alone (GDPR article 18): nothing new of it is sent, and nothing is erased.
#[utoipa::path(put, path = "/v1/subjects/{pseudonym}/restriction", tag = "subjects",
    params(("pseudonym" = String, Path, example = "5f0d7f3e-6a37-4c0e-8b1c-0d5a7f1f9d11"), Said),
    responses((status = 200, description = "No send begins any more.", body = Restriction)),
    security(("operator token" = [])))]
pub async fn restrict(
    State(door): State<Door>,
    _: Operator,
    Path(pseudonym): Path<Uuid>,
    Query(said): Query<Said>,
) -> Result<Json<Restriction>, Problem> {
    set_restricted(&door, pseudonym, (true, said.method)).await
}

/// Lifts a restriction.
#[utoipa::path(delete, path = "/v1/subjects/{pseudonym}/restriction", tag = "subjects",
    params(("pseudonym" = String, Path, example = "5f0d7f3e-6a37-4c0e-8b1c-0d5a7f1f9d11"), Said),
    responses((status = 200, description = "What the person allowed holds again.", body = Restriction)),
    security(("operator token" = [])))]
pub async fn lift(
    State(door): State<Door>,
    _: Operator,
    Path(pseudonym): Path<Uuid>,
    Query(said): Query<Said>,
) -> Result<Json<Restriction>, Problem> {
    set_restricted(&door, pseudonym, (false, said.method)).await
}

async fn set_restricted(
    door: &Door,
    subject: Uuid,
    (is_restricted, method): (bool, Method),
) -> Result<Json<Restriction>, Problem> {
    let now = door.intake.clock.now_micros();
    let since = door.intake.store.restrict(subject, is_restricted, method, now).await?;
    let mut together = door.intake.store.same_person(subject).await?;
    if since.is_none() {
        // What was not sent meanwhile goes now.
        for one in &together {
            reconsider(door, *one, Uuid::now_v7()).await?;
        }
    }
    together.remove(&subject);
    Ok(Json(Restriction { restricted_since: since.map(instant), linked: together }))
}

pub(super) fn vault(door: &Door) -> Result<&Vault, Problem> {
    let none = || Problem::not_found("vault").detail("nothing about persons is kept here: `vault.key_file` is not set");
    door.intake.bodies.vault().ok_or_else(none)
}
