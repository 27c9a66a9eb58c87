//! What comes to a runner: records of its log, and what has come due in the waiting room.

use std::{collections::HashSet, time::Duration};

use anyhow::Result;
use connectors::Repeats;
use futures::future::try_join_all;
use schemas::{Body, Cause, Close, Content, EntityKey, Envelope, Event, Header, Kind, Lane, Operation, Payload, Plain};
use tokio::time::Instant;
use tracing::warn;

use super::{LONGEST_WAIT, PAUSE, READ, Runner};
use crate::{
    backbone::Stored,
    delivery::{ahead::Queued, attempt::Attempter, dispatch::Dispatch},
    store::{DispatchRow, DispatchState, End, Ended, OldOwner, Owed, Settlement},
};

impl Runner {
    /// Takes records that were read from the log.
    pub(super) async fn take(&mut self, records: Vec<Stored>) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let mut dispatches = records.into_iter().map(Dispatch::from_log).collect::<Result<Vec<_>>>()?;
        if dispatches.iter().any(|dispatch| dispatch.owed.kind.is_personal()) {
            // What is permitted again goes behind what takes back.
            while self.begin_recalls(self.attempter.clock.now_micros()).await? {}
        }
        let ids: Vec<_> = dispatches.iter().map(|dispatch| dispatch.owed.dispatch_id).collect();
        let entities: Vec<_> = dispatches.iter().map(Queued::entity).collect();
        let store = &self.attempter.store;
        let (known, waiting) = tokio::try_join!(store.dispatch_rows(&ids), store.waiting(&self.partner, &entities))?;
        let mut held_back: HashSet<EntityKey> = waiting
            .iter()
            .filter(|waiting| waiting.state != DispatchState::Claimed)
            .map(|waiting| waiting.entity_key)
            .collect();
        let (mut to_wait, mut replaced) = (Vec::new(), Vec::new());
        let now = self.attempter.clock.now_micros();
        for mut dispatch in dispatches.drain(..) {
            let offset = dispatch.log_offset.unwrap_or_default();
            self.offsets.read(offset);
            if self.ahead.holds_version(&dispatch) {
                self.offsets.finish(offset);
                continue;
            }
            if let Some(row) = known.get(&dispatch.owed.dispatch_id) {
                if row.state != DispatchState::Claimed {
                    self.offsets.finish(offset);
                    continue;
                }
                if self.attempter.ways.repeats() == Repeats::Never || self.may_be_under_way(row, now) {
                    self.adopt(&dispatch, row).await?;
                    held_back.insert(dispatch.owed.entity_key);
                    self.offsets.finish(offset);
                    continue;
                }
                dispatch.remember(row);
            }
            let is_full = self.ahead.len() >= self.attempter.settings.in_memory;
            let goes_behind = self.has_backlog && !self.ahead.holds(dispatch.owed.entity_key);
            if held_back.contains(&dispatch.owed.entity_key) || is_full || goes_behind || self.gate.is_open() {
                held_back.insert(dispatch.owed.entity_key);
                to_wait.push(dispatch.to_waiting_row(now)?);
                self.offsets.finish(offset);
            } else {
                replaced.extend(self.ahead.push(dispatch));
            }
        }
        self.supersede(replaced).await?;
        self.defer(to_wait).await
    }

    /// Whether a former owner may still be sending what it has claimed.
    fn may_be_under_way(&self, row: &DispatchRow, now: i64) -> bool {
        let may_live = self.attempter.store.old_owner() == OldOwner::MayLive;
        may_live && row.epoch < self.attempter.epoch && row.due_at > now
    }

    /// Takes an open claim of a former owner over: it waits until that owner has given up; at a partner that must not
    /// be sent to twice it is quarantined.
    async fn adopt(&mut self, dispatch: &Dispatch, row: &DispatchRow) -> Result<()> {
        let repeats = self.attempter.ways.repeats();
        let is_quarantined = repeats == Repeats::Never;
        let settlement = Settlement {
            owed: dispatch.owed.clone(),
            state: if is_quarantined { DispatchState::Ambiguous } else { DispatchState::Deferred },
            attempt: row.attempt,
            due_at: row.due_at,
            in_doubt: true,
            code: Some("owner_died".to_owned()),
            detail: None,
            faults: None,
            losses: schemas::LossCounts::default(),
            versions: schemas::Versions::default(),
            foreign_reference: None,
            is_active: None,
            awaits_pull: false,
            end: None,
            envelope: Some(dispatch.envelope.to_avro()?),
            at: self.attempter.clock.now_micros(),
        };
        if is_quarantined {
            warn!(partner.name = %self.partner, dispatch.id = %dispatch.owed.dispatch_id, "a send of a dead owner is quarantined");
        }
        let superseded = self.attempter.store.settle(settlement.clone(), repeats == Repeats::ByReference).await?;
        self.look_by(row.due_at, settlement.at);
        self.attempter.teller.tell_superseded(&superseded).await?;
        if superseded.iter().any(|row| row.owed.dispatch_id == dispatch.owed.dispatch_id) {
            return Ok(());
        }
        self.attempter.teller.tell(&settlement).await
    }

    /// Records that newer versions took the place of dispatches before they could go; all at once, so that they share
    /// their commits.
    async fn supersede(&mut self, replaced: Vec<Dispatch>) -> Result<()> {
        let (attempter, now) = (self.attempter.clone(), self.attempter.clock.now_micros());
        try_join_all(replaced.iter().map(|dispatch| record_superseded(&attempter, dispatch, now))).await?;
        for dispatch in replaced {
            self.settle_offset(dispatch.log_offset);
        }
        Ok(())
    }

    /// Puts rows into the waiting room.
    pub(super) async fn defer(&mut self, mut rows: Vec<DispatchRow>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        // What a newer owner has claimed meanwhile stays as it is.
        for row in &mut rows {
            row.epoch = self.attempter.epoch;
        }
        self.settled_since_commit += rows.len();
        let by_reference = self.attempter.ways.repeats() == Repeats::ByReference;
        let due_at = rows.iter().map(|row| row.due_at).min().unwrap_or_default();
        let superseded = self.attempter.store.defer(rows, by_reference).await?;
        self.attempter.teller.tell_superseded(&superseded).await?;
        self.look_by(due_at, self.attempter.clock.now_micros());
        Ok(())
    }

    /// Fetches what has come due, most urgent first.
    pub(super) async fn fetch_due(&mut self) -> Result<()> {
        let now = self.attempter.clock.now_micros();
        if now < self.looked_at {
            self.attempter.store.rewind(&self.partner, now).await?;
        }
        self.looked_at = now;
        let more_ended = self.begin_recalls(now).await? | self.close_ended(now).await?;
        let room = self.attempter.settings.in_memory - self.ahead.len().min(self.attempter.settings.in_memory);
        let rows = self.attempter.store.due(&self.partner, now, room.max(1)).await?;
        self.has_backlog = rows.len() >= room.max(1);
        let (mut is_held_up, mut replaced) = (false, Vec::new());
        for row in rows {
            if self.ahead.holds(row.owed.entity_key) {
                // Its turn comes when what is under way has ended.
                is_held_up = true;
                continue;
            }
            replaced.extend(self.ahead.push(Dispatch::from_row(row)?));
        }
        self.supersede(replaced).await?;
        self.look_at = if self.has_backlog || more_ended {
            Some(Instant::now())
        } else if is_held_up {
            Some(Instant::now() + PAUSE / 10)
        } else {
            let due_at = self.attempter.store.next_due_at(&self.partner).await?.map(|at| (at, PAUSE / 100));
            let ends_at = self.attempter.store.next_end_at(&self.partner).await?.map(|at| (at, PAUSE));
            let next = due_at.into_iter().chain(ends_at).map(|(at, shortest)| wait_until(at, now).max(shortest)).min();
            let others = self.attempter.store.look_every();
            next.into_iter().chain(others).min().map(|wait| Instant::now() + wait)
        };
        Ok(())
    }

    /// Begins to close what the partner shows although its publication has ended. Returns whether there may be more.
    async fn close_ended(&self, now: i64) -> Result<bool> {
        let ended = self.attempter.store.ended(&self.partner, now, READ).await?;
        if ended.is_empty() {
            return Ok(false);
        }
        let may_be_more = ended.len() >= READ;
        let closings = ended.into_iter().map(|ended| closing_of(ended, now)).collect::<Result<Vec<_>>>()?;
        let by_reference = self.attempter.ways.repeats() == Repeats::ByReference;
        let superseded = self.attempter.store.defer_closings(closings, by_reference).await?;
        self.attempter.teller.tell_superseded(&superseded).await?;
        Ok(may_be_more)
    }

    /// Looks again when a publication ends that has just begun.
    pub(super) fn look_at_end(&mut self, ends_at: Option<i64>) {
        let Some(ends_at) = ends_at else { return };
        self.look_by(ends_at, self.attempter.clock.now_micros());
    }

    /// Looks into the waiting room at that moment, if not before.
    fn look_by(&mut self, moment: i64, now: i64) {
        let at = Instant::now() + wait_until(moment, now);
        self.look_at = Some(self.look_at.map_or(at, |look_at| look_at.min(at)));
    }
}

