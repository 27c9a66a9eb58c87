//! The log in Apache Kafka.
//!
//! What was accepted and the journal have many partitions, an entity always in the same, and are read in shares by the
//! nodes of a consumer group. What a partner is owed has one partition, read by the node that looks after the partner.
//! **Invariant:** an append returns only when every replica in sync has the records (`acks=all`).

mod arrival;
mod bounded;
mod client;
mod existing;
mod membership;
mod position;
mod reader;
mod subscription;
mod tail;
mod token;
mod topics;
mod transaction;
mod writer;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use async_trait::async_trait;
use schemas::{EntityKey, Position};
use tokio::sync::Semaphore;

use self::{
    client::{Clients, Pace},
    membership::KafkaMembership,
    position::offset_of,
    reader::{Command, Reader, Slot},
    subscription::{KafkaSubscription, Outputs},
    topics::{name_of, partitions_of},
    writer::{Outbox, Writer},
};
pub use self::{
    existing::check,
    position::{partition_for, partition_of},
};
use super::{Backbone, Frontier, Membership, Output, Stored, Subscription, Topic, wire::Wire};
use crate::{config::Configuration, supervisor::Supervisor};

/// How long the brokers may take to answer a question.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long they may take to answer whether they answer.
const PROBE: Duration = Duration::from_secs(2);

/// The log in Apache Kafka; a handle, cheap to clone.
#[derive(Clone)]
pub struct KafkaBackbone(Arc<Inner>);

struct Inner {
    clients: Clients,
    wire: Wire,
    outbox: Arc<Outbox>,
    writer: Writer,
    /// Whose turn it is to write a transaction.
    turns: Arc<Semaphore>,
    generation: i64,
    supervisor: Supervisor,
    /// The consumers that read single topics, one for each group.
    readers: Mutex<HashMap<String, Arc<Reader>>>,
}

impl KafkaBackbone {
    /// Connects to the brokers, and makes or checks the topics.
    ///
    /// # Errors
    /// If the brokers do not answer, or the topics are not as they should be.
    pub async fn open(configuration: &Configuration, wire: Wire, supervisor: &Supervisor) -> Result<Self> {
        let servers = &configuration.settings.kafka.bootstrap_servers;
        let clients = Clients::of(configuration)?;
        let generation =
            topics::generation(&clients).await.with_context(|| format!("cannot use the log at `{servers}`"))?;
        let outbox = Arc::new(Outbox::new(clients.clone(), wire.clone()));
        for topic in [Topic::accepted(), Topic::journal()] {
            outbox.ensure(&topic).await?;
        }
        let writer = Writer::new(&clients)?;
        let (supervisor, readers) = (supervisor.clone(), Mutex::default());
        let turns = Arc::new(Semaphore::new(transaction::AT_ONCE));
        Ok(Self(Arc::new(Inner { clients, wire, outbox, writer, turns, generation, supervisor, readers })))
    }

    /// The name of a consumer's group: one for each topic that is read in shares, so that a node that joins one disturbs
    /// no other, and one for all the topics of partners.
    fn group(&self, consumer: &str, topic: &Topic) -> String {
        let prefix = &self.0.clients.settings.prefix;
        if topic.as_str().starts_with("dispatch.") {
            format!("{prefix}{consumer}")
        } else {
            format!("{prefix}{consumer}.{topic}")
        }
    }

    fn name(&self, topic: &Topic) -> String {
        name_of(&self.0.clients.settings.prefix, topic)
    }

    /// The consumer that reads single topics for a group and joins nothing.
    fn reader(&self, consumer: &str, topic: &Topic) -> Result<Arc<Reader>> {
        let group = self.group(consumer, topic);
        let mut readers = self.0.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reader) = readers.get(&group) {
            return Ok(reader.clone());
        }
        let (reader, _) = Reader::start(&self.0.clients, (&group, Pace::Prompt), None, &self.0.supervisor)?;
        readers.insert(group, reader.clone());
        Ok(reader)
    }

    /// The last position of each partition; control records of transactions count where there are any.
    async fn ends(&self, reader: &Reader, topic: &Topic) -> Result<Vec<(Slot, i64, i64)>> {
        self.0.outbox.ensure(topic).await?;
        let mut ends = Vec::new();
        for partition in 0..partitions_of(&self.0.clients, topic).cast_signed() {
            let slot = (self.name(topic), partition);
            let (first, next) = reader.watermarks(slot.clone(), PATIENCE).await?;
            ends.push((slot, first, next));
        }
        Ok(ends)
    }

    /// A reader of one partition of ours, from where its group last committed.
    async fn read_one(&self, reader: Arc<Reader>, slot: Slot) -> Result<KafkaSubscription> {
        let committed = reader.committed(slot.clone(), PATIENCE).await?;
        let (first, end) = reader.watermarks(slot.clone(), PATIENCE).await?;
        let from = start_of(&slot, committed, first);
        let (feed, answer) = tokio::sync::oneshot::channel();
        reader.ask(Command::Assign { slot, from, feed })?;
        let feed = answer.await.context("the Kafka consumer has stopped")?.context("the partition cannot be read")?;
        Ok(KafkaSubscription::new(self, reader, feed, (from, end), Outputs::None))
    }
}

