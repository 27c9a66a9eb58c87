//! Turns every step into one searchable timeline: reads what was accepted and what the journal was told.
//!
//! Derived: whatever is read again changes nothing.

use std::sync::Arc;

use anyhow::Result;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    backbone::{Backbone, Stored, Topic},
    store::{EventRow, MessageRow, Store},
};

/// Records that are kept in one transaction.
const BATCH: usize = 256;

/// Keeps the read model of one topic until it is asked to stop.
#[derive(Clone)]
pub struct Journaler {
    pub backbone: Arc<dyn Backbone>,
    pub store: Arc<dyn Store>,
    /// How far what was accepted has been read.
    pub progress: Arc<watch::Sender<i64>>,
}

impl Journaler {
    /// Reads what was accepted.
    ///
    /// # Errors
    /// If log or store fail.
    pub async fn keep_messages(self, stop: CancellationToken) -> Result<()> {
        let progress = self.progress.clone();
        let tell = move |offset| {
            progress.send_replace(offset);
        };
        self.keep(Topic::accepted(), stop, |record, messages, _| messages.push(message_of(record)), tell).await
    }

    /// Reads what happened.
    ///
    /// # Errors
    /// If log or store fail.
    pub async fn keep_events(self, stop: CancellationToken) -> Result<()> {
        self.keep(Topic::journal(), stop, |record, _, events| events.extend(event_of(record)), |_| {}).await
    }

    async fn keep(
        self,
        topic: Topic,
        stop: CancellationToken,
        sort: impl Fn(&Stored, &mut Vec<MessageRow>, &mut Vec<EventRow>),
        tell: impl Fn(i64),
    ) -> Result<()> {
        let mut subscription = self.backbone.subscribe("journal", topic).await?;
        tell(subscription.committed().offset);
        loop {
            let records = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                records = subscription.next(BATCH) => records?,
            };
            let (mut messages, mut events) = (Vec::new(), Vec::new());
            for record in &records {
                sort(record, &mut messages, &mut events);
            }
            self.store.journal(messages, events).await?;
            if let Some(last) = records.last() {
                tell(last.position.offset);
                subscription.commit(last.position, Vec::new()).await?;
            }
        }
    }
}

fn message_of(record: &Stored) -> MessageRow {
    let header = &record.envelope.header;
    MessageRow {
        message_id: header.message_id,
        entity_key: header.entity_key,
        partner: header.origin.partner.clone(),
        kind: record.envelope.kind().to_string(),
        operation: header.operation.to_string(),
        dialect: header.origin.dialect.to_string(),
        channel: header.origin.channel.to_string(),
        reference: header.origin.reference.clone(),
        position: record.position,
        received_at: header.origin.received_at,
    }
}

fn event_of(record: &Stored) -> Option<EventRow> {
    let header = &record.envelope.header;
    let event = header.event.as_ref()?;
    Some(EventRow {
        message_id: header.message_id,
        recipient: header.recipient.clone(),
        step: event.step.clone(),
        attempt: event.attempt,
        at: event.at,
        code: event.code.clone(),
        detail: event.detail.clone(),
        losses: event.losses,
        versions: header.versions.clone(),
    })
}
