//! Turns every step into one searchable timeline: reads what was accepted and what the journal was told.
//!
//! Derived: whatever is read again changes nothing.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    backbone::{Backbone, Share, Stored, Topic},
    health::Health,
    shares,
    store::{EventRow, MessageRow, Store},
};

/// The names of the parts in `/health/ready`.
pub const MESSAGES: &str = "journal of messages";
/// See [`MESSAGES`].
pub const EVENTS: &str = "journal of events";
/// Records that are kept in one transaction.
const BATCH: usize = 256;
/// How often the log is told how far that is done.
const COMMIT_EVERY: Duration = Duration::from_secs(1);

/// Keeps the read model of one topic until it is asked to stop.
#[derive(Clone)]
pub struct Journaler {
    pub backbone: Arc<dyn Backbone>,
    pub store: Arc<dyn Store>,
    pub health: Health,
}

/// What a record says: rows of the read model.
type Sort = fn(&Stored, &mut Vec<MessageRow>, &mut Vec<EventRow>);

impl Journaler {
    /// Reads what was accepted.
    ///
    /// # Errors
    /// If the log fails for good.
    pub async fn keep_messages(self, stop: CancellationToken) -> Result<()> {
        self.keep(MESSAGES, Topic::accepted(), stop, |record, messages, _| messages.push(message_of(record))).await
    }

    /// Reads what happened.
    ///
    /// # Errors
    /// If the log fails for good.
    pub async fn keep_events(self, stop: CancellationToken) -> Result<()> {
        self.keep(EVENTS, Topic::journal(), stop, |record, _, events| events.extend(event_of(record))).await
    }

    /// Reads every share of a topic that this node is given. A share that fails is begun again.
    async fn keep(self, part: &'static str, topic: Topic, stop: CancellationToken, sort: Sort) -> Result<()> {
        let on_share = |share| self.clone().keep_share(part, share, stop.clone(), sort);
        shares::work(&*self.backbone, ("journal", topic), (part, &self.health), stop.clone(), on_share).await
    }

    async fn keep_share(self, part: &'static str, share: Share, stop: CancellationToken, sort: Sort) -> Result<()> {
        let Share { opening, revoked, .. } = share;
        let mut subscription = opening.await?;
        // What it failed for is over, also if there is nothing to keep any more.
        self.health.works(part);
        // What is read again changes nothing: that it is done is said now and then.
        let (mut to_commit, mut committed_at) = (None, Instant::now());
        loop {
            if let Some(last) = to_commit.take_if(|_| committed_at.elapsed() >= COMMIT_EVERY) {
                subscription.commit(last, Vec::new()).await?;
                committed_at = Instant::now();
            }
            let records = tokio::select! {
                () = stop.cancelled() => break,
                () = revoked.cancelled() => return Ok(()),
                () = sleep_until(committed_at + COMMIT_EVERY), if to_commit.is_some() => continue,
                records = subscription.next(BATCH) => records?,
            };
            let Some(last) = records.last().map(|record| record.position) else { continue };
            let (mut messages, mut events) = (Vec::new(), Vec::new());
            for record in &records {
                sort(record, &mut messages, &mut events);
            }
            self.store.journal(messages, events).await?;
            to_commit = Some(last);
            self.health.works(part);
        }
        match to_commit {
            Some(last) => subscription.commit(last, Vec::new()).await,
            None => Ok(()),
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
