//! The thread that polls: it does what it is asked, hands over what has come, and hears what the group says.

use std::{
    collections::HashMap,
    sync::{Arc, mpsc as blocking},
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer, base_consumer::PartitionQueue},
    error::{KafkaError, KafkaResult},
    topic_partition_list::Offset,
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Command, Feed, Given, Slot, commits::Commits, partition::Partition};
use crate::backbone::kafka::client::{Told, Watcher};

/// How long the thread sleeps if nothing wakes it.
const NAP: Duration = Duration::from_millis(10);
/// How long what is still to be committed may take when the thread ends.
const LAST_COMMIT: Duration = Duration::from_secs(2);
/// How long moving to another place in a partition may take.
const SEEK: Duration = Duration::from_secs(5);

/// The state of the thread.
pub struct Polling {
    watcher: Watcher,
    orders: blocking::Receiver<Command>,
    given: mpsc::Sender<Given>,
    partitions: HashMap<Slot, Partition>,
    commits: Commits,
    feeds: u64,
    /// The library's queue of every partition that was ever ours: one handle for each, since a second would silence it.
    queues: HashMap<Slot, Arc<PartitionQueue<Watcher>>>,
    // Last: partitions let go of their queues before.
    consumer: Arc<BaseConsumer<Watcher>>,
}

impl Polling {
    /// A thread that has not begun.
    pub fn new(
        consumer: Arc<BaseConsumer<Watcher>>,
        watcher: Watcher,
        orders: blocking::Receiver<Command>,
        given: mpsc::Sender<Given>,
    ) -> Self {
        let (partitions, commits, queues) = (HashMap::new(), Commits::default(), HashMap::new());
        Self { watcher, orders, given, partitions, commits, feeds: 0, queues, consumer }
    }

    /// Polls until every handle is dropped, then commits what is left. The partitions of a topic that is read in shares
    /// get their queues first, so that no record takes the way of all the others.
    pub fn run(&mut self, shared: Option<(String, u32)>) {
        if let Some((topic, partitions)) = shared {
            for partition in 0..partitions.cast_signed() {
                self.queue(&(topic.clone(), partition));
            }
            if let Err(error) = self.consumer.subscribe(&[&topic]) {
                return warn!(topic.name = topic, error = %error, "cannot take part in reading a topic");
            }
        }
        while self.obey() {
            self.turn();
        }
        let give_up_at = Instant::now() + LAST_COMMIT;
        while self.commits.is_open() && Instant::now() < give_up_at {
            self.turn();
        }
    }

    fn turn(&mut self) {
        self.commits.send(&self.consumer, &self.watcher);
        let mut was_any = self.hear();
        for partition in self.partitions.values_mut() {
            was_any |= partition.hand_over();
        }
        if !was_any {
            thread::park_timeout(NAP);
        }
    }

    /// Does what was asked; returns whether anybody may still ask.
    fn obey(&mut self) -> bool {
        loop {
            match self.orders.try_recv() {
                Ok(command) => self.do_one(command),
                Err(blocking::TryRecvError::Empty) => return true,
                Err(blocking::TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn do_one(&mut self, command: Command) {
        match command {
            Command::Assign { slot, from, feed } => {
                // The queue first, so that no record takes the way of all the others.
                let fed = self.feed(&slot, true, CancellationToken::new());
                let assigned = list_of(&slot, from).and_then(|list| self.consumer.incremental_assign(&list));
                if assigned.is_err() {
                    self.partitions.remove(&slot);
                }
                answer(feed, assigned, fed);
            }
            Command::Again { slot, from, feed } => {
                // If it was taken away meanwhile, whoever asks learns it by the dropped answer.
                let Some(before) = self.partitions.get(&slot) else { return };
                let (is_own, revoked) = (before.is_own, before.revoked.clone());
                // As long as this fails it stays what it was, so that it can be asked for once more.
                let moved = self.consumer.seek(&slot.0, slot.1, Offset::Offset(from), SEEK);
                let fed = if moved.is_ok() { self.feed(&slot, is_own, revoked) } else { None };
                answer(feed, moved, fed);
            }
            Command::Leave { slot, id } => {
                if self.partitions.get(&slot).is_some_and(|partition| partition.id == id && partition.is_own) {
                    self.partitions.remove(&slot);
                    if let Err(error) = list_of(&slot, 0).and_then(|list| self.consumer.incremental_unassign(&list)) {
                        warn!(topic.name = slot.0, error = %error, "cannot leave a partition");
                    }
                }
            }
            Command::Commit { slot, next, done } => self.commits.want(slot, next, done),
        }
    }

    /// A new feed of a partition, in place of any before.
    fn feed(&mut self, slot: &Slot, is_own: bool, revoked: CancellationToken) -> Option<Feed> {
        self.partitions.remove(slot);
        let queue = self.queue(slot)?;
        self.feeds += 1;
        let (partition, feed) = Partition::new(self.feeds, slot.clone(), is_own, revoked, queue);
        self.partitions.insert(slot.clone(), partition);
        Some(feed)
    }

    fn queue(&mut self, slot: &Slot) -> Option<Arc<PartitionQueue<Watcher>>> {
        if let Some(queue) = self.queues.get(slot) {
            return Some(queue.clone());
        }
        let mut queue = self.consumer.split_partition_queue(&slot.0, slot.1)?;
        let sleeper = thread::current();
        queue.set_nonempty_callback(move || sleeper.unpark());
        let queue = Arc::new(queue);
        self.queues.insert(slot.clone(), queue.clone());
        Some(queue)
    }

    /// Hears what the group and the brokers say; returns whether there was anything.
    fn hear(&mut self) -> bool {
        match self.consumer.poll(Duration::ZERO) {
            None | Some(Err(KafkaError::PartitionEOF(_))) => {}
            Some(Err(error)) => warn!(error = %error, "a Kafka consumer is in trouble; it goes on trying"),
            Some(Ok(_)) => warn!("a record took another way than its partition's; it is read again"),
        }
        let told = self.watcher.take();
        let was_any = !told.is_empty();
        for told in told {
            match told {
                Told::Assigned(slots) => slots.into_iter().for_each(|slot| self.assigned(slot)),
                Told::Revoked(slots) => slots.iter().for_each(|slot| self.revoked(slot)),
                Told::Committed(outcome, offsets) => self.commits.told(&outcome, &offsets),
            }
        }
        was_any
    }

    fn assigned(&mut self, slot: Slot) {
        let revoked = CancellationToken::new();
        if let Some(feed) = self.feed(&slot, false, revoked.clone()) {
            // There is room for more partitions than a topic may have.
            let _ = self.given.try_send(Given { slot, feed, revoked });
        }
    }

    fn revoked(&mut self, slot: &Slot) {
        self.commits.forget(slot);
        if let Some(partition) = self.partitions.remove(slot) {
            partition.revoked.cancel();
        }
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        for partition in self.partitions.values() {
            partition.revoked.cancel();
        }
    }
}

/// Whoever went away meanwhile says so by leaving.
fn answer(asked: oneshot::Sender<KafkaResult<Feed>>, outcome: KafkaResult<()>, fed: Option<Feed>) {
    // The client has a queue for every partition, unless it is out of memory.
    let fed = outcome.and_then(|()| fed.ok_or(KafkaError::Canceled));
    drop(asked.send(fed));
}

fn list_of(slot: &Slot, from: i64) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&slot.0, slot.1, Offset::Offset(from))?;
    Ok(list)
}
