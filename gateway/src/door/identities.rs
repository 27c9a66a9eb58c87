//! Who is the same person, though sources call them otherwise: confirmed, taken back and shown. Operators only. What sources
//! call persons stands in bodies and in no answer.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use consent::{Method, Who};
use jiff::Timestamp;
use schemas::PartnerId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Door, identity::Operator, messages::instant, problem::Problem, subjects::vault};
use crate::{
    code::code,
    identities::{Identifier, tellings, two},
    store::{Confirmation, Evidence, Identified, IdentityEvent, Said},
    vault::Subject,
};

/// The longest reference of a notice, in bytes.
const LONGEST: usize = 128;

/// Two persons of whom something was confirmed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Two {
    /// One of them.
    one: Called,
    /// The other one.
    other: Called,
    /// How it is known.
    evidence: Confirmed,
}

/// A person, by what a partner calls it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Called {
    /// The partner.
    #[schema(example = "anapec")]
    partner: String,
    /// What it calls the person.
    #[schema(example = "1139632")]
    foreign_id: String,
}

/// How it is known.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Confirmed {
    /// Who confirmed it: `subject`, or `partner:<id>` for somebody there who is in charge of the person.
    #[schema(value_type = String, example = "subject")]
    by: Who,
    /// When.
    #[schema(value_type = String, example = "2026-11-20T09:00:00Z")]
    at: Timestamp,
    /// How: `web`, `app`, `paper`, `in_person` or `phone`.
    #[schema(value_type = String, example = "in_person")]
    method: Method,
    /// Where that is kept: an opaque name of a notice, of letters, digits, `.`, `_`, `:` and `-`, which says nothing of the person.
    #[schema(example = "notice-2026-0417")]
    reference: String,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Answered {
    /// The pseudonyms of the two.
    #[schema(value_type = Vec<String>)]
    subjects: [Uuid; 2],
    /// `linked` or `split`.
    #[schema(example = "linked")]
    said: &'static str,
    /// Whether that is new.
    is_new: bool,
    /// Everybody who is the same person as the first one now, itself included.
    #[schema(value_type = Vec<String>)]
    same_person: BTreeSet<Uuid>,
}

/// Who else a person is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Links {
    /// Its pseudonym.
    #[schema(value_type = String)]
    subject: Uuid,
    /// Everybody who is the same person, itself left out.
    #[schema(value_type = Vec<String>)]
    linked: BTreeSet<Uuid>,
    /// The links that hold between any of them, oldest first.
    links: Vec<Link>,
    /// Everything that was ever said of this one, oldest first.
    history: Vec<Link>,
}

/// Something that was said of two.
#[derive(Debug, Serialize, ToSchema)]
pub struct Link {
    /// The pseudonyms of the two.
    #[schema(value_type = Vec<String>)]
    subjects: [Uuid; 2],
    /// The partners that know them, in the same order.
    #[schema(value_type = Vec<String>)]
    partners: [PartnerId; 2],
    /// `linked` or `split`.
    said: &'static str,
    /// By what: `verified_id`, `confirmation` or `source_merge`.
    evidence: &'static str,
    /// Which kind of number, if it is by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    scheme: Option<String>,
    /// Who confirmed it, if somebody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_by: Option<String>,
    /// How.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'static str>,
    /// Where that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// The partner that said so; none if an operator did.
    #[schema(value_type = Option<String>)]
    said_by: Option<PartnerId>,
    /// Why, as a code, if it followed from something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Since when it is so.
    since: String,
    /// When it was kept.
    recorded_at: String,
}

/// Links two persons of different sources, or of one, because somebody has confirmed that they are the same person.
///
/// Nothing is merged: each keeps its data, its keys and what is permitted of it. The same again changes nothing.
#[utoipa::path(post, path = "/v1/subjects/link", tag = "subjects", request_body = Two,
    responses((status = 200, description = "They are linked.", body = Answered),
        (status = 404, description = "No such partner or person, or there is no vault.", body = Problem),
        (status = 409, description = "Others of them were confirmed not to be the same.", body = Problem),
        (status = 422, description = "The evidence is none, or they are one already.", body = Problem)),
    security(("operator token" = [])))]
pub async fn link(State(door): State<Door>, _: Operator, Json(two): Json<Two>) -> Result<Json<Answered>, Problem> {
    said(&door, Said::Linked, two).await
}

/// Splits two persons, because somebody has confirmed that they are not the same person. No number links them again.
///
/// The same again changes nothing.
#[utoipa::path(post, path = "/v1/subjects/split", tag = "subjects", request_body = Two,
    responses((status = 200, description = "They are not linked.", body = Answered),
        (status = 404, description = "No such partner or person, or there is no vault.", body = Problem),
        (status = 409, description = "They are linked through others.", body = Problem),
        (status = 422, description = "The evidence is none, or they are one.", body = Problem)),
    security(("operator token" = [])))]
pub async fn split(State(door): State<Door>, _: Operator, Json(two): Json<Two>) -> Result<Json<Answered>, Problem> {
    said(&door, Said::Split, two).await
}

/// Shows who else a person is, since when and by what evidence.
#[utoipa::path(get, path = "/v1/subjects/{pseudonym}/links", tag = "subjects",
    params(("pseudonym" = String, Path, example = "5f0d7f3e-6a37-4c0e-8b1c-0d5a7f1f9d11")),
    responses((status = 200, description = "The links; of somebody who is not known, none.", body = Links)),
    security(("operator token" = [])))]
