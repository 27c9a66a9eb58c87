//! The runner of one partner: reads what it is owed, keeps order per entity, sends many entities at once.
//!
//! A healthy partner is served straight from its log. What cannot go now becomes a row in the store at log
//! speed, so that neither memory nor the log's offset waits for a slow partner.

mod reading;
mod recalls;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use connectors::{ProbeError, Repeats};
use metrics::{Gauge, gauge};
use schemas::{EntityKey, PartnerId, Position};
use tokio::{sync::Notify, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    ahead::Ahead,
    attempt::{Attempter, Finished, Standing},
    dispatch::Dispatch,
    gate::{Contact, Gate, Opening},
    offsets::Offsets,
};
use crate::backbone::Subscription;

/// Records that are read at once.
const READ: usize = 256;
/// How long a dispatch waits after store or log did not answer.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the waiting room is left alone at the longest: the clock may be set meanwhile.
const LONGEST_WAIT: Duration = Duration::from_mins(10);
/// Settled records after which the offset is committed at the latest.
const COMMIT_AFTER: usize = 256;
/// How long a settled offset stays uncommitted at the longest.
const COMMIT_WITHIN: Duration = Duration::from_millis(250);

/// Serves one partner.
pub struct Runner {
    partner: PartnerId,
    attempter: Arc<Attempter>,
    subscription: Box<dyn Subscription>,
    ahead: Ahead<Dispatch>,
    offsets: Offsets,
    generation: i64,
    gate: Gate,
    /// When to ask the gate again; none if it does not hold anything up.
    ask_at: Option<Instant>,
    under_way: JoinSet<(Dispatch, Result<Finished>)>,
    testing: JoinSet<Result<(), ProbeError>>,
    /// When to look into the waiting room again; none until something is put there.
    look_at: Option<Instant>,
    /// The wall clock at the last look, to notice that it went back.
    looked_at: i64,
    /// Whether the waiting room holds more than was fetched: then what is read goes behind it.
    has_backlog: bool,
    settled_since_commit: usize,
    last_commit: Instant,
    wake: Arc<Notify>,
    in_memory: Gauge,
    /// 1 while the breaker is open.
    broken: Gauge,
}

impl Runner {
    /// Takes over from whoever served the partner before.
    ///
    /// # Errors
    /// If store or log do not answer.
    pub async fn take_over(
        attempter: Attempter,
        gate: Gate,
        subscription: Box<dyn Subscription>,
        wake: Arc<Notify>,
    ) -> Result<Self> {
        let partner = attempter.preparer.partner.id.clone();
        let may_repeat = attempter.ways.repeats() != Repeats::Never;
        let now = attempter.clock.now_micros();
        attempter.store.rewind(&partner, now).await?;
        attempter.store.reconsider(&partner, now).await?;
        let old_owner = attempter.store.old_owner();
        let adopted = attempter.store.adopt_claims(&partner, attempter.epoch, old_owner, may_repeat, now).await?;
        attempter.teller.tell_untold(&partner).await.context("cannot tell what was not told")?;
        let committed = subscription.committed();
        info!(partner.name = %partner, claims.adopted = adopted.len(), log.offset = committed.offset, epoch = attempter.epoch, "delivering");
        let in_memory = gauge!("passerelle_dispatches_in_memory", "partner" => partner.to_string());
        let broken = gauge!("passerelle_breaker_open", "partner" => partner.to_string());
        broken.set(0.0);
        Ok(Self {
            in_memory,
            broken,
            partner,
            attempter: Arc::new(attempter),
            subscription,
            ahead: Ahead::new(),
            offsets: Offsets::after(committed.offset),
            generation: committed.generation,
            gate,
            ask_at: None,
            under_way: JoinSet::new(),
            testing: JoinSet::new(),
            look_at: Some(Instant::now()),
            looked_at: now,
            has_backlog: false,
            settled_since_commit: 0,
            last_commit: Instant::now(),
            wake,
        })
    }

