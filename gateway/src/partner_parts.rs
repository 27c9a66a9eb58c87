//! Parts of the daemon that each partner who wants one has for itself: delivery, polling.

use std::{collections::HashSet, future::Future, sync::Arc};

use anyhow::Result;
use schemas::PartnerId;
use tokio_util::sync::CancellationToken;

use crate::{
    cluster::Cluster,
    config::Configuration,
    health::Health,
    in_force::{InForce, Rules},
    supervisor::Supervisor,
};

/// Keeps a part going for every partner that wants one, those that are configured later included.
///
/// Once begun a part stays: what its partner does not want any more it waits for, and is not spoken of meanwhile.
pub async fn keep<W, S, F>(
    name: &'static str,
    (mut in_force, supervisor, health): (InForce, Supervisor, Health),
    cluster: Cluster,
    wanting: W,
    serve: S,
) -> Result<()>
where
    W: Fn(&Configuration) -> HashSet<PartnerId>,
    S: Fn(PartnerId, CancellationToken) -> F + Clone + Send + 'static,
    F: Future<Output = Result<()>> + Send,
{
    let stop = supervisor.stop_token();
    let part_of = |partner: &PartnerId| format!("{name} {partner}");
    let mut served = HashSet::new();
    loop {
        let wanted = wanting(&in_force.now().configuration);
        for partner in served.difference(&wanted) {
            health.forget(&part_of(partner));
        }
        for partner in wanted {
            if served.insert(partner.clone()) {
                let (part, serve, stop, cluster) = (part_of(&partner), serve.clone(), stop.clone(), cluster.clone());
                let begin = move || serve_in_turn(cluster.clone(), partner.clone(), serve.clone(), stop.clone());
                supervisor.spawn_part(part, &health, begin);
            } else {
                health.expect(&part_of(&partner));
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = in_force.changed() => {}
        }
    }
}

/// Works under the rules in force until it is asked to stop, and anew when other rules come into force: the work is asked
/// to end, and waited for.
pub async fn under_rules<F>(
    mut in_force: InForce,
    stop: CancellationToken,
    work: impl Fn(Arc<Rules>, CancellationToken) -> F,
) -> Result<()>
where
    F: Future<Output = Result<()>> + Send,
{
    while !stop.is_cancelled() {
        let end = stop.child_token();
        let working = work(in_force.now(), end.clone());
        tokio::pin!(working);
        tokio::select! {
            outcome = &mut working => outcome?,
            _ = in_force.changed() => {
                end.cancel();
                working.await?;
            }
        }
    }
    Ok(())
}

/// Serves a partner whenever it is this node that looks after it.
async fn serve_in_turn<S, F>(cluster: Cluster, partner: PartnerId, serve: S, stop: CancellationToken) -> Result<()>
where
    S: Fn(PartnerId, CancellationToken) -> F,
    F: Future<Output = Result<()>> + Send,
{
    loop {
        let leave = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            leave = cluster.leave(&partner) => leave,
        };
        serve(partner.clone(), leave.end.clone()).await?;
    }
}
