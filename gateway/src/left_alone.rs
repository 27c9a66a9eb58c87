//! What is begun and then left alone must hold nobody up.

use std::time::Duration;

use futures::poll;

/// More than there are connections.
const MANY: usize = 32;
/// Below the time after which who waits for a connection gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Begins a piece of work many times, does it whole once more while nobody asks how the others go on, and again once they
/// are given up.
pub async fn holds_nobody_up<T>(what: &str, work: impl AsyncFn() -> T) {
    let mut begun: Vec<_> = (0..MANY).map(|_| Box::pin(work())).collect();
    for one in &mut begun {
        let _ = poll!(one);
    }
    let whole = async || tokio::time::timeout(PATIENCE, work()).await.is_ok();
    assert!(whole().await, "{what}: those that nobody asks for keep what it needs");
    drop(begun);
    assert!(whole().await, "{what}: those that were given up keep what it needs");
}
