//! Tells the journal what came of dispatches. What the store says was not told is told again.

use std::sync::Arc;

use anyhow::Result;
use schemas::{
    Cause, EntityKey, Envelope, Event, Header, Kind, LossCounts, MessageId, Operation, Origin, PartnerId, Payload,
    Position, Versions,
};

use crate::{
    backbone::{Backbone, Output, Topic},
    store::{DispatchRow, Medium, MediumState, Owed, Recall, Settlement, Store},
};

/// Tells the journal.
#[derive(Clone)]
pub struct Teller {
    pub backbone: Arc<dyn Backbone>,
    pub store: Arc<dyn Store>,
}

impl Teller {
    /// Tells one outcome.
    pub async fn tell(&self, settlement: &Settlement) -> Result<()> {
        let event = Event {
            step: settlement.state.as_str().to_owned(),
            code: settlement.code.clone(),
            detail: settlement.detail.clone(),
            at: settlement.at,
            attempt: settlement.attempt,
            losses: settlement.losses,
        };
        let output = record(&settlement.owed, event, settlement.versions.clone());
        self.backbone.append(vec![output]).await?;
        let told = (settlement.owed.dispatch_id, settlement.state, settlement.attempt);
        self.store.mark_journaled(vec![told]).await
    }

    /// Tells what newer versions took the place of, and what was not told before.
    pub async fn tell_superseded(&self, rows: &[DispatchRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let outputs = rows.iter().map(|row| record(&row.owed, event_of(row), row.versions.clone())).collect();
        self.backbone.append(outputs).await?;
        self.store.mark_journaled(rows.iter().map(|row| (row.owed.dispatch_id, row.state, row.attempt)).collect()).await
    }

    /// Tells that a person was called because a recipient does not answer a recall.
    pub async fn tell_escalated(&self, recall: &Recall, at: i64) -> Result<()> {
        let Recall { key, disclosed, .. } = recall;
        let event = Event {
            step: "recall_escalated".to_owned(),
            code: Some(recall.code.clone()),
            detail: Some(format!("{} since it is owed", recall.state.as_str())),
            at,
            attempt: recall.attempts,
            losses: LossCounts::default(),
        };
        let about = (disclosed.message_id, key.entity_key, disclosed.kind, disclosed.position);
        let output = record_of(about, &disclosed.origin, Some(&key.partner), (event, Versions::default()));
        self.backbone.append(vec![output]).await?;
        Ok(())
    }

    /// Tells what became of a file that a profile links to: what it shows, and why it failed if it did.
    pub async fn tell_medium(&self, medium: &Medium) -> Result<()> {
        let event = Event {
            step: if medium.state == MediumState::Kept { "media_kept" } else { "media_failed" }.to_owned(),
            code: medium.code.clone(),
            detail: Some(medium.category.to_string()),
            at: medium.settled_at.unwrap_or(medium.wanted_at),
            attempt: medium.attempt,
            losses: LossCounts::default(),
        };
        let about = (medium.message_id, medium.entity_key, Kind::TalentProfile, medium.position);
        let output = record_of(about, &medium.origin, None, (event, Versions::default()));
        self.backbone.append(vec![output]).await?;
        Ok(())
    }

    /// Tells what an earlier owner recorded and could not tell any more.
    pub async fn tell_untold(&self, partner: &PartnerId) -> Result<()> {
        let rows = self.store.unjournaled(partner).await?;
        self.tell_superseded(&rows).await
    }
}

fn event_of(row: &DispatchRow) -> Event {
    Event {
        step: row.state.as_str().to_owned(),
        code: row.code.clone(),
        detail: row.detail.clone(),
        at: row.updated_at,
        attempt: row.attempt,
        losses: LossCounts { ..row.losses },
    }
}

fn record(owed: &Owed, event: Event, versions: Versions) -> Output {
    let about = (owed.message_id, owed.entity_key, owed.kind, owed.position);
    record_of(about, &owed.origin, Some(&owed.partner), (event, versions))
}

fn record_of(
    (message_id, entity_key, kind, position): (MessageId, EntityKey, Kind, Position),
    origin: &Origin,
    recipient: Option<&PartnerId>,
    (event, versions): (Event, Versions),
) -> Output {
    let header = Header {
        message_id,
        operation: Operation::Event,
        entity_key,
        origin: origin.clone(),
        hops: Vec::new(),
        versions,
        cause: Some(Cause { message_id, position }),
        recipient: recipient.cloned(),
        lane: None,
        event: Some(event),
    };
    let payload = match kind {
        Kind::Vacancy => Payload::Vacancy(None),
        Kind::TalentProfile => Payload::TalentProfile(None),
        Kind::PlacementStatus => Payload::PlacementStatus(None),
    };
    Output { topic: Topic::journal(), envelope: Envelope { header, payload } }
}
