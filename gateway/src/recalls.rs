//! Watches over recalls: calls a person for those that nobody answers, gives up those that nothing can carry.
//!
//! What sends them is delivery. **Invariant:** a call is in the journal before the store knows of it, so that a node that
//! dies in between calls again.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use metrics::{counter, gauge};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::{
    clock::Clock,
    config::Configuration,
    delivery::Teller,
    health::Health,
    in_force::InForce,
    store::{Recall, RecallFilter, RecallState, Store},
};

/// The name of the part in `/health/ready`.
pub const PART: &str = "recalls";
/// How often it looks, unless a person is to be called sooner.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Recalls that are looked at in one go.
const MOST: usize = 1_000;

/// Watches over recalls.
#[derive(Clone)]
pub struct Watch {
    pub in_force: InForce,
    pub store: Arc<dyn Store>,
    pub teller: Teller,
    pub clock: Clock,
    pub health: Health,
}

impl Watch {
    /// Watches until it is asked to stop.
    ///
    /// # Errors
    /// If store or log do not answer.
    pub async fn run(self, stop: CancellationToken) -> Result<()> {
        loop {
            let rules = self.in_force.now();
            self.look(&rules.configuration).await?;
            self.health.works(PART);
            let pause = rules.configuration.settings.escalate_recalls.clamp(Duration::from_millis(100), LOOK_EVERY);
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = sleep(pause) => {}
            }
        }
    }

    async fn look(&self, configuration: &Configuration) -> Result<()> {
        let now = self.clock.now_micros();
        for recall in self.store.recalls(&RecallFilter::default(), MOST).await? {
            if recall.state == RecallState::Owed && !is_received(configuration, &recall) {
                let why = "the partner is not configured to receive this any more";
                self.store.give_up_recall(&recall.key, why, now).await?;
            }
        }
        let after = i64::try_from(configuration.settings.escalate_recalls.as_micros()).unwrap_or(i64::MAX);
        for recall in self.store.recalls_to_escalate(now.saturating_sub(after), MOST).await? {
            self.escalate(&recall, now).await?;
        }
        self.count().await
    }

    async fn escalate(&self, recall: &Recall, now: i64) -> Result<()> {
        let partner = recall.key.partner.to_string();
        self.teller.tell_escalated(recall, now).await?;
        if self.store.mark_escalated(&recall.key, now).await? {
            counter!("passerelle_recalls_escalated_total", "partner" => partner.clone()).increment(1);
            error!(
                partner.name = partner,
                subject = %recall.key.subject,
                recall.state = recall.state.as_str(),
                recall.attempts = recall.attempts,
                "a recipient does not answer a recall: ask it, and see `passerelle consent recalls`"
            );
        }
        Ok(())
    }

    async fn count(&self) -> Result<()> {
        let counted = self.store.recall_counts().await?;
        for state in [RecallState::Owed, RecallState::Sent, RecallState::Refused, RecallState::Impossible] {
            for is_escalated in [false, true] {
                let found = counted.iter().find(|(of, escalated, _)| (*of, *escalated) == (state, is_escalated));
                let count = found.map_or(0, |(.., count)| *count);
                let escalated = if is_escalated { "true" } else { "false" };
                let open = gauge!("passerelle_recalls_open", "state" => state.as_str(), "escalated" => escalated);
                open.set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
            }
        }
        Ok(())
    }
}

fn is_received(configuration: &Configuration, recall: &Recall) -> bool {
    let partner = configuration.partners.get(&recall.key.partner);
    partner.is_some_and(|partner| partner.outgoing.contains_key(&recall.disclosed.kind))
}
