//! The one writer of the SQLite store: jobs that come while a commit is under way share the next one.

use anyhow::{Context, Result, anyhow};
use futures::future::BoxFuture;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::sql;
use crate::{sqlite_file::WriteConnection, supervisor::Supervisor};

/// Jobs that may wait.
const QUEUE: usize = 1_024;
/// Jobs that one commit takes.
const BATCH: usize = 256;

/// What is to be written, and who waits for it.
trait Job: Send {
    /// Does it, once, and says whether it succeeded.
    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, bool>;

    /// Tells the caller what came of it.
    fn answer(self: Box<Self>, committed: Result<(), String>);
}

struct Called<A, T> {
    args: A,
    job: sql::Job<A, T>,
    result: Option<Result<T>>,
    caller: oneshot::Sender<Result<T>>,
}

impl<A: Send + Sync, T: Send> Job for Called<A, T> {
    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, bool> {
        Box::pin(async move {
            self.result = Some((self.job)(connection, &self.args).await);
            matches!(self.result, Some(Ok(_)))
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), String>) {
        let answer = match (committed, self.result) {
            (Ok(()), Some(result)) => result,
            (_, Some(Err(error))) => Err(error),
            (Err(error), _) => Err(anyhow!("cannot write to the store: {error}")),
            (Ok(()), None) => Err(anyhow!("the job was passed over")),
        };
        // A caller that went away does not undo what is written.
        let _ = self.caller.send(answer);
    }
}

/// A handle on the writer; it ends when the last handle is dropped.
#[derive(Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
}

impl Writer {
    /// Starts the writer on its own connection.
    pub fn start(connection: WriteConnection, supervisor: &Supervisor) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        supervisor.spawn("store writer", run(connection, queue));
        Self { jobs }
    }

    /// Runs a job in a transaction that it may share with others; durable when this returns.
    ///
    /// # Errors
    /// If the job fails, nothing of it is kept; if the commit fails, nothing of the whole batch.
    pub async fn write<A, T>(&self, args: A, job: sql::Job<A, T>) -> Result<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let job = Box::new(Called { args, job, result: None, caller });
        self.jobs.send(job).await.map_err(|_| anyhow!("the store is closed"))?;
        answer.await.context("the store is closed")?
    }

    /// Whether the writer still runs.
    pub fn is_open(&self) -> bool {
        !self.jobs.is_closed()
    }
}

async fn run(mut connection: WriteConnection, mut queue: mpsc::Receiver<Box<dyn Job>>) -> Result<()> {
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let committed = write_batch(&mut connection, &mut batch).await.map_err(|error| format!("{error:#}"));
        if committed.is_err() {
            connection.give_up().await;
        }
        for job in batch.drain(..) {
            job.answer(committed.clone());
        }
    }
    connection.close().await.context("cannot close the store")
}

async fn write_batch(connection: &mut WriteConnection, batch: &mut [Box<dyn Job>]) -> Result<()> {
    let mut transaction = connection.get().await?.begin_with("BEGIN IMMEDIATE").await?;
    for job in batch {
        let mut savepoint = transaction.begin().await?;
        if job.run(&mut savepoint).await {
            savepoint.commit().await?;
        } else {
            savepoint.rollback().await.context("the whole batch was rolled back")?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_sqlite_rolled_back_by_itself_ends_with_its_batch() {
        let folder = tempfile::tempdir().unwrap();
        let connection = WriteConnection::open(&folder.path().join("store.db")).await.unwrap();
        let supervisor = Supervisor::default();
        let writer = Writer::start(connection, &supervisor);
        let run = async |sql: &'static str| {
            let job = writer.write(sql, |connection, sql| {
                Box::pin(async move { Ok(sqlx::query(*sql).execute(connection).await.map(|_| ())?) })
            });
            job.await.map_err(|error| error.to_string())
        };
        run("CREATE TABLE kept (number INTEGER PRIMARY KEY)").await.unwrap();
        // As after a full disk: the transaction is gone, and nobody told the driver.
        let told = run("ROLLBACK").await.unwrap_err();
        assert!(told.contains("cannot write to the store"), "{told}");
        run("INSERT INTO kept (number) VALUES (1)").await.unwrap();
        let told = run("INSERT INTO kept (number) VALUES (1)").await.unwrap_err();
        assert!(told.contains("UNIQUE"), "{told}");
    }
}
