//! The log in one SQLite file: group-committed fsync, outputs and offsets in one transaction.
//!
//! One writer takes what has gathered while it committed the last batch, so that many callers share an fsync.

mod departure;
mod reading;

use std::{collections::HashMap, ops::Range, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow};
use async_trait::async_trait;
use schemas::{EntityKey, Envelope, Position};
use sqlx::{Connection, Row, SqliteConnection};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

pub use self::departure::LeavingLog;
use super::{Backbone, Frontier, Membership, Output, Share, Stored, Subscription, Topic};
use crate::{
    sqlite_file::{Readers, WriteConnection},
    supervisor::Supervisor,
};

/// Requests that may wait for the writer.
const QUEUE: usize = 1_024;
/// Bytes that may wait for the writer, in KiB.
const QUEUE_KIB: usize = 64 * 1_024;
/// Requests that one commit takes.
const BATCH: usize = 512;
/// How long a share rests that could not be read on.
const PAUSE: Duration = Duration::from_secs(1);
/// Rows of one INSERT.
const ROWS: usize = 256;

/// The embedded log.
#[derive(Clone)]
pub struct EmbeddedBackbone {
    readers: Readers,
    writer: mpsc::Sender<Request>,
    room: Arc<Semaphore>,
    head: watch::Receiver<i64>,
    generation: i64,
}

struct Request {
    appends: Vec<Append>,
    commit: Option<(String, String, i64)>,
    answer: oneshot::Sender<Result<Vec<i64>, String>>,
    _room: OwnedSemaphorePermit,
}

struct Append {
    topic: String,
    envelope: Vec<u8>,
}

impl EmbeddedBackbone {
    /// Opens the log, making it if there is none.
    pub async fn open(path: &Path, supervisor: &Supervisor) -> Result<Self> {
        let mut connection = WriteConnection::open(path).await?;
        let writing = connection.get().await?;
        sqlx::migrate!("src/backbone/migrations").run(&mut *writing).await.context("cannot prepare the log")?;
        let generation = sqlx::query_scalar("SELECT generation FROM log_meta").fetch_one(&mut *writing).await?;
        let head_offset = last_offset(writing).await?;
        let readers = Readers::open(path).await?;
        let (writer, requests) = mpsc::channel(QUEUE);
        let (head_writer, head) = watch::channel(head_offset);
        let task = Writer { connection, topics: HashMap::new(), head: head_writer };
        supervisor.spawn("backbone writer", task.run(requests));
        Ok(Self { readers, writer, room: Arc::new(Semaphore::new(QUEUE_KIB)), head, generation })
    }

    async fn write(&self, outputs: Vec<Output>, commit: Option<(String, String, i64)>) -> Result<Vec<i64>> {
        let appends = outputs.into_iter().map(Append::try_from).collect::<Result<Vec<_>>>()?;
        let bytes: usize = appends.iter().map(|append| append.envelope.len()).sum();
        let permits = u32::try_from((bytes / 1_024 + 1).min(QUEUE_KIB))?;
        let room = self.room.clone().acquire_many_owned(permits).await?;
        let (answer, answered) = oneshot::channel();
        let request = Request { appends, commit, answer, _room: room };
        self.writer.send(request).await.map_err(|_| anyhow!("the log is closed"))?;
        answered.await.context("the log is closed")?.map_err(|error| anyhow!("cannot write to the log: {error}"))
    }

    async fn last_offset(&self, topic: &Topic) -> Result<i64> {
        self.readers.read(topic.clone(), |connection, topic| Box::pin(reading::end(connection, topic))).await
    }

    async fn committed(&self, consumer: &str, topic: &Topic) -> Result<i64> {
        let asked = (consumer.to_owned(), topic.clone());
        let committed = self.readers.read(asked, |connection, asked| Box::pin(reading::committed(connection, asked)));
        Ok(committed.await?.unwrap_or(0))
    }

    fn position(&self, offset: i64) -> Position {
        Position { generation: self.generation, offset }
    }
}

impl TryFrom<Output> for Append {
    type Error = anyhow::Error;

    fn try_from(output: Output) -> Result<Self> {
        Ok(Self { topic: output.topic.as_str().to_owned(), envelope: output.envelope.to_avro()? })
    }
}

#[async_trait]
impl Backbone for EmbeddedBackbone {
    async fn append(&self, outputs: Vec<Output>) -> Result<Vec<Position>> {
        let offsets = self.write(outputs, None).await?;
        Ok(offsets.into_iter().map(|offset| self.position(offset)).collect())
    }

