//! Delivers what is owed: one runner per partner, one dispatch at a time per entity, many entities at once.

mod ahead;
mod attempt;
mod dispatch;
mod feed_sender;
mod offsets;
mod prepare;
mod retry;
mod runner;
mod tell;

use std::{collections::HashMap, sync::Arc};

use anyhow::{Context, Result};
use connectors::{
    BaseUrl, ProbeError, Repeats, Sender,
    rest::{RestPush, RestSettings},
};
use schemas::{Kind, PartnerId};
use tokio::sync::Notify;

pub use self::tell::Teller;
use self::{attempt::Attempter, feed_sender::FeedSender, prepare::Preparer, runner::Runner};
use crate::{
    backbone::{Backbone, Topic},
    clock::Clock,
    config::{Configuration, Connector, Outgoing, Partner, RepeatsSetting},
    dialects::Dialects,
    health::Health,
    store::{Store, resource_of},
    supervisor::Supervisor,
};

/// Wakes the runner of a partner when something was put into its waiting room from outside.
#[derive(Debug, Clone, Default)]
pub struct Wakes(HashMap<PartnerId, Arc<Notify>>);

impl Wakes {
    /// Wakes one runner, if there is one.
    pub fn wake(&self, partner: &PartnerId) {
        if let Some(notify) = self.0.get(partner) {
            notify.notify_one();
        }
    }
}

/// What delivery needs.
#[derive(Clone)]
pub struct Delivery {
    pub configuration: Arc<Configuration>,
    pub dialects: Arc<Dialects>,
    pub backbone: Arc<dyn Backbone>,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
}

impl Delivery {
    /// Starts a runner for every partner that something goes out to.
    pub fn start(self, supervisor: &Supervisor, health: &Health) -> Wakes {
        let mut wakes = Wakes::default();
        let receivers: Vec<_> = self
            .configuration
            .receivers(Kind::Vacancy)
            .map(|(partner, outgoing)| (partner.clone(), outgoing.clone()))
            .collect();
        for (partner, outgoing) in receivers {
            let wake = Arc::new(Notify::new());
            wakes.0.insert(partner.id.clone(), wake.clone());
            let (delivery, stop) = (self.clone(), supervisor.stop_token());
            supervisor.spawn_part(format!("delivery to {}", partner.id), health, move || {
                let (delivery, partner, outgoing) = (delivery.clone(), partner.clone(), outgoing.clone());
                let (wake, stop) = (wake.clone(), stop.clone());
                async move { delivery.runner(&partner, &outgoing, wake).await?.run(stop).await }
            });
        }
        wakes
    }

    async fn runner(&self, partner: &Arc<Partner>, outgoing: &Outgoing, wake: Arc<Notify>) -> Result<Runner> {
        let topic = Topic::dispatch(&partner.id);
        let end = self.backbone.end(&topic).await?;
        let subscription = self.backbone.subscribe("delivery", topic).await?;
        let preparer = Preparer {
            partner: partner.clone(),
            outgoing: outgoing.clone(),
            dialects: self.dialects.clone(),
            store: self.store.clone(),
            clock: self.clock.clone(),
        };
        let attempter = Attempter {
            preparer,
            sender: self.sender(partner, outgoing)?,
            store: self.store.clone(),
            teller: Teller { backbone: self.backbone.clone(), store: self.store.clone() },
            clock: self.clock.clone(),
            settings: self.configuration.settings.clone(),
            epoch: self.store.take_over(&resource_of(&partner.id)).await?,
        };
        Runner::take_over(attempter, subscription, end, wake).await
    }

    fn sender(&self, partner: &Partner, outgoing: &Outgoing) -> Result<Arc<dyn Sender>> {
        Ok(match rest_push(&self.configuration, partner, outgoing)? {
            Some(push) => Arc::new(push),
            None => Arc::new(FeedSender {
                partner: partner.id.clone(),
                store: self.store.clone(),
                clock: self.clock.clone(),
            }),
        })
    }
}

/// The REST push of a partner, unless it pulls a feed.
fn rest_push(configuration: &Configuration, partner: &Partner, outgoing: &Outgoing) -> Result<Option<RestPush>> {
    let Connector::Rest { base_url, token, repeats } = &outgoing.connector else { return Ok(None) };
    let token = token.as_deref().map(|name| configuration.secrets.get(name)).transpose()?;
    let settings = RestSettings {
        base_url: base_url.parse::<BaseUrl>().with_context(|| format!("partner `{}`: `base_url`", partner.id))?,
        token: token.map(|secret| secret.current().clone()),
        repeats: match repeats {
            RepeatsSetting::ByKey => Repeats::ByKey,
            RepeatsSetting::ByReference => Repeats::ByReference,
            RepeatsSetting::Never => Repeats::Never,
        },
        connect_time_out: configuration.settings.connect_timeout,
    };
    Ok(Some(RestPush::new(settings).with_context(|| format!("secret of partner `{}`", partner.id))?))
}

/// Tests the connection to every partner that we call.
///
/// # Errors
/// If a connector cannot be made as it is configured.
pub async fn probe_all(configuration: &Configuration) -> Result<Vec<(PartnerId, Result<(), ProbeError>)>> {
    let mut outcomes = Vec::new();
    for (partner, outgoing) in configuration.receivers(Kind::Vacancy) {
        if let Some(push) = rest_push(configuration, partner, outgoing)? {
            outcomes.push((partner.id.clone(), push.probe().await));
        }
    }
    Ok(outcomes)
}
