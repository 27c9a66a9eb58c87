//! Kafka as the log that an embedded installation moves into.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use schemas::{EntityKey, Envelope, Position};
use tokio::sync::oneshot;

use super::{KafkaBackbone, PATIENCE, client::Clients, position::position, reader::Command, topics};
use crate::{
    backbone::{Backbone, Output, Subscription, Topic},
    config::Configuration,
};

/// The consumer that reads back what was written.
const READER: &str = "move";
/// How long a commit may take.
const COMMIT: Duration = Duration::from_secs(30);
/// Between two looks at the end of a topic that may still grow.
const LOOK: Duration = Duration::from_secs(1);
/// Records of one look.
const READ: usize = 512;

impl KafkaBackbone {
    /// Makes the log at the brokers one of that generation, if it is of an earlier one.
    ///
    /// # Errors
    /// If the brokers do not answer.
    pub async fn raise_generation(configuration: &Configuration, at_least: i64) -> Result<()> {
        let clients = Clients::of(configuration)?;
        if topics::generation(&clients).await? < at_least {
            topics::raise_generation(&clients, at_least).await?;
        }
        Ok(())
    }

    /// Which log it is.
    pub fn generation(&self) -> i64 {
        self.0.generation
    }

    /// How many records each partition of a topic holds.
    ///
    /// # Errors
    /// If the brokers do not answer, or records are gone already.
    pub async fn lengths(&self, topic: &Topic) -> Result<Vec<i64>> {
        let reader = self.reader(READER, topic)?;
        let ends = self.ends(&reader, topic).await?;
        for (slot, first, _) in &ends {
            ensure!(*first == 0, "`{}`, partition {}, does not begin at its beginning any more", slot.0, slot.1);
        }
        Ok(ends.into_iter().map(|(_, _, next)| next).collect())
    }

    /// The same, once nothing is on its way any more from a process that was killed.
    ///
    /// # Errors
    /// As [`Self::lengths`].
    pub async fn settled_lengths(&self, topic: &Topic) -> Result<Vec<i64>> {
        let mut before = self.lengths(topic).await?;
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.lengths(topic).await?;
            if now == before {
                return Ok(now);
            }
            before = now;
        }
    }

    /// The partition of a topic that an entity's records are in.
    pub fn partition_of_entity(&self, topic: &Topic, entity: EntityKey) -> i32 {
        self.0.outbox.partition_for(topic, entity)
    }

    /// How many shares what was accepted is read in.
    pub fn shares(&self) -> u32 {
        self.0.clients.settings.partitions
    }

    /// The position of the record at a place of a partition.
    pub fn position_at(&self, partition: i32, place: i64) -> Position {
        position(self.0.generation, partition, place)
    }

    /// Appends records that have to come to stand at those positions.
    ///
    /// # Errors
    /// If one comes to stand elsewhere: somebody else writes there.
    pub async fn append_at(&self, outputs: Vec<Output>, expected: &[Position]) -> Result<()> {
        let positions = self.append(outputs).await?;
        ensure!(positions == expected, "somebody else writes to this log; nobody may while it is moved into");
        Ok(())
    }

    /// Reads a partition from its beginning, so many records.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn read_back(
        &self,
        topic: &Topic,
        partition: i32,
        count: i64,
        mut each: impl FnMut(&Envelope) -> Result<()> + Send,
    ) -> Result<()> {
        let mut left = usize::try_from(count)?;
        if left == 0 {
            return Ok(());
        }
        let mut partition = self.read_one(self.reader(READER, topic)?, (self.name(topic), partition)).await?;
        while left > 0 {
            for stored in partition.next(READ).await?.iter().take(left) {
                each(&stored.envelope)?;
                left -= 1;
            }
        }
        Ok(())
    }

    /// Says of a consumer that it has done so many records of each partition of a topic.
    ///
    /// # Errors
    /// If the brokers do not take it in time.
    pub async fn settle(&self, consumer: &str, topic: &Topic, done: &[i64]) -> Result<()> {
        let reader = self.reader(consumer, topic)?;
        for (partition, next) in (0..).zip(done) {
            if *next == 0 {
                continue;
            }
            let slot = (self.name(topic), partition);
            let (answer, told) = oneshot::channel();
            reader.ask(Command::Commit { slot: slot.clone(), next: *next, done: answer })?;
            let told = tokio::time::timeout(COMMIT, told).await;
            told.context("the brokers do not take an offset")?.context("the Kafka consumer has stopped")?;
            let committed = reader.committed(slot, PATIENCE).await?;
            ensure!(committed == Some(*next), "the brokers say that `{consumer}` has done {committed:?}, not {next}");
        }
        Ok(())
    }
}
