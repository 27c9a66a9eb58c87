//! Removes files that nobody refers to any more, and those that never came to an end.

use std::{collections::HashSet, time::Duration};

use anyhow::Result;
use async_trait::async_trait;
use jiff::SignedDuration;

use super::Files;
use crate::store::BlobId;

/// Files that are looked at together.
const PAGE: usize = 500;

/// Knows which files somebody refers to.
#[async_trait]
pub trait References: Send + Sync {
    /// Those of the files that somebody refers to.
    ///
    /// # Errors
    /// If that cannot be told; then nothing is removed.
    async fn referred_to(&self, blobs: &[BlobId]) -> Result<HashSet<BlobId>>;
}

impl Files {
    /// Removes every file that was begun longer ago than `grace` and that nobody refers to, and returns how many there were.
    /// The grace has to be longer than a file may take to arrive and to be referred to.
    ///
    /// # Errors
    /// If the store does not answer, or nobody can tell what is referred to.
    pub async fn sweep(&self, references: &dyn References, grace: Duration) -> Result<u64> {
        let bound = BlobId::bound(self.clock.now() - SignedDuration::try_from(grace)?);
        let (mut after, mut removed) = (None, 0);
        loop {
            let page = self.store.blobs_below(bound, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(removed) };
            after = Some(*last);
            let kept = references.referred_to(&page).await?;
            let doomed: Vec<_> = page.into_iter().filter(|blob| !kept.contains(blob)).collect();
            if !doomed.is_empty() {
                removed += self.store.remove_blobs(doomed).await?;
            }
        }
    }
}
