//! What the router puts out: what partners are owed, what the journal is told, what is parked.

use anyhow::Result;
use metrics::counter;
use schemas::{
    Cause, Close, Content, DispatchId, Envelope, Event, Header, Kind, Lane, LossCounts, Operation, PartnerId, Payload,
};
use uuid::Uuid;

use super::{Batch, Router, decide::Meaning};
use crate::{
    backbone::{Output, Stored, Topic},
    eligibility::Obstacle,
    intake::{place_of_parked, place_of_version},
    store::{ParkedInput, Version},
};

impl Router {
    /// Puts out what a version owes: itself to its recipients, a closing to those who no longer are.
    pub(super) async fn announce(
        &self,
        stored: &Stored,
        version: &Version,
        previous: Option<&Version>,
        obstacles: &[(PartnerId, Obstacle)],
        batch: &mut Batch,
    ) -> Result<()> {
        let no_longer = previous.map(|previous| previous.recipients.as_slice()).unwrap_or_default();
        let no_longer: Vec<&PartnerId> =
            no_longer.iter().filter(|partner| !version.recipients.contains(partner)).collect();
        for recipient in &version.recipients {
            batch.outputs.extend(self.dispatch(stored, version, recipient, None).await?);
        }
        for recipient in &no_longer {
            let obstacle = obstacles.iter().find(|(partner, _)| partner == *recipient);
            let close = Close {
                reason: obstacle.map(|(_, obstacle)| obstacle.code_for_partners().to_owned()),
                closed_at: None,
            };
            batch.outputs.extend(self.dispatch(stored, version, recipient, Some(close)).await?);
        }
        let names = |partners: &mut dyn Iterator<Item = &PartnerId>| {
            partners.map(PartnerId::as_str).collect::<Vec<_>>().join(", ")
        };
        let owed_to = names(&mut version.recipients.iter());
        let closed_at = names(&mut no_longer.into_iter());
        let detail = match (owed_to.as_str(), closed_at.as_str()) {
            ("", "") => "owed to nobody".to_owned(),
            (owed_to, "") => format!("owed to {owed_to}"),
            ("", closed_at) => format!("to be closed at {closed_at}"),
            (owed_to, closed_at) => format!("owed to {owed_to}; to be closed at {closed_at}"),
        };
        let between = obstacles.iter().filter(|(_, obstacle)| obstacle.is_between_partners());
        let detail = between
            .fold(detail, |detail, (partner, obstacle)| format!("{detail}; not to {partner} ({})", obstacle.code()));
        batch.outputs.push(self.told(stored, "routed", None, Some(detail)));
        for (partner, obstacle) in obstacles.iter().filter(|(_, obstacle)| !obstacle.is_between_partners()) {
            let step = if *obstacle == Obstacle::LinkedSource { "identity_not_sent" } else { "not_entitled" };
            let mut told = self.told(stored, step, Some(obstacle.code()), Some(obstacle.reason().to_owned()));
            told.envelope.header.recipient = Some(partner.clone());
            batch.outputs.push(told);
        }
        Ok(())
    }

    /// Passes over a record that is no news, saying why; what conflicts is parked.
    pub(super) async fn pass_over(
        &self,
        stored: &Stored,
        meaning: &Meaning,
        content: Content,
        batch: &mut Batch,
    ) -> Result<()> {
        let (step, code) = match meaning {
            Meaning::Duplicate => ("duplicate", "repeated_key"),
            Meaning::KeyConflict => ("parked", "idempotency_key_reused"),
            Meaning::Unchanged => ("unchanged", "same_content"),
            Meaning::Stale => ("stale", "older_than_known"),
            Meaning::CloseOfUnknown => ("ignored", "close_of_unknown"),
            Meaning::KeysDestroyed => ("ignored", "keys_destroyed"),
            Meaning::News => anyhow::bail!("news is not passed over"),
        };
        if *meaning == Meaning::KeyConflict {
            batch.parked.extend(self.parked_input(stored, code, content).await?);
        }
        counter!("passerelle_passed_over_total", "code" => code).increment(1);
        batch.outputs.push(self.told(stored, step, Some(code), None));
        Ok(())
    }

