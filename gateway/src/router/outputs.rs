//! What the router puts out: what partners are owed, what the journal is told, what is parked.

use anyhow::Result;
use metrics::counter;
use schemas::{
    Body, Cause, Close, Content, DispatchId, Envelope, Event, Header, Kind, Lane, LossCounts, Operation, PartnerId,
    Payload, Plain,
};
use uuid::Uuid;

use super::{Batch, Router, decide::Meaning};
use crate::{
    backbone::{Output, Stored, Topic},
    eligibility::Obstacle,
    store::{ParkedInput, Version},
};

impl Router {
    /// Puts out what a version owes: itself to its recipients, a closing to those who no longer are.
    pub(super) fn announce(
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
            batch.outputs.push(dispatch(stored, version, recipient, None)?);
        }
        for recipient in &no_longer {
            let obstacle = obstacles.iter().find(|(partner, _)| partner == *recipient);
            let close = Close { reason: obstacle.map(|(_, obstacle)| obstacle.code().to_owned()), closed_at: None };
            batch.outputs.push(dispatch(stored, version, recipient, Some(close))?);
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
            let mut told = self.told(stored, "not_entitled", Some(obstacle.code()), Some(obstacle.reason().to_owned()));
            told.envelope.header.recipient = Some(partner.clone());
            batch.outputs.push(told);
        }
        Ok(())
    }

    /// Passes over a record that is no news, saying why; what conflicts is parked.
    pub(super) fn pass_over(
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
            Meaning::News => anyhow::bail!("news is not passed over"),
        };
        if *meaning == Meaning::KeyConflict {
            batch.parked.push(parked_input(stored, code, content));
        }
        counter!("passerelle_passed_over_total", "code" => code).increment(1);
        batch.outputs.push(self.told(stored, step, Some(code), None));
        Ok(())
    }

    /// A record of the journal about an accepted message.
    fn told(&self, stored: &Stored, step: &str, code: Option<&str>, detail: Option<String>) -> Output {
        let event = Event {
            step: step.to_owned(),
            code: code.map(str::to_owned),
            detail,
            at: self.clock.now_micros(),
            attempt: 0,
            losses: LossCounts::default(),
        };
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
}

/// The record that says what a partner is owed: the version, or that it is closed.
fn dispatch(stored: &Stored, version: &Version, recipient: &PartnerId, close: Option<Close>) -> Result<Output> {
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
    dispatch_with(header, version, recipient, close)
}

/// A dispatch record of a version.
pub(super) fn dispatch_with(
    header: Header,
    version: &Version,
    recipient: &PartnerId,
    close: Option<Close>,
) -> Result<Output> {
    let content = Content { canonical: version.canonical.clone(), close, ..Content::default() };
    let payload = Payload::Vacancy(Some(Body::Plain(Plain { bytes: content.to_avro()? })));
    Ok(Output { topic: Topic::dispatch(recipient), envelope: Envelope { header, payload } })
}

fn cause_of(stored: &Stored) -> Cause {
    Cause { message_id: stored.envelope.header.message_id, position: stored.position }
}

fn parked_input(stored: &Stored, code: &str, content: Content) -> ParkedInput {
    let origin = &stored.envelope.header.origin;
    let name = format!("{}/{}", stored.position, code);
    ParkedInput {
        // Derived, so that the same record met again is parked once.
        parked_id: Uuid::new_v5(&stored.envelope.header.message_id.as_uuid(), name.as_bytes()),
        partner: origin.partner.to_string(),
        kind: stored.envelope.kind().to_string(),
        dialect: origin.dialect.to_string(),
        channel: origin.channel.to_string(),
        code: code.to_owned(),
        faults: "[]".to_owned(),
        media_type: content.media_type,
        raw: content.raw,
        received_at: origin.received_at,
        state: "parked".to_owned(),
    }
}

/// The id of what a message owes to a partner.
pub fn dispatch_id(envelope: &Envelope) -> Option<DispatchId> {
    let cause = envelope.header.cause?;
    Some(DispatchId::derive(cause.message_id, cause.position, envelope.header.recipient.as_ref()?))
}
