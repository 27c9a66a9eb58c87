//! The runner of one partner: reads what it is owed, keeps order per entity, sends many entities at once.
//!
//! A healthy partner is served straight from its log. What cannot go now becomes a row in the store at log
//! speed, so that neither memory nor the log's offset waits for a slow partner.

use std::{collections::HashSet, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use connectors::Repeats;
use metrics::{Gauge, gauge};
use schemas::{EntityKey, PartnerId, Position};
use tokio::{sync::Notify, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    ahead::{Ahead, Queued},
    attempt::{Attempter, Finished, Standing},
    dispatch::Dispatch,
    offsets::Offsets,
};
use crate::{
    backbone::{Stored, Subscription},
    store::{DispatchRow, DispatchState, Settlement},
};

/// Records that are read at once.
const READ: usize = 256;
/// How long a dispatch waits after store or log did not answer.
const PAUSE: Duration = Duration::from_secs(1);
/// Settled records after which the offset is committed at the latest.
const COMMIT_AFTER: usize = 64;
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
    under_way: JoinSet<(Dispatch, Result<Finished>)>,
    /// Deferred dispatches may overtake nothing that was read before the last stop.
    caught_up_at: i64,
    /// When to look into the waiting room again; none until something is put there.
    look_at: Option<Instant>,
    /// Whether the waiting room holds more than was fetched: then what is read goes behind it.
    has_backlog: bool,
    settled_since_commit: usize,
    last_commit: Instant,
    wake: Arc<Notify>,
    in_memory: Gauge,
}

impl Runner {
    /// Takes over from whoever served the partner before.
    ///
    /// # Errors
    /// If store or log do not answer.
    pub async fn take_over(
        attempter: Attempter,
        subscription: Box<dyn Subscription>,
        end: Position,
        wake: Arc<Notify>,
    ) -> Result<Self> {
        let partner = attempter.preparer.partner.id.clone();
        let may_repeat = attempter.sender.repeats() != Repeats::Never;
        let now = attempter.clock.now_micros();
        let adopted = attempter.store.adopt_claims(&partner, attempter.epoch, may_repeat, now).await?;
        attempter.teller.tell_untold(&partner).await.context("cannot tell what was not told")?;
        let committed = subscription.committed();
        info!(partner.name = %partner, claims.adopted = adopted.len(), log.offset = committed.offset, epoch = attempter.epoch, "delivering");
        let in_memory = gauge!("passerelle_dispatches_in_memory", "partner" => partner.to_string());
        Ok(Self {
            in_memory,
            partner,
            attempter: Arc::new(attempter),
            subscription,
            ahead: Ahead::new(),
            offsets: Offsets::after(committed.offset),
            generation: committed.generation,
            under_way: JoinSet::new(),
            caught_up_at: end.offset,
            look_at: Some(Instant::now()),
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
            let look_at = self.next_look();
            let commit_at = self.offsets.to_commit().map(|_| self.last_commit + COMMIT_WITHIN);
            let wake = self.wake.clone();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = self.under_way.join_next() => self.end(ended.context("an attempt panicked")?).await?,
                () = wake.notified() => self.look_at = Some(Instant::now()),
                () = sleep_until(look_at) => self.fetch_due().await?,
                () = sleep_until(commit_at) => {}
                records = self.subscription.next(READ) => self.take(records?).await?,
            }
        }
        self.drain().await
    }

    fn start_ready(&mut self) {
        while self.ahead.running() < self.attempter.settings.in_flight {
            let Some(dispatch) = self.ahead.start() else { return };
            let attempter = self.attempter.clone();
            self.under_way.spawn(async move {
                let outcome = attempter.attempt(dispatch.clone()).await;
                (dispatch, outcome)
            });
        }
    }

    /// When to look into the waiting room: not before what was read earlier is read again, and only with room for more.
    fn next_look(&self) -> Option<Instant> {
        let has_room = self.ahead.len() < self.attempter.settings.in_memory / 2 + 1;
        let is_caught_up = self.offsets.highest_read() >= self.caught_up_at;
        self.look_at.filter(|_| has_room && is_caught_up)
    }

    /// Takes records that were read from the log.
    async fn take(&mut self, records: Vec<Stored>) -> Result<()> {
        let mut dispatches = records.into_iter().map(Dispatch::from_log).collect::<Result<Vec<_>>>()?;
        let ids: Vec<_> = dispatches.iter().map(|dispatch| dispatch.owed.dispatch_id).collect();
        let entities: Vec<_> = dispatches.iter().map(Queued::entity).collect();
        let known = self.attempter.store.dispatch_rows(&ids).await?;
        let waiting = self.attempter.store.waiting(&self.partner, &entities).await?;
        let mut held_back: HashSet<EntityKey> = waiting
            .iter()
            .filter(|waiting| waiting.state != DispatchState::Claimed)
            .map(|waiting| waiting.entity_key)
            .collect();
        let mut to_wait = Vec::new();
        let now = self.attempter.clock.now_micros();
        for mut dispatch in dispatches.drain(..) {
            let offset = dispatch.log_offset.unwrap_or_default();
            self.offsets.read(offset);
            if let Some(row) = known.get(&dispatch.owed.dispatch_id) {
                if row.state != DispatchState::Claimed {
                    self.offsets.finish(offset);
                    continue;
                }
                if self.attempter.sender.repeats() == Repeats::Never {
                    self.quarantine(&dispatch, row).await?;
                    held_back.insert(dispatch.owed.entity_key);
                    self.offsets.finish(offset);
                    continue;
                }
                dispatch.remember(row);
            }
            let is_full = self.ahead.len() >= self.attempter.settings.in_memory;
            let goes_behind = self.has_backlog && !self.ahead.holds(dispatch.owed.entity_key);
            if held_back.contains(&dispatch.owed.entity_key) || is_full || goes_behind {
                held_back.insert(dispatch.owed.entity_key);
                to_wait.push(dispatch.to_waiting_row(now)?);
                self.offsets.finish(offset);
            } else {
                let replaced = self.ahead.push(dispatch);
                self.supersede(replaced).await?;
            }
        }
        self.defer(to_wait).await
    }

