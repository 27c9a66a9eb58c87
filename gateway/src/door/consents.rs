//! Grants: kept, shown and withdrawn by operators. What a caller sends about a person holds a pseudonym and no name.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use consent::{Event, Grant, Method, withdrawal};
use schemas::EntityKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    Door,
    identity::Operator,
    other_grants::{OtherGrant, to_same_recipients},
    problem::Problem,
    recalls::{self, Recalled},
};
use crate::{
    code::code,
    store::{Kept, Replay},
};

/// How a person took a consent back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// How we know: `web`, `app`, `paper`, `in_person` or `phone`.
    #[schema(value_type = String, example = "web")]
    method: Method,
    /// Whether the person's other grants to the same recipients are withdrawn, too, whatever source they are for.
    #[serde(default)]
    linked: bool,
}

/// Keeps a grant: a record and its events, as `passerelle consent import` writes it.
///
/// The same again changes nothing. What is kept of the person is looked at again, and goes to whom it may go now. A record that comes after another names it in `replaces`; that one has ended, and is
/// of the same person.
#[utoipa::path(post, path = "/v1/consents", tag = "consents", request_body(content = Object, description = "A grant (`passerelle-grant-1`)."),
    responses(
        (status = 200, description = "It was kept already, exactly so.", body = Object),
        (status = 201, description = "It is kept.", body = Object),
        (status = 409, description = "Another one stands there.", body = Problem),
        (status = 422, description = "It is no legal grant.", body = Problem),
    ),
    security(("operator token" = [])))]
pub async fn create(
    State(door): State<Door>,
    _: Operator,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<Grant>), Problem> {
    let grant: Grant = serde_json::from_value(body).map_err(|error| illegal(&error.to_string()))?;
    let store = &door.intake.store;
    if let Some(replaced) = grant.record().header.replaces {
        let replaced = store.grant(replaced).await?.ok_or_else(|| illegal("`replaces` names no grant that is kept"))?;
        grant.check_replaces(&replaced).map_err(|error| illegal(&error.to_string()))?;
    }
    let kept = store.put_grant(grant.clone(), door.intake.clock.now_micros()).await?;
    if kept != Kept::Conflict {
        reconsider(&door, grant.record().header.subject, Uuid::new_v5(&grant.id(), b"granted")).await?;
    }
    match kept {
        Kept::New => Ok((StatusCode::CREATED, Json(grant))),
        Kept::Known => Ok((StatusCode::OK, Json(grant))),
        Kept::Conflict => Err(conflict(&grant)),
    }
}

/// Has everything that is kept of a person looked at again: more may go now, or less. The same id again changes nothing.
pub(super) async fn reconsider(door: &Door, subject: Uuid, replay_id: Uuid) -> Result<(), Problem> {
    let person = EntityKey::from(subject);
    let replay = Replay {
        replay_id,
        entity_key: person,
        share: door.intake.backbone.share_of(person),
        recipient: None,
        wanted_at: door.intake.clock.now_micros(),
    };
    door.intake.store.want_replay(replay).await?;
    door.sync_wanted.send_replace(());
    Ok(())
}

/// Whose grants.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OfSubject {
    /// The person's pseudonym.
    #[param(value_type = String, example = "5d0c7a9e-3b1f-4f7e-8a64-1c2e9b7d0f11")]
    subject: Uuid,
}

/// Shows every grant of a person, oldest first.
#[utoipa::path(get, path = "/v1/consents", tag = "consents", params(OfSubject),
    responses((status = 200, description = "The grants; of somebody who is not known, none.", body = Vec<Object>)),
    security(("operator token" = [])))]
pub async fn list(
    State(door): State<Door>,
    _: Operator,
    Query(of): Query<OfSubject>,
) -> Result<Json<Vec<Grant>>, Problem> {
    Ok(Json(door.intake.store.grants_of(of.subject).await?))
}

/// Shows a grant as it stands, with everything that happened to it.
#[utoipa::path(get, path = "/v1/consents/{id}", tag = "consents", params(("id" = String, Path)),
    responses((status = 200, description = "The grant.", body = Object), (status = 404, description = "No such grant.", body = Problem)),
    security(("operator token" = [])))]