/// Where to begin: what was committed, or the beginning. What is gone before anybody read it is said, not passed over.
fn start_of(slot: &Slot, committed: Option<i64>, first: i64) -> i64 {
    let from = committed.unwrap_or(first);
    if from < first {
        tracing::error!(
            topic.name = slot.0,
            topic.partition = slot.1,
            log.offset = from,
            records.lost = first - from,
            "records are gone before they were read: the retention is shorter than this node was behind"
        );
        metrics::counter!("passerelle_kafka_records_gone_total", "topic" => slot.0.clone())
            .increment(u64::try_from(first - from).unwrap_or(0));
    }
    from.max(first)
}

#[async_trait]
impl Backbone for KafkaBackbone {
    async fn append(&self, outputs: Vec<Output>) -> Result<Vec<Position>> {
        let records = self.0.outbox.encode(outputs).await?;
        self.0.writer.append(self.0.generation, records).await
    }

    async fn join(&self, consumer: &str, topic: Topic) -> Result<Box<dyn Membership>> {
        self.0.outbox.ensure(&topic).await?;
        Ok(Box::new(KafkaMembership::begin(self.clone(), consumer, &topic)?))
    }

    async fn subscribe(&self, consumer: &str, topic: Topic) -> Result<Box<dyn Subscription>> {
        self.0.outbox.ensure(&topic).await?;
        let reader = self.reader(consumer, &topic)?;
        Ok(Box::new(self.read_one(reader, (self.name(&topic), 0)).await?))
    }

    async fn tail(&self, topic: Topic) -> Result<Box<dyn Subscription>> {
        self.0.outbox.ensure(&topic).await?;
        Ok(Box::new(tail::Tail::begin(self, &topic).await?))
    }

    async fn fetch(&self, topic: &Topic, position: Position) -> Result<Option<Stored>> {
        let (partition, offset) = (i32::try_from(partition_of(position))?, offset_of(position));
        if position.generation != self.0.generation || offset < 0 {
            return Ok(None);
        }
        let slot = (self.name(topic), partition);
        let Some((found, payload)) = tail::first_record(&self.0.clients, slot, offset).await? else { return Ok(None) };
        if found != offset {
            return Ok(None);
        }
        Ok(Some(Stored { position, envelope: self.0.wire.decode(&payload).await? }))
    }

    async fn end(&self, topic: &Topic) -> Result<Frontier> {
        let reader = self.reader("router", topic)?;
        let ends = self.ends(&reader, topic).await?;
        let last =
            |(slot, _, next): &(Slot, i64, i64)| position::position_before(self.0.generation, slot.1, *next).offset;
        Ok(Frontier { generation: self.0.generation, ends: ends.iter().map(last).collect() })
    }

    async fn lag(&self, consumer: &str, topic: &Topic) -> Result<i64> {
        let reader = self.reader(consumer, topic)?;
        let mut lag = 0;
        for (slot, first, next) in self.ends(&reader, topic).await? {
            let from = reader.committed(slot.clone(), PATIENCE).await?.unwrap_or(first).max(first);
            // Behind the last record there may be the mark of its transaction, which nobody reads and nobody commits.
            if from < next && tail::first_record(&self.0.clients, slot, from).await?.is_some() {
                lag += next - from;
            }
        }
        Ok(lag)
    }

    async fn has_passed(&self, consumer: &str, topic: &Topic, frontier: &Frontier) -> Result<bool> {
        let reader = self.reader(consumer, topic)?;
        for (partition, end) in (0..).zip(&frontier.ends) {
            let position = Position { generation: frontier.generation, offset: *end };
            let next = position::offset_above(position, partition);
            let committed = reader.committed((self.name(topic), partition), PROBE).await?;
            if next > 0 && committed.is_none_or(|committed| committed < next) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn is_done(&self, consumer: &str, topic: &Topic, entity: EntityKey) -> Result<bool> {
        self.0.outbox.ensure(topic).await?;
        let reader = self.reader(consumer, topic)?;
        let slot = (self.name(topic), self.0.outbox.partition_for(topic, entity));
        let (first, next) = reader.watermarks(slot.clone(), PROBE).await?;
        if first == next {
            return Ok(true);
        }
        // While a transaction that says more is open there is no answer: then it is not done.
        let Ok(committed) = reader.committed(slot, PROBE).await else { return Ok(false) };
        Ok(committed.is_some_and(|committed| committed >= next))
    }

    fn share_of(&self, entity: EntityKey) -> u32 {
        partition_for(entity, self.0.clients.settings.partitions)
    }

    async fn probe(&self) -> Result<()> {
        let accepted = Topic::accepted();
        let reader = self.reader("router", &accepted)?;
        reader.watermarks((self.name(&accepted), 0), PROBE).await.context("the brokers do not answer")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