    /// An open claim of a dead owner, at a partner that must not be sent to twice.
    async fn quarantine(&self, dispatch: &Dispatch, row: &DispatchRow) -> Result<()> {
        let settlement = Settlement {
            owed: dispatch.owed.clone(),
            state: DispatchState::Ambiguous,
            attempt: row.attempt,
            due_at: 0,
            in_doubt: true,
            code: Some("owner_died".to_owned()),
            detail: None,
            faults: None,
            losses: schemas::LossCounts::default(),
            versions: schemas::Versions::default(),
            foreign_reference: None,
            is_active: None,
            envelope: Some(dispatch.envelope.to_avro()?),
            at: self.attempter.clock.now_micros(),
        };
        warn!(partner.name = %self.partner, dispatch.id = %dispatch.owed.dispatch_id, "a send of a dead owner is quarantined");
        self.attempter.store.settle(settlement.clone(), false).await?;
        self.attempter.teller.tell(&settlement).await
    }

    /// Records that newer versions took the place of dispatches before they could go.
    async fn supersede(&mut self, replaced: Vec<Dispatch>) -> Result<()> {
        let now = self.attempter.clock.now_micros();
        for dispatch in replaced {
            let settlement = Settlement {
                owed: dispatch.owed.clone(),
                state: DispatchState::Superseded,
                attempt: dispatch.attempt,
                due_at: now,
                in_doubt: false,
                code: Some("newer_version".to_owned()),
                detail: None,
                faults: None,
                losses: schemas::LossCounts::default(),
                versions: schemas::Versions::default(),
                foreign_reference: None,
                is_active: None,
                envelope: None,
                at: now,
            };
            self.attempter.store.settle(settlement.clone(), false).await?;
            self.attempter.teller.tell(&settlement).await?;
            self.settle_offset(dispatch.log_offset);
        }
        Ok(())
    }

    /// Puts rows into the waiting room.
    async fn defer(&mut self, rows: Vec<DispatchRow>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.settled_since_commit += rows.len();
        let by_reference = self.attempter.sender.repeats() == Repeats::ByReference;
        let superseded = self.attempter.store.defer(rows, by_reference).await?;
        self.attempter.teller.tell_superseded(&superseded).await?;
        self.look_at = Some(self.look_at.unwrap_or_else(Instant::now));
        Ok(())
    }

    /// Fetches what has come due, most urgent first.
    async fn fetch_due(&mut self) -> Result<()> {
        let now = self.attempter.clock.now_micros();
        let room = self.attempter.settings.in_memory - self.ahead.len().min(self.attempter.settings.in_memory);
        let rows = self.attempter.store.due(&self.partner, now, room.max(1)).await?;
        self.has_backlog = rows.len() >= room.max(1);
        let mut is_held_up = false;
        for row in rows {
            if self.ahead.holds(row.owed.entity_key) {
                // Its turn comes when what is under way has ended.
                is_held_up = true;
                continue;
            }
            let replaced = self.ahead.push(Dispatch::from_row(row)?);
            self.supersede(replaced).await?;
        }
        self.look_at = if self.has_backlog {
            Some(Instant::now())
        } else if is_held_up {
            Some(Instant::now() + PAUSE / 10)
        } else {
            let next = self.attempter.store.next_due_at(&self.partner).await?;
            next.map(|due_at| {
                Instant::now() + Duration::from_micros(u64::try_from(due_at - now).unwrap_or(0)).max(PAUSE / 100)
            })
        };
        Ok(())
    }

    /// Ends an attempt.
    async fn end(&mut self, (dispatch, outcome): (Dispatch, Result<Finished>)) -> Result<()> {
        match outcome {
            Ok(Finished { entity, log_offset, standing: Standing::Final }) => {
                self.settle_offset(log_offset);
                self.ahead.finish(entity);
                Ok(())
            }
            Ok(Finished { entity, log_offset, standing: Standing::Waits }) => {
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
        let now = self.attempter.clock.now_micros();
        let mut rows = Vec::new();
        for behind in self.ahead.hold_back(entity) {
            rows.push(behind.to_waiting_row(now)?);
            self.settle_offset(behind.log_offset);
        }
        self.look_at = Some(self.look_at.unwrap_or_else(Instant::now));
        self.defer(rows).await
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
