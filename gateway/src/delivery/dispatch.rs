//! A dispatch on its way: what is owed, the record that says so, and what was tried before.

use anyhow::{Context, Result};
use schemas::{EntityKey, Envelope, Hash, Kind, Lane, Position};

use super::ahead::Queued;
use crate::{
    backbone::Stored,
    router::dispatch_id,
    store::{DispatchRow, DispatchState, Owed},
};

/// A dispatch that is held in memory.
#[derive(Debug, Clone)]
pub struct Dispatch {
    /// What is owed.
    pub owed: Owed,
    /// The record that says so.
    pub envelope: Envelope,
    /// Where it was read in the dispatch log; none if it came from the waiting room.
    pub log_offset: Option<i64>,
    /// Attempts made so far.
    pub attempt: i64,
    /// Whether an attempt may have reached the partner without an answer.
    pub in_doubt: bool,
    /// The hash of what was last sent.
    pub last_body: Option<Hash>,
}

impl Dispatch {
    /// A dispatch as it was read from its log.
    ///
    /// # Errors
    /// If the record is no dispatch: a defect of the router.
    pub fn from_log(stored: Stored) -> Result<Self> {
        let envelope = stored.envelope;
        let header = &envelope.header;
        let owed = Owed {
            dispatch_id: dispatch_id(&envelope).context("a dispatch without cause or recipient")?,
            partner: header.recipient.clone().context("a dispatch without recipient")?,
            entity_key: header.entity_key,
            position: header.cause.context("a dispatch without cause")?.position,
            message_id: header.message_id,
            kind: envelope.kind(),
            operation: header.operation,
            lane: header.lane.unwrap_or(Lane::Live),
            origin: header.origin.clone(),
        };
        Ok(Self {
            owed,
            envelope,
            log_offset: Some(stored.position.offset),
            attempt: 0,
            in_doubt: false,
            last_body: None,
        })
    }

    /// A dispatch as it waits in the store.
    ///
    /// # Errors
    /// If the row has no record: what waits always has one.
    pub fn from_row(row: DispatchRow) -> Result<Self> {
        let envelope = Envelope::from_avro(&row.envelope.context("a waiting dispatch without its record")?)?;
        Ok(Self {
            owed: row.owed,
            envelope,
            log_offset: None,
            attempt: row.attempt,
            in_doubt: row.in_doubt,
            last_body: row.body_hash,
        })
    }

    /// Notes what an earlier owner did with it.
    pub fn remember(&mut self, row: &DispatchRow) {
        self.attempt = row.attempt;
        self.in_doubt = true;
        self.last_body = row.body_hash;
    }

    /// Why what was sent of a person is recalled, if this is a recall.
    pub fn recalled_for(&self) -> Option<&str> {
        let event = self.envelope.header.event.as_ref().filter(|_| self.owed.takes_back())?;
        event.code.as_deref()
    }

    /// The dispatch as a row of the waiting room.
    ///
    /// # Errors
    /// If the record cannot be encoded: a defect of this program.
    pub fn to_waiting_row(&self, now: i64) -> Result<DispatchRow> {
        Ok(DispatchRow {
            owed: self.owed.clone(),
            state: DispatchState::Deferred,
            due_at: now,
            attempt: self.attempt,
            epoch: 0,
            body_hash: self.last_body,
            in_doubt: self.in_doubt,
            code: None,
            detail: None,
            faults: None,
            losses: schemas::LossCounts::default(),
            versions: schemas::Versions::default(),
            updated_at: now,
            envelope: Some(self.envelope.to_avro()?),
        })
    }
}

impl Queued for Dispatch {
    fn entity(&self) -> EntityKey {
        self.owed.entity_key
    }

    fn version(&self) -> Position {
        self.owed.position
    }

    fn lane(&self) -> Lane {
        self.owed.lane
    }

    fn raise(&mut self, lane: Lane) {
        self.owed.lane = self.owed.lane.min(lane);
    }

    fn is_replaceable(&self) -> bool {
        matches!(self.owed.kind, Kind::Vacancy | Kind::TalentProfile) && !self.in_doubt && !self.owed.takes_back()
    }

    fn takes_back(&self) -> bool {
        self.owed.takes_back()
    }
}
