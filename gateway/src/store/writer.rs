//! The one writer of the SQLite store: jobs that come while a commit is under way share the next one.

use anyhow::{Context, Result, anyhow};
use futures::future::BoxFuture;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::supervisor::Supervisor;

/// Jobs that may wait.
const QUEUE: usize = 1_024;
/// Jobs that one commit takes.
const BATCH: usize = 256;

type Answer = Box<dyn FnOnce(Result<(), String>) + Send>;
type Job = Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, (bool, Answer)> + Send>;

/// A handle on the writer; it ends when the last handle is dropped.
#[derive(Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    /// Starts the writer on its own connection.
    pub fn start(connection: SqliteConnection, supervisor: &Supervisor) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        supervisor.spawn("store writer", run(connection, queue));
        Self { jobs }
    }

    /// Runs a job in a transaction that it may share with others; durable when this returns.
    ///
    /// # Errors
    /// If the job fails, nothing of it is kept; if the commit fails, nothing of the whole batch.
    pub async fn write<T, J>(&self, job: J) -> Result<T>
    where
        T: Send + 'static,
        J: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel::<Result<T>>();
        let boxed: Job = Box::new(move |connection| {
            Box::pin(async move {
                let result = job(connection).await;
                let succeeded = result.is_ok();
                let answer: Answer = Box::new(move |committed| {
                    // A caller that went away does not undo what is written.
                    let _ = sender.send(match committed {
                        Ok(()) => result,
                        Err(error) => Err(anyhow!("cannot commit to the store: {error}")),
                    });
                });
                (succeeded, answer)
            })
        });
        self.jobs.send(boxed).await.map_err(|_| anyhow!("the store is closed"))?;
        receiver.await.context("the store is closed")?
    }

    /// Whether the writer still runs.
    pub fn is_open(&self) -> bool {
        !self.jobs.is_closed()
    }
}

async fn run(mut connection: SqliteConnection, mut queue: mpsc::Receiver<Job>) -> Result<()> {
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let mut answers = Vec::with_capacity(batch.len());
        let committed =
            write_batch(&mut connection, &mut batch, &mut answers).await.map_err(|error| format!("{error:#}"));
        batch.clear();
        for answer in answers {
            answer(committed.clone());
        }
    }
    connection.close().await.context("cannot close the store")
}

async fn write_batch(connection: &mut SqliteConnection, batch: &mut Vec<Job>, answers: &mut Vec<Answer>) -> Result<()> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    for job in batch.drain(..) {
        let mut savepoint = transaction.begin().await?;
        let (succeeded, answer) = job(&mut savepoint).await;
        answers.push(answer);
        if succeeded {
            savepoint.commit().await?;
        } else {
            savepoint.rollback().await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}
