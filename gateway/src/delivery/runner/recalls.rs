//! Recalls that are owed become closings, ahead of everything else that goes to the partner.

use anyhow::Result;
use schemas::{Cause, Envelope, Event, Header, Kind, Lane, LossCounts, Operation, Payload, Versions};
use uuid::Uuid;

use super::{READ, Runner};
use crate::{
    delivery::dispatch::Dispatch,
    store::{DispatchRow, Owed, Recall},
};

impl Runner {
    /// Puts the closings of what is recalled into the waiting room. Returns whether there may be more.
    pub(super) async fn begin_recalls(&mut self, now: i64) -> Result<bool> {
        let recalls = self.attempter.store.recalls_to_begin(&self.partner, READ).await?;
        if recalls.is_empty() {
            return Ok(false);
        }
        let may_be_more = recalls.len() >= READ;
        let closings = recalls
            .into_iter()
            .map(|recall| Ok((recall.key.clone(), closing_of(&recall, now)?)))
            .collect::<Result<_>>()?;
        let superseded = self.attempter.store.begin_recalls(closings).await?;
        self.attempter.teller.tell_superseded(&superseded).await?;
        Ok(may_be_more)
    }
}

/// The closing that carries a recall: it holds nothing of the person, so that it goes even if the keys are destroyed.
fn closing_of(recall: &Recall, now: i64) -> Result<DispatchRow> {
    let (key, disclosed) = (&recall.key, &recall.disclosed);
    let place = disclosed.position;
    let name = format!("recall {} {} {}/{}", key.partner, key.version, place.generation, place.offset);
    let owed = Owed {
        dispatch_id: Uuid::new_v5(&key.entity_key.as_uuid(), name.as_bytes()).into(),
        partner: key.partner.clone(),
        entity_key: key.entity_key,
        position: place,
        message_id: disclosed.message_id,
        kind: disclosed.kind,
        operation: Operation::Close,
        lane: Lane::Closing,
        origin: disclosed.origin.clone(),
    };
    let why = Event {
        step: "recall".to_owned(),
        code: Some(recall.code.clone()),
        detail: None,
        at: recall.owed_at,
        attempt: 0,
        losses: LossCounts::default(),
    };
    let header = Header {
        message_id: owed.message_id,
        operation: Operation::Close,
        entity_key: owed.entity_key,
        origin: owed.origin.clone(),
        hops: Vec::new(),
        versions: Versions::default(),
        cause: Some(Cause { message_id: owed.message_id, position: owed.position }),
        recipient: Some(owed.partner.clone()),
        lane: Some(Lane::Closing),
        event: Some(why),
    };
    let payload = match owed.kind {
        Kind::Vacancy => Payload::Vacancy(None),
        Kind::TalentProfile => Payload::TalentProfile(None),
        Kind::PlacementStatus => Payload::PlacementStatus(None),
    };
    let envelope = Envelope { header, payload };
    Dispatch { owed, envelope, log_offset: None, attempt: 0, in_doubt: false, last_body: None }.to_waiting_row(now)
}
