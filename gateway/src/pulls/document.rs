//! A document about a person as it stands in a feed: sealed with what is told beside it.

use anyhow::{Context, Result};
use schemas::{EntityKey, Hash};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    store::PersonFeed,
    vault::{Bodies, Purpose},
};

/// A document, and what is told beside it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Document {
    /// In the partner's dialect.
    pub content: String,
    /// Its media type.
    pub media_type: String,
    /// Which categories are withheld, and why, as a structured field.
    pub withheld: String,
    /// What the receiver is obliged to, as a structured field.
    pub obligations: String,
}

impl Document {
    /// Seals it for a feed, with a keyed hash. None if the keys of whom it is about were destroyed.
    ///
    /// # Errors
    /// If it cannot be sealed.
    pub async fn seal(&self, bodies: &Bodies, feed: &PersonFeed, entity: EntityKey) -> Result<Option<(Vec<u8>, Hash)>> {
        let plain = Zeroizing::new(serde_json::to_vec(self).context("cannot write a document of a feed")?);
        let place = place_of(feed, entity);
        let Some(sealed) = bodies.keep_for((feed.kind, entity), &feed.partner, &place, &plain).await? else {
            return Ok(None);
        };
        let hash = bodies.hash(feed.kind, entity, Purpose::Feed, Hash::of(&plain)).await?;
        Ok(hash.map(|hash| (sealed, hash)))
    }

    /// Opens what was sealed for that feed. None if the keys of whom it is about were destroyed.
    ///
    /// # Errors
    /// If it does not open.
    pub async fn open(
        bodies: &Bodies,
        feed: &PersonFeed,
        (entity, sealed): (EntityKey, &[u8]),
    ) -> Result<Option<Self>> {
        let Some(plain) = bodies.kept(feed.kind, &place_of(feed, entity), sealed).await? else { return Ok(None) };
        let plain = Zeroizing::new(plain);
        // Its own error would quote what it reads.
        serde_json::from_slice(&plain).map(Some).map_err(|_| anyhow::anyhow!("a document of a feed is damaged"))
    }
}

/// Where it stands: moved elsewhere, it does not open.
fn place_of(feed: &PersonFeed, entity: EntityKey) -> String {
    format!("feed {} {} {entity}", feed.partner, feed.kind)
}