    /// A record of the journal about an accepted message.
    pub(super) fn told(&self, stored: &Stored, step: &str, code: Option<&str>, detail: Option<String>) -> Output {
        let event = Event {
            step: step.to_owned(),
            code: code.map(str::to_owned),
            detail,
            at: self.clock.now_micros(),
            attempt: 0,
            losses: LossCounts::default(),
        };
        Self::told_event(stored, event)
    }

    /// A record of the journal about an accepted message.
    pub(super) fn told_event(stored: &Stored, event: Event) -> Output {
        let header = Header {
            event: Some(event),
            operation: Operation::Event,
            cause: Some(cause_of(stored)),
            ..stored.envelope.header.clone()
        };
        let payload = match stored.envelope.kind() {
            Kind::Vacancy => Payload::Vacancy(None),
            Kind::TalentProfile => Payload::TalentProfile(None),
            Kind::PlacementStatus => Payload::PlacementStatus(None),
        };
        Output { topic: Topic::journal(), envelope: Envelope { header, payload } }
    }

    /// The record that says what a partner is owed: the version, or that it is closed.
    async fn dispatch(
        &self,
        stored: &Stored,
        version: &Version,
        recipient: &PartnerId,
        close: Option<Close>,
    ) -> Result<Option<Output>> {
        let (operation, lane) = match close {
            Some(_) => (Operation::Close, Lane::Closing),
            None => (Operation::Upsert, stored.envelope.header.lane.unwrap_or(Lane::Live)),
        };
        let header = Header {
            operation,
            cause: Some(cause_of(stored)),
            recipient: Some(recipient.clone()),
            lane: Some(lane),
            ..stored.envelope.header.clone()
        };
        self.dispatch_with(header, version, recipient, close).await
    }

    /// A dispatch record of a version; what is about persons is sealed for its recipient. None if their keys were
    /// destroyed.
    pub(super) async fn dispatch_with(
        &self,
        header: Header,
        version: &Version,
        recipient: &PartnerId,
        close: Option<Close>,
    ) -> Result<Option<Output>> {
        let place = place_of_version(version.entity_key);
        let canonical = self.bodies.kept(version.kind, &place, &version.canonical).await?;
        let Some(canonical) = canonical else { return Ok(None) };
        let content = Content { canonical, close, ..Content::default() };
        let envelope = self.bodies.put(header, version.kind, &content).await?;
        Ok(envelope.map(|envelope| Output { topic: Topic::dispatch(recipient), envelope }))
    }

    /// A record that conflicts with another one, as it is parked. None if the keys of whom it is about were destroyed.
    async fn parked_input(&self, stored: &Stored, code: &str, content: Content) -> Result<Option<ParkedInput>> {
        let (origin, kind) = (&stored.envelope.header.origin, stored.envelope.kind());
        let name = format!("{}/{}", stored.position, code);
        // Derived, so that the same record met again is parked once.
        let parked_id = Uuid::new_v5(&stored.envelope.header.message_id.as_uuid(), name.as_bytes());
        let entity = stored.envelope.header.entity_key;
        let raw = self.bodies.keep(kind, entity, &place_of_parked(parked_id), content.raw).await?;
        Ok(raw.map(|raw| ParkedInput {
            parked_id,
            partner: origin.partner.to_string(),
            kind: kind.to_string(),
            dialect: origin.dialect.to_string(),
            channel: origin.channel.to_string(),
            code: code.to_owned(),
            faults: "[]".to_owned(),
            media_type: content.media_type,
            raw,
            received_at: origin.received_at,
            state: "parked".to_owned(),
        }))
    }
}

pub(super) fn cause_of(stored: &Stored) -> Cause {
    Cause { message_id: stored.envelope.header.message_id, position: stored.position }
}

/// The id of what a message owes to a partner.
pub fn dispatch_id(envelope: &Envelope) -> Option<DispatchId> {
    let cause = envelope.header.cause?;
    Some(DispatchId::derive(cause.message_id, cause.position, envelope.header.recipient.as_ref()?))
}
