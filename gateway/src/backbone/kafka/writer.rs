//! Records on their way to Kafka: encoded, given their partition, and told where they stand.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result, anyhow};
use futures::future::try_join_all;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};
use schemas::{EntityKey, Position};

use super::{
    client::{Clients, Watcher, let_go},
    position::{partition_for, position},
    topics::{ensure_topic, name_of, partitions_of},
};
use crate::backbone::{Output, Topic, wire::Wire};

/// A record as it is sent.
pub struct Sending {
    topic: String,
    partition: i32,
    key: String,
    payload: Vec<u8>,
}

impl Sending {
    /// Puts it into the producer's queue.
    ///
    /// # Errors
    /// If the queue is full, which bounds it.
    pub fn send(&self, producer: &FutureProducer<Watcher>) -> Result<DeliveryFuture> {
        let record =
            FutureRecord::to(&self.topic).partition(self.partition).key(&self.key).payload(self.payload.as_slice());
        producer.send_result(record).map_err(|(error, _)| anyhow!(error).context("the brokers do not keep up"))
    }
}

/// Turns outputs into records.
pub struct Outbox {
    clients: Clients,
    wire: Wire,
    /// Topics that are known to be there, by their names.
    ready: Mutex<HashSet<Topic>>,
    /// One is made at a time.
    making: tokio::sync::Mutex<()>,
}

impl Outbox {
    /// An outbox that knows of no topic yet.
    pub fn new(clients: Clients, wire: Wire) -> Self {
        Self { clients, wire, ready: Mutex::default(), making: tokio::sync::Mutex::default() }
    }

    /// Makes sure that a topic is there, as it should be.
    ///
    /// # Errors
    /// If the brokers or the registry do not answer or refuse.
    pub async fn ensure(&self, topic: &Topic) -> Result<()> {
        if self.ready().contains(topic) {
            return Ok(());
        }
        let _alone = self.making.lock().await;
        if self.ready().contains(topic) {
            return Ok(());
        }
        let name = name_of(&self.clients.settings.prefix, topic);
        ensure_topic(&self.clients, &name, partitions_of(&self.clients, topic), false).await?;
        self.wire.ensure(&name).await?;
        self.ready().insert(topic.clone());
        Ok(())
    }

    /// The records of outputs, in their order.
    ///
    /// # Errors
    /// If a topic cannot be made, or an envelope not be encoded.
    pub async fn encode(&self, outputs: Vec<Output>) -> Result<Vec<Sending>> {
        let mut records = Vec::with_capacity(outputs.len());
        for output in outputs {
            self.ensure(&output.topic).await?;
            let entity = output.envelope.header.entity_key;
            records.push(Sending {
                topic: name_of(&self.clients.settings.prefix, &output.topic),
                partition: self.partition_for(&output.topic, entity),
                key: entity.to_string(),
                payload: self.wire.encode(&output.envelope)?,
            });
        }
        Ok(records)
    }

    /// The partition of a topic that an entity's records are in.
    pub fn partition_for(&self, topic: &Topic, entity: EntityKey) -> i32 {
        partition_for(entity, partitions_of(&self.clients, topic)).cast_signed()
    }

    fn ready(&self) -> std::sync::MutexGuard<'_, HashSet<Topic>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Appends what stands alone: durable when it returns, without repeats, in order.
pub struct Writer {
    producer: Option<FutureProducer<Watcher>>,
}

impl Writer {
    /// # Errors
    /// If the client cannot be made as it is configured.
    pub fn new(clients: &Clients) -> Result<Self> {
        let producer = clients.producing().create_with_context(clients.context("writer"))?;
        Ok(Self { producer: Some(producer) })
    }

    /// Appends records and returns where they stand.
    ///
    /// # Errors
    /// If the brokers do not have them in time; some of them may be written all the same.
    pub async fn append(&self, generation: i64, records: Vec<Sending>) -> Result<Vec<Position>> {
        let producer = self.producer.as_ref().context("the log is closed")?;
        let sent = records.iter().map(|record| record.send(producer)).collect::<Result<Vec<_>>>()?;
        let delivered = try_join_all(sent).await.context("the log is closed")?;
        let place = |delivered: Result<_, (_, _)>| {
            let delivered: rdkafka::producer::future_producer::Delivery = delivered
                .map_err(|(error, _): (rdkafka::error::KafkaError, _)| error)
                .context("the log did not take it")?;
            Ok(position(generation, delivered.partition, delivered.offset))
        };
        delivered.into_iter().map(place).collect()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let_go(self.producer.take());
    }
}
