//! Puts parcels into the topic that a partner reads.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use rdkafka::{
    ClientContext,
    error::KafkaError,
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord, Producer},
    types::RDKafkaErrorCode as Code,
    util::Timeout,
};
use schemas::Operation;

use super::{
    Brokers, CONTENT_TYPE, DISPATCH_ID, IDEMPOTENCY_KEY, OPERATION, REASON,
    outcome::{is_refusal, sorted},
};
use crate::{
    foreign_text,
    outcome::{Outcome, Sent, code},
    sender::{Parcel, ProbeError, Repeats, Sender},
};

/// The largest record that is handed to a broker, which may have a limit of its own.
const LARGEST_BYTES: &str = "16777216";
/// A probe takes no longer than this.
const PROBE_TIME_OUT: Duration = Duration::from_secs(10);
/// The library is told to give up so much earlier than we do, so that its reason is heard.
const HEAD_START: Duration = Duration::from_millis(500);

/// How a partner's topic is written.
#[derive(Debug, Clone)]
pub struct KafkaPushSettings {
    /// Where its brokers are.
    pub brokers: Brokers,
    /// The topic.
    pub topic: String,
    /// How long a topic that is not known may be looked for.
    pub connect_time_out: Duration,
    /// How long a record may take to be written.
    pub time_out: Duration,
}

/// Writes one partner's topic. The producer is made with the first parcel.
pub struct KafkaPush {
    settings: KafkaPushSettings,
    producer: Mutex<Option<Arc<Connection>>>,
}

struct Connection {
    producer: FutureProducer<Watcher>,
    watcher: Watcher,
}

/// Hears what the connection complains of.
#[derive(Clone, Default)]
struct Watcher(Arc<Mutex<Option<Code>>>);

impl ClientContext for Watcher {
    fn error(&self, error: KafkaError, _reason: &str) {
        // That brokers are down is said after each refusal too, and explains less.
        if !self.trouble().is_some_and(is_refusal) {
            self.set(error.rdkafka_error_code());
        }
    }
}

impl Watcher {
    fn set(&self, trouble: Option<Code>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn trouble(&self) -> Option<Code> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KafkaPush {
    /// A sender; nothing is connected yet.
    pub fn new(settings: KafkaPushSettings) -> Self {
        Self { settings, producer: Mutex::new(None) }
    }

    /// The topic that it writes.
    pub fn topic(&self) -> &str {
        &self.settings.topic
    }

    /// The producer, made anew once it can do nothing more.
    fn connection(&self) -> Result<Arc<Connection>, KafkaError> {
        let mut kept = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = kept.as_ref().filter(|kept| kept.producer.client().fatal_error().is_none()) {
            return Ok(connection.clone());
        }
        let watcher = Watcher::default();
        let time_out = self.settings.time_out.saturating_sub(HEAD_START).max(HEAD_START);
        let look_up = self.settings.connect_time_out.min(time_out / 2);
        let mut config = self.settings.brokers.config();
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("linger.ms", "0")
            .set("compression.type", "lz4")
            .set("message.max.bytes", LARGEST_BYTES)
            .set("message.timeout.ms", time_out.as_millis().to_string())
            .set("topic.metadata.propagation.max.ms", look_up.as_millis().to_string())
            .set(
                "socket.connection.setup.timeout.ms",
                self.settings.connect_time_out.as_millis().max(1_000).to_string(),
            );
        let connection = Arc::new(Connection { producer: config.create_with_context(watcher.clone())?, watcher });
        *kept = Some(connection.clone());
        Ok(connection)
    }
}

#[async_trait]
impl Sender for KafkaPush {
    async fn send(&self, parcel: Parcel) -> Sent {
        let connection = match self.connection() {
            Ok(connection) => connection,
            Err(error) => {
                let detail = foreign_text::chain(&error);
                return Outcome::Retry { code: code::CLIENT, detail, after: None }.into();
            }
        };
        let (key, headers) = (parcel.reference.to_string(), headers(&parcel));
        let mut record = FutureRecord::<str, [u8]>::to(&self.settings.topic).key(&key).headers(headers);
        if parcel.operation != Operation::Close {
            record = record.payload(&parcel.body);
        }
        let sending = connection.producer.send(record, Timeout::After(Duration::ZERO));
        match tokio::time::timeout(parcel.time_out, sending).await {
            Ok(Ok(_)) => {
                connection.watcher.set(None);
                Outcome::Delivered { foreign_reference: None }.into()
            }
            Ok(Err((error, _))) => {
                sorted(error.rdkafka_error_code().unwrap_or(Code::Unknown), connection.watcher.trouble()).into()
            }
            Err(_) => sorted(Code::MessageTimedOut, connection.watcher.trouble()).into(),
        }
    }

    async fn probe(&self) -> Result<(), ProbeError> {
        let connection = self.connection().map_err(|error| ProbeError::Client(foreign_text::chain(&error)))?;
        let (topic, watcher) = (self.settings.topic.clone(), connection.watcher.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let metadata = connection.producer.client().fetch_metadata(Some(&topic), PROBE_TIME_OUT)?;
            let topic = metadata.topics().iter().find(|known| known.name() == topic);
            Ok(topic.map_or(Some(Code::UnknownTopic), |topic| topic.error().map(Code::from)))
        });
        match asked.await.map_err(|error| ProbeError::Client(error.to_string()))? {
            Ok(None) => Ok(()),
            Ok(Some(error)) => Err(ProbeError::Protocol(format!("topic `{}`: {error}", self.settings.topic))),
            Err::<_, KafkaError>(error) => {
                let trouble = watcher.trouble().filter(|trouble| is_refusal(*trouble));
                Err(ProbeError::Unreachable(
                    trouble.map_or_else(|| foreign_text::chain(&error), |code| code.to_string()),
                ))
            }
        }
    }

    fn repeats(&self) -> Repeats {
        Repeats::ByReference
    }
}

fn headers(parcel: &Parcel) -> OwnedHeaders {
    let dispatch = parcel.dispatch.to_string();
    let mut headers = OwnedHeaders::new()
        .insert(header(IDEMPOTENCY_KEY, &parcel.idempotency_key))
        .insert(header(OPERATION, parcel.operation.as_str()))
        .insert(header(DISPATCH_ID, &dispatch));
    if parcel.operation != Operation::Close {
        headers = headers.insert(header(CONTENT_TYPE, &parcel.media_type));
    }
    if let Some(closing) = &parcel.closing {
        headers = headers.insert(header(REASON, &closing.code));
    }
    headers
}

fn header<'a>(key: &'a str, value: &'a str) -> Header<'a, &'a str> {
    Header { key, value: Some(value) }
}
