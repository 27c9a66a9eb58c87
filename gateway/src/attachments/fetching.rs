//! Fetches the files that profiles link to: at once when a version links to them, and again while that may help.
//!
//! Every node fetches what nobody else does. **Invariant:** an attempt settles what became of it only while no other has begun;
//! what is told of it is a category and a code, never a link.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use backon::{BackoffBuilder, ExponentialBuilder};
use futures::{StreamExt, stream::FuturesUnordered};
use media::{FetchError, Fetcher, Medium as Use, Wanted};
use metrics::counter;
use rustls::ClientConfig;
use schemas::Category;
use tokio::{
    sync::Notify,
    time::{interval, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    links::{self, Link},
    reason::reason,
};
use crate::{
    clock::Clock,
    code::code,
    config::MediaSettings,
    delivery::Teller,
    files::Files,
    health::Health,
    in_force::InForce,
    store::{self, FetchOutcome, Medium, OldOwner, Store},
    vault::{Bodies, Subject},
};

/// The name of the part in `/health/ready`.
pub const PART: &str = "fetching of files";
/// How long an attempt counts as one that somebody makes; it is prolonged while it goes on.
const HELD: Duration = Duration::from_secs(15);
/// How often it is prolonged.
const HOLD_EVERY: Duration = Duration::from_secs(5);
/// How long nobody looks if nothing is due.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// The shortest time between two looks.
const PACE: Duration = Duration::from_millis(20);
/// Outcomes that are told in one go.
const TOLD_AT_ONCE: usize = 100;
/// After more doublings than this nobody waits longer.
const MAX_TIMES: usize = 64;

/// Fetches files.
#[derive(Clone)]
pub struct Fetching {
    pub in_force: InForce,
    pub store: Arc<dyn Store>,
    pub bodies: Bodies,
    pub files: Files,
    pub teller: Teller,
    pub clock: Clock,
    pub health: Health,
    /// Whom the servers of files have to prove who they are to.
    pub tls: ClientConfig,
    /// Told when a version links to something.
    pub wanted: Arc<Notify>,
}

impl Fetching {
    /// Fetches until it is asked to stop.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn run(self, stop: CancellationToken) -> Result<()> {
        if self.store.old_owner() == OldOwner::IsDead {
            self.store.release_media().await?;
        }
        self.tell_untold().await?;
        let mut running = FuturesUnordered::new();
        loop {
            let at_once = self.in_force.now().configuration.settings.media.at_once;
            let room = at_once.saturating_sub(running.len());
            if room > 0 {
                let now = self.clock.now_micros();
                for medium in self.store.take_media(now, now.saturating_add(micros(HELD)), room).await? {
                    running.push(self.attempt(medium));
                }
            }
            self.health.works(PART);
            let has_room = running.len() < at_once;
            let pause = if has_room { self.until_next().await? } else { LONGEST_PAUSE };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Some(done) = running.next() => done?,
                () = self.wanted.notified(), if has_room => {}
                () = sleep(pause), if has_room => {}
            }
        }
    }

    /// How long until something may be due.
    async fn until_next(&self) -> Result<Duration> {
        let next = self.store.next_medium_at().await?;
        let left = next.map(|at| u64::try_from(at.saturating_sub(self.clock.now_micros())).unwrap_or_default());
        let pause = left.map_or(LONGEST_PAUSE, Duration::from_micros);
        Ok(pause.clamp(PACE, self.store.look_every().unwrap_or(LONGEST_PAUSE)))
    }

    /// Makes one attempt, and settles it.
    async fn attempt(&self, medium: Medium) -> Result<()> {
        let Some(outcome) = self.held(&medium).await? else { return Ok(()) };
        let (said, reason) = match &outcome {
            FetchOutcome::Kept(_) => ("kept", ""),
            FetchOutcome::Failed(code) => ("failed", *code),
            FetchOutcome::Later(code, _) => ("later", *code),
        };
        counter!("passerelle_media_fetches_total", "outcome" => said, "code" => reason).increment(1);
        let at = self.clock.now_micros();
        let is_settled = self.store.settle_medium(medium.id, medium.attempt, outcome.clone(), at).await?;
        if let (false, FetchOutcome::Kept(blob)) = (is_settled, &outcome) {
            // Another attempt counts: this file is nobody's.
            self.store.remove_blobs(vec![*blob]).await?;
        }
        if is_settled && !matches!(outcome, FetchOutcome::Later(..)) {
            self.tell_untold().await?;
        }
        Ok(())
    }

    /// Fetches while nobody else does. None if somebody else has begun.
    async fn held(&self, medium: &Medium) -> Result<Option<FetchOutcome>> {
        let fetched = self.outcome(medium);
        tokio::pin!(fetched);
        let mut hold = interval(HOLD_EVERY);
        hold.tick().await;
        loop {
            tokio::select! {
                outcome = &mut fetched => return outcome.map(Some),
                _ = hold.tick() => {
                    let until = self.clock.now_micros().saturating_add(micros(HELD));
                    if !self.store.hold_medium(medium.id, medium.attempt, until).await? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// What came of fetching. What cannot be read holds up nothing else.
    async fn outcome(&self, medium: &Medium) -> Result<FetchOutcome> {
        let rules = self.in_force.now();
        let settings = &rules.configuration.settings.media;
        let source = rules.configuration.partners.get(&medium.origin.partner);
        let Some(allowed) = source.and_then(|source| source.media.clone()) else {
            return Ok(FetchOutcome::Failed(reason(FetchError::Origin).as_str()));
        };
        let link = match links::open(&self.bodies, medium.id, &medium.sealed).await {
            Ok(Some(link)) => link,
            Ok(None) => return Ok(FetchOutcome::Failed(const { code("keys_destroyed") }.as_str())),
            Err(error) if store::is_of_engine(&error) => return Err(error),
            Err(error) => {
                warn!(error = format!("{error:#}"), "where a file lies cannot be read");
                return Ok(self.later(medium, FetchError::BrokenOff, settings));
            }
        };
        let fetcher = Fetcher::new(settings.limits, settings.networks(), self.tls.clone());
        match self.fetch(&fetcher, &allowed, medium, &link).await? {
            Ok(outcome) => Ok(outcome),
            Err(error) if error.may_pass() => Ok(self.later(medium, error, settings)),
            Err(error) => Ok(FetchOutcome::Failed(reason(error).as_str())),
        }
    }

    async fn fetch(
        &self,
        fetcher: &Fetcher,
        allowed: &media::AllowedOrigins,
        medium: &Medium,
        Link { link, claim }: &Link,
    ) -> Result<Result<FetchOutcome, FetchError>> {
        let erased = FetchOutcome::Failed(const { code("keys_destroyed") }.as_str());
        let wanted = Wanted { link, medium: use_of(medium.category), claim: claim.as_deref() };
        let mut arrival = match fetcher.open(wanted, allowed).await {
            Ok(arrival) => arrival,
            Err(error) => return Ok(Err(error)),
        };
        let mut writing = self.files.begin(Subject::from(medium.entity_key.as_uuid()));
        loop {
            match arrival.next().await {
                Ok(Some(bytes)) if writing.write(&bytes).await?.is_some() => {}
                Ok(Some(_)) => {
                    writing.give_up().await?;
                    return Ok(Ok(erased));
                }
                Ok(None) => break,
                Err(error) => {
                    writing.give_up().await?;
                    return Ok(Err(error));
                }
            }
        }
        let kept = writing.finish(arrival.media_type().as_str()).await?;
        Ok(Ok(kept.map_or(erased, |(blob, _)| FetchOutcome::Kept(blob))))
    }

    /// Another attempt, or none if it was tried for long enough.
    fn later(&self, medium: &Medium, error: FetchError, settings: &MediaSettings) -> FetchOutcome {
        let code = reason(error).as_str();
        let now = self.clock.now_micros();
        let age = Duration::from_micros(u64::try_from(now.saturating_sub(medium.wanted_at)).unwrap_or_default());
        let due_at = now.saturating_add(micros(wait(settings, age)));
        if due_at.saturating_sub(medium.wanted_at) > micros(settings.give_up_after) {
            return FetchOutcome::Failed(code);
        }
        FetchOutcome::Later(code, due_at)
    }

    /// Tells the journal what it has not heard.
    async fn tell_untold(&self) -> Result<()> {
        for medium in self.store.untold_media(TOLD_AT_ONCE).await? {
            self.teller.tell_medium(&medium).await?;
            self.store.mark_medium_told(medium.id, medium.attempt).await?;
        }
        Ok(())
    }
}

/// What a file is for.
fn use_of(category: Category) -> Use {
    match category {
        Category::Picture => Use::Picture,
        Category::Video => Use::Video,
        Category::Intro => Use::Introduction,
        _ => Use::Document,
    }
}

/// How long to wait with a file that is wanted for so long: about as long again.
fn wait(settings: &MediaSettings, age: Duration) -> Duration {
    let waits = ExponentialBuilder::default()
        .with_min_delay(settings.retry_initial)
        .with_max_delay(settings.retry_longest)
        .with_factor(2.0)
        .with_max_times(MAX_TIMES)
        .with_jitter()
        .build();
    let doublings = (age.as_micros() / settings.retry_initial.as_micros().max(1)).checked_ilog2().unwrap_or_default();
    let index = usize::try_from(doublings).unwrap_or(MAX_TIMES).min(MAX_TIMES - 1);
    waits.into_iter().nth(index).unwrap_or(settings.retry_longest)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn waits_grow_with_the_age_up_to_the_longest() {
        let mut settings = Settings::load(None).unwrap().media;
        settings.retry_initial = Duration::from_secs(1);
        settings.retry_longest = Duration::from_mins(1);
        for (age, shortest, longest) in [(0, 1, 2), (1, 1, 2), (5, 4, 8), (50, 32, 120), (1_000_000, 60, 120)] {
            let wait = wait(&settings, Duration::from_secs(age)).as_secs_f64();
            assert!((f64::from(shortest)..=f64::from(longest)).contains(&wait), "{wait} s after {age} s");
        }
    }
}
