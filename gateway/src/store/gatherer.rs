//! Look-ups that come while others are under way share the next query; so do steps of sends with their transaction.
//!
//! What a query costs is mostly the way to the thread that runs it and back; one that looks up many costs hardly more.

use std::future::Future;

use anyhow::{Context, Result, anyhow, ensure};
use tokio::sync::{mpsc, oneshot};

use crate::supervisor::Supervisor;

/// Questions that may wait.
const QUEUE: usize = 1_024;
/// Questions of one query.
const BATCH: usize = 256;

type Ask<Q, A> = (Q, oneshot::Sender<Result<A, String>>);

/// A handle on one kind of look-up; it ends when the last handle is dropped.
pub struct Gatherer<Q, A> {
    asks: mpsc::Sender<Ask<Q, A>>,
}

impl<Q, A> Clone for Gatherer<Q, A> {
    fn clone(&self) -> Self {
        Self { asks: self.asks.clone() }
    }
}

impl<Q: Send + 'static, A: Send + 'static> Gatherer<Q, A> {
    /// Starts it with the query that answers many questions, each at its own place.
    pub fn start<F>(supervisor: &Supervisor, look_up: impl Fn(Vec<Q>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<Vec<A>>> + Send,
    {
        let (asks, mut queue) = mpsc::channel::<Ask<Q, A>>(QUEUE);
        supervisor.spawn("store look-ups", async move {
            let mut batch = Vec::with_capacity(BATCH);
            while queue.recv_many(&mut batch, BATCH).await > 0 {
                let (questions, callers): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
                answer(look_up(questions).await, callers);
            }
            Ok(())
        });
        Self { asks }
    }

    /// Looks one up.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn ask(&self, question: Q) -> Result<A> {
        let (caller, answer) = oneshot::channel();
        self.asks.send((question, caller)).await.map_err(|_| anyhow!("the store is closed"))?;
        answer.await.context("the store is closed")?.map_err(|error| anyhow!("the store does not answer: {error}"))
    }
}

/// Gives each caller its own answer; one that went away needs none.
fn answer<A>(found: Result<Vec<A>>, callers: Vec<oneshot::Sender<Result<A, String>>>) {
    let complete = found.and_then(|found| {
        ensure!(found.len() == callers.len(), "{} answers to {} questions", found.len(), callers.len());
        Ok(found)
    });
    match complete {
        Ok(found) => callers.into_iter().zip(found).for_each(|(caller, answer)| drop(caller.send(Ok(answer)))),
        Err(error) => callers.into_iter().for_each(|caller| drop(caller.send(Err(format!("{error:#}"))))),
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    #[tokio::test]
    async fn each_gets_its_own_answer_and_all_the_same_error() {
        let supervisor = Supervisor::default();
        let doubled = Gatherer::start(&supervisor, async |asked: Vec<u32>| {
            ensure!(!asked.contains(&13), "unlucky");
            Ok(asked.into_iter().map(|number| number * 2).collect())
        });
        let answers = join_all((0..10).map(|number| doubled.ask(number))).await;
        let answers: Vec<u32> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, (0..10).map(|number| number * 2).collect::<Vec<_>>());
        let errors = join_all((12..15).map(|number| doubled.ask(number))).await;
        assert!(errors[1].as_ref().unwrap_err().to_string().contains("unlucky"));
    }

    #[tokio::test]
    async fn an_answer_too_few_is_an_error_and_no_mix_up() {
        let supervisor = Supervisor::default();
        let forgetful = Gatherer::<u32, u32>::start(&supervisor, async |_| Ok(Vec::new()));
        assert!(forgetful.ask(1).await.is_err());
    }
}
