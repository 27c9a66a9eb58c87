//! Reading one partition: records in order, and what is done with them committed, in a transaction where there are outputs.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use async_trait::async_trait;
use schemas::Position;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{
    KafkaBackbone,
    position::{offset_above, position, position_before},
    reader::{Command, Fed, Feed, Reader},
    transaction::Transactions,
};
use crate::backbone::{Backbone, Output, Stored, Subscription};

/// How long a commit is waited for; it is made all the same, as soon as the brokers take it.
const COMMIT: Duration = Duration::from_secs(1);

/// Where a reader's outputs go.
pub enum Outputs {
    /// It has none.
    None,
    /// With its offsets, together or not at all.
    Together(Transactions),
    /// Before its offsets: what is read again is put out again.
    Apart(KafkaBackbone),
}

/// One reader of one partition.
pub struct KafkaSubscription {
    backbone: KafkaBackbone,
    reader: Arc<Reader>,
    feed: Feed,
    outputs: Outputs,
    /// What came and was not decoded yet; kept here, since whoever reads may go away and come again.
    pending: VecDeque<Fed>,
    ready: Vec<Stored>,
    /// The next offset, by what was committed.
    committed: i64,
    /// The next offset to be read.
    read: i64,
    /// The next offset that the partition had when reading began.
    end: i64,
    was_at_end: bool,
    /// The turn in which what was read last is put out.
    turn: Option<OwnedSemaphorePermit>,
}

impl KafkaSubscription {
    /// A reader that begins at one offset, when the partition ended at another.
    pub fn new(
        backbone: &KafkaBackbone,
        reader: Arc<Reader>,
        feed: Feed,
        (from, end): (i64, i64),
        outputs: Outputs,
    ) -> Self {
        Self {
            backbone: backbone.clone(),
            reader,
            feed,
            outputs,
            pending: VecDeque::new(),
            ready: Vec::new(),
            committed: from,
            read: from,
            end,
            was_at_end: false,
            turn: None,
        }
    }

    /// Where outputs go in transactions: waits for a turn, and takes along what has come meanwhile.
    async fn take_turn(&mut self, limit: usize) {
        let Outputs::Together(transactions) = &self.outputs else { return };
        if self.turn.is_some() || !self.pending.iter().any(|fed| matches!(fed, Fed::Record { .. })) {
            return;
        }
        self.turn = Some(transactions.turn().await);
        while self.pending.len() < limit
            && let Ok(fed) = self.feed.records.try_recv()
        {
            self.pending.push_back(fed);
        }
    }

    /// Decodes what is pending.
    async fn decode(&mut self) -> Result<()> {
        let (topic, partition) = (&self.feed.slot.0, self.feed.slot.1);
        while let Some(fed) = self.pending.front() {
            match fed {
                Fed::End => self.was_at_end = true,
                // Handed over before it was known what had been committed meanwhile.
                Fed::Record { offset, .. } if *offset < self.read => {}
                Fed::Record { offset, payload, .. } => {
                    let envelope = self.backbone.0.wire.decode(payload).await;
                    let envelope = envelope
                        .with_context(|| format!("cannot read `{topic}`, partition {partition}, offset {offset}"))?;
                    let position = position(self.backbone.0.generation, partition, *offset);
                    self.ready.push(Stored { position, envelope });
                    self.read = offset + 1;
                }
            }
            self.pending.pop_front();
        }
        Ok(())
    }

    /// Records that everything below an offset is done.
    async fn note(&self, next: i64) -> Result<()> {
        let (done, answer) = oneshot::channel();
        self.reader.ask(Command::Commit { slot: self.feed.slot.clone(), next, done })?;
        // Slow brokers hold nobody up: what is not committed is read again.
        let _ = tokio::time::timeout(COMMIT, answer).await;
        Ok(())
    }
}

#[async_trait]
impl Subscription for KafkaSubscription {
    async fn next(&mut self, limit: usize) -> Result<Vec<Stored>> {
        self.turn = None;
        loop {
            let had_caught_up = self.has_caught_up();
            self.take_turn(limit).await;
            self.decode().await?;
            if self.ready.is_empty() {
                self.turn = None;
            }
            if !self.ready.is_empty() || self.has_caught_up() != had_caught_up {
                return Ok(std::mem::take(&mut self.ready));
            }
            let mut fed = Vec::with_capacity(limit);
            self.feed.records.recv_many(&mut fed, limit).await;
            ensure!(!fed.is_empty(), "`{}`, partition {}, is read elsewhere now", self.feed.slot.0, self.feed.slot.1);
            self.pending.extend(fed);
        }
    }

    async fn commit(&mut self, up_to: Position, outputs: Vec<Output>) -> Result<()> {
        let next = offset_above(up_to, self.feed.slot.1);
        if outputs.is_empty() {
            self.note(next).await?;
        } else {
            match &self.outputs {
                Outputs::Together(transactions) => {
                    transactions.commit(&self.reader, &self.feed.slot, next, outputs).await?;
                }
                Outputs::Apart(backbone) => {
                    backbone.append(outputs).await?;
                    self.note(next).await?;
                }
                Outputs::None => bail!("this reader has no outputs"),
            }
        }
        self.committed = next;
        self.turn = None;
        Ok(())
    }

    fn committed(&self) -> Position {
        position_before(self.backbone.0.generation, self.feed.slot.1, self.committed)
    }

    fn has_caught_up(&self) -> bool {
        self.was_at_end || self.read >= self.end
    }
}

impl Drop for KafkaSubscription {
    fn drop(&mut self) {
        // A thread that has ended reads nothing any more.
        let _ = self.reader.ask(Command::Leave { slot: self.feed.slot.clone(), id: self.feed.id });
    }
}
