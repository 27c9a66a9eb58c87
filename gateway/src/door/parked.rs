//! What waits for a person: dispatches and inputs. Operators only; bodies are not shown.

use axum::{
    Json,
    extract::{Path, Query, State},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Door, identity::Operator, messages::instant, problem::Problem};
use crate::{
    code::code,
    intake::{Document, Taken, place_of_parked},
    store::{DispatchRow, ParkedFilter, ParkedInput},
};

/// Entries of one answer.
const PAGE: i64 = 1_000;

/// Something that waits for a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Parked {
    /// Its id.
    id: String,
    /// `dispatch`: owed to a partner. `input`: could not be read.
    what: &'static str,
    /// The partner concerned.
    partner: String,
    /// What it is about.
    kind: String,
    /// The source's reference, where it could be read.
    reference: Option<String>,
    /// `rejected`, `ambiguous` or `parked`.
    state: String,
    /// Why, as a code.
    code: Option<String>,
    /// More, in words.
    detail: Option<String>,
    /// What is wrong with it: pointers and problems.
    #[schema(value_type = Vec<Object>)]
    faults: serde_json::Value,
    /// Since when.
    since: String,
}

/// Everything that waits for a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ParkedList {
    /// Newest first.
    parked: Vec<Parked>,
}

/// Which parked things.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ParkedOptions {
    /// Of one partner only: whom it is owed to, or who sent it.
    #[param(example = "agency")]
    partner: Option<String>,
    /// With that code only.
    #[param(example = "rejected")]
    code: Option<String>,
}

/// Lists what waits for a person.
#[utoipa::path(get, path = "/v1/parked", tag = "parked", params(ParkedOptions), responses((status = 200, description = "What waits.", body = ParkedList)), security(("operator token" = [])))]
pub async fn list(
    State(door): State<Door>,
    _: Operator,
    Query(options): Query<ParkedOptions>,
) -> Result<Json<ParkedList>, Problem> {
    let store = &door.intake.store;
    let filter = ParkedFilter { partner: options.partner, code: options.code };
    let mut parked: Vec<Parked> =
        store.parked_dispatches(&filter, PAGE).await?.into_iter().map(Parked::dispatch).collect();
    parked.extend(store.parked_inputs(&filter, PAGE).await?.into_iter().map(Parked::input));
    parked.sort_by(|one, other| other.since.cmp(&one.since));
    Ok(Json(ParkedList { parked }))
}

/// Shows one parked thing.
#[utoipa::path(get, path = "/v1/parked/{id}", tag = "parked", params(("id" = String, Path)),
    responses((status = 200, description = "It.", body = Parked), (status = 404, description = "No such thing.", body = Problem)), security(("operator token" = [])))]
pub async fn show(State(door): State<Door>, _: Operator, Path(id): Path<Uuid>) -> Result<Json<Parked>, Problem> {
    let store = &door.intake.store;
    if let Some(row) = store.dispatch_rows(&[id.into()]).await?.into_values().next() {
        return Ok(Json(Parked::dispatch(row)));
    }
    store
        .parked_input(id)
        .await?
        .map(|input| Json(Parked::input(input)))
        .ok_or_else(|| Problem::not_found("parked thing"))
}

/// Lets a parked thing go again: a dispatch is sent, an input is read anew.
#[utoipa::path(post, path = "/v1/parked/{id}/release", tag = "parked", params(("id" = String, Path)),
    responses((status = 200, description = "It goes.", body = Parked), (status = 404, description = "Nothing parked by that id.", body = Problem),
        (status = 422, description = "The input still cannot be read.", body = Problem)), security(("operator token" = [])))]
pub async fn release(State(door): State<Door>, _: Operator, Path(id): Path<Uuid>) -> Result<Json<Parked>, Problem> {
    let now = door.intake.clock.now_micros();
    if let Some(row) = door.intake.store.release_dispatch(id.into(), now).await? {
        door.teller.tell_superseded(std::slice::from_ref(&row)).await?;
        door.wakes.wake(&row.owed.partner);
        return Ok(Json(Parked::dispatch(row)));
    }
    let Some(input) = waiting_input(&door, id).await? else { return Err(Problem::not_found("parked thing")) };
    door.read_again(&input).await?;
    door.intake.store.resolve_input(id, "released").await?;
    Ok(Json(Parked::input(ParkedInput { state: "released".to_owned(), ..input })))
}

