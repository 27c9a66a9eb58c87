//! Calls of the client library that may never return, each on a thread of its own and waited for only so long.
//!
//! Some ignore their own time-outs while a broker is gone (confluentinc/librdkafka#5456, #5511). On a thread of the runtime
//! they would keep the process from ending.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::oneshot;

/// Makes a call and waits for what it returns.
///
/// # Errors
/// If it does not return in time; the thread is left behind, and ends with the call or the process.
pub async fn bounded<T: Send + 'static>(
    what: &'static str,
    patience: Duration,
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let (returned, answer) = oneshot::channel();
    let run = move || drop(returned.send(call()));
    std::thread::Builder::new().name("kafka call".to_owned()).spawn(run).context("cannot start a thread")?;
    let answer = tokio::time::timeout(patience, answer).await;
    answer
        .with_context(|| format!("the brokers do not answer in time: {what}"))?
        .context("a defect of the client library")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_never_returns_is_left_behind() {
        let (_alive, forever) = std::sync::mpsc::channel::<()>();
        let hanging = bounded("a call", Duration::from_millis(10), move || forever.recv()).await;
        assert!(hanging.unwrap_err().to_string().contains("a call"));
        assert_eq!(bounded("a call", Duration::from_mins(1), || 7).await.unwrap(), 7);
    }
}
