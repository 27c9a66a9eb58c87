//! Starts the tasks of the daemon, holds them, and stops them together.
//!
//! **Invariant:** nothing else in the gateway calls `tokio::spawn`. A task that fails stops the daemon:
//! a half-living gateway would be silent about what it no longer does.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, error};

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

    #[tokio::test]
    async fn a_panic_stops_the_daemon() {
        let supervisor = Supervisor::default();
        supervisor.spawn("broken", async { panic!("on purpose") });
        supervisor.stop_token().cancelled().await;
        assert!(!supervisor.stop(Duration::from_secs(5)).await);
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
