//! Dispatching again what was dispatched before: operators only.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use schemas::{EntityKey, MessageId, PartnerId, Record};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Door, identity::Operator, problem::Problem};
use crate::{
    intake::place_of_version,
    router::{Entitled, entitled},
    store::Replay,
};

/// How to dispatch again.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ReplayOptions {
    /// To this partner only, if it is entitled.
    #[param(example = "agency")]
    to: Option<String>,
    /// Only say what would go where.
    #[serde(default)]
    dry_run: bool,
}

/// What is dispatched again, and where.
#[derive(Debug, Serialize, ToSchema)]
pub struct Replayed {
    /// The message whose entity it is.
    #[schema(value_type = String, example = "01932c3e-7d5a-7c11-9a53-1f1c7f2b0a10")]
    message_id: MessageId,
    /// The reference that it goes out under.
    #[schema(value_type = String, example = "0c6f0a5e-7f0c-5c8a-9d55-5f8e3f1f9d11")]
    entity_key: EntityKey,
    /// The message whose version goes: the newest of the entity. None if nothing is kept of it, as of what was closed
    /// without being known.
    #[schema(value_type = Option<String>, example = "01932c3e-7d5a-7c11-9a53-1f1c7f2b0a10")]
    goes: Option<MessageId>,
    /// The partners that it goes to.
    #[schema(value_type = Vec<String>, example = json!(["agency"]))]
    to: Vec<PartnerId>,
    /// The partners that it does not go to, and why.
    not_to: Vec<NotTo>,
    /// Whether nothing was sent.
    dry_run: bool,
}

/// A partner that it does not go to.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotTo {
    /// The partner.
    #[schema(value_type = String, example = "eures-vdab")]
    partner: PartnerId,
    /// Why, as a code.
    #[schema(example = "nationals_only")]
    code: &'static str,
    /// Why, in words.
    reason: &'static str,
}

/// Dispatches the entity of a message again, in its newest version, to the partners entitled to it now.
///
/// It goes below live traffic, over restarts, and whatever is known of the entity by then decides. What is closed is
/// not dispatched again.
#[utoipa::path(post, path = "/v1/messages/{id}/replay", tag = "messages",
    params(("id" = String, Path, example = "01932c3e-7d5a-7c11-9a53-1f1c7f2b0a10"), ReplayOptions),
    responses(
        (status = 200, description = "A dry run: nothing was sent.", body = Replayed),
        (status = 202, description = "It goes.", body = Replayed),
        (status = 401, description = "No valid key.", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Operators only.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such message.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("operator token" = [])))]
pub async fn replay(
    State(door): State<Door>,
    _: Operator,
    Path(id): Path<String>,
    Query(options): Query<ReplayOptions>,
) -> Result<(StatusCode, Json<Replayed>), Problem> {
    let store = &door.intake.store;
    let (message, _) = door.message(&id).await?;
    let wanted = options.to.map(|to| to.parse::<PartnerId>().map_err(|_| Problem::not_found("partner"))).transpose()?;
    let version = store.newest_version(message.entity_key).await?;
    let (mut to, obstacles) = match &version {
        Some(version) => {
            let place = place_of_version(version.entity_key);
            match door.intake.bodies.kept(version.kind, &place, &version.canonical).await? {
                Some(canonical) => {
                    let record = Record::from_avro(version.kind, &canonical).map_err(anyhow::Error::from)?;
                    let (rules, now) = (door.intake.in_force.now(), door.intake.clock.now());
                    entitled(
                        &rules,
                        (&**store, &door.intake.bodies, now),
                        (version.entity_key, &version.partner),
                        &record,
                    )
                    .await?
                }
                None => Entitled::default(),
            }
        }
        None => Entitled::default(),
    };
    // Who a person is is looked at again, too, whoever may have the profile.
    let is_of_nobody = !version.as_ref().is_some_and(|version| version.kind.is_personal());
    to.retain(|partner| wanted.as_ref().is_none_or(|wanted| wanted == partner));
    let not_to = obstacles.into_iter().filter(|(partner, _)| wanted.as_ref().is_none_or(|wanted| wanted == partner));
    let replayed = Replayed {
        message_id: message.message_id,
        entity_key: message.entity_key,
        goes: version.map(|version| version.message_id),
        not_to: not_to
            .map(|(partner, obstacle)| NotTo { partner, code: obstacle.code(), reason: obstacle.reason() })
            .collect(),
        to,
        dry_run: options.dry_run,
    };
    if options.dry_run || (replayed.to.is_empty() && is_of_nobody) {
        return Ok((StatusCode::OK, Json(Replayed { dry_run: true, ..replayed })));
    }
    let replay = Replay {
        replay_id: Uuid::now_v7(),
        entity_key: message.entity_key,
        share: door.intake.backbone.share_of(message.entity_key),
        recipient: wanted,
        wanted_at: door.intake.clock.now_micros(),
    };
    store.want_replay(replay).await?;
    door.sync_wanted.send_replace(());
    Ok((StatusCode::ACCEPTED, Json(replayed)))
}
