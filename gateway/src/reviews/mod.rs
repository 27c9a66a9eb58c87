//! Reviews: persons are looked at again when a moment comes at which something that they permit begins or ends, when
//! something has happened, and when other instruments for transfers are in force. What was sent and may not be any more is
//! owed back as after a withdrawal; what changed goes again under its new mask; what may go now goes.
//!
//! Nothing is kept in memory: the store says who is due, so that a restart forgets nobody. Every node looks; what one of
//! them has kept the others find done. **Invariant:** nothing follows from a look but what is kept in one transaction, and only
//! if nothing of the person has changed since the look began.

mod consequences;
mod instruments;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::{Result, bail};
use jiff::Timestamp;
use metrics::counter;
use schemas::EntityKey;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};
use uuid::Uuid;

use self::{
    consequences::{Cause, Person, consequences},
    instruments::Instruments,
};
use crate::{
    backbone::Backbone,
    clock::Clock,
    delivery::Wakes,
    health::Health,
    in_force::{InForce, Rules},
    progress::Progress,
    store::{self, Due, Replay, Review, Store},
    vault::Bodies,
};

/// The name of the part in `/health/ready`.
pub const PART: &str = "reviews";
/// Persons of one look into the store, for each reason.
const PAGE: usize = 128;
/// How long everything else has the store to itself before a look goes on.
const PACE: Duration = Duration::from_millis(5);
/// How often it looks, unless a moment comes sooner: other nodes keep grants too, and the clock may be set.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long it waits after something that only a person can mend.
const AFTER_DAMAGE: Duration = Duration::from_secs(30);
/// By how much the clocks of several nodes may differ, so that what has begun for one of them has begun for all. No send
/// needs it: every claim asks the clock itself.
const DRIFT: Duration = Duration::from_secs(1);
/// How often a look is begun anew because the person has changed meanwhile.
const TRIES: usize = 16;

/// Looks at persons again.
#[derive(Clone)]
pub struct Reviewer {
    pub in_force: InForce,
    pub backbone: Arc<dyn Backbone>,
    pub store: Arc<dyn Store>,
    pub bodies: Bodies,
    pub clock: Clock,
    pub health: Health,
    pub wakes: Wakes,
    /// Told when something is to be dispatched again.
    pub sync_wanted: Arc<watch::Sender<()>>,
}

impl Reviewer {
    /// Looks until it is asked to stop.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn run(self, stop: CancellationToken) -> Result<()> {
        let (mut in_force, mut wanted) = (self.in_force.clone(), self.sync_wanted.subscribe());
        let mut instruments = Instruments::default();
        loop {
            let rules = in_force.now();
            let looked = self.look_at_due(&rules).await?;
            let is_busy = instruments.go_on(&self, &rules).await? || looked == Looked::Some;
            if looked != Looked::Damage {
                self.health.works(PART);
            }
            let pause = match looked {
                _ if is_busy => PACE,
                Looked::Damage => AFTER_DAMAGE,
                _ => self.until_next().await?,
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = in_force.changed() => {}
                // Whoever keeps a grant wants something dispatched again.
                Ok(()) = wanted.changed(), if !is_busy => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Looks at some of those who are due.
    async fn look_at_due(&self, rules: &Rules) -> Result<Looked> {
        let drift = self.store.look_every().map_or(Duration::ZERO, |_| DRIFT);
        let due_by = self.clock.now_micros().saturating_sub(micros(drift));
        let due = self.store.due_for_review(due_by, PAGE).await?;
        let mut looked = if due.is_empty() { Looked::Nobody } else { Looked::Some };
        for Due { subject, is_by_time } in due {
            let cause = if is_by_time { Cause::Time } else { Cause::Event };
            if !self.look_or_complain(rules, subject, cause).await? {
                looked = Looked::Damage;
            }
        }
        Ok(looked)
    }

    /// Looks at one person. Returns whether that could be done; what cannot be read of a person holds up nobody else.
    async fn look_or_complain(&self, rules: &Rules, subject: Uuid, cause: Cause) -> Result<bool> {
        match self.look(rules, subject, cause).await {
            Ok(()) => Ok(true),
            Err(error) if store::is_of_engine(&error) => Err(error),
            Err(error) => {
                let error = format!("{error:#}");
                error!(subject = %subject, error, "a person cannot be looked at again: what is kept of the person is damaged");
                self.health.fails(PART, "a person cannot be looked at: see the log");
                Ok(false)
            }
        }
    }

    /// Looks at one person, and keeps what follows.
    async fn look(&self, rules: &Rules, subject: Uuid, cause: Cause) -> Result<()> {
        for _ in 0..TRIES {
            // The standing first: whatever changes after it keeps the rest from being kept.
            let standing = self.store.standing_of(subject).await?;
            let shown = self.store.shown_of(subject).await?;
            let version = self.store.newest_version(EntityKey::from(subject)).await?;
            let progress = Progress::open(&self.bodies, &standing).await?;
            let now = self.clock.now();
            let person = Person { standing: &standing, progress: &progress, shown: &shown, version: version.as_ref() };
            let found = consequences(&rules.configuration, &person, (cause, now));
            let (as_of, replayed) = (standing.version, found.to_send.len());
            let replays = found.to_send.iter().map(|partner| {
                let name = format!("review {} {} {partner}", as_of.version, now.as_microsecond());
                Replay {
                    replay_id: Uuid::new_v5(&subject, name.as_bytes()),
                    entity_key: EntityKey::from(subject),
                    share: self.backbone.share_of(EntityKey::from(subject)),
                    recipient: Some(partner.clone()),
                    wanted_at: now.as_microsecond(),
                }
            });
            let review = Review {
                as_of,
                at: now.as_microsecond(),
                next_at: found.next_at.map(Timestamp::as_microsecond),
                denied: found.denied,
                run_out: found.run_out,
                replays: replays.collect(),
                is_decided_anew: cause == Cause::Instruments,
            };
            if let Some(recalled) = self.store.keep_review(review).await? {
                self.tell(subject, cause, &recalled.into_iter().collect(), replayed);
                return Ok(());
            }
        }
        bail!("the person changes all the time")
    }

    /// Tells whoever has to do something now.
    fn tell(&self, subject: Uuid, cause: Cause, recalled: &BTreeSet<schemas::PartnerId>, replayed: usize) {
        counter!("passerelle_reviews_total", "cause" => cause.as_str()).increment(1);
        for partner in recalled {
            self.wakes.wake(partner);
        }
        if replayed > 0 {
            self.sync_wanted.send_replace(());
        }
        if !recalled.is_empty() || replayed > 0 {
            info!(
                subject = %subject,
                cause = cause.as_str(),
                recalls.len = recalled.len(),
                again.len = replayed,
                "a person was looked at again"
            );
        }
    }

    /// How long there is nothing to do.
    async fn until_next(&self) -> Result<Duration> {
        let next = self.store.next_review_at().await?;
        let wait = next.map(|at| Duration::from_micros(u64::try_from(at - self.clock.now_micros()).unwrap_or(0)));
        Ok(wait.unwrap_or(LOOK_EVERY).clamp(PACE, LOOK_EVERY))
    }
}

/// Whom a look has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looked {
    Nobody,
    Some,
    /// Somebody who cannot be looked at.
    Damage,
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