    /// Delivers until it is asked to stop; then waits for what is under way.
    ///
    /// # Errors
    /// If another owner has taken over, or the log fails.
    pub async fn run(mut self, stop: CancellationToken) -> Result<()> {
        loop {
            self.start_ready();
            self.commit_if_due().await?;
            self.in_memory.set(f64::from(u32::try_from(self.ahead.len()).unwrap_or(u32::MAX)));
            let (look_at, ask_at) = (self.next_look(), self.ask_at);
            let commit_at = self.offsets.to_commit().map(|_| self.last_commit + COMMIT_WITHIN);
            let wake = self.wake.clone();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = self.under_way.join_next() => self.end(ended.context("an attempt panicked")?).await?,
                Some(tested) = self.testing.join_next() => self.tested(tested.context("a test panicked")?).await?,
                () = sleep_until(ask_at) => {}
                () = wake.notified() => self.look_at = Some(Instant::now()),
                () = sleep_until(look_at) => self.fetch_due().await?,
                () = sleep_until(commit_at) => {}
                records = self.subscription.next(READ) => self.take(records?).await?,
            }
        }
        self.drain().await
    }

    fn start_ready(&mut self) {
        self.ask_at = None;
        // An open breaker is asked although nothing is held: somebody has to notice that the partner answers again.
        while self.ahead.running() < self.attempter.settings.in_flight && (self.ahead.is_ready() || self.gate.is_open())
        {
            let permit = match self.gate.ask() {
                Opening::Go(permit) => permit,
                Opening::Wait(wait) => {
                    self.ask_at = Some(Instant::now() + wait);
                    return;
                }
                Opening::Test => return self.test(),
                Opening::Testing => return,
            };
            let Some(dispatch) = self.ahead.start() else { return self.attempter.limit.give_back(permit) };
            let attempter = self.attempter.clone();
            self.under_way.spawn(async move {
                let outcome = attempter.attempt(dispatch.clone(), permit).await;
                (dispatch, outcome)
            });
        }
    }

    /// Tests the connection, since the breaker is open.
    fn test(&mut self) {
        let attempter = self.attempter.clone();
        self.testing.spawn(async move {
            let time_out = attempter.settings.send_timeout;
            attempter.turn().await;
            let silent = || ProbeError::Unreachable("no answer in time".to_owned());
            tokio::time::timeout(time_out, attempter.ways.probe()).await.unwrap_or_else(|_| Err(silent()))
        });
    }

    /// Notes how the test of the connection went. Once it goes well, what failed before goes at once.
    async fn tested(&mut self, outcome: Result<(), ProbeError>) -> Result<()> {
        self.gate.tested(outcome.is_ok());
        match outcome {
            Ok(()) => {
                info!(partner.name = %self.partner, "the partner answers again");
                let now = self.attempter.clock.now_micros();
                self.attempter.store.hasten(&self.partner, now).await?;
                self.look_at = Some(Instant::now());
            }
            Err(error) => warn!(partner.name = %self.partner, error = %error, "the partner still does not answer"),
        }
        self.broken.set(if self.gate.is_open() { 1.0 } else { 0.0 });
        Ok(())
    }

    /// Notes what an attempt showed of the partner. If it opened the breaker, everything goes into the waiting room:
    /// neither memory nor the log's offset waits for the partner.
    async fn learn(&mut self, contact: Contact) -> Result<()> {
        if !self.gate.learn(contact) {
            return Ok(());
        }
        warn!(partner.name = %self.partner, "too many failures in a row: nothing is sent until the partner answers");
        self.broken.set(1.0);
        let aside = self.ahead.step_aside();
        self.put_aside(aside).await
    }

    /// When to look into the waiting room: not before what was read earlier is read again, and only with room for more
    /// and a partner that answers.
    fn next_look(&self) -> Option<Instant> {
        let has_room = self.ahead.len() < self.attempter.settings.in_memory / 2 + 1;
        // Deferred dispatches may overtake nothing that was read before the last stop.
        self.look_at.filter(|_| has_room && self.subscription.has_caught_up() && !self.gate.is_open())
    }

    /// Ends an attempt.
    async fn end(&mut self, (dispatch, outcome): (Dispatch, Result<Finished>)) -> Result<()> {
        if let Ok(finished) = &outcome {
            finished.unused.into_iter().for_each(|permit| self.attempter.limit.give_back(permit));
            self.learn(finished.contact).await?;
        }
        match outcome {
            Ok(Finished { entity, log_offset, standing: Standing::Final, ends_at, .. }) => {
                self.look_at_end(ends_at);
                self.settle_offset(log_offset);
                self.ahead.finish(entity);
                Ok(())
            }
            Ok(Finished { entity, log_offset, standing: Standing::Waits, .. }) => {
                self.settle_offset(log_offset);
                self.put_back(entity).await
            }
            Ok(Finished { standing: Standing::Lost, .. }) => bail!("another node delivers to `{}` now", self.partner),
            Err(error) => {
                warn!(partner.name = %self.partner, dispatch.id = %dispatch.owed.dispatch_id, error = format!("{error:#}"), "an attempt came to nothing; it is made again");
                tokio::time::sleep(PAUSE).await;
                self.ahead.give_back(dispatch);
                Ok(())
            }
        }
    }

    /// Puts an entity's dispatches into the waiting room, since one of them cannot go now.
    async fn put_back(&mut self, entity: EntityKey) -> Result<()> {
        let behind = self.ahead.hold_back(entity);
        // What an attempt put there may be due before anything else.
        self.look_at = Some(Instant::now());
        self.put_aside(behind).await
    }

    /// Puts dispatches that have not begun into the waiting room.
    async fn put_aside(&mut self, dispatches: Vec<Dispatch>) -> Result<()> {
        let now = self.attempter.clock.now_micros();
        let rows = dispatches.iter().map(|dispatch| dispatch.to_waiting_row(now)).collect::<Result<Vec<_>>>()?;
        self.defer(rows).await?;
        for dispatch in dispatches {
            self.settle_offset(dispatch.log_offset);
        }
        Ok(())
    }

    fn settle_offset(&mut self, offset: Option<i64>) {
        if let Some(offset) = offset {
            self.offsets.finish(offset);
        }
        self.settled_since_commit += 1;
    }

    async fn commit_if_due(&mut self) -> Result<()> {
        let is_due = self.settled_since_commit >= COMMIT_AFTER || self.last_commit.elapsed() >= COMMIT_WITHIN;
        match self.offsets.to_commit() {
            Some(offset) if is_due => self.commit(offset).await,
            _ => Ok(()),
        }
    }

    async fn commit(&mut self, offset: i64) -> Result<()> {
        self.subscription.commit(Position { generation: self.generation, offset }, Vec::new()).await?;
        self.offsets.committed(offset);
        self.settled_since_commit = 0;
        self.last_commit = Instant::now();
        Ok(())
    }

    /// Waits for what is under way, at most so long; what does not end in time is met again as an open claim.
    async fn drain(mut self) -> Result<()> {
        let give_up_at = Instant::now() + self.attempter.settings.drain;
        while !self.under_way.is_empty() {
            let Ok(Some(ended)) = tokio::time::timeout_at(give_up_at, self.under_way.join_next()).await else {
                warn!(partner.name = %self.partner, sends.open = self.under_way.len(), "stopping with sends under way");
                break;
            };
            self.end(ended.context("an attempt panicked")?).await?;
        }
        match self.offsets.to_commit() {
            Some(offset) => self.commit(offset).await,
            None => Ok(()),
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
