//! What a message's translations carried and what not, computed anew from the record in the log.
//!
//! Stored reports hold only what was not kept; here every field is listed. Pointers and codes, never values.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use mappings::{ReadOptions, WriteOptions, translate};
use schemas::{DialectName, LossEntry};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Door, identity::Operator, problem::Problem};
use crate::{
    backbone::{Stored, Topic},
    code::code,
    config::Partner,
    in_force::Rules,
};

/// What the translations of a message carry with the mappings in force now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// One per partner that something of this kind goes out to.
    translations: Vec<Explained>,
}

/// One translation.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explained {
    /// The partner that it would go to.
    recipient: String,
    /// From which dialect.
    from: String,
    /// To which.
    to: String,
    /// Why it cannot be translated, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    /// How many source fields are kept as they are.
    kept: i64,
    /// Every source field, kept ones too.
    #[schema(value_type = Vec<Object>)]
    fields: Vec<ExplainedField>,
}

/// What becomes of one field.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ExplainedField {
    Kept { outcome: &'static str, pointer: String, path: String },
    Other(LossEntry),
}

/// Explains what the translations of a message carry.
#[utoipa::path(get, path = "/v1/messages/{id}/explanation", tag = "messages", params(("id" = String, Path)),
    responses((status = 200, description = "Every field of the document, and what becomes of it.", body = Explanation),
        (status = 404, description = "No such message, or its record is gone.", body = Problem),
        (status = 422, description = "It is about a person.", body = Problem)), security(("operator token" = [])))]
pub async fn show(State(door): State<Door>, _: Operator, Path(id): Path<String>) -> Result<Json<Explanation>, Problem> {
    let (message, _) = door.message(&id).await?;
    let stored = door.intake.backbone.fetch(&Topic::accepted(), message.position).await?;
    let stored = stored.ok_or_else(|| Problem::not_found("record"))?;
    if stored.envelope.kind().is_personal() {
        let title = "what is about persons is not explained";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, const { code("personal_kind") }, title)
            .detail("what a document of a person consists of says something of the person"));
    }
    let content = door.intake.bodies.content(&stored.envelope).await?.ok_or_else(|| Problem::not_found("record"))?;
    let raw = content.raw;
    let rules = door.intake.in_force.now();
    let Some(source) = rules.configuration.partners.get(&stored.envelope.header.origin.partner) else {
        return Err(Problem::not_found("partner"));
    };
    let translations = rules
        .configuration
        .receivers(stored.envelope.kind())
        .map(|(receiver, outgoing)| explain(&rules, &stored, &raw, source, (receiver, &outgoing.dialect)))
        .collect();
    Ok(Json(Explanation { translations }))
}

/// What the translation of a document to one receiver carries.
fn explain(
    rules: &Rules,
    stored: &Stored,
    raw: &[u8],
    source: &Partner,
    (receiver, to): (&Partner, &DialectName),
) -> Explained {
    let from = &stored.envelope.header.origin.dialect;
    let read = ReadOptions { defaults: Some(&source.defaults), full: true };
    let write = WriteOptions { parameters: &receiver.parameters, ..WriteOptions::default() };
    let catalogue = rules.dialects.catalogue();
    let mut explained = Explained {
        recipient: receiver.id.to_string(),
        from: from.to_string(),
        to: to.to_string(),
        refused: None,
        kept: 0,
        fields: Vec::new(),
    };
    match translate(catalogue, (from, to), stored.envelope.kind(), raw, (&read, &write)) {
        Ok(translation) => {
            explained.kept = translation.loss.kept;
            let kept = translation.trail.into_iter().map(|kept| ExplainedField::Kept {
                outcome: "kept",
                pointer: kept.pointer,
                path: kept.path,
            });
            explained.fields = kept.chain(translation.loss.entries.into_iter().map(ExplainedField::Other)).collect();
        }
        Err(error) => explained.refused = Some(error.to_string()),
    }
    explained
}
