//! Who of the nodes looks after which partner: delivers to it, polls it, and keeps its limits.
//!
//! One lease for each partner, by the clock of the store. **Invariant:** this node stops looking after a partner before its
//! lease runs out by the monotonic clock, and gives it back only when everything that it did for the partner has ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use metrics::gauge;
use schemas::PartnerId;
use tokio::{sync::watch, time::Instant};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};
use tracing::{info, warn};
use uuid::Uuid;

use crate::{
    config::{Configuration, Partners},
    in_force::InForce,
    store::{Store, resource_of},
};

/// How often a lease is prolonged in the time that it lasts.
const RENEWALS: u32 = 4;
/// How long what another node has given back lies about at most.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long after a lease has run out somebody else looks, if nobody prolonged it.
const JUST_AFTER: Duration = Duration::from_millis(50);
/// What stands before a node in the name of the lease that says that it lives.
const NODE: &str = "node.";
/// The file in the data directory that says which node this is, also after a restart.
const NODE_FILE: &str = "node.id";

/// The partners that this node looks after.
#[derive(Clone)]
pub struct Cluster {
    /// This node, as its leases name it.
    pub node: Arc<str>,
    store: Arc<dyn Store>,
    held: Arc<Mutex<BTreeMap<PartnerId, Tenure>>>,
    changed: Arc<watch::Sender<()>>,
}

/// The time in which this node looks after a partner.
#[derive(Clone)]
struct Tenure {
    /// Cancelled when it is over, or the daemon stops.
    end: CancellationToken,
    /// Whoever does something for the partner.
    users: TaskTracker,
    /// When the lease runs out at the earliest.
    until: Instant,
}

/// Leave to do something for a partner: until its end, and not given back before this is dropped.
pub struct Leave {
    /// Cancelled when it is over.
    pub end: CancellationToken,
    _user: TaskTrackerToken,
}

impl Cluster {
    /// A node that looks after nobody yet.
    ///
    /// # Errors
    /// If the data directory cannot be written to.
    pub fn new(store: Arc<dyn Store>, data_dir: &Path) -> Result<Self> {
        let node = node_of(data_dir).context("cannot tell which node this is")?;
        Ok(Self { node: node.into(), store, held: Arc::default(), changed: Arc::new(watch::channel(()).0) })
    }

    /// Waits until this node looks after a partner.
    pub async fn leave(&self, partner: &PartnerId) -> Leave {
        let mut changed = self.changed.subscribe();
        loop {
            let tenure = self.held().get(partner).filter(|tenure| !tenure.end.is_cancelled()).cloned();
            if let Some(tenure) = tenure {
                return Leave { end: tenure.end, _user: tenure.users.token() };
            }
            // The sender lives as long as this.
            let _ = changed.changed().await;
        }
    }