    async fn join(&self, consumer: &str, topic: Topic) -> Result<Box<dyn Membership>> {
        Ok(Box::new(OnlyMember {
            backbone: self.clone(),
            consumer: consumer.to_owned(),
            topic,
            give_at: Some(Instant::now()),
        }))
    }

    async fn subscribe(&self, consumer: &str, topic: Topic) -> Result<Box<dyn Subscription>> {
        let committed = self.committed(consumer, &topic).await?;
        let end = self.last_offset(&topic).await?;
        let consumer = consumer.to_owned();
        let (backbone, head) = (self.clone(), self.head.clone());
        Ok(Box::new(EmbeddedSubscription { backbone, head, consumer, topic, read: committed, committed, end }))
    }

    async fn tail(&self, topic: Topic) -> Result<Box<dyn Subscription>> {
        let end = self.last_offset(&topic).await?;
        let (backbone, head, consumer) = (self.clone(), self.head.clone(), "tail".to_owned());
        Ok(Box::new(EmbeddedSubscription { backbone, head, consumer, topic, read: end, committed: end, end }))
    }

    async fn fetch(&self, topic: &Topic, position: Position) -> Result<Option<Stored>> {
        if position.generation != self.generation {
            return Ok(None);
        }
        let asked = (topic.clone(), position.offset);
        let envelope =
            self.readers.read(asked, |connection, asked| Box::pin(reading::record(connection, asked))).await?;
        envelope.map(|bytes| Ok(Stored { position, envelope: Envelope::from_avro(&bytes)? })).transpose()
    }

    async fn end(&self, topic: &Topic) -> Result<Frontier> {
        Ok(Frontier { generation: self.generation, ends: vec![self.last_offset(topic).await?] })
    }

    async fn lag(&self, consumer: &str, topic: &Topic) -> Result<i64> {
        let asked = (consumer.to_owned(), topic.clone());
        self.readers.read(asked, |connection, asked| Box::pin(reading::lag(connection, asked))).await
    }

    async fn has_passed(&self, consumer: &str, topic: &Topic, frontier: &Frontier) -> Result<bool> {
        let committed = self.committed(consumer, topic).await?;
        Ok(frontier.ends.iter().all(|end| *end <= committed))
    }

    async fn is_done(&self, consumer: &str, topic: &Topic, _: EntityKey) -> Result<bool> {
        let asked = (consumer.to_owned(), topic.clone());
        self.readers.read(asked, |connection, asked| Box::pin(reading::is_done(connection, asked))).await
    }

    fn share_of(&self, _: EntityKey) -> u32 {
        0
    }

    async fn probe(&self) -> Result<()> {
        anyhow::ensure!(!self.writer.is_closed(), "the log is closed");
        self.readers.probe().await.context("the log does not answer")
    }
}

/// The one node there is: it reads everything, as one share.
struct OnlyMember {
    backbone: EmbeddedBackbone,
    consumer: String,
    topic: Topic,
    /// When it is given out; none while it is being read.
    give_at: Option<Instant>,
}

#[async_trait]
impl Membership for OnlyMember {
    async fn next(&mut self) -> Result<Share> {
        let Some(give_at) = self.give_at else { return std::future::pending().await };
        tokio::time::sleep_until(give_at).await;
        self.give_at = None;
        let (backbone, consumer, topic) = (self.backbone.clone(), self.consumer.clone(), self.topic.clone());
        let opening = Box::pin(async move { backbone.subscribe(&consumer, topic).await });
        Ok(Share { index: 0, opening, revoked: CancellationToken::new() })
    }

    fn again(&mut self, _: u32) {
        self.give_at = Some(Instant::now() + PAUSE);
    }
}

struct EmbeddedSubscription {
    backbone: EmbeddedBackbone,
    head: watch::Receiver<i64>,
    consumer: String,
    topic: Topic,
    read: i64,
    committed: i64,
    /// The last offset of the topic when reading began.
    end: i64,
}

#[async_trait]
impl Subscription for EmbeddedSubscription {
    async fn next(&mut self, limit: usize) -> Result<Vec<Stored>> {
        loop {
            self.head.borrow_and_update();
            let asked = (self.topic.clone(), self.read, i64::try_from(limit)?);
            let rows = self
                .backbone
                .readers
                .read(asked, |connection, asked| Box::pin(reading::records_after(connection, asked)));
            let rows = rows.await.with_context(|| format!("cannot read `{}`", self.topic))?;
            if rows.is_empty() {
                self.head.changed().await.context("the log is closed")?;
                continue;
            }
            let mut records = Vec::with_capacity(rows.len());
            for row in rows {
                let offset: i64 = row.get(0);
                let envelope = Envelope::from_avro(row.get(1))
                    .with_context(|| format!("cannot read `{}` at offset {offset}", self.topic))?;
                records.push(Stored { position: self.backbone.position(offset), envelope });
                self.read = offset;
            }
            return Ok(records);
        }
    }