pub async fn show(State(door): State<Door>, _: Operator, Path(id): Path<Uuid>) -> Result<Json<Grant>, Problem> {
    Ok(Json(door.intake.store.grant(id).await?.ok_or_else(|| Problem::not_found("consent"))?))
}

/// A grant that was withdrawn, and what follows.
#[derive(Debug, Serialize)]
pub struct Withdrawn {
    /// The grant.
    #[serde(flatten)]
    grant: Grant,
    /// What recipients are asked to delete: everybody to whom a send has begun, one under way included.
    recalls: Vec<Recalled>,
    /// Other grants of the person that were withdrawn with it, as was asked.
    also_withdrawn: Vec<OtherGrant>,
    /// Other grants of the person, of what whichever source says, that still permit something to the same recipients.
    still_permitted: Vec<OtherGrant>,
}

/// Withdraws a grant in the person's name. Needs no reason; withdrawn again, nothing changes.
///
/// Once this is answered no send begins that rests on the grant, and whoever was sent something of the person before, a
/// send under way included, stands in `recalls`: it is asked to delete it, until it answers. What the person permits to the same
/// recipients of what other sources say stands in `still_permitted`: ask the person, or say `linked`.
#[utoipa::path(post, path = "/v1/consents/{id}/withdraw", tag = "consents", params(("id" = String, Path)), request_body = Withdrawal,
    responses(
        (status = 200, description = "It is withdrawn; the grant, and `recalls`.", body = Object),
        (status = 404, description = "No such grant.", body = Problem),
        (status = 409, description = "It changed meanwhile; try again.", body = Problem),
        (status = 422, description = "It is not in force.", body = Problem),
    ),
    security(("operator token" = [])))]
pub async fn withdraw(
    State(door): State<Door>,
    _: Operator,
    Path(id): Path<Uuid>,
    Json(withdrawn): Json<Withdrawal>,
) -> Result<Json<Withdrawn>, Problem> {
    let grant = door.intake.store.grant(id).await?.ok_or_else(|| Problem::not_found("consent"))?;
    let grant = end(&door, grant, withdrawn.method).await?;
    let subject = grant.record().header.subject;
    let (mut recalls, mut also_withdrawn) = (recalls::begun(&door, subject).await?, Vec::new());
    if withdrawn.linked {
        let mut subjects = BTreeSet::from([subject]);
        for other in to_same_recipients(&door, &grant).await? {
            let other = end(&door, other, withdrawn.method).await?;
            also_withdrawn.push(OtherGrant::of(&other));
            let subject = other.record().header.subject;
            if subjects.insert(subject) {
                recalls.append(&mut recalls::begun(&door, subject).await?);
            }
        }
    }
    let still_permitted = to_same_recipients(&door, &grant).await?.iter().map(OtherGrant::of).collect();
    Ok(Json(Withdrawn { grant, recalls, also_withdrawn, still_permitted }))
}

/// Withdraws a grant, unless it is so already. Everybody who has something of the person is asked to delete it; what another
/// grant permits goes again, behind that.
async fn end(door: &Door, grant: Grant, method: Method) -> Result<Grant, Problem> {
    let (store, clock) = (&door.intake.store, &door.intake.clock);
    let grant = if grant.is_withdrawn() {
        grant
    } else {
        let (id, after) = (grant.id(), grant.version());
        let event: Event = withdrawal(&grant, method, clock.now());
        let then = grant.and(event.clone()).map_err(|error| illegal(&error.to_string()))?;
        if store.add_grant_event(id, after, event, clock.now_micros()).await? == Kept::Conflict {
            return Err(conflict(&then));
        }
        then
    };
    let subject = grant.record().header.subject;
    if store.grants_of(subject).await?.iter().any(|other| other.state().permits()) {
        reconsider(door, subject, Uuid::new_v5(&grant.id(), b"withdrawn")).await?;
    }
    Ok(grant)
}

fn illegal(problem: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, const { code("illegal_grant") }, "this is no legal grant")
        .detail(problem)
}

fn conflict(grant: &Grant) -> Problem {
    let title = "another grant, or another event of it, stands there";
    Problem::new(StatusCode::CONFLICT, const { code("grant_changed") }, title)
        .detail("look at what stands there; events are added one by one")
        .see(format!("/v1/consents/{}", grant.id()))
}
