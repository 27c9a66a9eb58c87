//! What a page of a source becomes: accepted documents, closings, parked inputs; then its cursor.

use std::collections::HashSet;

use anyhow::Result;
use connectors::poller::{Fetched, Page, Poller, Progress, Unreadable};
use metrics::counter;
use schemas::{Channel, DialectName, Lane};
use tracing::{info, warn};

use super::{
    Place, Polling,
    host::PollHost,
    names::{Names, person_of},
};
use crate::{
    backbone::Frontier,
    config::Partner,
    intake::{Document, Intake, Taken},
    store::{Poll, Polled},
};

/// A run that lists less than the rest of what is open is doubted once: a source that lost its list is likelier.
const MOST_ABSENT_PERCENT: usize = 30;
/// Fewer closings than this are always believed.
const ALWAYS_BELIEVED: usize = 50;

impl Polling {
    /// Accepts what a page holds, then keeps its cursor. Every step may be made twice.
    pub(super) async fn accept(
        &self,
        partner: &Partner,
        (source, host): (&dyn Poller, &PollHost),
        page: Page,
        place: &Place,
    ) -> Result<()> {
        let (names, kind) = (&host.names, host.names.kind);
        let Some(incoming) = partner.incoming.get(&kind) else {
            anyhow::bail!("partner `{}` is polled but has no `[incoming.{kind}]`", partner.id);
        };
        // A run over everything is a backfill: what changes meanwhile goes before it.
        let lane = if page.run.is_some() { Lane::Backfill } else { Lane::Live };
        let channel = Channel::Poll;
        let reading = Reading { intake: &self.intake, partner, names, dialect: &incoming.dialect, channel };
        for fetched in &page.fetched {
            reading.take(lane, fetched).await?;
        }
        for gone in names.of(page.gone.clone()).await?.iter().flatten() {
            reading.close(gone, "the source says that it is gone").await?;
        }
        for unreadable in &page.unreadable {
            reading.park(unreadable).await?;
        }
        reading.keep_place((source, host), page, place).await
    }
}

/// One source and what is done with what it says.
pub(super) struct Reading<'a> {
    pub(super) intake: &'a Intake,
    pub(super) partner: &'a Partner,
    pub(super) names: &'a Names,
    pub(super) dialect: &'a DialectName,
    pub(super) channel: Channel,
}

