//! Reading for nobody in particular: what comes from now on, and single records.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use futures::future::select_all;
use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::Message,
    topic_partition_list::Offset,
};
use schemas::Position;
use tokio::sync::oneshot;

use super::{
    KafkaBackbone, PATIENCE,
    bounded::bounded,
    client::{Clients, Pace, Watcher, let_go},
    position::position,
    reader::{Command, Fed, Feed, Reader, Slot},
};
use crate::backbone::{Output, Stored, Subscription, Topic};

/// Everything that a topic is given from now on, whichever partition it is in.
pub struct Tail {
    backbone: KafkaBackbone,
    /// Its own: it ends with whoever listens.
    _reader: Arc<Reader>,
    feeds: Vec<Feed>,
}

impl Tail {
    /// Begins at the end.
    ///
    /// # Errors
    /// If the brokers do not answer.
    pub async fn begin(backbone: &KafkaBackbone, topic: &Topic) -> Result<Self> {
        let (reader, _) = Reader::start(
            &backbone.0.clients,
            (&backbone.group("tail", topic), Pace::Prompt),
            None,
            &backbone.0.supervisor,
        )?;
        let mut feeds = Vec::new();
        for (slot, _, from) in backbone.ends(&reader, topic).await? {
            let (feed, answer) = oneshot::channel();
            reader.ask(Command::Assign { slot, from, feed })?;
            let feed = answer.await.context("the Kafka consumer has stopped")?;
            feeds.push(feed.context("the partition cannot be read")?);
        }
        Ok(Self { backbone: backbone.clone(), _reader: reader, feeds })
    }
}

#[async_trait]
impl Subscription for Tail {
    async fn next(&mut self, _: usize) -> Result<Vec<Stored>> {
        loop {
            let any = select_all(self.feeds.iter_mut().map(|feed| Box::pin(feed.records.recv())));
            let (fed, index, _) = any.await;
            match fed.context("the Kafka consumer has stopped")? {
                Fed::End => {}
                Fed::Record { offset, payload, .. } => {
                    let envelope = self.backbone.0.wire.decode(&payload).await?;
                    let position = position(self.backbone.0.generation, self.feeds[index].slot.1, offset);
                    return Ok(vec![Stored { position, envelope }]);
                }
            }
        }
    }

    async fn commit(&mut self, _: Position, _: Vec<Output>) -> Result<()> {
        bail!("whoever only listens commits nothing")
    }

    fn committed(&self) -> Position {
        Position { generation: self.backbone.0.generation, offset: 0 }
    }

    fn has_caught_up(&self) -> bool {
        true
    }
}

/// The first record of a partition at or after an offset that transactions let be seen, if there is any.
///
/// # Errors
/// If the brokers do not answer.
pub async fn first_record(clients: &Clients, slot: Slot, offset: i64) -> Result<Option<(i64, Vec<u8>)>> {
    let group = format!("{}look", clients.settings.prefix);
    let consumer: BaseConsumer<Watcher> =
        clients.consuming(&group, Pace::Prompt).create_with_context(clients.context("look"))?;
    let look = move || {
        let found = poll_one(&consumer, &slot, offset);
        let_go(consumer);
        found
    };
    bounded("reading a record", 2 * PATIENCE, look).await?
}

fn poll_one(consumer: &BaseConsumer<Watcher>, slot: &Slot, offset: i64) -> Result<Option<(i64, Vec<u8>)>> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&slot.0, slot.1, Offset::Offset(offset))?;
    consumer.assign(&list)?;
    drop(list);
    let give_up_at = Instant::now() + PATIENCE;
    while Instant::now() < give_up_at {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(record)) => return Ok(Some((record.offset(), record.payload().unwrap_or_default().to_vec()))),
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(None),
            Some(Err(_)) | None => {}
        }
    }
    bail!("`{}`, partition {}, cannot be read", slot.0, slot.1)
}
