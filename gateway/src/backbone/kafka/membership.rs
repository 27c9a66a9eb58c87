//! The part that this node has in reading a topic: partitions come from the group and go.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use async_trait::async_trait;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    KafkaBackbone, PATIENCE,
    reader::{Command, Feed, Given, Reader, Slot},
    start_of,
    subscription::{KafkaSubscription, Outputs},
    topics::partitions_of,
    transaction::Transactions,
};
use crate::backbone::{Membership, Share, Topic};

/// The consumer that has outputs.
const ROUTER: &str = "router";
/// How long a partition rests that could not be read on.
const PAUSE: Duration = Duration::from_secs(1);

/// This node as a member of a group.
pub struct KafkaMembership {
    backbone: KafkaBackbone,
    reader: Arc<Reader>,
    given: mpsc::Receiver<Given>,
    /// What the group has given to this node.
    ours: HashMap<i32, (Slot, CancellationToken)>,
    /// Partitions that are to be read again, and when.
    again: Vec<(Instant, i32)>,
    /// The partition that is being made ready; kept here, since whoever waits for it may go away and come again.
    current: Option<(i32, Option<Feed>)>,
    group: String,
    has_outputs: bool,
}

impl KafkaMembership {
    /// Joins the group.
    ///
    /// # Errors
    /// If the client cannot be made as it is configured.
    pub fn begin(backbone: KafkaBackbone, consumer: &str, topic: &Topic) -> Result<Self> {
        let group = backbone.group(consumer);
        let shared = (backbone.name(topic), partitions_of(&backbone.0.clients, topic));
        let (reader, given) = Reader::start(&backbone.0.clients, &group, Some(shared), &backbone.0.supervisor)?;
        let has_outputs = consumer == ROUTER;
        let (ours, again) = (HashMap::new(), Vec::new());
        Ok(Self { backbone, reader, given, ours, again, current: None, group, has_outputs })
    }

    /// Waits for a partition to make ready.
    async fn choose(&mut self) -> Result<()> {
        let next = self.again.iter().min().copied();
        let rested = async {
            match next {
                Some((at, partition)) => {
                    tokio::time::sleep_until(at).await;
                    partition
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            given = self.given.recv() => {
                let given = given.context("the Kafka consumer has stopped")?;
                let partition = given.slot.1;
                self.again.retain(|(_, waiting)| *waiting != partition);
                self.ours.insert(partition, (given.slot, given.revoked));
                self.current = Some((partition, Some(given.feed)));
            }
            partition = rested => {
                self.again.retain(|(_, waiting)| *waiting != partition);
                self.current = Some((partition, None));
            }
        }
        Ok(())
    }

    /// Makes the chosen partition ready: whoever read it before is fenced first, so that what it committed is the last.
    async fn make_ready(&mut self, partition: i32, slot: Slot) -> Result<KafkaSubscription> {
        let clients = &self.backbone.0.clients;
        let outbox = self.backbone.0.outbox.clone();
        let outputs = match (self.has_outputs, clients.settings.transactions) {
            (false, _) => Outputs::None,
            (true, false) => Outputs::Apart(self.backbone.clone()),
            (true, true) => {
                let id = format!("{}.{partition}", self.group);
                Outputs::Together(Transactions::begin(clients, &id, outbox).await?)
            }
        };
        let committed = self.reader.committed(slot.clone(), PATIENCE).await?;
        let (first, end) = self.reader.watermarks(slot.clone(), PATIENCE).await?;
        let from = start_of(&slot, committed, first);
        let fresh = self.current.as_mut().and_then(|(_, feed)| feed.take());
        let feed = if let Some(feed) = fresh {
            feed
        } else {
            let (feed, answer) = oneshot::channel();
            self.reader.ask(Command::Again { slot, from, feed })?;
            answer.await.context("the partition cannot be read again")?
        };
        Ok(KafkaSubscription::new(&self.backbone, self.reader.clone(), feed, (from, end), outputs))
    }
}

#[async_trait]
impl Membership for KafkaMembership {
    async fn next(&mut self) -> Result<Share> {
        loop {
            let Some(partition) = self.current.as_ref().map(|(partition, _)| *partition) else {
                self.choose().await?;
                continue;
            };
            let ours = self.ours.get(&partition).filter(|(_, revoked)| !revoked.is_cancelled());
            let Some((slot, revoked)) = ours.cloned() else {
                // Another node reads it already.
                self.ours.remove(&partition);
                self.current = None;
                continue;
            };
            let ready = self.make_ready(partition, slot).await;
            self.current = None;
            match ready {
                Ok(subscription) => {
                    let index = partition.cast_unsigned();
                    return Ok(Share { index, subscription: Box::new(subscription), revoked });
                }
                Err(error) => {
                    warn!(
                        topic.partition = partition,
                        error = format!("{error:#}"),
                        "a partition is not ready; trying again"
                    );
                    self.again.push((Instant::now() + PAUSE, partition));
                }
            }
        }
    }

    fn again(&mut self, index: u32) {
        self.again.push((Instant::now() + PAUSE, index.cast_signed()));
    }
}
