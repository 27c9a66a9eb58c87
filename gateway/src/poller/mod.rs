//! Reads the sources that do not push: one part per partner, page by page, each page accepted before its cursor is kept.
//!
//! **Invariant:** absence closes something only after a complete run, and only what was known before that run began.

mod candidates;
mod host;
mod names;
mod page;
mod sources;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use connectors::poller::{PollError, Poller, Progress};
use metrics::counter;
use schemas::PartnerId;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use self::{
    candidates::Candidates,
    sources::{account_of, poller_of},
};
use self::{host::PollHost, names::Names};
use crate::{
    backbone::{Frontier, Topic},
    cluster::Cluster,
    config::{Configuration, Partner},
    delivery::Limits,
    health::Health,
    in_force::{InForce, Rules},
    intake::Intake,
    partner_parts,
    store::Poll,
    supervisor::Supervisor,
};

/// The shortest and the longest pause after a failed call.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(5));

/// What polling needs.
#[derive(Clone)]
pub struct Polling {
    pub in_force: InForce,
    pub intake: Intake,
    pub limits: Limits,
    pub cluster: Cluster,
}

impl Polling {
    /// Keeps a part going for every partner that is polled, those that are configured later included.
    pub async fn run(self, supervisor: Supervisor, health: Health) -> Result<()> {
        let (in_force, cluster) = (self.in_force.clone(), self.cluster.clone());
        let wanting = |configuration: &Configuration| {
            let polled = configuration.partners.values().filter(|partner| partner.poll.is_some());
            polled.map(|partner| partner.id.clone()).collect()
        };
        let serve = move |partner, stop| self.clone().serve(partner, stop);
        partner_parts::keep("polling of", (in_force, supervisor, health), cluster, wanting, serve).await
    }

    /// Polls one partner; begins anew, where it was, when other rules come into force.
    async fn serve(mut self, partner: PartnerId, stop: CancellationToken) -> Result<()> {
        loop {
            let rules = self.in_force.now();
            let polling = self.clone();
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                outcome = polling.poll_under(&rules, &partner) => outcome?,
                _ = self.in_force.changed() => {}
            }
        }
    }

    async fn poll_under(&self, rules: &Arc<Rules>, partner: &PartnerId) -> Result<()> {
        let polled =
            rules.configuration.partners.get(partner).and_then(|partner| Some((partner, partner.poll.as_ref()?)));
        let Some((partner, settings)) = polled else { return std::future::pending().await };
        let source = poller_of(&rules.configuration, partner)?.context("a poll without a source")?;
        let limit = self.limits.of(partner);
        let names = Names {
            partner: partner.id.clone(),
            kind: settings.source.document_kind(),
            bodies: self.intake.bodies.clone(),
        };
        let host = PollHost { names, store: self.intake.store.clone(), limit };
        let mut failures = 0;
        loop {
            let pause = match self.step(partner, &*source, &host).await? {
                Ok(Progress::More) => {
                    failures = 0;
                    continue;
                }
                Ok(Progress::CaughtUp | Progress::Complete) => {
                    failures = 0;
                    settings.period()
                }
                Err(error) => {
                    failures += 1;
                    self.pause_after(partner, &error, failures).await?
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Reads one page and accepts what it holds; only then the cursor moves.
    async fn step(
        &self,
        partner: &Partner,
        source: &dyn Poller,
        host: &PollHost,
    ) -> Result<Result<Progress, PollError>> {
        let end = self.intake.backbone.end(&Topic::accepted()).await?;
        let poll = self.intake.store.poll(&partner.id).await?;
        let cursor = poll.as_ref().map(|poll| poll.cursor.parse()).transpose()?;
        let page = match source.page(cursor.as_ref(), host).await {
            Ok(page) => page,
            Err(error) => return Ok(Err(error)),
        };
        let progress = page.progress;
        self.accept(partner, (source, host), page, &Place { poll, end }).await?;
        counter!("passerelle_pages_polled_total", "partner" => partner.id.to_string()).increment(1);
        Ok(Ok(progress))
    }

    async fn pause_after(&self, partner: &Partner, error: &PollError, failures: u32) -> Result<Duration> {
        counter!("passerelle_polls_failed_total", "partner" => partner.id.to_string(), "code" => error.code())
            .increment(1);
        warn!(partner.name = %partner.id, code = error.code(), error = %error, "a source could not be read");
        if *error == PollError::Cursor {
            info!(partner.name = %partner.id, "the stored cursor is of another version; reading everything again");
            self.intake.store.forget_poll(&partner.id).await?;
            return Ok(Duration::ZERO);
        }
        let ours = PAUSES.0.saturating_mul(1 << (failures - 1).min(16)).min(PAUSES.1);
        Ok(error.after().unwrap_or(ours))
    }
}

/// Where the poller was before a page.
struct Place {
    /// As it was stored; none at the very beginning.
    poll: Option<Poll>,
    /// The end of the accepted log: a run that begins with this page closes nothing that comes after.
    end: Frontier,
}
