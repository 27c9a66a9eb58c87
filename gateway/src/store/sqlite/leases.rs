//! Leases of the embedded store: in memory, since the lock on the data directory proves that there is one node.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use async_trait::async_trait;
use tokio::time::Instant;

use super::{SqliteStore, sql::leases::raise_epoch};
use crate::store::{Lease, Leases};

/// Leases by resource: who has it and until when. A new process begins with none.
pub(super) type Held = Arc<Mutex<BTreeMap<String, (String, Instant)>>>;

#[async_trait]
impl Leases for SqliteStore {
    async fn lease(&self, resource: &str, holder: &str, lasting: Duration) -> Result<bool> {
        let (mut held, now) = (self.held.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        if held.get(resource).is_some_and(|(other, until)| other != holder && *until > now) {
            return Ok(false);
        }
        held.insert(resource.to_owned(), (holder.to_owned(), now + lasting));
        Ok(true)
    }

    async fn give_back(&self, resource: &str, holder: &str) -> Result<()> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.get(resource).is_some_and(|(other, _)| other == holder) {
            held.remove(resource);
        }
        Ok(())
    }

    async fn leases(&self) -> Result<Vec<Lease>> {
        let (held, now) = (self.held.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        let lease = |(resource, (holder, until)): (&String, &(String, Instant))| Lease {
            resource: resource.clone(),
            holder: holder.clone(),
            left: until.saturating_duration_since(now),
        };
        Ok(held.iter().map(lease).collect())
    }

    async fn take_over(&self, resource: &str, _holder: &str) -> Result<Option<i64>> {
        self.write(resource.to_owned(), |connection, resource| {
            Box::pin(async move { Ok(Some(raise_epoch(connection, resource).await?)) })
        })
        .await
    }
}