pub async fn links(State(door): State<Door>, _: Operator, Path(pseudonym): Path<Uuid>) -> Result<Json<Links>, Problem> {
    let store = &door.intake.store;
    let mut linked = store.same_person(pseudonym).await?;
    let links = store.links_of(&linked).await?.into_iter().map(Link::of).collect();
    let history = store.identity_events(pseudonym).await?.into_iter().map(Link::of).collect();
    linked.remove(&pseudonym);
    Ok(Json(Links { subject: pseudonym, linked, links, history }))
}

async fn said(door: &Door, said: Said, Two { one, other, evidence }: Two) -> Result<Json<Answered>, Problem> {
    let (now, identifier) = (door.intake.clock.now(), door.identifier());
    evidence.check(now)?;
    let ((one, one_partner), (other, other_partner)) = (find(door, &one).await?, find(door, &other).await?);
    let Some((pair, sources)) = two((one, &one_partner), (other, &other_partner)) else {
        return Err(illegal("`one` and `other` are the same person of the same partner"));
    };
    let event = IdentityEvent {
        event_id: Uuid::now_v7(),
        pair,
        sources,
        said,
        effective_at: evidence.at.as_microsecond(),
        evidence: Evidence::Confirmation(Confirmation {
            by: evidence.by,
            method: evidence.method,
            reference: evidence.reference,
        }),
        said_by: None,
        code: None,
        recorded_at: now.as_microsecond(),
    };
    let is_new = match identifier.say(event.clone()).await? {
        Identified::New(_) => {
            identifier.tell(&tellings(&event)).await?;
            true
        }
        Identified::Known(known) => {
            // Whoever kept it may not have come to tell it.
            identifier.tell(&tellings(&known)).await?;
            false
        }
        Identified::Nothing => false,
        Identified::SplitBefore(pair) | Identified::TwoOfOneSource(pair) => {
            let [one, other] = pair.both();
            let title = "others who would be linked by this were confirmed not to be the same person";
            return Err(Problem::new(StatusCode::CONFLICT, const { code("identity_split_before") }, title)
                .detail(format!("these: {one}, {other}; link them first if they are the same"))
                .see(format!("/v1/subjects/{one}/links")));
        }
        Identified::LinkedThrough(others) => {
            let others: Vec<String> = others.iter().map(Uuid::to_string).collect();
            let title = "they are linked through others all the same; nothing was changed";
            return Err(Problem::new(StatusCode::CONFLICT, const { code("identity_linked_through") }, title)
                .detail(format!("split one of them from these first: {}", others.join(", ")))
                .see(format!("/v1/subjects/{}/links", one.as_uuid())));
        }
    };
    let same_person = door.intake.store.same_person(one.as_uuid()).await?;
    Ok(Json(Answered { subjects: [one.as_uuid(), other.as_uuid()], said: said.as_str(), is_new, same_person }))
}

/// The person that a partner calls so, and the partner.
async fn find(door: &Door, called: &Called) -> Result<(Subject, PartnerId), Problem> {
    let partner: PartnerId = called.partner.parse().map_err(|_| Problem::not_found("partner"))?;
    let found = vault(door)?.find(&partner, std::slice::from_ref(&called.foreign_id)).await?;
    let subject = found.into_iter().flatten().next().ok_or_else(|| Problem::not_found("subject"))?;
    Ok((subject, partner))
}

impl Confirmed {
    /// Refuses what is no confirmation by anybody, or may say something of the person.
    fn check(&self, now: Timestamp) -> Result<(), Problem> {
        if self.by == Who::Gateway || matches!(self.method, Method::Import | Method::Automatic) {
            return Err(illegal(
                "a person confirms it: `evidence.by` is `subject` or `partner:<id>`, `evidence.method` how",
            ));
        }
        if self.at > now {
            return Err(illegal("`evidence.at` is in the future"));
        }
        let is_opaque = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        let reference = &self.reference;
        if reference.is_empty() || reference.len() > LONGEST || !reference.bytes().all(is_opaque) {
            return Err(illegal(&format!(
                "`evidence.reference` is the name of a notice: at most {LONGEST} letters, digits, `.`, `_`, `:` and `-`"
            )));
        }
        Ok(())
    }
}

impl Link {
    fn of(event: IdentityEvent) -> Self {
        let evidence = event.evidence.as_str();
        let (scheme, confirmation) = match event.evidence {
            Evidence::VerifiedId { scheme } => (Some(scheme), None),
            Evidence::Confirmation(confirmation) => (None, Some(confirmation)),
            Evidence::SourceMerge => (None, None),
        };
        Self {
            subjects: event.pair.both(),
            partners: event.sources,
            said: event.said.as_str(),
            evidence,
            scheme,
            confirmed_by: confirmation.as_ref().map(|said| said.by.to_string()),
            method: confirmation.as_ref().map(|said| said.method.as_str()),
            reference: confirmation.map(|said| said.reference),
            said_by: event.said_by,
            code: event.code,
            since: instant(event.effective_at),
            recorded_at: instant(event.recorded_at),
        }
    }
}

impl Door {
    /// Links and splits persons.
    pub(super) fn identifier(&self) -> Identifier {
        Identifier {
            store: self.intake.store.clone(),
            bodies: self.intake.bodies.clone(),
            backbone: self.intake.backbone.clone(),
            clock: self.intake.clock.clone(),
            sync_wanted: self.sync_wanted.clone(),
        }
    }
}

fn illegal(detail: &str) -> Problem {
    let title = "nothing is confirmed by this";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, const { code("wrong_body") }, title).detail(detail)
}
