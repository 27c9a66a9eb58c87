//! Starts the tasks of the daemon, holds them, and stops them together.
//!
//! **Invariant:** nothing else in the gateway calls `tokio::spawn`. A task that fails stops the daemon: a half-living gateway would
//! be silent about what it no longer does. Work that somebody waits for ([`apart`]) fails for whoever does.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use backon::{BackoffBuilder, ExponentialBuilder};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};
use tracing::{Instrument, debug, error};

use crate::health::Health;

/// The longest pause before a part begins again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Does a piece of work in a task of its own, which is given up with whoever waits for it.
///
/// A future goes on only while it is polled. Whoever has one among others and waits for something else meanwhile does not
/// poll it; had it got one of few connections by then, it would keep it, and once all are kept so, everybody waits.
///
/// # Errors
/// The work's, or that the daemon ends.
#[expect(clippy::disallowed_methods, reason = "the caller holds the handle")]
pub async fn apart<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    match AbortOnDropHandle::new(tokio::spawn(work.in_current_span())).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(cancelled) => Err(cancelled).context("the daemon ends"),
        },
    }
}

/// The tasks of one daemon.
#[derive(Clone, Debug, Default)]
pub struct Supervisor {
    tracker: TaskTracker,
    stop: CancellationToken,
    failed: Arc<AtomicBool>,
}

impl Supervisor {
    /// Starts a task; its failure stops the daemon.
    #[expect(clippy::disallowed_methods, reason = "the one place that holds the handles")]
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = Result<()>> + Send + 'static) {
        let supervisor = self.clone();
        self.tracker.spawn(async move {
            // A panic ends the inner task only, so that it is seen and stops the daemon like any failure.
            let outcome = tokio::spawn(task).await;
            match outcome {
                Ok(Ok(())) => debug!(task.name = name, "task ended"),
                Ok(Err(error)) => supervisor.fail(name, &format!("{error:#}")),
                Err(error) => supervisor.fail(name, &error.to_string()),
            }
        });
    }

    /// Starts a part that begins again after a failure, ever more slowly, and says in the meantime what is wrong.
    pub fn spawn_part<F>(&self, name: String, health: &Health, mut begin: impl FnMut() -> F + Send + 'static)
    where
        F: Future<Output = Result<()>> + Send,
    {
        let (health, stop) = (health.clone(), self.stop.clone());
        health.expect(&name);
        self.spawn("part", async move {
            let waits = || {
                ExponentialBuilder::default().with_max_delay(LONGEST_PAUSE).with_jitter().without_max_times().build()
            };
            let mut pauses = waits();
            loop {
                health.works(&name);
                let begun = tokio::time::Instant::now();
                let Err(error) = begin().await else { return Ok(()) };
                let error = format!("{error:#}");
                error!(part.name = name, error, "a part failed; it begins again");
                health.fails(&name, &error);
                if begun.elapsed() > LONGEST_PAUSE {
                    pauses = waits();
                }
                let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(pause) => {}
                }
            }
        });
    }

    /// The token that every task watches.
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Asks every task to stop and waits for them, at most so long.
    ///
    /// Returns whether all ended in time and none had failed.
    pub async fn stop(&self, patience: Duration) -> bool {
        self.stop.cancel();
        self.tracker.close();
        let ended = tokio::time::timeout(patience, self.tracker.wait()).await.is_ok();
        ended && !self.failed.load(Ordering::SeqCst)
    }

    fn fail(&self, name: &'static str, error: &str) {
        error!(task.name = name, error, "a task failed; the daemon stops");
        self.failed.store(true, Ordering::SeqCst);
        self.stop.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Condition;

    #[tokio::test]
    async fn a_panic_stops_the_daemon() {
        let supervisor = Supervisor::default();
        supervisor.spawn("broken", async { panic!("on purpose") });
        supervisor.stop_token().cancelled().await;
        assert!(!supervisor.stop(Duration::from_secs(5)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_begins_again_and_says_why_it_does_not_work() {
        let (supervisor, health) = (Supervisor::default(), Health::default());
        let (begun, mut beginnings) = tokio::sync::mpsc::unbounded_channel();
        supervisor.spawn_part("router".to_owned(), &health, move || {
            begun.send(()).unwrap();
            async { anyhow::bail!("no log") }
        });
        for _ in 0..3 {
            beginnings.recv().await.unwrap();
        }
        assert!(supervisor.stop(Duration::from_mins(1)).await, "a part's failure is not the daemon's");
        assert_eq!(health.parts()["router"], Condition::Fails("no log".to_owned()));
    }

    #[tokio::test]
    async fn tasks_end_when_asked() {
        let supervisor = Supervisor::default();
        let stop = supervisor.stop_token();
        supervisor.spawn("patient", async move {
            stop.cancelled().await;
            Ok(())
        });
        assert!(supervisor.stop(Duration::from_secs(5)).await);
    }
}
