//! What every store engine must do; each engine's tests call [`run`] with a way to open it again and again.

mod blobs;
mod dispatches;
mod ends;
mod feed;
mod grants;
mod identities;
mod media;
mod owners;
mod person_feeds;
mod placement_events;
mod polls;
mod recalls;
mod records;
mod reviews;
mod search;
mod subjects;

use std::time::Duration;

pub use self::dispatches::{claim_of, outcome, owed, own};
use super::Store;
use crate::supervisor::Supervisor;

/// Puts rows into every table of a store that is empty.
pub async fn fill(store: &dyn Store) {
    records::run(store).await;
    search::run(store).await;
    dispatches::run(store).await;
    ends::run(store).await;
    feed::run(store).await;
    polls::run(store).await;
    grants::run(store).await;
    identities::run(store).await;
    recalls::run(store).await;
    person_feeds::run(store).await;
    placement_events::run(store).await;
    reviews::run(store).await;
    media::run(store).await;
    search::leave_a_replay(store).await;
    polls::leave_a_run(store).await;
}

/// Runs the suite. `open` opens the same store each time; the one before is closed by then.
pub async fn run(open: impl AsyncFn() -> (Box<dyn Store>, Supervisor)) {
    let (store, supervisor) = open().await;
    records::run(&*store).await;
    search::run(&*store).await;
    dispatches::run(&*store).await;
    ends::run(&*store).await;
    feed::run(&*store).await;
    feed::stretches(&*store).await;
    polls::run(&*store).await;
    grants::run(&*store).await;
    subjects::run(&*store).await;
    identities::run(&*store).await;
    recalls::run(&*store).await;
    person_feeds::run(&*store).await;
    placement_events::run(&*store).await;
    reviews::run(&*store).await;
    blobs::run(&*store).await;
    media::run(&*store).await;
    owners::run(&*store).await;
    assert_eq!(dispatches::take_over(&*store, "restart").await, 1);
    store.probe().await.unwrap();
    drop(store);
    assert!(supervisor.stop(Duration::from_secs(10)).await, "the engine closes cleanly");

    let (store, supervisor) = open().await;
    assert_eq!(dispatches::take_over(&*store, "restart").await, 2, "epochs outlive their owners");
    dispatches::after_restart(&*store).await;
    feed::after_restart(&*store).await;
    identities::after_restart(&*store).await;
    polls::after_restart(&*store).await;
    blobs::after_restart(&*store).await;
    drop(store);
    assert!(supervisor.stop(Duration::from_secs(10)).await);
}
