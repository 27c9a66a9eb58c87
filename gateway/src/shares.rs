//! Reading a topic in shares: every share that this node is given is worked on for itself, and again if that failed.

use std::future::Future;

use anyhow::{Context, Result};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::{
    backbone::{Backbone, Share, Topic},
    health::Health,
};

/// Works on the shares of a topic that this node is given, as a part with that name, until it is asked to stop.
///
/// # Errors
/// If the log fails for good. A share that fails is begun again from where it was committed.
pub async fn work<F>(
    backbone: &dyn Backbone,
    (consumer, topic): (&str, Topic),
    (part, health): (&'static str, &Health),
    stop: CancellationToken,
    on_share: impl Fn(Share) -> F,
) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let mut membership = backbone.join(consumer, topic).await?;
    let mut shares = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            share = membership.next() => {
                let share = share?;
                let (index, revoked) = (share.index, share.revoked.clone());
                let working = on_share(share);
                shares.spawn(async move {
                    let outcome = working.await;
                    // A share that another node has now ends in any way: that is no failure.
                    (index, outcome.or_else(|error| if revoked.is_cancelled() { Ok(()) } else { Err(error) }))
                });
            }
            Some(ended) = shares.join_next() => {
                let (index, outcome) = ended.with_context(|| format!("a share of the {part} panicked"))?;
                if let Err(error) = outcome {
                    let error = format!("{error:#}");
                    error!(part.name = part, share.index = index, error, "a share is not worked on; it begins again");
                    health.fails(part, &error);
                    membership.again(index);
                }
            }
        }
    }
    while shares.join_next().await.is_some() {}
    Ok(())
}
