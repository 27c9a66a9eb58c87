//! The log: every record of every topic in its order, and how far each consumer is.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use indicatif::ProgressBar;
use schemas::{EntityKey, Hash, Position, hash_of};

use super::{Moved, accepted};
use crate::backbone::{
    Output, Topic,
    embedded::LeavingLog,
    kafka::{KafkaBackbone, partition_for},
};

/// Records that are appended at once.
const APPEND: usize = 256;

/// Where records came to stand, for the state that speaks of them.
#[derive(Debug, Default)]
pub(super) struct MovedLog {
    /// How far the router had committed in the log that is left; none if the log stays.
    pub(super) routed: Option<Position>,
    /// How many shares the new log is read in.
    shares: u32,
    /// The new position of each accepted record, by its old offset.
    places: Vec<(i64, Position)>,
}

impl MovedLog {
    /// Where the record that was accepted at a position stands now.
    pub(super) fn place_of(&self, old: Position) -> Option<Position> {
        self.routed.filter(|routed| routed.generation == old.generation)?;
        let found = self.places.binary_search_by_key(&old.offset, |(offset, _)| *offset).ok()?;
        Some(self.places[found].1)
    }
}

impl MovedLog {
    /// The shares that the log was divided into; none if it stays.
    pub(super) fn shares(&self) -> std::ops::Range<u32> {
        0..self.shares
    }

    /// The one that an entity belongs to.
    pub(super) fn share_of(&self, entity: EntityKey) -> Option<u32> {
        (self.shares > 0).then(|| partition_for(entity, self.shares))
    }
}

/// How many records of a partition, and which, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Chain {
    count: i64,
    hash: Hash,
}

impl Chain {
    fn new() -> Self {
        Self { count: 0, hash: Hash::of(b"") }
    }

    fn add(&mut self, record: &[u8]) {
        self.count += 1;
        self.hash = hash_of(&[self.hash.as_bytes(), record]);
    }
}

/// Refuses a log that holds anything.
pub(super) async fn require_empty(log: &LeavingLog, kafka: &KafkaBackbone) -> Result<()> {
    for (topic, _) in log.topics().await? {
        let lengths = kafka.lengths(&topic).await?;
        ensure!(lengths.iter().all(|length| *length == 0), "the log there is in use: `{topic}` holds records");
    }
    Ok(())
}

/// Copies every topic, compares it with what is read back, and only then says how far its consumers are.
pub(super) async fn copy(
    log: &LeavingLog,
    kafka: &KafkaBackbone,
    is_resumed: bool,
    progress: &ProgressBar,
) -> Result<(Vec<Moved>, MovedLog)> {
    let mut moved = Vec::new();
    let mut places = MovedLog { routed: Some(routed(log).await?), shares: kafka.shares(), places: Vec::new() };
    for (topic, count) in log.topics().await? {
        progress.set_message(topic.to_string());
        let there = if is_resumed { kafka.settled_lengths(&topic).await? } else { kafka.lengths(&topic).await? };
        let mut copying = Copying {
            chains: vec![Chain::new(); there.len()],
            there,
            done: log.consumers(&topic).await?.into_iter().map(|(name, to)| (name, (to, Vec::new()))).collect(),
            outputs: Vec::new(),
            expected: Vec::new(),
            topic,
            kafka,
        };
        copying.run(log, &mut places, progress).await?;
        let hash = copying.compare(progress).await?;
        copying.settle().await?;
        moved.push(Moved { name: copying.topic.to_string(), count, hash: Some(hash), made_again: 0 });
    }
    Ok((moved, places))
}

/// How far the router has committed.
async fn routed(log: &LeavingLog) -> Result<Position> {
    let consumers = log.consumers(&accepted()).await?;
    let offset = consumers.iter().find(|(consumer, _)| consumer == "router").map_or(0, |(_, offset)| *offset);
    Ok(Position { generation: log.generation, offset })
}

/// One topic on its way.
struct Copying<'a> {
    topic: Topic,
    kafka: &'a KafkaBackbone,
    /// Records that each partition held when this run began.
    there: Vec<i64>,
    chains: Vec<Chain>,
    /// How far each consumer had committed, and so how many records of each partition it has done.
    done: BTreeMap<String, (i64, Vec<i64>)>,
    outputs: Vec<Output>,
    expected: Vec<Position>,
}

impl Copying<'_> {
    async fn run(&mut self, log: &LeavingLog, places: &mut MovedLog, progress: &ProgressBar) -> Result<()> {
        for (_, done) in self.done.values_mut() {
            done.resize(self.there.len(), 0);
        }
        let mut after = 0;
        loop {
            let page = log.page(&self.topic, after).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (offset, envelope) in page {
                let partition = self.kafka.partition_of_entity(&self.topic, envelope.header.entity_key);
                let number = usize::try_from(partition)?;
                let place = self.chains[number].count;
                let position = self.kafka.position_at(partition, place);
                self.chains[number].add(&envelope.to_avro()?);
                for (committed, done) in self.done.values_mut() {
                    if offset <= *committed {
                        done[number] = place + 1;
                    }
                }
                if self.topic == accepted() {
                    places.places.push((offset, position));
                }
                if place >= self.there[number] {
                    self.outputs.push(Output { topic: self.topic.clone(), envelope });
                    self.expected.push(position);
                }
                if self.outputs.len() >= APPEND {
                    self.append().await?;
                }
                progress.inc(1);
            }
        }
        self.append().await
    }

    async fn append(&mut self) -> Result<()> {
        let expected = std::mem::take(&mut self.expected);
        self.kafka.append_at(std::mem::take(&mut self.outputs), &expected).await
    }

    /// Reads back what is there now, and returns what both sides hold.
    async fn compare(&self, progress: &ProgressBar) -> Result<Hash> {
        let lengths = self.kafka.lengths(&self.topic).await?;
        let ours: Vec<i64> = self.chains.iter().map(|chain| chain.count).collect();
        ensure!(lengths == ours, "`{}` holds {lengths:?} records there and {ours:?} here", self.topic);
        for (partition, ours) in (0..).zip(&self.chains) {
            let mut theirs = Chain::new();
            let read = self.kafka.read_back(&self.topic, partition, ours.count, |envelope| {
                theirs.add(&envelope.to_avro()?);
                progress.inc(1);
                Ok(())
            });
            read.await?;
            ensure!(theirs == *ours, "partition {partition} of `{}` holds other records there than here", self.topic);
        }
        let hashes: Vec<&[u8]> = self.chains.iter().map(|chain| chain.hash.as_bytes()).collect();
        Ok(hash_of(&hashes))
    }

    async fn settle(&self) -> Result<()> {
        for (consumer, (_, done)) in &self.done {
            self.kafka.settle(consumer, &self.topic, done).await?;
        }
        Ok(())
    }
}
