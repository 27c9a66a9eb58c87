//! The brokers alone: the same bytes produced and consumed, with nothing around them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rdkafka::{
    consumer::{Consumer, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
    producer::DefaultProducerContext,
    producer::{BaseRecord, Producer, ThreadedProducer},
};

use super::floor::{consumer_config, producer_config};

const PATIENCE: Duration = Duration::from_mins(1);

/// Produces so many documents to a topic and consumes them; returns both in records a second.
///
/// # Errors
/// If the brokers do not take or give them within a minute.
pub async fn run(servers: &str, topic: &str, document: &str, count: u32) -> Result<(f64, f64)> {
    let producer: ThreadedProducer<DefaultProducerContext> = producer_config(servers).create()?;
    let begun = Instant::now();
    tokio::task::block_in_place(|| {
        for number in 0..count {
            produce(&producer, topic, &format!("R{number}"), document)?;
        }
        producer.flush(PATIENCE).context("the brokers are slow")
    })?;
    let produced = f64::from(count) / begun.elapsed().as_secs_f64();
    let consumer: StreamConsumer = consumer_config(servers, &format!("{topic}.raw")).create()?;
    consumer.subscribe(&[topic])?;
    // What was there before and the way into the group do not count.
    let mut seen = 0;
    let mut begun = None;
    let reading = async {
        while seen < count {
            consumer.recv().await?;
            begun.get_or_insert_with(Instant::now);
            seen += 1;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, reading).await.context("the brokers are slow")??;
    let consumed = f64::from(count) / begun.unwrap_or_else(Instant::now).elapsed().as_secs_f64();
    Ok((produced, consumed))
}

/// Produces one record; waits where the queue is full.
fn produce(producer: &ThreadedProducer<DefaultProducerContext>, topic: &str, key: &str, document: &str) -> Result<()> {
    let mut record = BaseRecord::to(topic).key(key).payload(document);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                record = back;
                producer.flush(Duration::from_millis(50)).or_else(|error| match error {
                    KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut) => Ok(()),
                    other => Err(other),
                })?;
            }
            Err((error, _)) => return Err(error.into()),
        }
    }
}
