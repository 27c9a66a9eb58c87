//! The floor: HTTP in, raw produce and consume over three topics like ours, HTTP out. Nothing is read, decided or kept.
//!
//! Acknowledged as ours is: by all copies, before the caller is answered. The rest is not: what is under way when it dies
//! comes again or is gone.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use futures::StreamExt;
use rdkafka::{
    ClientConfig, Message,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{CommitMode, Consumer, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::OwnedMessage,
    producer::{FutureProducer, FutureRecord},
};
use serde_json::Value;
use tokio::net::TcpListener;

use super::scene::Servers;
use crate::{cli::output::complain, supervisor::Supervisor};

/// Partitions of what was accepted and of the journal, as ours has by default.
const PARTITIONS: i32 = 6;
/// Sends under way at once, as ours.
const IN_FLIGHT: usize = 64;
/// Tries of one send.
const TRIES: usize = 3;
/// How often offsets are committed.
const COMMIT_EVERY: usize = 500;

/// The running floor.
pub struct Floor {
    /// Where clients push.
    pub url: String,
    supervisor: Supervisor,
}

#[derive(Clone)]
struct Parts {
    servers: String,
    prefix: Arc<str>,
    producer: FutureProducer,
    /// JSON Pointer to the reference of a document.
    reference: &'static str,
}

impl Floor {
    /// Makes its topics and starts it; what comes out goes to the receiver.
    pub async fn start(servers: &Servers, prefix: &str, reference: &'static str, receiver: &str) -> Result<Self> {
        make_topics(servers, prefix).await?;
        let producer = producer_config(&servers.kafka).create().context("cannot make a producer")?;
        let parts = Parts { servers: servers.kafka.clone(), prefix: prefix.into(), producer, reference };
        let supervisor = Supervisor::default();
        supervisor.spawn("floor router", parts.clone().route());
        supervisor.spawn("floor delivery", parts.clone().deliver(receiver.to_owned()));
        supervisor.spawn("floor journal", parts.clone().read_journal());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let (stop, router) = (supervisor.stop_token(), Router::new().route("/", post(accept)).with_state(parts));
        supervisor.spawn("floor door", async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
            served.context("the floor broke")
        });
        Ok(Self { url, supervisor })
    }

    /// Ends it; what it had not done is dropped.
    pub async fn stop(self) {
        self.supervisor.stop(Duration::from_secs(1)).await;
    }
}

/// A producer as ours is: idempotent, written to all copies, compressed.
pub fn producer_config(servers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers).set("enable.idempotence", "true").set("acks", "all");
    config.set("linger.ms", "1").set("compression.type", "lz4");
    config
}

/// A consumer of a group of its own, from the beginning.
pub fn consumer_config(servers: &str, group: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers).set("group.id", group).set("enable.auto.commit", "false");
    config.set("auto.offset.reset", "earliest").set("isolation.level", "read_committed");
    config
}

async fn make_topics(servers: &Servers, prefix: &str) -> Result<()> {
    let mut config = ClientConfig::new();
    let admin: AdminClient<DefaultClientContext> = config.set("bootstrap.servers", &servers.kafka).create()?;
    let (copies, in_step) = servers.copies();
    let (names, in_step) =
        (["accepted", "journal", "raw", "dispatch"].map(|name| format!("{prefix}{name}")), in_step.to_string());
    let topics = names.iter().zip([PARTITIONS, PARTITIONS, PARTITIONS, 1]).map(|(name, partitions)| {
        NewTopic::new(name, partitions, TopicReplication::Fixed(copies)).set("min.insync.replicas", &in_step)
    });
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(20)));
    for made in admin.create_topics(&topics.collect::<Vec<_>>(), &options).await? {
        made.map_err(|(name, code)| anyhow::anyhow!("cannot make the topic `{name}`: {code}"))?;
    }
    Ok(())
}