impl Reading<'_> {
    fn document<'d>(&'d self, body: &'d [u8]) -> Document<'d> {
        Document {
            partner: self.partner,
            kind: self.names.kind,
            dialect: self.dialect.clone(),
            channel: self.channel,
            lane: Lane::Live,
            media_type: None,
            idempotency_key: None,
            body,
        }
    }

    /// Keeps what the page listed and where the poller is now; a complete run closes what it did not list first.
    async fn keep_place(&self, (source, host): (&dyn Poller, &PollHost), page: Page, place: &Place) -> Result<()> {
        let run = page.run.map(|run| run.to_string());
        let stored = place.poll.as_ref();
        let goes_on = run.is_some() && stored.is_some_and(|poll| poll.run == run);
        let before = stored.filter(|_| goes_on).map_or_else(|| place.end.clone(), |poll| poll.before.clone());
        let is_doubted = stored.is_some_and(|poll| poll.is_doubted);
        let accepted: HashSet<&str> = page.fetched.iter().map(|fetched| fetched.reference.as_str()).collect();
        let (mut seen, mut marks) = (Vec::new(), Vec::new());
        for (listed, (name, mark)) in page.listed.iter().zip(self.names.listed(&page.listed).await?) {
            let Some(name) = name else { continue };
            marks
                .extend(mark.filter(|_| accepted.contains(listed.reference.as_str())).map(|mark| (name.clone(), mark)));
            seen.push(name);
        }
        let polled = Polled {
            partner: self.partner.id.clone(),
            poll: Poll { cursor: page.next.as_str().to_owned(), run: run.clone(), before: before.clone(), is_doubted },
            marks,
            seen,
        };
        let store = &self.intake.store;
        let (Progress::Complete, Some(run)) = (page.progress, run) else {
            return store.record_polled(polled).await;
        };
        // The cursor moves only after the closings, so that none is forgotten; what this page saw counts before.
        let here = stored.map_or_else(|| polled.poll.cursor.clone(), |poll| poll.cursor.clone());
        let poll = Poll { cursor: here, ..polled.poll.clone() };
        store.record_polled(Polled { poll, ..polled.clone() }).await?;
        let is_believed = self.close_absent((source, host), (&run, &before), is_doubted).await?;
        let poll = Poll { run: None, is_doubted: !is_believed, ..polled.poll.clone() };
        store.record_polled(Polled { poll, ..polled }).await
    }

    /// Takes a document in, or parks it.
    pub(super) async fn take(&self, lane: Lane, fetched: &Fetched) -> Result<()> {
        let document = Document { media_type: Some(fetched.media_type.clone()), lane, ..self.document(&fetched.bytes) };
        let (code, faults) = match self.intake.take(document.clone()).await? {
            Taken::Accepted { .. } | Taken::Unchanged { .. } => return Ok(()),
            Taken::Echo(_) => {
                counter!("passerelle_echoes_total", "partner" => self.partner.id.to_string()).increment(1);
                return Ok(());
            }
            Taken::Unreadable(faults) => ("unreadable", faults),
            Taken::KeyReused => ("idempotency_key_reused", Vec::new()),
            Taken::Carried { .. } => ("carried_elsewhere", Vec::new()),
        };
        // The same document is parked once, however often it is polled.
        self.intake.park(self.names.parked_id(&fetched.bytes)?, &document, code, &faults).await
    }

    async fn park(&self, unreadable: &Unreadable) -> Result<()> {
        let fault = mappings::Fault {
            pointer: unreadable.pointer.clone(),
            code: "protocol".to_owned(),
            problem: format!("`{}`: {}", unreadable.call, unreadable.problem),
        };
        let (id, bytes) = (self.names.parked_id(&unreadable.bytes)?, &unreadable.bytes);
        self.intake.park(id, &self.document(bytes), "protocol", &[fault]).await
    }

    /// Closes what stands under a name.
    pub(super) async fn close(&self, name: &str, reason: &str) -> Result<()> {
        if self.names.kind.is_personal() {
            return self.intake.end_person(self.document(&[]), person_of(name)?).await;
        }
        self.intake.close(self.document(&[]), name, Some(reason.to_owned())).await?;
        Ok(())
    }

    /// Closes what a complete run did not list. Returns whether the run was believed.
    async fn close_absent(
        &self,
        source: (&dyn Poller, &PollHost),
        (run, before): (&str, &Frontier),
        was_doubted: bool,
    ) -> Result<bool> {
        let (partner, kind) = (&self.partner.id, self.names.kind);
        let (absent, open) = self.intake.store.absent(partner, kind, run, before).await?;
        let is_suspicious = absent.len() > ALWAYS_BELIEVED && absent.len() * 100 > open * MOST_ABSENT_PERCENT;
        if is_suspicious && !was_doubted {
            warn!(partner.name = %partner, kind = %kind, documents.absent = absent.len(), documents.open = open,
                "a run did not list a large part of what is open; nothing is closed unless the next run says so too");
            counter!("passerelle_absences_doubted_total", "partner" => partner.to_string()).increment(1);
            return Ok(false);
        }
        let mut closed = 0;
        for name in &absent {
            if self.is_gone(source, name).await? {
                self.close(name, "a complete run no longer lists it").await?;
                closed += 1;
            }
        }
        info!(partner.name = %partner, kind = %kind, documents.closed = closed, documents.open = open,
            "a run over everything is complete");
        Ok(true)
    }

    /// Whether what stands under a name is gone; what the source cannot tell the next run asks again.
    async fn is_gone(&self, (source, host): (&dyn Poller, &PollHost), name: &str) -> Result<bool> {
        let reference = if self.names.kind.is_personal() {
            self.intake.reference_of_person(person_of(name)?).await?
        } else {
            Some(name.to_owned())
        };
        // Whoever cannot be asked for any more is gone here already.
        let Some(reference) = reference else { return Ok(false) };
        match source.is_gone(&reference, host).await {
            Ok(is_gone) => Ok(is_gone),
            Err(error) => {
                warn!(partner.name = %self.partner.id, code = error.code(), error = %error,
                    "a source cannot say whether something is gone; it stays");
                Ok(false)
            }
        }
    }
}
