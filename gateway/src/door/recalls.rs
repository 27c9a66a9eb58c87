//! Recalls: what was asked back from recipients, and what they said. Operators only.

use axum::{
    Json,
    extract::{Query, State},
};
use schemas::PartnerId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Door, identity::Operator, messages::instant, problem::Problem};
use crate::store::{Recall, RecallFilter};

/// Entries of one answer.
const PAGE: usize = 1_000;

/// Which recalls.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct RecallOptions {
    /// Of one person, by pseudonym: also those that were acknowledged.
    #[param(value_type = Option<String>, example = "5d0c7a9e-3b1f-4f7e-8a64-1c2e9b7d0f11")]
    subject: Option<Uuid>,
    /// To one recipient.
    #[param(example = "acme")]
    partner: Option<String>,
    /// Only those that a person has to look at.
    #[serde(default)]
    escalated: bool,
}

/// What a recipient is asked to delete.
#[derive(Debug, Serialize, ToSchema)]
pub struct Recalled {
    /// The person, by pseudonym.
    subject: String,
    /// The recipient.
    partner: String,
    /// What kind of data.
    kind: String,
    /// Why, as a code.
    code: String,
    /// `owed`, `sent`, `acknowledged`, `refused` or `impossible`.
    state: &'static str,
    /// How often it was sent.
    attempts: i64,
    /// What the last attempt came to.
    detail: Option<String>,
    /// Since when it is owed.
    owed_at: String,
    /// When it was first sent.
    sent_at: Option<String>,
    /// When there was an end of it.
    settled_at: Option<String>,
    /// When a person was called.
    escalated_at: Option<String>,
}

/// What is recalled.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecallList {
    /// The longest owed first.
    recalls: Vec<Recalled>,
}

/// Lists what recipients are asked to delete: without a person, everything that has no answer yet.
#[utoipa::path(get, path = "/v1/recalls", tag = "consents", params(RecallOptions),
    responses((status = 200, description = "The recalls.", body = RecallList),
        (status = 404, description = "No such partner.", body = Problem)),
    security(("operator token" = [])))]
pub async fn list(
    State(door): State<Door>,
    _: Operator,
    Query(options): Query<RecallOptions>,
) -> Result<Json<RecallList>, Problem> {
    let partner: Option<PartnerId> =
        options.partner.map(|partner| partner.parse()).transpose().map_err(|_| Problem::not_found("partner"))?;
    let filter = RecallFilter { subject: options.subject, partner, escalated: options.escalated };
    let recalls = door.intake.store.recalls(&filter, PAGE).await?;
    Ok(Json(RecallList { recalls: recalls.iter().map(Recalled::of).collect() }))
}

impl Recalled {
    /// A recall for people.
    pub fn of(recall: &Recall) -> Self {
        Self {
            subject: recall.key.subject.to_string(),
            partner: recall.key.partner.to_string(),
            kind: recall.disclosed.kind.to_string(),
            code: recall.code.clone(),
            state: recall.state.as_str(),
            attempts: recall.attempts,
            detail: recall.detail.clone(),
            owed_at: instant(recall.owed_at),
            sent_at: recall.sent_at.map(instant),
            settled_at: recall.settled_at.map(instant),
            escalated_at: recall.escalated_at.map(instant),
        }
    }
}

/// Every recall of a person; whoever has to send one is told at once.
pub async fn begun(door: &Door, subject: Uuid) -> Result<Vec<Recalled>, Problem> {
    let filter = RecallFilter { subject: Some(subject), ..RecallFilter::default() };
    let recalls = door.intake.store.recalls(&filter, PAGE).await?;
    for recall in &recalls {
        door.wakes.wake(&recall.key.partner);
    }
    Ok(recalls.iter().map(Recalled::of).collect())
}
