//! One consumer on a thread of its own: it polls, and hands each partition's records to whoever reads that partition.
//!
//! Each partition has a queue of its own in the client library. Whose reader does not keep up is not polled, so that the
//! library stops fetching for it, and the others go on. **Invariant:** the thread never waits for a reader, and whoever
//! stops never waits for the brokers for long.

mod commits;
mod partition;
mod thread;

use std::{
    sync::{Arc, mpsc as blocking},
    thread::Thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use backon::{ConstantBuilder, Retryable};
use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::warn;

pub use self::partition::{Fed, Feed};
use self::thread::Polling;
use super::{
    bounded::bounded,
    client::{Clients, Pace, Watcher},
};
use crate::supervisor::Supervisor;

/// Commands and partitions that may wait.
const QUEUE: usize = 2_048;
/// How long closing may take before the daemon goes on without it.
const CLOSING: Duration = Duration::from_secs(5);

/// How long and how often to wait until the client knows who leads a partition.
const LEARNING: Duration = Duration::from_millis(100);
/// See [`LEARNING`].
const LESSONS: usize = 30;

/// What a call gets beyond its own time-out.
const MARGIN: Duration = Duration::from_secs(1);

/// A topic and one of its partitions.
pub type Slot = (String, i32);

/// What the thread is asked to do.
pub enum Command {
    /// Read this partition from there on, though no group says so.
    Assign { slot: Slot, from: i64, feed: oneshot::Sender<KafkaResult<Feed>> },
    /// Read a partition of ours again from there on.
    Again { slot: Slot, from: i64, feed: oneshot::Sender<KafkaResult<Feed>> },
    /// Nobody reads this feed any more.
    Leave { slot: Slot, id: u64 },
    /// Everything below this offset is done.
    Commit { slot: Slot, next: i64, done: oneshot::Sender<()> },
}

/// A partition that the group gave to this node.
pub struct Given {
    /// Which.
    pub slot: Slot,
    /// Its records, from where the group last committed as far as the client knew.
    pub feed: Feed,
    /// Cancelled when it is taken away.
    pub revoked: CancellationToken,
}

/// A handle on the thread; it ends when the last one is dropped.
pub struct Reader {
    commands: blocking::SyncSender<Command>,
    thread: Thread,
    consumer: Arc<BaseConsumer<Watcher>>,
}

impl Reader {
    /// Starts a consumer of a group; it joins the group if it is told a topic, and how many partitions that has.
    ///
    /// # Errors
    /// If the client cannot be made as it is configured.
    pub fn start(
        clients: &Clients,
        (group, pace): (&str, Pace),
        shared: Option<(String, u32)>,
        supervisor: &Supervisor,
    ) -> Result<(Arc<Self>, mpsc::Receiver<Given>)> {
        let watcher = clients.context(group);
        let consumer: BaseConsumer<Watcher> = clients
            .consuming(group, pace)
            .create_with_context(watcher.clone())
            .context("the Kafka client is refused")?;
        let consumer = Arc::new(consumer);
        let (commands, orders) = blocking::sync_channel(QUEUE);
        let (given, receiver) = mpsc::channel(QUEUE);
        let (ended, end) = oneshot::channel::<()>();
        let mut polling = Polling::new(consumer.clone(), watcher, orders, given);
        let handle = std::thread::Builder::new().name("kafka reader".to_owned()).spawn(move || {
            polling.run(shared);
            drop(polling);
            drop(ended);
        })?;
        let stop = supervisor.stop_token();
        supervisor.spawn("kafka reader", async move {
            let patience = async {
                stop.cancelled().await;
                tokio::time::sleep(CLOSING).await;
                warn!("a Kafka consumer does not close; going on without it");
            };
            tokio::select! { _ = end => {}, () = patience => {} }
            Ok(())
        });
        Ok((Arc::new(Self { commands, thread: handle.thread().clone(), consumer }), receiver))
    }

    /// Asks for something.
    ///
    /// # Errors
    /// If the thread has ended, or does not keep up.
    pub fn ask(&self, command: Command) -> Result<()> {
        self.commands.try_send(command).map_err(|_| anyhow!("the Kafka consumer has stopped"))?;
        self.thread.unpark();
        Ok(())
    }

    /// Who we are in the group now; a transaction of somebody who was before is refused by it.
    ///
    /// # Errors
    /// If the consumer is no member.
    pub fn group_metadata(&self) -> Result<ConsumerGroupMetadata> {
        self.consumer.group_metadata().context("this node is no member of the group")
    }

    /// The offset up to which the group has committed a partition; none if it never has.
    ///
    /// # Errors
    /// If the brokers do not answer.
    pub async fn committed(&self, slot: Slot, patience: Duration) -> Result<Option<i64>> {
        let consumer = self.consumer.clone();
        let look = move || -> Result<Option<i64>> {
            let mut list = TopicPartitionList::new();
            list.add_partition(&slot.0, slot.1);
            let committed = consumer.committed_offsets(list, patience).context("cannot read what was committed")?;
            let next = committed.find_partition(&slot.0, slot.1).and_then(|element| element.offset().to_raw());
            Ok(next.filter(|next| *next >= 0))
        };
        bounded("reading what was committed", patience + MARGIN, look).await?
    }

    /// The first and the next offset of a partition.
    ///
    /// # Errors
    /// If the brokers do not answer.
    pub async fn watermarks(&self, slot: Slot, patience: Duration) -> Result<(i64, i64)> {
        let ask = async || {
            let (consumer, (topic, partition)) = (self.consumer.clone(), slot.clone());
            let look = move || {
                let looked = consumer.fetch_watermarks(&topic, partition, patience);
                if looked.as_ref().is_err_and(|error| is_learning(error) || is_timed_out(error)) {
                    // What the client believes to know of a topic it may believe for minutes, also that a broker leads
                    // it that is gone: it is told to ask.
                    let _ = consumer.fetch_metadata(Some(&topic), patience);
                }
                looked
            };
            let looked = bounded("reading where a partition ends", 2 * patience + MARGIN, look).await;
            looked.unwrap_or(Err(KafkaError::Canceled))
        };
        // A leader that is new, or a topic: the client learns of it by the first refusal.
        let waits = ConstantBuilder::default().with_delay(LEARNING).with_max_times(LESSONS);
        let asked = ask.retry(waits).sleep(tokio::time::sleep).when(is_learning);
        let asked = tokio::time::timeout(2 * patience + MARGIN, asked).await;
        asked.context("the brokers do not answer in time")?.context("the brokers do not answer")
    }
}

fn is_timed_out(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::OperationTimedOut)
}

/// Whether the client only has to learn who leads a partition now.
fn is_learning(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{
        BrokerTransportFailure, LeaderNotAvailable, NotLeaderForPartition, UnknownPartition, UnknownTopicOrPartition,
    };
    let learning =
        [BrokerTransportFailure, LeaderNotAvailable, NotLeaderForPartition, UnknownPartition, UnknownTopicOrPartition];
    error.rdkafka_error_code().is_some_and(|code| learning.contains(&code))
}
