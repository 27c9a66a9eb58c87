//! Inputs that could not be read and had nobody to correct them, with their bytes. Never deleted.

use anyhow::Result;
use async_trait::async_trait;
use uuid::Uuid;

/// An input that could not be read. Vacancies only: raw bytes of persons are not kept plain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedInput {
    /// Its own id.
    pub parked_id: Uuid,
    /// Who sent it.
    pub partner: String,
    /// What it should be about.
    pub kind: String,
    /// The dialect it should be in.
    pub dialect: String,
    /// How it came in.
    pub channel: String,
    /// Why it is parked.
    pub code: String,
    /// What is wrong with it, as JSON: pointers and problems.
    pub faults: String,
    /// Media type of the bytes.
    pub media_type: Option<String>,
    /// The bytes as they came in.
    pub raw: Vec<u8>,
    /// When, microseconds since 1970 UTC.
    pub received_at: i64,
    /// `parked`, `released` or `dropped`.
    pub state: String,
}

/// Which parked things.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParkedFilter {
    /// Of one partner only.
    pub partner: Option<String>,
    /// With that code only.
    pub code: Option<String>,
}

/// Inputs that wait for a person.
#[async_trait]
pub trait ParkedInputs: Send + Sync {
    /// Keeps an input; the same id again changes nothing.
    async fn park_input(&self, input: ParkedInput) -> Result<()>;

    /// Inputs that wait, newest first.
    async fn parked_inputs(&self, filter: &ParkedFilter, limit: i64) -> Result<Vec<ParkedInput>>;

    /// One input, whatever became of it.
    async fn parked_input(&self, id: Uuid) -> Result<Option<ParkedInput>>;

    /// Says what became of an input; returns whether it was waiting.
    async fn resolve_input(&self, id: Uuid, state: &'static str) -> Result<bool>;
}
