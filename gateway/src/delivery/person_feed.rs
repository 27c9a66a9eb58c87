//! Sending to a feed about persons: sealed, with what the decision rests on; the pull is the disclosure.

use std::sync::Arc;

use anyhow::{Context, Result};
use connectors::{Notice, Outcome, Parcel, ProbeError};
use schemas::{EntityKey, Hash, Operation};
use tracing::warn;

use super::ways::{Basis, Told};
use crate::{
    clock::Clock,
    pulls::Document,
    store::{Permission, PersonDocument, PersonFeed, Store},
    vault::Bodies,
};

/// Sends to the feed of one partner.
pub struct PersonFeedSender {
    pub feed: PersonFeed,
    pub store: Arc<dyn Store>,
    pub bodies: Bodies,
    pub clock: Clock,
    /// The rules under which it was made: what is decided under it is decided under these, or newer ones.
    pub rules: Hash,
}

impl PersonFeedSender {
    /// Puts a document into the feed, or takes it away.
    pub async fn send(&self, parcel: Parcel, basis: Basis<'_>) -> Told {
        let entity = parcel.reference;
        let outcome = match parcel.operation {
            Operation::Upsert => self.show(parcel, basis).await,
            Operation::Close | Operation::Event => self.close(entity, parcel.closing.map(|closing| closing.code)).await,
        };
        let never_sent = |error: anyhow::Error| {
            warn!(partner.name = %self.feed.partner, error = format!("{error:#}"), "a feed was not changed");
            let detail = "store or vault did not answer".to_owned();
            let outcome = Outcome::Retry { code: connectors::code::UNREACHABLE, detail, after: None };
            Told { sent: outcome.into(), awaits_pull: false }
        };
        outcome.unwrap_or_else(never_sent)
    }

    /// Whether store and vault answer.
    ///
    /// # Errors
    /// If they do not.
    pub async fn probe(&self) -> Result<(), ProbeError> {
        let gone = |_: anyhow::Error| ProbeError::Unreachable("store or vault do not answer".to_owned());
        self.store.probe().await.map_err(gone)?;
        self.bodies.for_persons().map_err(gone)?.probe().await.map_err(gone)
    }

    async fn show(&self, parcel: Parcel, basis: Basis<'_>) -> Result<Told> {
        let Permission::Decided(decided) = basis.permission else {
            anyhow::bail!("nothing about a person is shown without a decision")
        };
        let Notice { withheld, obligations } = parcel.notice.context("a document about a person without its notice")?;
        let content = String::from_utf8(parcel.body).context("a document that is no text")?;
        let document = Document { content, media_type: parcel.media_type, withheld, obligations };
        let is_put = match document.seal(&self.bodies, &self.feed, parcel.reference).await? {
            Some((sealed, content_hash)) => {
                let (entity_key, source, rules) = (parcel.reference, basis.source.clone(), self.rules);
                let document = PersonDocument { entity_key, source, sealed, content_hash, decided, rules };
                let now = self.clock.now();
                self.store.show_person(&self.feed, document, (now.as_microsecond(), now.as_millisecond())).await?
            }
            None => false,
        };
        let outcome = if is_put {
            Outcome::Delivered { foreign_reference: None }
        } else {
            // The person has changed something since: it is decided again.
            Outcome::Retry { code: connectors::code::LATER, detail: String::new(), after: None }
        };
        Ok(Told { sent: outcome.into(), awaits_pull: false })
    }

    async fn close(&self, entity: EntityKey, reason: Option<String>) -> Result<Told> {
        let now_ms = self.clock.now().as_millisecond();
        let awaits_pull = self.store.close_person(&self.feed, entity, reason, now_ms).await?;
        Ok(Told { sent: Outcome::Delivered { foreign_reference: None }.into(), awaits_pull })
    }
}
