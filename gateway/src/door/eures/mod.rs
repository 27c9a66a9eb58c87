//! The EURES Input API, as EURES pulls it (FMES 1.3.2; NAV's implementations are the public witnesses): one interface,
//! below one address for vacancies and one for CVs.
//!
//! The bearer token selects the source: VDAB, Actiris and Le Forem are three feeds.

pub mod cvs;
pub mod vacancies;

use std::{collections::BTreeMap, marker::PhantomData};

use axum::{extract::FromRequestParts, http::request::Parts};
use schemas::{Kind, PartnerId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Door, identity::bearer_token, problem::Problem};
use crate::{config::Connector, store::FeedItem};

/// The version of the payload profile.
const CONTENT_FORMAT_VERSION: &str = "1.3";

/// What is pulled below an address.
pub trait Pulled: Send + Sync {
    /// What it is.
    const KIND: Kind;
}

/// The feed that a puller may see.
pub struct Puller<P> {
    partner: PartnerId,
    source: String,
    pulled: PhantomData<P>,
}

impl<P: Pulled> FromRequestParts<Door> for Puller<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let token = bearer_token(&parts.headers).ok_or_else(Problem::unauthorized)?;
        let rules = door.intake.in_force.now();
        let configuration = &rules.configuration;
        for (partner, outgoing) in configuration.receivers(P::KIND) {
            if let Connector::EuresFeed { token: name, source } = &outgoing.connector
                && configuration.secrets.get(name)?.matches(token)
            {
                door.limits.require(&format!("puller of {}", partner.id))?;
                return Ok(Self { partner: partner.id.clone(), source: source.clone(), pulled: PhantomData });
            }
        }
        Err(Problem::unauthorized())
    }
}

/// A reference to an item of the feed. Times are milliseconds since 1970 UTC.
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

/// Items with their documents.
#[derive(Debug, Serialize, ToSchema)]
pub struct Details {
    details: BTreeMap<String, Detail>,
}

/// An item with its document; what is closed has none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    #[serde(flatten)]
    reference: Reference,
    /// The document, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// The version of the payload profile.
    content_format_version: &'static str,
}

impl<P: Pulled> Puller<P> {
    async fn all(&self, door: &Door) -> Result<All, Problem> {
        let items = door.pulls().of(&self.partner, P::KIND).active().await?;
        Ok(All { all_references: items.iter().map(|item| self.reference(item)).collect() })
    }

    async fn changes(&self, door: &Door, since: i64) -> Result<Changes, Problem> {
        let mut changes =
            Changes { created_references: vec![], modified_references: vec![], closed_references: vec![] };
        for item in door.pulls().of(&self.partner, P::KIND).changes(since).await? {
            let list = if !item.is_active {
                &mut changes.closed_references
            } else if item.created_at >= since {
                // Created and edited since the last pull: the puller has never seen it, so it is created.
                &mut changes.created_references
            } else {
                &mut changes.modified_references
            };
            list.push(self.reference(&item));
        }
        Ok(changes)
    }

    async fn details(&self, door: &Door, references: &[String]) -> Result<Details, Problem> {
        let items = door.pulls().of(&self.partner, P::KIND).details(references).await?;
        let detail = |item: FeedItem| {
            let reference = self.reference(&item);
            let content = item.is_active.then_some(item.content);
            (item.reference, Detail { reference, content, content_format_version: CONTENT_FORMAT_VERSION })
        };
        Ok(Details { details: items.into_iter().map(detail).collect() })
    }

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
