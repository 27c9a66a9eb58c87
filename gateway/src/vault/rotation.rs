//! Wraps every key anew under the current version. What is sealed stays as it is: only its key's wrapping changes.
//!
//! **Invariant:** broken off at any point and run again, it goes on with the keys that are left.

use anyhow::{Context, Result};

use super::Vault;

/// Keys that are wrapped anew in one transaction.
const PAGE: i64 = 256;

impl Vault {
    /// Wraps every key anew that another version has wrapped; says after each page how many are done, and of how many.
    /// Returns the version that wraps all of them now.
    ///
    /// # Errors
    /// If a version is missing that has wrapped one of them, or the database does not answer. What is done stays done.
    pub async fn rotate(&self, progress: impl Fn(u64, u64)) -> Result<String> {
        let current = self.wrapping.current().await?;
        let counts = self.database.counts().await?;
        let left = counts.iter().filter(|(version, _)| version.as_ref().is_some_and(|version| *version != current));
        let total: i64 = left.map(|(_, keys)| keys).sum();
        let (mut done, total) = (0, u64::try_from(total)?);
        progress(done, total);
        loop {
            let page = self.database.keys_not_under(&current, PAGE).await?;
            if page.is_empty() {
                return Ok(current);
            }
            let mut anew = Vec::with_capacity(page.len());
            for key in page {
                let associated = super::associated_with(&key);
                let before = key.wrapped.as_ref().context("a destroyed key has a version")?;
                let unwrapped = self.wrapping.unwrap(&associated, before).await?;
                let wrapped = self.wrapping.wrap(&associated, &unwrapped).await?;
                anew.push((key, wrapped));
            }
            // One that somebody else has wrapped or destroyed meanwhile counts as well: it is not met again.
            done += anew.len() as u64;
            self.database.rewrap(anew).await?;
            progress(done, total.max(done));
        }
    }
}
