//! The log: the truth about messages. One append makes a message exist.
//!
//! **Invariant:** the log never shares a transaction with the store. Its own transactions are outputs
//! and consumer offsets, together or not at all. It is no job queue: what cannot go now is a row in the store.

#[cfg(test)]
pub mod conformance;
pub mod embedded;
#[cfg_attr(not(test), expect(dead_code, reason = "for the Kafka engine"))]
pub mod wire;

use std::fmt;

use anyhow::Result;
use async_trait::async_trait;
use schemas::{Envelope, PartnerId, Position};

/// A named log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(String);

impl Topic {
    /// Messages taken in.
    pub fn accepted() -> Self {
        Self("accepted".to_owned())
    }

    /// Messages owed to one partner.
    pub fn dispatch(partner: &PartnerId) -> Self {
        Self(format!("dispatch.{partner}"))
    }

    /// What happened to messages.
    pub fn journal() -> Self {
        Self("journal".to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A record to be appended.
#[derive(Debug, Clone)]
pub struct Output {
    /// Where to.
    pub topic: Topic,
    /// What.
    pub envelope: Envelope,
}

/// A record of the log.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Where it stands.
    pub position: Position,
    /// What it holds.
    pub envelope: Envelope,
}

/// The log engine. Records of one entity are read in the order in which they were appended.
#[async_trait]
pub trait Backbone: Send + Sync {
    /// Appends records; they are durable and readable when this returns.
    ///
    /// # Errors
    /// Nothing was appended if it fails, unless the outcome is unknown to the engine itself.
    async fn append(&self, outputs: Vec<Output>) -> Result<Vec<Position>>;

    /// Reads a topic on behalf of a named consumer, from where it last committed.
    async fn subscribe(&self, consumer: &str, topic: Topic) -> Result<Box<dyn Subscription>>;

    /// Reads what a topic is given from now on, on behalf of nobody: whoever reads so commits nothing.
    async fn tail(&self, topic: Topic) -> Result<Box<dyn Subscription>>;

    /// The record at a position, if it is still there.
    async fn fetch(&self, topic: &Topic, position: Position) -> Result<Option<Stored>>;

    /// The position of the last record of a topic; offset 0 if there is none.
    async fn end(&self, topic: &Topic) -> Result<Position>;

    /// How many records of a topic a named consumer has not committed yet.
    async fn lag(&self, consumer: &str, topic: &Topic) -> Result<i64>;

    /// Whether a named consumer has committed everything that a topic holds.
    async fn is_done(&self, consumer: &str, topic: &Topic) -> Result<bool>;

    /// Whether the engine answers.
    async fn probe(&self) -> Result<()>;
}

/// One consumer of one topic.
#[async_trait]
pub trait Subscription: Send + Sync {
    /// The next records, at least one and at most `limit`; waits until there are any. Safe to cancel.
    async fn next(&mut self, limit: usize) -> Result<Vec<Stored>>;

    /// In one transaction appends the outputs and records that everything up to this position is done.
    async fn commit(&mut self, up_to: Position, outputs: Vec<Output>) -> Result<()>;

    /// The position up to which everything is done; offset 0 before the first commit.
    fn committed(&self) -> Position;
}
