//! Delivers what is owed: one runner per partner, one dispatch at a time per entity, many entities at once.

mod ahead;
mod attempt;
mod avro_sender;
mod breaker;
mod dispatch;
mod feed_sender;
mod gate;
mod happened;
mod limit;
mod limits;
mod media;
mod offsets;
mod person;
mod person_feed;
mod prepare;
mod retry;
mod runner;
mod senders;
mod tell;
mod ways;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use schemas::{Kind, PartnerId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::{
    attempt::Attempter,
    breaker::Breaker,
    feed_sender::FeedSender,
    gate::Gate,
    person_feed::PersonFeedSender,
    prepare::Preparer,
    runner::Runner,
    ways::{Way, Ways},
};
pub use self::{
    limits::{Limits, PartnerLimit},
    media::MediaLinks,
    person::{hash_of_notice, notice_of},
    senders::{caller_of, check_connections, probe_all},
    tell::Teller,
};
use crate::{
    backbone::{Backbone, Topic},
    clock::Clock,
    cluster::Cluster,
    config::{Configuration, Outgoing, Partner},
    health::Health,
    in_force::{InForce, Rules},
    partner_parts,
    store::{PersonFeed, Store, resource_of},
    supervisor::Supervisor,
    vault::Bodies,
};

/// Wakes the runner of a partner when something was put into its waiting room from outside.
#[derive(Debug, Clone, Default)]
pub struct Wakes(Arc<Mutex<HashMap<PartnerId, Arc<Notify>>>>);

impl Wakes {
    /// Wakes one runner, if there is one.
    pub fn wake(&self, partner: &PartnerId) {
        self.of(partner).notify_one();
    }

    fn of(&self, partner: &PartnerId) -> Arc<Notify> {
        let mut wakes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wakes.entry(partner.clone()).or_default().clone()
    }
}

/// What delivery needs.
#[derive(Clone)]
pub struct Delivery {
    pub in_force: InForce,
    pub backbone: Arc<dyn Backbone>,
    pub store: Arc<dyn Store>,
    pub bodies: Bodies,
    pub clock: Clock,
    pub wakes: Wakes,
    pub limits: Limits,
    pub cluster: Cluster,
    pub media: MediaLinks,
}

impl Delivery {
    /// Keeps a part going for every partner that something goes out to, those that are configured later included.
    pub async fn run(self, supervisor: Supervisor, health: Health) -> Result<()> {
        let (in_force, cluster) = (self.in_force.clone(), self.cluster.clone());
        let wanting =
            |configuration: &Configuration| configuration.all_receivers().map(|partner| partner.id.clone()).collect();
        let serve = move |partner, stop| self.clone().serve(partner, stop);
        partner_parts::keep("delivery to", (in_force, supervisor, health), cluster, wanting, serve).await
    }

    /// Delivers to one partner; begins anew when other rules come into force.
    async fn serve(self, partner: PartnerId, stop: CancellationToken) -> Result<()> {
        let work = |rules, end| self.clone().serve_under(rules, partner.clone(), end);
        partner_parts::under_rules(self.in_force.clone(), stop, work).await
    }

    async fn serve_under(self, rules: Arc<Rules>, partner: PartnerId, end: CancellationToken) -> Result<()> {
        let configured = rules.configuration.partners.get(&partner);
        let Some(partner) = configured.filter(|partner| !partner.outgoing.is_empty()) else {
            // Nothing goes there any more; what it is owed waits in its log.
            end.cancelled().await;
            return Ok(());
        };
        self.runner(&rules, partner).await?.run(end).await
    }

    async fn runner(&self, rules: &Arc<Rules>, partner: &Arc<Partner>) -> Result<Runner> {
        let topic = Topic::dispatch(&partner.id);
        let subscription = self.backbone.subscribe("delivery", topic).await?;
        let settings = &rules.configuration.settings;
        let limit = self.limits.of(partner);
        let attempter = Attempter {
            preparer: Preparer {
                partner: partner.clone(),
                rules: rules.clone(),
                in_force: self.in_force.clone(),
                store: self.store.clone(),
                bodies: self.bodies.clone(),
                clock: self.clock.clone(),
                media: self.media.clone(),
            },
            ways: self.ways(&rules.configuration, partner)?,
            store: self.store.clone(),
            teller: Teller { backbone: self.backbone.clone(), store: self.store.clone() },
            clock: self.clock.clone(),
            settings: settings.clone(),
            limit: limit.clone(),
            epoch: self.take_over(partner).await?,
        };
        let gate =
            Gate::new(limit, Breaker::new(settings.breaker_failures, settings.breaker_pause, settings.breaker_longest));
        Runner::take_over(attempter, gate, subscription, self.wakes.of(&partner.id)).await
    }

    /// The epoch under which this node delivers to a partner from now on.
    async fn take_over(&self, partner: &Partner) -> Result<i64> {
        let epoch = self.store.take_over(&resource_of(&partner.id), &self.cluster.node).await?;
        epoch.with_context(|| format!("another node delivers to `{}`", partner.id))
    }

    fn ways(&self, configuration: &Configuration, partner: &Partner) -> Result<Ways> {
        let way =
            |(kind, outgoing): (&Kind, &Outgoing)| Ok((*kind, self.way(configuration, partner, (*kind, outgoing))?));
        Ok(Ways::new(partner.outgoing.iter().map(way).collect::<Result<_>>()?))
    }

    fn way(
        &self,
        configuration: &Configuration,
        partner: &Partner,
        (kind, outgoing): (Kind, &Outgoing),
    ) -> Result<Way> {
        if let Some(caller) = caller_of(configuration, partner, outgoing)? {
            return Ok(Way::Sender(caller));
        }
        let (partner, store, clock) = (partner.id.clone(), self.store.clone(), self.clock.clone());
        Ok(if kind.is_personal() {
            let (feed, bodies) = (PersonFeed { partner, kind }, self.bodies.clone());
            Way::PersonFeed(PersonFeedSender { feed, store, bodies, clock, rules: configuration.hash })
        } else {
            Way::Sender(Arc::new(FeedSender { partner, store, clock }))
        })
    }
}
