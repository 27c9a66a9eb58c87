//! The part that this node has in reading a topic: partitions come from the group and go.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use async_trait::async_trait;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    KafkaBackbone, PATIENCE,
    client::Pace,
    reader::{Command, Feed, Given, Reader, Slot},
    start_of,
    subscription::{KafkaSubscription, Outputs},
    topics::partitions_of,
    transaction::Transactions,
};
use crate::backbone::{Membership, Share, Subscription, Topic};

/// The consumer that has outputs.
const ROUTER: &str = "router";
/// The consumer that nobody waits for.
const JOURNAL: &str = "journal";
/// How long a partition rests that could not be read on.
const PAUSE: Duration = Duration::from_secs(1);

/// This node as a member of a group.
pub struct KafkaMembership {
    opener: Opener,
    given: mpsc::Receiver<Given>,
    /// What the group has given to this node.
    ours: HashMap<i32, (Slot, CancellationToken)>,
    /// Partitions that are to be read again, and when.
    again: Vec<(Instant, i32)>,
}

impl KafkaMembership {
    /// Joins the group.
    ///
    /// # Errors
    /// If the client cannot be made as it is configured.
    pub fn begin(backbone: KafkaBackbone, consumer: &str, topic: &Topic) -> Result<Self> {
        let group = backbone.group(consumer, topic);
        let shared = (backbone.name(topic), partitions_of(&backbone.0.clients, topic));
        let pace = if consumer == JOURNAL { Pace::Unhurried } else { Pace::Prompt };
        let (reader, given) = Reader::start(&backbone.0.clients, (&group, pace), Some(shared), &backbone.0.supervisor)?;
        let opener = Opener { backbone, reader, group: group.into(), has_outputs: consumer == ROUTER };
        Ok(Self { opener, given, ours: HashMap::new(), again: Vec::new() })
    }

    /// A share of what the group has given to this node; none if it has taken it away again.
    fn share(&mut self, partition: i32, feed: Option<Feed>) -> Option<Share> {
        let (slot, revoked) = self.ours.get(&partition)?.clone();
        if revoked.is_cancelled() {
            self.ours.remove(&partition);
            return None;
        }
        let opening = Box::pin(self.opener.clone().open(slot, feed));
        Some(Share { index: partition.cast_unsigned(), opening, revoked })
    }
}

#[async_trait]
impl Membership for KafkaMembership {
    async fn next(&mut self) -> Result<Share> {
        loop {
            let next = self.again.iter().min().copied();
            let share = tokio::select! {
                given = self.given.recv() => {
                    let given = given.context("the Kafka consumer has stopped")?;
                    let partition = given.slot.1;
                    self.again.retain(|(_, waiting)| *waiting != partition);
                    self.ours.insert(partition, (given.slot, given.revoked));
                    self.share(partition, Some(given.feed))
                }
                partition = rested(next) => {
                    self.again.retain(|(_, waiting)| *waiting != partition);
                    self.share(partition, None)
                }
            };
            if let Some(share) = share {
                return Ok(share);
            }
        }
    }

    fn again(&mut self, index: u32) {
        self.again.push((Instant::now() + PAUSE, index.cast_signed()));
    }
}

/// Waits until a partition has rested; for ever if there is none.
async fn rested(next: Option<(Instant, i32)>) -> i32 {
    let Some((at, partition)) = next else { return std::future::pending().await };
    tokio::time::sleep_until(at).await;
    partition
}

/// Makes partitions ready to be read.
#[derive(Clone)]
struct Opener {
    backbone: KafkaBackbone,
    reader: Arc<Reader>,
    group: Arc<str>,
    has_outputs: bool,
}

impl Opener {
    /// Makes a partition ready: whoever read it before is fenced first, so that what it committed is the last.
    async fn open(self, slot: Slot, feed: Option<Feed>) -> Result<Box<dyn Subscription>> {
        let clients = &self.backbone.0.clients;
        let outputs = match (self.has_outputs, clients.settings.transactions) {
            (false, _) => Outputs::None,
            (true, false) => Outputs::Apart(self.backbone.clone()),
            (true, true) => {
                let id = format!("{}.{}", self.group, slot.1);
                let inner = &self.backbone.0;
                let transactions = Transactions::begin(clients, &id, inner.outbox.clone(), inner.turns.clone());
                Outputs::Together(transactions.await?)
            }
        };
        let committed = self.reader.committed(slot.clone(), PATIENCE).await?;
        let (first, end) = self.reader.watermarks(slot.clone(), PATIENCE).await?;
        let from = start_of(&slot, committed, first);
        let feed = if let Some(feed) = feed {
            feed
        } else {
            let (feed, answer) = oneshot::channel();
            self.reader.ask(Command::Again { slot, from, feed })?;
            answer
                .await
                .context("the group has taken the partition away")?
                .context("the partition cannot be read again")?
        };
        Ok(Box::new(KafkaSubscription::new(&self.backbone, self.reader.clone(), feed, (from, end), outputs)))
    }
}