async fn accept(State(parts): State<Parts>, body: Bytes) -> StatusCode {
    let document: Value = serde_json::from_slice(&body).unwrap_or_default();
    let key = document.pointer(parts.reference).and_then(Value::as_str).unwrap_or_default();
    let topic = format!("{}accepted", parts.prefix);
    let written = parts.producer.send(FutureRecord::to(&topic).key(key).payload(&body[..]), Duration::ZERO).await;
    if written.is_ok() { StatusCode::ACCEPTED } else { StatusCode::SERVICE_UNAVAILABLE }
}

impl Parts {
    fn consumer(&self, topic: &str) -> Result<StreamConsumer> {
        let name = format!("{}{topic}", self.prefix);
        let consumer: StreamConsumer = consumer_config(&self.servers, &name).create()?;
        consumer.subscribe(&[&name])?;
        Ok(consumer)
    }

    async fn route(self) -> Result<()> {
        let consumer = self.consumer("accepted")?;
        let outputs = ["dispatch", "journal"].map(|name| format!("{}{name}", self.prefix));
        for count in 1.. {
            let message = next(&consumer).await;
            let (key, payload) = (message.key().unwrap_or_default(), message.payload().unwrap_or_default());
            for output in &outputs {
                enqueue(&self.producer, FutureRecord::to(output).key(key).payload(payload)).await?;
            }
            if count % COMMIT_EVERY == 0 {
                commit(&consumer);
            }
        }
        Ok(())
    }

    async fn deliver(self, receiver: String) -> Result<()> {
        let (consumer, http) = (Arc::new(self.consumer("dispatch")?), reqwest::Client::new());
        let messages = futures::stream::unfold(consumer.clone(), async |consumer| {
            let message = next(&consumer).await;
            Some((message, consumer))
        });
        let sends = messages.map(|message| {
            let (http, receiver) = (http.clone(), receiver.clone());
            async move { send(&http, &receiver, &message).await }
        });
        let mut sends = std::pin::pin!(sends.buffered(IN_FLIGHT).enumerate());
        while let Some((count, sent)) = sends.next().await {
            sent?;
            if count % COMMIT_EVERY == 0 {
                commit(&consumer);
            }
        }
        Ok(())
    }

    async fn read_journal(self) -> Result<()> {
        let consumer = self.consumer("journal")?;
        loop {
            next(&consumer).await;
        }
    }
}

/// Commits what was read. What cannot be committed now, as in a rebalance, is with the next time.
fn commit(consumer: &StreamConsumer) {
    if let Err(error) = consumer.commit_consumer_state(CommitMode::Async) {
        complain(&format!("floor: {error}"));
    }
}

/// The next record. Brokers that are slow, and topics that are new, are waited for.
async fn next(consumer: &StreamConsumer) -> OwnedMessage {
    loop {
        match consumer.recv().await {
            Ok(message) => return message.detach(),
            Err(error) => complain(&format!("floor: {error}")),
        }
    }
}

/// Hands a record over without waiting until it is written; waits where the queue is full.
async fn enqueue(producer: &FutureProducer, mut record: FutureRecord<'_, [u8], [u8]>) -> Result<()> {
    loop {
        match producer.send_result(record) {
            Ok(_) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => record = back,
            Err((error, _)) => return Err(error.into()),
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn send(http: &reqwest::Client, receiver: &str, message: &OwnedMessage) -> Result<()> {
    let reference = String::from_utf8_lossy(message.key().unwrap_or_default());
    let mut tries = 0;
    loop {
        let request = http.put(format!("{receiver}/vacancy/{reference}")).header("idempotency-key", &*reference);
        let sent = request.body(message.payload().unwrap_or_default().to_vec()).send().await;
        let Err(error) = sent.and_then(reqwest::Response::error_for_status) else { return Ok(()) };
        complain(&format!("floor: {error}"));
        tries += 1;
        ensure!(tries < TRIES, "the receiver does not take it");
    }
}
