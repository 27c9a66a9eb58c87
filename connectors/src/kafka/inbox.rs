//! Reads the topic that a partner pushes into.
//!
//! **Invariant:** an offset is committed only when it is asked for, and nothing waits for a broker that has fallen silent:
//! commits are answered later, and the consumer is closed elsewhere, which is given up after a while.

use std::{
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use rdkafka::{
    ClientContext, Message, Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer, ConsumerContext, StreamConsumer},
    error::{KafkaError, KafkaResult},
    message::Headers,
    types::RDKafkaErrorCode as Code,
};
use thiserror::Error;
use tokio::sync::oneshot;

use super::{Brokers, CONTENT_TYPE, IDEMPOTENCY_KEY, OPERATION, REASON};
use crate::{foreign_text, outcome::code};

/// What the library holds ahead, in KiB.
const AHEAD_KIB: &str = "8192";
/// The largest record that is fetched, in bytes.
const LARGEST_BYTES: &str = "16777216";
/// How long closing may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// How a partner's topic is read.
#[derive(Debug, Clone)]
pub struct InboxSettings {
    /// Where its brokers are.
    pub brokers: Brokers,
    /// The topic.
    pub topic: String,
    /// In which group: what was read is remembered under it, and several gateways share the partitions.
    pub group: String,
    /// After how much silence the partitions of a reader go to the others.
    pub session_time_out: Duration,
}

/// A reader of one topic.
pub struct Inbox {
    consumer: StreamConsumer<Watcher>,
    topic: String,
}

/// A record as the partner wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Where it stands.
    pub partition: i32,
    /// Where in the partition.
    pub offset: i64,
    /// When it was written, milliseconds since 1970 UTC, if the brokers say.
    pub timestamp: Option<i64>,
    /// Its key, if that is text: the reference.
    pub key: Option<String>,
    /// The document; none closes.
    pub value: Option<Vec<u8>>,
    /// What it does, if it says so.
    pub operation: Option<String>,
    /// The media type, if it is said.
    pub content_type: Option<String>,
    /// The partner's own idempotency key, if there is one.
    pub idempotency_key: Option<String>,
    /// Why it is closed, if that is said.
    pub reason: Option<String>,
}

/// Why a topic cannot be read.
#[derive(Debug, Error)]
pub enum InboxError {
    /// No client could be made of the settings.
    #[error("cannot make a Kafka client: {0}")]
    Client(String),
    /// The brokers cannot be reached, or fail at the moment; the client goes on trying by itself.
    #[error("topic `{topic}` cannot be read: {detail}")]
    Unreadable {
        /// The topic.
        topic: String,
        /// One of [`crate::code`].
        code: &'static str,
        /// In the words of the library.
        detail: String,
    },
}

impl InboxError {
    /// Which error, as one of [`crate::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Self::Client(_) => code::CLIENT,
            Self::Unreadable { code, .. } => code,
        }
    }
}

/// Hears what became of commits; what else goes wrong is in the errors.
#[derive(Default)]
struct Watcher(Mutex<Option<KafkaError>>);

impl ClientContext for Watcher {}

impl ConsumerContext for Watcher {
    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = result.err();
    }
}

impl Inbox {
    /// Begins to read; what comes first is what was not committed yet.
    ///
    /// # Errors
    /// [`InboxError::Client`].
    pub fn open(settings: &InboxSettings) -> Result<Self, InboxError> {
        let client = |error: KafkaError| InboxError::Client(foreign_text::chain(&error));
        let mut config = settings.brokers.config();
        config
            .set("group.id", &settings.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("session.timeout.ms", settings.session_time_out.as_millis().to_string())
            .set("heartbeat.interval.ms", (settings.session_time_out.as_millis() / 4).max(100).to_string())
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("queued.max.messages.kbytes", AHEAD_KIB)
            .set("fetch.message.max.bytes", LARGEST_BYTES);
        let consumer: StreamConsumer<Watcher> = config.create_with_context(Watcher::default()).map_err(client)?;
        consumer.subscribe(&[&settings.topic]).map_err(client)?;
        Ok(Self { consumer, topic: settings.topic.clone() })
    }

    /// The next record. Safe to cancel.
    ///
    /// # Errors
    /// [`InboxError::Unreadable`]; reading goes on with the next call.
    pub async fn next(&self) -> Result<Received, InboxError> {
        let message = self.consumer.recv().await.map_err(|error| self.unreadable(&error))?;
        let header = |name: &str| {
            let headers = message.headers()?;
            let found = headers.iter().find(|header| header.key == name)?;
            String::from_utf8(found.value?.to_vec()).ok()
        };
        Ok(Received {
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp().to_millis(),
            key: message.key().and_then(|key| String::from_utf8(key.to_vec()).ok()),
            value: message.payload().map(<[u8]>::to_vec),
            operation: header(OPERATION),
            content_type: header(CONTENT_TYPE),
            idempotency_key: header(IDEMPOTENCY_KEY),
            reason: header(REASON),
        })
    }

    /// Asks the brokers to remember that everything of these partitions up to and including an offset is done.
    ///
    /// # Errors
    /// [`InboxError::Unreadable`]: it cannot be asked, or what was asked before was refused; it comes again then.
    pub fn commit(&self, done: &[(i32, i64)]) -> Result<(), InboxError> {
        let mut offsets = TopicPartitionList::new();
        for (partition, offset) in done {
            let added = offsets.add_partition_offset(&self.topic, *partition, Offset::Offset(offset + 1));
            added.map_err(|error| self.unreadable(&error))?;
        }
        let asked = self.consumer.commit(&offsets, CommitMode::Async);
        asked.map_err(|error| self.unreadable(&error))?;
        let refused = self.consumer.context().0.lock().unwrap_or_else(PoisonError::into_inner).take();
        refused.map_or(Ok(()), |error| Err(self.unreadable(&error)))
    }

    /// Ends reading within a bound, whatever the brokers do; what was not committed comes again.
    pub async fn close(self) {
        let (closed, told) = oneshot::channel();
        // A thread of its own, which nobody waits for at the end: a broker that hangs holds it for as long as it hangs.
        thread::spawn(move || {
            drop(self.consumer);
            let _ = closed.send(());
        });
        let _ = tokio::time::timeout(CLOSE_WITHIN, told).await;
    }

    fn unreadable(&self, error: &KafkaError) -> InboxError {
        let code = match error.rdkafka_error_code() {
            Some(Code::UnknownTopic | Code::UnknownTopicOrPartition) => code::NO_TOPIC,
            Some(refusal) if super::outcome::is_refusal(refusal) => code::UNAUTHORISED,
            _ => code::UNREACHABLE,
        };
        InboxError::Unreadable { topic: self.topic.clone(), code, detail: foreign_text::chain(error) }
    }
}