/// Gives a parked thing up. Its record stays.
#[utoipa::path(post, path = "/v1/parked/{id}/drop", tag = "parked", params(("id" = String, Path)),
    responses((status = 200, description = "It is given up.", body = Parked), (status = 404, description = "Nothing parked by that id.", body = Problem)),
    security(("operator token" = [])))]
pub async fn give_up(State(door): State<Door>, _: Operator, Path(id): Path<Uuid>) -> Result<Json<Parked>, Problem> {
    let now = door.intake.clock.now_micros();
    if let Some(row) = door.intake.store.drop_dispatch(id.into(), now).await? {
        door.teller.tell_superseded(std::slice::from_ref(&row)).await?;
        door.wakes.wake(&row.owed.partner);
        return Ok(Json(Parked::dispatch(row)));
    }
    let Some(input) = waiting_input(&door, id).await? else { return Err(Problem::not_found("parked thing")) };
    door.intake.store.resolve_input(id, "dropped").await?;
    Ok(Json(Parked::input(ParkedInput { state: "dropped".to_owned(), ..input })))
}

async fn waiting_input(door: &Door, id: Uuid) -> Result<Option<ParkedInput>, Problem> {
    let input = door.intake.store.parked_input(id).await?;
    Ok(input.filter(|input| input.state == "parked"))
}

impl Door {
    /// Reads a parked input again, now that its mapping or its partner's file was mended.
    async fn read_again(&self, input: &ParkedInput) -> Result<(), Problem> {
        let partner = self
            .intake
            .in_force
            .now()
            .configuration
            .partner(&input.partner)
            .ok_or_else(|| Problem::not_found("partner"))?
            .clone();
        let damaged = |error: String| Problem::from(anyhow::anyhow!(error));
        let kind = input.kind.parse().map_err(damaged)?;
        let raw = self.intake.bodies.kept(kind, &place_of_parked(input.parked_id), &input.raw).await?;
        let raw = raw.ok_or_else(|| Problem::not_found("parked thing"))?;
        let document = Document {
            partner: &partner,
            kind,
            dialect: input.dialect.parse().map_err(|error| damaged(format!("{error}")))?,
            channel: schemas::Channel::Operator,
            lane: schemas::Lane::Live,
            media_type: input.media_type.clone(),
            idempotency_key: None,
            body: &raw,
        };
        match self.intake.take(document).await? {
            Taken::Accepted { .. } | Taken::Unchanged { .. } => Ok(()),
            Taken::Unreadable(mut faults) => {
                if kind.is_personal() {
                    // In words a fault may repeat what the document says.
                    for fault in &mut faults {
                        fault.problem.clear();
                    }
                }
                Err(Problem::new(
                    axum::http::StatusCode::UNPROCESSABLE_ENTITY,
                    const { code("unreadable") },
                    "the input still cannot be read",
                )
                .faults(faults))
            }
            Taken::KeyReused | Taken::Echo(_) | Taken::Carried { .. } => {
                Err(Problem::new(axum::http::StatusCode::CONFLICT, const { code("echo") }, "the input is an echo"))
            }
        }
    }
}

impl Parked {
    fn dispatch(row: DispatchRow) -> Self {
        Self {
            id: row.owed.dispatch_id.to_string(),
            what: "dispatch",
            partner: row.owed.partner.to_string(),
            kind: row.owed.kind.to_string(),
            reference: row.owed.origin.reference,
            state: row.state.as_str().to_owned(),
            code: row.code,
            detail: row.detail,
            faults: faults_of(row.faults.as_deref()),
            since: instant(row.updated_at),
        }
    }

    fn input(input: ParkedInput) -> Self {
        Self {
            id: input.parked_id.to_string(),
            what: "input",
            partner: input.partner,
            kind: input.kind,
            reference: None,
            state: input.state,
            code: Some(input.code),
            detail: None,
            faults: faults_of(Some(&input.faults)),
            since: instant(input.received_at),
        }
    }
}

fn faults_of(json: Option<&str>) -> serde_json::Value {
    json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_else(|| serde_json::json!([]))
}
