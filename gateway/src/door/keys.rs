//! API keys: made, listed and revoked by operators. A key is shown once.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use schemas::{Hash, PartnerId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Door,
    identity::{Operator, new_secret},
    messages::instant,
    problem::Problem,
};
use crate::store::ApiKey;

/// What a new key is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// The partner that may use it; without one it is an operator's.
    #[schema(example = "acme")]
    partner: Option<String>,
    /// What it is for, in your own words.
    #[serde(default)]
    label: String,
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeKey {
    /// Its name, for revoking it.
    key_id: String,
    /// The key itself, shown this once.
    key: String,
}

/// What is known of a key.
#[derive(Debug, Serialize, ToSchema)]
pub struct KnownKey {
    /// Its name.
    key_id: String,
    /// The partner that may use it; none is an operator.
    partner: Option<String>,
    /// What it is for.
    label: String,
    /// When it was made.
    created_at: String,
    /// When it was revoked.
    revoked_at: Option<String>,
}

/// Makes a key.
#[utoipa::path(post, path = "/v1/keys", tag = "keys", request_body = NewKey,
    responses((status = 201, description = "The key, shown this once.", body = MadeKey), (status = 404, description = "No such partner.", body = Problem)),
    security(("operator token" = [])))]
pub async fn create(
    State(door): State<Door>,
    _: Operator,
    Json(new): Json<NewKey>,
) -> Result<(StatusCode, Json<MadeKey>), Problem> {
    let partner: Option<PartnerId> = match new.partner {
        None => None,
        Some(id) => {
            let known = door
                .intake
                .in_force
                .now()
                .configuration
                .partner(&id)
                .ok_or_else(|| Problem::not_found("partner"))?
                .clone();
            Some(known.id.clone())
        }
    };
    let secret = new_secret();
    let key_id = Hash::of(secret.as_bytes()).to_string()[..12].to_owned();
    let key = ApiKey {
        key_id: key_id.clone(),
        partner,
        label: new.label,
        created_at: door.intake.clock.now_micros(),
        revoked_at: None,
    };
    door.intake.store.add_key(key, Hash::of(secret.as_bytes())).await?;
    Ok((StatusCode::CREATED, Json(MadeKey { key_id, key: secret })))
}

/// Lists every key.
#[utoipa::path(get, path = "/v1/keys", tag = "keys", responses((status = 200, description = "Every key, oldest first.", body = Vec<KnownKey>)), security(("operator token" = [])))]
pub async fn list(State(door): State<Door>, _: Operator) -> Result<Json<Vec<KnownKey>>, Problem> {
    let known = |key: ApiKey| KnownKey {
        key_id: key.key_id,
        partner: key.partner.map(String::from),
        label: key.label,
        created_at: instant(key.created_at),
        revoked_at: key.revoked_at.map(instant),
    };
    Ok(Json(door.intake.store.keys().await?.into_iter().map(known).collect()))
}

/// Revokes a key at once.
#[utoipa::path(delete, path = "/v1/keys/{id}", tag = "keys", params(("id" = String, Path)),
    responses((status = 204, description = "It opens nothing any more."), (status = 404, description = "No such valid key.", body = Problem)),
    security(("operator token" = [])))]
pub async fn revoke(State(door): State<Door>, _: Operator, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let now = door.intake.clock.now_micros();
    if door.intake.store.revoke_key(&id, now).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("valid key"))
    }
}
