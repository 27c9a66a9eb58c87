//! Outputs and offsets in one transaction, of one partition's reader.
//!
//! The transactional id belongs to the partition: whoever reads it now fences whoever did before, so that a node that wakes
//! up late cannot write any more. The group's generation is checked by the brokers as well.

use std::{sync::Arc, time::Duration};

use super::{
    bounded::bounded,
    client::{Clients, Watcher, let_go},
    reader::{Reader, Slot},
    writer::{Outbox, Sending},
};
use crate::backbone::Output;
use anyhow::{Context, Result, anyhow};
use futures::future::try_join_all;
use metrics::histogram;
use rdkafka::{
    TopicPartitionList,
    error::KafkaError,
    producer::{FutureProducer, Producer},
    topic_partition_list::Offset,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The brokers get at least so long to end a transaction; usually as long as a node may be silent.
const SHORTEST: Duration = Duration::from_secs(5);
/// The library is left this much time to say that its own has run out: what is still under way cannot be given up.
const MARGIN: Duration = Duration::from_secs(1);

/// Transactions of a node at once. What one costs has little to do with what is in it: a share that waits for its turn
/// takes along what has come meanwhile, where all at once would be many small ones that hold each other up.
pub const AT_ONCE: usize = 1;

/// The transactions of one partition's reader.
pub struct Transactions {
    producer: Option<Arc<FutureProducer<Watcher>>>,
    outbox: Arc<Outbox>,
    turns: Arc<Semaphore>,
    patience: Duration,
}

impl Transactions {
    /// Fences whoever wrote under this id before, and ends what it left open.
    ///
    /// # Errors
    /// If the brokers do not answer.
    pub async fn begin(clients: &Clients, id: &str, outbox: Arc<Outbox>, turns: Arc<Semaphore>) -> Result<Self> {
        let producer: FutureProducer<Watcher> =
            clients.transacting(id).create_with_context(clients.context("router"))?;
        let producer = Arc::new(producer);
        let own = producer.clone();
        let patience = clients.settings.session_timeout.max(SHORTEST);
        let transactions = Self { producer: Some(producer), outbox, turns, patience };
        let fenced = bounded("taking over transactions", 2 * patience, move || own.init_transactions(patience)).await?;
        fenced.with_context(|| format!("cannot take over the transactions `{id}`"))?;
        Ok(transactions)
    }

    /// Waits until it is this share's turn to write; others wait until the permit is dropped.
    pub async fn turn(&self) -> OwnedSemaphorePermit {
        self.turns.clone().acquire_owned().await.expect("the semaphore is never closed")
    }

    /// Writes outputs and the offset that they follow from; together, or not at all.
    ///
    /// # Errors
    /// If another node has taken over, or the brokers do not answer: then begin anew from what was committed.
    pub async fn commit(&self, reader: &Reader, slot: &Slot, next: i64, outputs: Vec<Output>) -> Result<()> {
        let producer = self.producer.clone().context("the transactions have ended")?;
        let records = self.outbox.encode(outputs).await?;
        let begun = std::time::Instant::now();
        producer.begin_transaction().context("cannot begin a transaction")?;
        // Side by side: neither counts before the end, and each is several ways to the brokers and back.
        let (written, noted) = tokio::join!(self.write(&producer, &records), self.note(&producer, reader, slot, next));
        let (ending, patience) = (producer, self.patience);
        let ended = bounded("ending a transaction", patience + MARGIN, move || {
            let committed = || patiently(|| ending.commit_transaction(patience)).context("it was not committed");
            written.and(noted).and_then(|()| committed()).map_err(|error| match ending.abort_transaction(patience) {
                Ok(()) => error,
                // Why it cannot even be given up, above all that somebody else has taken over, says more.
                Err(reason) => error.context(reason),
            })
        });
        ended.await?.context("a transaction failed")?;
        histogram!("passerelle_kafka_transaction_seconds").record(begun.elapsed());
        Ok(())
    }

    /// Tells the group's coordinator how far everything is done, once the transaction is committed.
    async fn note(
        &self,
        producer: &Arc<FutureProducer<Watcher>>,
        reader: &Reader,
        (topic, partition): &Slot,
        next: i64,
    ) -> Result<()> {
        let (producer, member, patience) = (producer.clone(), reader.group_metadata()?, self.patience);
        let (topic, partition) = (topic.clone(), *partition);
        let noting = bounded("sending offsets to a transaction", patience + MARGIN, move || {
            let mut offsets = TopicPartitionList::new();
            offsets.add_partition_offset(&topic, partition, Offset::Offset(next))?;
            patiently(|| producer.send_offsets_to_transaction(&offsets, &member, patience))
        });
        noting.await?.context("the offsets were not taken")
    }

    async fn write(&self, producer: &FutureProducer<Watcher>, records: &[Sending]) -> Result<()> {
        let sent = records.iter().map(|record| record.send(producer)).collect::<Result<Vec<_>>>()?;
        // Committing before everything has arrived would make the library wait a tenth of a second.
        try_join_all(sent).await?.into_iter().try_for_each(|sent| match sent {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(anyhow!(error).context("an output was not written")),
        })
    }
}

/// What may be repeated is, once; everything else ends the transaction.
fn patiently(step: impl Fn() -> Result<(), KafkaError>) -> Result<()> {
    match step() {
        Err(KafkaError::Transaction(error)) if error.is_retriable() => Ok(step()?),
        outcome => Ok(outcome?),
    }
}

impl Drop for Transactions {
    fn drop(&mut self) {
        let_go(self.producer.take());
    }
}