async fn record_superseded(attempter: &Attempter, dispatch: &Dispatch, now: i64) -> Result<()> {
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
        awaits_pull: false,
        end: None,
        envelope: None,
        at: now,
    };
    attempter.store.settle(settlement.clone(), false).await?;
    attempter.teller.tell(&settlement).await
}

/// How long to wait until a moment; not for ever, since the clock may be set meanwhile.
fn wait_until(at: i64, now: i64) -> Duration {
    Duration::from_micros(u64::try_from(at - now).unwrap_or(0)).min(LONGEST_WAIT)
}

/// The closing of something whose publication has ended, as a row of the waiting room.
fn closing_of(ended: Ended, now: i64) -> Result<(DispatchRow, End)> {
    let Ended { owed: brought, attempt, end } = ended;
    let name = format!("end of publication {} {attempt}", end.at);
    let owed = Owed {
        dispatch_id: uuid::Uuid::new_v5(&brought.dispatch_id.as_uuid(), name.as_bytes()).into(),
        operation: Operation::Close,
        lane: Lane::Closing,
        ..brought
    };
    let close = Close { reason: Some(end.code.clone()), closed_at: None };
    let content = Content { close: Some(close), ..Content::default() };
    // What is about a person has no body here: the reason stands in the header.
    let why = Event {
        step: "ended".to_owned(),
        code: Some(end.code.clone()),
        detail: None,
        at: now,
        attempt: 0,
        losses: schemas::LossCounts::default(),
    };
    let header = Header {
        message_id: owed.message_id,
        operation: Operation::Close,
        entity_key: owed.entity_key,
        origin: owed.origin.clone(),
        hops: Vec::new(),
        versions: schemas::Versions::default(),
        cause: Some(Cause { message_id: owed.message_id, position: owed.position }),
        recipient: Some(owed.partner.clone()),
        lane: Some(Lane::Closing),
        event: owed.kind.is_personal().then_some(why),
    };
    let payload = match owed.kind {
        Kind::Vacancy => Payload::Vacancy(Some(Body::Plain(Plain { bytes: content.to_avro()? }))),
        Kind::TalentProfile => Payload::TalentProfile(None),
        Kind::PlacementStatus => Payload::PlacementStatus(None),
    };
    let envelope = Envelope { header, payload };
    let dispatch = Dispatch { owed, envelope, log_offset: None, attempt, in_doubt: false, last_body: None };
    Ok((dispatch.to_waiting_row(now)?, end))
}
