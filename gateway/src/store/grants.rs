//! Grants: what persons allowed, event by event.

use anyhow::Result;
use async_trait::async_trait;
use consent::{Event, Grant, Method};
use uuid::Uuid;

use super::Standing;

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

/// Grants of persons, who are pseudonyms here. Every change moves the person's version on; no claim that rests on an
/// earlier one commits after it.
#[async_trait]
pub trait Grants: Send + Sync {
    /// Keeps a new grant with the events that it has.
    async fn put_grant(&self, grant: Grant, recorded_at: i64) -> Result<Kept>;

    /// Adds an event to a grant that has exactly so many. One that ends a consent makes recalls owed in the same
    /// transaction: no claim commits after it, and everybody to whom a send has begun is asked to delete.
    async fn add_grant_event(&self, record_id: Uuid, after: usize, event: Event, recorded_at: i64) -> Result<Kept>;

    /// A grant as it stands.
    async fn grant(&self, record_id: Uuid) -> Result<Option<Grant>>;

    /// Every grant of a person, oldest first.
    async fn grants_of(&self, subject: Uuid) -> Result<Vec<Grant>>;

    /// Notes that a person wants their data left alone from now on, or no longer. Returns since when; nothing changes if
    /// it is so already.
    async fn restrict(&self, subject: Uuid, is_restricted: bool, method: Method, at: i64) -> Result<Option<i64>>;

    /// What a decision about a person rests on, for a claim that is to be conditional on it.
    async fn standing_of(&self, subject: Uuid) -> Result<Standing>;
}
