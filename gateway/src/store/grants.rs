//! Grants: what persons allowed, event by event.

use anyhow::Result;
use async_trait::async_trait;
use uuid::Uuid;

use crate::consent::{Event, Grant};

/// What became of a write to a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is kept now.
    New,
    /// It was kept already, exactly so.
    Known,
    /// Something else stands there.
    Conflict,
}

/// Grants of persons, who are pseudonyms here. The row of a grant holds its version: whoever has read it and changes
/// something on the strength of it makes that conditional on the version.
#[async_trait]
pub trait Grants: Send + Sync {
    /// Keeps a new grant with the events that it has.
    async fn put_grant(&self, grant: Grant, recorded_at: i64) -> Result<Kept>;

    /// Adds an event to a grant that has exactly so many.
    async fn add_grant_event(&self, record_id: Uuid, after: usize, event: Event, recorded_at: i64) -> Result<Kept>;

    /// A grant as it stands.
    async fn grant(&self, record_id: Uuid) -> Result<Option<Grant>>;

    /// Every grant of a person, oldest first.
    async fn grants_of(&self, subject: Uuid) -> Result<Vec<Grant>>;
}
