//! What is to be committed: the newest of each partition, one request at a time, until the brokers have it.

use std::{
    collections::HashMap,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::{KafkaError, KafkaResult},
    topic_partition_list::Offset,
};
use tokio::sync::oneshot;
use tracing::warn;

use super::Slot;
use crate::backbone::kafka::client::Watcher;

/// How long to wait after a commit that failed, or was not answered.
const PAUSE: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(10);

/// The commits of one consumer.
#[derive(Default)]
pub struct Commits {
    wanted: HashMap<Slot, Wanted>,
    /// When the request under way was made.
    under_way: Option<Instant>,
    pause_until: Option<Instant>,
}

/// The next offset of a partition, and who waits for which.
#[derive(Default)]
struct Wanted {
    highest: i64,
    waiting: Vec<(i64, oneshot::Sender<()>)>,
}

impl Commits {
    /// Notes that everything below an offset is done.
    pub fn want(&mut self, slot: Slot, next: i64, done: oneshot::Sender<()>) {
        let wanted = self.wanted.entry(slot).or_default();
        wanted.highest = next.max(wanted.highest);
        wanted.waiting.push((next, done));
    }

    /// Forgets a partition that somebody else reads now.
    pub fn forget(&mut self, slot: &Slot) {
        self.wanted.remove(slot);
    }

    /// Whether there is anything that the brokers do not have yet.
    pub fn is_open(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// Sends what is wanted, unless a request is under way.
    ///
    /// On a thread of its own: the library tells nobody what came of an asynchronous commit unless a callback is set in
    /// its configuration (`rd_kafka_cgrp_propagate_commit_result`), and rdkafka asks for events instead.
    pub fn send(&mut self, consumer: &Arc<BaseConsumer<Watcher>>, watcher: &Watcher) {
        let is_early = self.pause_until.is_some_and(|until| Instant::now() < until);
        let is_under_way = self.under_way.is_some_and(|begun| begun.elapsed() < PATIENCE);
        if self.wanted.is_empty() || is_early || is_under_way {
            return;
        }
        self.under_way = Some(Instant::now());
        let offsets: Vec<_> = self.wanted.iter().map(|(slot, wanted)| (slot.clone(), wanted.highest)).collect();
        let (consumer, watcher, polling) = (consumer.clone(), watcher.clone(), thread::current());
        let commit = move || {
            let outcome = list_of(&offsets).and_then(|list| consumer.commit(&list, CommitMode::Sync));
            watcher.committed(outcome, offsets.into_iter().map(|((topic, at), next)| (topic, at, next)).collect());
            polling.unpark();
        };
        if thread::Builder::new().name("kafka commit".to_owned()).spawn(commit).is_err() {
            self.pause_until = Some(Instant::now() + PAUSE);
        }
    }

    /// Hears what came of a request.
    pub fn told(&mut self, outcome: &KafkaResult<()>, offsets: &[(String, i32, i64)]) {
        self.under_way = None;
        if let Err(error) = outcome {
            return self.failed(error);
        }
        for (topic, partition, next) in offsets {
            let slot = (topic.clone(), *partition);
            let Some(wanted) = self.wanted.get_mut(&slot) else { continue };
            for (_, done) in wanted.waiting.extract_if(.., |(wanted, _)| *wanted <= *next) {
                // Whoever went away needs no answer.
                let _ = done.send(());
            }
            if wanted.highest <= *next {
                self.wanted.remove(&slot);
            }
        }
    }

    fn failed(&mut self, error: &KafkaError) {
        warn!(error = %error, "a commit failed; it is made again");
        self.under_way = None;
        self.pause_until = Some(Instant::now() + PAUSE);
    }
}

fn list_of(offsets: &[(Slot, i64)]) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for ((topic, partition), next) in offsets {
        list.add_partition_offset(topic, *partition, Offset::Offset(*next))?;
    }
    Ok(list)
}
