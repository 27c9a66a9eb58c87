//! The log: the truth about messages. One append makes a message exist.
//!
//! **Invariant:** the log never shares a transaction with the store. Its own transactions are outputs
//! and consumer offsets, together or not at all. It is no job queue: what cannot go now is a row in the store.

#[cfg(test)]
pub mod conformance;
pub mod embedded;
pub mod kafka;
pub mod wire;

use std::fmt;

use anyhow::{Context, Result};
use async_trait::async_trait;
use futures::future::BoxFuture;
use schemas::{EntityKey, Envelope, PartnerId, Position};
use tokio_util::sync::CancellationToken;

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

/// How far a topic reached at a moment: its last position, or one for each of its partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frontier {
    /// Which log.
    pub generation: i64,
    /// The last offset of each partition; 0 for an empty one.
    pub ends: Vec<i64>,
}

impl Frontier {
    /// Whether the record at that position was there at that moment.
    pub fn covers(&self, position: Position) -> bool {
        if position.generation != self.generation {
            return position.generation < self.generation;
        }
        let end = match self.ends.as_slice() {
            [end] => Some(end),
            ends => ends.get(kafka::partition_of(position)),
        };
        end.is_some_and(|end| position.offset <= *end)
    }
}

impl fmt::Display for Frontier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends: Vec<String> = self.ends.iter().map(i64::to_string).collect();
        write!(formatter, "{}:{}", self.generation, ends.join(","))
    }
}

impl std::str::FromStr for Frontier {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (generation, ends) = text.split_once(':').context("a frontier is `generation:end,end,...`")?;
        let ends = ends.split(',').map(str::parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { generation: generation.parse()?, ends })
    }
}

/// The log engine. Records of one entity are read in the order in which they were appended.
#[async_trait]
pub trait Backbone: Send + Sync {
    /// Appends records; they are durable and readable when this returns.
    ///
    /// # Errors
    /// Nothing was appended if it fails, unless the outcome is unknown to the engine itself.
    async fn append(&self, outputs: Vec<Output>) -> Result<Vec<Position>>;

    /// Takes part in reading a topic on behalf of a named consumer, together with the other nodes: each reads shares.
    async fn join(&self, consumer: &str, topic: Topic) -> Result<Box<dyn Membership>>;

    /// Reads a topic of one partition alone on behalf of a named consumer, from where it last committed. Who may do so
    /// is settled elsewhere.
    async fn subscribe(&self, consumer: &str, topic: Topic) -> Result<Box<dyn Subscription>>;

    /// Reads what a topic is given from now on, on behalf of nobody: whoever reads so commits nothing.
    async fn tail(&self, topic: Topic) -> Result<Box<dyn Subscription>>;

    /// The record at a position, if it is still there.
    async fn fetch(&self, topic: &Topic, position: Position) -> Result<Option<Stored>>;

    /// How far a topic reaches.
    async fn end(&self, topic: &Topic) -> Result<Frontier>;

    /// How many records of a topic a named consumer has not committed yet.
    async fn lag(&self, consumer: &str, topic: &Topic) -> Result<i64>;

    /// Whether a named consumer has committed everything up to there.
    async fn has_passed(&self, consumer: &str, topic: &Topic, frontier: &Frontier) -> Result<bool>;

    /// Whether a named consumer has committed everything that a topic holds of an entity. In doubt it has not.
    async fn is_done(&self, consumer: &str, topic: &Topic, entity: EntityKey) -> Result<bool>;

    /// Which share of a topic that is read in shares an entity belongs to.
    fn share_of(&self, entity: EntityKey) -> u32;

    /// Whether the engine answers.
    async fn probe(&self) -> Result<()>;
}

/// The part that this node has in reading a topic.
#[async_trait]
pub trait Membership: Send {
    /// The next share that this node is to read; waits until there is one. Safe to cancel.
    async fn next(&mut self) -> Result<Share>;

    /// Gives a share back that could not be read on: it comes again, from where it was last committed.
    fn again(&mut self, index: u32);
}

/// A part of a topic that is read by one node at a time.
pub struct Share {
    /// Which part; an entity is always in the same.
    pub index: u32,
    /// Gives its records, once it is ready to be read.
    pub opening: BoxFuture<'static, Result<Box<dyn Subscription>>>,
    /// Cancelled when another node reads it.
    pub revoked: CancellationToken,
}

/// One consumer of one topic, or of a share of it.
#[async_trait]
pub trait Subscription: Send + Sync {
    /// The next records, at most `limit`; waits until there are any. None at all come once, when everything was read that
    /// the topic held when reading began, if no record says so. Safe to cancel.
    async fn next(&mut self, limit: usize) -> Result<Vec<Stored>>;

    /// In one transaction appends the outputs and records that everything up to this position is done.
    async fn commit(&mut self, up_to: Position, outputs: Vec<Output>) -> Result<()>;

    /// The position up to which everything is done; offset 0 before the first commit.
    fn committed(&self) -> Position;

    /// Whether everything was read that the topic held when reading began.
    fn has_caught_up(&self) -> bool;
}
