//! Removes files that no profile links to any more, and tokens that are over.

use std::{collections::HashSet, sync::Arc, time::Duration};

use anyhow::Result;
use async_trait::async_trait;
use jiff::SignedDuration;
use metrics::counter;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{
    clock::Clock,
    files::{Files, References},
    health::Health,
    in_force::InForce,
    store::{BlobId, Store},
};

/// The name of the part in `/health/ready`.
pub const PART: &str = "upkeep of files";

/// Removes what nobody needs.
#[derive(Clone)]
pub struct Upkeep {
    pub in_force: InForce,
    pub store: Arc<dyn Store>,
    pub files: Files,
    pub clock: Clock,
    pub health: Health,
}

impl Upkeep {
    /// Removes until it is asked to stop.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn run(self, stop: CancellationToken) -> Result<()> {
        loop {
            let rules = self.in_force.now();
            let settings = &rules.configuration.settings.media;
            self.sweep(settings.grace).await?;
            self.health.works(PART);
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = sleep(settings.sweep) => {}
            }
        }
    }

    async fn sweep(&self, grace: Duration) -> Result<()> {
        let now = self.clock.now();
        self.store.forget_media_tokens(now.as_microsecond()).await?;
        let bound = now - SignedDuration::try_from(grace)?;
        let forgotten = self.store.forget_media(bound.as_microsecond()).await?;
        let removed = self.files.sweep(&Profiles(self.store.clone()), grace).await?;
        if forgotten > 0 || removed > 0 {
            counter!("passerelle_media_removed_total").increment(removed);
            info!(media.forgotten = forgotten, files.removed = removed, "files were removed that no profile links to");
        }
        Ok(())
    }
}

/// What profiles link to.
struct Profiles(Arc<dyn Store>);

#[async_trait]
impl References for Profiles {
    async fn referred_to(&self, blobs: &[BlobId]) -> Result<HashSet<BlobId>> {
        self.0.blobs_of_media(blobs).await
    }
}