    /// Takes, prolongs and gives back leases until it is asked to stop; then gives back all.
    ///
    /// # Errors
    /// None: a store that does not answer is asked again, and what runs out meanwhile is given up.
    pub async fn run(self, mut in_force: InForce, stop: CancellationToken) -> Result<()> {
        let mut lives_until = None;
        loop {
            let rules = in_force.now();
            let lasting = rules.configuration.settings.lease;
            let term = lasting / RENEWALS;
            let looked = tokio::time::timeout(term, self.look(&rules.configuration, &mut lives_until, &stop)).await;
            let mut pause = term.min(LOOK_EVERY);
            match looked {
                // Just after it ran out, whoever held it.
                Ok(Ok(Some(left))) => pause = pause.min(left + JUST_AFTER),
                Ok(Ok(None)) => {}
                Ok(Err(error)) => warn!(error = format!("{error:#}"), "cannot look at the leases; trying again"),
                Err(_) => warn!("the store does not answer in time about the leases; trying again"),
            }
            let next = Instant::now() + pause;
            let first_end = self.give_up_what_runs_out(term);
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep_until(first_end.map_or(next, |end| end.min(next))) => {}
                _ = in_force.changed() => {}
            }
        }
        self.give_back_all(in_force.now().configuration.settings.drain).await;
        Ok(())
    }

    /// Looks at the leases; returns how long the first one of another node still lasts.
    async fn look(
        &self,
        configuration: &Configuration,
        lives_until: &mut Option<Instant>,
        stop: &CancellationToken,
    ) -> Result<Option<Duration>> {
        let lasting = configuration.settings.lease;
        if lives_until.is_none_or(|until| is_to_be_prolonged(until, lasting)) {
            let until = Instant::now() + lasting;
            self.store.lease(&format!("{NODE}{}", self.node), &self.node, lasting).await?;
            *lives_until = Some(until);
        }
        let leases = self.store.leases().await?;
        let nodes = leases.iter().filter(|lease| lease.is_live() && lease.resource.starts_with(NODE)).count();
        let others: Vec<_> = leases.iter().filter(|lease| lease.is_live() && *lease.holder != *self.node).collect();
        let taken: BTreeSet<&str> = others.iter().map(|lease| lease.resource.as_str()).collect();
        let wanted = looked_after(&configuration.partners);
        let share = wanted.len().div_ceil(nodes.max(1));
        for partner in &wanted {
            let until = self.held().get(partner).map(|tenure| tenure.until);
            let is_wanted = match until {
                Some(until) => is_to_be_prolonged(until, lasting),
                None => self.held().len() < share && !taken.contains(resource_of(partner).as_str()),
            };
            if is_wanted {
                self.take(partner, lasting, stop).await?;
            }
        }
        self.let_go(&wanted, share).await?;
        #[expect(clippy::cast_precision_loss, reason = "gauges are floating point")]
        gauge!("passerelle_partners_looked_after").set(self.held().len() as f64);
        Ok(others.iter().map(|lease| lease.left).min())
    }

    /// Takes a partner's lease or prolongs it.
    async fn take(&self, partner: &PartnerId, lasting: Duration, stop: &CancellationToken) -> Result<()> {
        let until = Instant::now() + lasting;
        let is_ours = self.store.lease(&resource_of(partner), &self.node, lasting).await?;
        let mut held = self.held();
        match (held.get_mut(partner), is_ours) {
            (Some(tenure), true) => tenure.until = until,
            (Some(tenure), false) => {
                warn!(partner.name = %partner, "another node looks after a partner now");
                tenure.end.cancel();
                held.remove(partner);
            }
            (None, true) => {
                info!(partner.name = %partner, "looking after a partner");
                let tenure = Tenure { end: stop.child_token(), users: TaskTracker::new(), until };
                held.insert(partner.clone(), tenure);
                drop(held);
                self.changed.send_replace(());
            }
            (None, false) => {}
        }
        Ok(())
    }

    /// Ends what is too much for this node, and gives back what has ended.
    async fn let_go(&self, wanted: &BTreeSet<PartnerId>, share: usize) -> Result<()> {
        let over = {
            let held = self.held();
            let going = held.iter().filter(|(_, tenure)| !tenure.end.is_cancelled());
            let surplus = going.clone().count().saturating_sub(share);
            let unwanted = going.clone().filter(|(partner, _)| !wanted.contains(partner));
            for (_, tenure) in unwanted.chain(going.rev().take(surplus)) {
                tenure.end.cancel();
            }
            let over = held.iter().filter(|(_, tenure)| tenure.end.is_cancelled() && has_ended(tenure));
            over.map(|(partner, _)| partner.clone()).collect::<Vec<_>>()
        };
        for partner in over {
            self.store.give_back(&resource_of(&partner), &self.node).await?;
            self.held().remove(&partner);
            info!(partner.name = %partner, "a partner is left to the other nodes");
        }
        Ok(())
    }

    /// Stops in time whatever is done under a lease that could not be prolonged; returns when the next one ends.
    fn give_up_what_runs_out(&self, margin: Duration) -> Option<Instant> {
        let now = Instant::now();
        let mut held = self.held();
        held.retain(|partner, tenure| {
            let is_good = tenure.until > now + margin;
            if !is_good {
                warn!(partner.name = %partner, "a lease could not be prolonged; leaving the partner to the other nodes");
                tenure.end.cancel();
            }
            is_good
        });
        held.values().map(|tenure| tenure.until - margin).min()
    }

    async fn give_back_all(&self, patience: Duration) {
        let held = std::mem::take(&mut *self.held());
        let give_up_at = Instant::now() + patience;
        for (partner, tenure) in held {
            tenure.end.cancel();
            tenure.users.close();
            // What does not end in time runs out by itself.
            if tokio::time::timeout_at(give_up_at, tenure.users.wait()).await.is_ok() {
                self.return_lease(&resource_of(&partner)).await;
            }
        }
        self.return_lease(&format!("{NODE}{}", self.node)).await;
    }

    async fn return_lease(&self, resource: &str) {
        if let Err(error) = self.store.give_back(resource, &self.node).await {
            warn!(lease.name = resource, error = format!("{error:#}"), "a lease is not given back; it runs out");
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<PartnerId, Tenure>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a lease is a good part nearer to its end than it was.
fn is_to_be_prolonged(until: Instant, lasting: Duration) -> bool {
    until <= Instant::now() + lasting - lasting / RENEWALS
}

/// Whether nobody does anything for the partner any more.
fn has_ended(tenure: &Tenure) -> bool {
    tenure.users.is_empty()
}

/// The partners that somebody has to look after.
fn looked_after(partners: &Partners) -> BTreeSet<PartnerId> {
    let active = partners
        .values()
        .filter(|partner| !partner.outgoing.is_empty() || partner.poll.is_some() || partner.inbox.is_some());
    active.map(|partner| partner.id.clone()).collect()
}

/// Which node this is: made once, and kept with the data.
fn node_of(data_dir: &Path) -> Result<String> {
    let path = data_dir.join(NODE_FILE);
    match std::fs::read_to_string(&path) {
        Ok(node) if !node.trim().is_empty() => return Ok(node.trim().to_owned()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let node = Uuid::new_v4().to_string();
    std::fs::write(&path, &node).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(node)
}
