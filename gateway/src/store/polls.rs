//! Where pollers are, and what a run over everything has seen: absence counts only against a complete run.

use std::collections::HashMap;

use anyhow::Result;
use async_trait::async_trait;
use schemas::{Kind, PartnerId};

use crate::backbone::Frontier;

/// Where a poller is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// Its cursor.
    pub cursor: String,
    /// The run over everything that is under way, if one is.
    pub run: Option<String>,
    /// The end of the accepted log before that run began.
    pub before: Frontier,
    /// Whether the last complete run listed so little that it was not believed.
    pub is_doubted: bool,
}

/// What one page of a source said, once its documents are accepted.
#[derive(Debug, Clone)]
pub struct Polled {
    /// Whose page.
    pub partner: PartnerId,
    /// Where the poller is now.
    pub poll: Poll,
    /// What the page listed: references of vacancies, entity keys of persons.
    pub seen: Vec<String>,
    /// The marks of the documents that were accepted, by the same names.
    pub marks: Vec<(String, String)>,
}

/// Where pollers are.
#[async_trait]
pub trait Polls: Send + Sync {
    /// Where the poller of a partner is.
    async fn poll(&self, partner: &PartnerId) -> Result<Option<Poll>>;

    /// The marks that those had when they were last accepted.
    async fn marks(&self, partner: &PartnerId, references: &[String]) -> Result<HashMap<String, String>>;

    /// Keeps what a page said; the same page again changes nothing. What other runs have seen is forgotten.
    async fn record_polled(&self, polled: Polled) -> Result<()>;

    /// What is open of a partner, was accepted before that moment and was not seen by the run, by the names under which
    /// it would have been seen; and how many it has open altogether.
    async fn absent(
        &self,
        partner: &PartnerId,
        kind: Kind,
        run: &str,
        before: &Frontier,
    ) -> Result<(Vec<String>, usize)>;

    /// Forgets a run and its poller's place, so that it begins anew.
    async fn forget_poll(&self, partner: &PartnerId) -> Result<()>;
}