    async fn commit(&mut self, up_to: Position, outputs: Vec<Output>) -> Result<()> {
        let commit = (self.consumer.clone(), self.topic.as_str().to_owned(), up_to.offset);
        self.backbone.write(outputs, Some(commit)).await?;
        self.committed = up_to.offset;
        Ok(())
    }

    fn committed(&self) -> Position {
        self.backbone.position(self.committed)
    }

    fn has_caught_up(&self) -> bool {
        self.read >= self.end
    }
}

struct Writer {
    connection: WriteConnection,
    topics: HashMap<String, i64>,
    head: watch::Sender<i64>,
}

impl Writer {
    /// Runs until every handle is dropped, so that it outlives the tasks that still have something to write.
    async fn run(mut self, mut requests: mpsc::Receiver<Request>) -> Result<()> {
        let mut batch = Vec::with_capacity(BATCH);
        while requests.recv_many(&mut batch, BATCH).await > 0 {
            let written = self.write(&batch).await;
            let mut next = 0;
            match &written {
                Ok(offsets) => {
                    next = offsets.start;
                    self.head.send_replace(offsets.end - 1);
                }
                Err(_) => self.connection.give_up().await,
            }
            for request in batch.drain(..) {
                let count = i64::try_from(request.appends.len())?;
                let answer = match &written {
                    Ok(_) => Ok((next..next + count).collect()),
                    Err(error) => Err(format!("{error:#}")),
                };
                next += count;
                // A caller that went away does not undo what is written.
                let _ = request.answer.send(answer);
            }
        }
        self.connection.close().await.context("cannot close the log")
    }

    /// Writes a batch in one transaction and returns the offsets of its records.
    async fn write(&mut self, batch: &[Request]) -> Result<Range<i64>> {
        let mut transaction = self.connection.get().await?.begin_with("BEGIN IMMEDIATE").await?;
        let first = last_offset(&mut transaction).await? + 1;
        let mut rows = Vec::new();
        let mut new_topics = HashMap::new();
        for append in batch.iter().flat_map(|request| &request.appends) {
            let known = self.topics.get(&append.topic).or_else(|| new_topics.get(&append.topic)).copied();
            let topic_id = match known {
                Some(id) => id,
                None => topic_id(&mut transaction, &append.topic).await?,
            };
            new_topics.insert(append.topic.clone(), topic_id);
            rows.push((topic_id, &append.envelope));
        }
        let mut offset = first;
        for chunk in rows.chunks(ROWS) {
            let mut insert = sqlx::QueryBuilder::new("INSERT INTO log (log_offset, topic_id, envelope) ");
            insert.push_values(chunk, |mut row, (topic_id, envelope)| {
                row.push_bind(offset).push_bind(*topic_id).push_bind(envelope.as_slice());
                offset += 1;
            });
            insert.build().execute(&mut *transaction).await?;
        }
        for (consumer, topic, done) in batch.iter().filter_map(|request| request.commit.as_ref()) {
            sqlx::query(
                "INSERT INTO consumers (consumer, topic, log_offset) VALUES ($1, $2, $3) \
                 ON CONFLICT (consumer, topic) DO UPDATE SET log_offset = excluded.log_offset",
            )
            .bind(consumer)
            .bind(topic)
            .bind(done)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        self.topics.extend(new_topics);
        Ok(first..offset)
    }
}

/// Asked of the file each time: a commit that failed may have reached the disk all the same.
async fn last_offset(connection: &mut SqliteConnection) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT COALESCE(MAX(log_offset), 0) FROM log").fetch_one(connection).await?)
}

async fn topic_id(connection: &mut SqliteConnection, topic: &str) -> Result<i64> {
    sqlx::query("INSERT INTO topics (topic) VALUES ($1) ON CONFLICT (topic) DO NOTHING")
        .bind(topic)
        .execute(&mut *connection)
        .await?;
    Ok(sqlx::query_scalar("SELECT topic_id FROM topics WHERE topic = $1").bind(topic).fetch_one(connection).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::conformance;

    #[tokio::test]
    async fn embedded_passes_the_conformance_suite() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        conformance::run(async || {
            let supervisor = Supervisor::default();
            let backbone = EmbeddedBackbone::open(&path, &supervisor).await.unwrap();
            (Box::new(backbone) as Box<dyn Backbone>, supervisor)
        })
        .await;
    }
}
