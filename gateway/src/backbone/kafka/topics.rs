//! The topics: made with their settings, or checked if they are there; and the generation of the log.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rdkafka::{
    TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, Consumer},
    error::RDKafkaErrorCode,
    message::Message,
    producer::{FutureProducer, FutureRecord},
    topic_partition_list::Offset,
};
use tracing::info;

use super::{
    bounded::bounded,
    client::{Clients, LARGEST_BYTES, Pace, Watcher},
    existing::check_topic,
};
use crate::backbone::Topic;

/// How long the brokers may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// The record of the topic `meta` that says which log this is.
const GENERATION: &str = "generation";

/// The name of a topic at the brokers.
pub fn name_of(prefix: &str, topic: &Topic) -> String {
    format!("{prefix}{topic}")
}

/// How many partitions a topic has, by our own rule: what is read in shares has many.
pub fn partitions_of(clients: &Clients, topic: &Topic) -> u32 {
    if *topic == Topic::accepted() || *topic == Topic::journal() { clients.settings.partitions } else { 1 }
}

/// Makes a topic if it is not there; refuses one that was made otherwise.
///
/// # Errors
/// If the brokers do not answer or refuse, or the topic has another number of partitions.
pub async fn ensure_topic(clients: &Clients, name: &str, partitions: u32, is_state: bool) -> Result<()> {
    let settings = &clients.settings;
    if let Some(found) = partitions_at_brokers(clients, name).await? {
        return check_topic(clients, name, (found, partitions), is_state).await;
    }
    // The library's client for this asks nobody for tokens.
    ensure!(
        !clients.has_tokens(),
        "there is no topic `{name}`, and with OAUTHBEARER it cannot be made from here: make it, with {partitions} partitions, \
         {} copies and `cleanup.policy={}`",
        settings.replication_factor,
        if is_state { "compact" } else { "delete" }
    );
    let admin: AdminClient<Watcher> = clients.base().create_with_context(clients.context("admin"))?;
    let retention =
        settings.retention.filter(|_| !is_state).map_or(-1, |retention| retention.as_millis().cast_signed());
    let (retention, replicas) = (retention.to_string(), settings.min_insync_replicas.to_string());
    let topic = NewTopic::new(
        name,
        i32::try_from(partitions)?,
        TopicReplication::Fixed(i32::try_from(settings.replication_factor)?),
    )
    .set("min.insync.replicas", &replicas)
    .set("retention.ms", &retention)
    .set("cleanup.policy", if is_state { "compact" } else { "delete" })
    .set("max.message.bytes", LARGEST_BYTES)
    .set("unclean.leader.election.enable", "false");
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE));
    let outcome = admin.create_topics(&[topic], &options).await;
    super::client::let_go(admin);
    match outcome.with_context(|| format!("cannot make the topic `{name}`"))?.pop() {
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => {
            let found = partitions_at_brokers(clients, name).await?;
            check_topic(clients, name, (found.unwrap_or(partitions), partitions), is_state).await
        }
        Some(Err((_, code))) => bail!("cannot make the topic `{name}`: {code}"),
        _ => {
            info!(topic.name = name, topic.partitions = partitions, "made a topic");
            Ok(())
        }
    }
}

/// How many partitions a topic has; none if it is not there.
///
/// # Errors
/// If the brokers do not answer.
pub async fn partitions_at_brokers(clients: &Clients, name: &str) -> Result<Option<u32>> {
    let consumer: BaseConsumer<Watcher> = clients.base().create_with_context(clients.context("metadata"))?;
    let (name, clients) = (name.to_owned(), clients.clone());
    bounded("reading what topics there are", 2 * PATIENCE, move || {
        clients.introduce(&consumer);
        let metadata = consumer.fetch_metadata(Some(&name), PATIENCE).context("the brokers do not answer")?;
        let found = metadata.topics().iter().find(|topic| topic.name() == name);
        let count = found.filter(|topic| topic.error().is_none()).map(|topic| topic.partitions().len());
        Ok(count.filter(|count| *count > 0).map(u32::try_from).transpose()?)
    })
    .await?
}

/// The generation of the log: what the topic `meta` says, or 1 for a new one.
///
/// # Errors
/// If the brokers do not answer.
pub async fn generation(clients: &Clients) -> Result<i64> {
    let name = format!("{}meta", clients.settings.prefix);
    ensure_topic(clients, &name, 1, true).await?;
    if let Some(generation) = read_generation(clients, &name).await? {
        return Ok(generation);
    }
    raise_generation(clients, 1).await?;
    Ok(1)
}

/// Says which generation the log is from now on.
///
/// # Errors
/// If the brokers do not answer.
pub async fn raise_generation(clients: &Clients, generation: i64) -> Result<()> {
    let name = format!("{}meta", clients.settings.prefix);
    let producer: FutureProducer<Watcher> = clients.producing().create_with_context(clients.context("meta"))?;
    let text = generation.to_string();
    let sent = producer.send(FutureRecord::to(&name).partition(0).key(GENERATION).payload(&text), PATIENCE).await;
    super::client::let_go(producer);
    sent.map_err(|(error, _)| error).with_context(|| format!("cannot write to the topic `{name}`"))?;
    Ok(())
}

async fn read_generation(clients: &Clients, name: &str) -> Result<Option<i64>> {
    let group = format!("{}meta", clients.settings.prefix);
    let consumer: BaseConsumer<Watcher> =
        clients.consuming(&group, Pace::Prompt).create_with_context(clients.context("meta"))?;
    let name = name.to_owned();
    bounded("reading the generation of the log", 2 * PATIENCE, move || {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&name, 0, Offset::Beginning)?;
        consumer.assign(&list)?;
        drop(list);
        let mut generation = None;
        let began = std::time::Instant::now();
        let read = loop {
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(record)) if record.key() == Some(GENERATION.as_bytes()) => {
                    let text = String::from_utf8_lossy(record.payload().unwrap_or_default()).into_owned();
                    generation = Some(text.parse::<i64>().context("the topic `meta` holds no generation")?);
                }
                Some(Err(rdkafka::error::KafkaError::PartitionEOF(_))) => break Ok(generation),
                _ if began.elapsed() > PATIENCE => break Err(anyhow::anyhow!("the topic `{name}` cannot be read")),
                _ => {}
            }
        };
        super::client::let_go(consumer);
        read
    })
    .await?
}
