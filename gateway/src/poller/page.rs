//! What a page of a source becomes: accepted documents, closings, parked inputs; then its cursor.

use std::collections::HashSet;

use anyhow::Result;
use connectors::poller::{Fetched, Page, Progress, Unreadable};
use metrics::counter;
use schemas::{Channel, DialectName, Kind, Lane};
use tracing::{info, warn};
use uuid::Uuid;

use super::{Place, Polling};
use crate::{
    config::Partner,
    intake::{Document, Taken},
    store::{Poll, Polled},
};

/// A run that lists less than the rest of what is open is doubted once: a source that lost its list is likelier.
const MOST_ABSENT_PERCENT: usize = 30;
/// Fewer closings than this are always believed.
const ALWAYS_BELIEVED: usize = 50;

impl Polling {
    /// Accepts what a page holds, then keeps its cursor. Every step may be made twice.
    pub(super) async fn accept(&self, partner: &Partner, page: Page, place: &Place) -> Result<()> {
        let Some(incoming) = partner.incoming.get(&Kind::Vacancy) else {
            anyhow::bail!("partner `{}` is polled but has no `[incoming.vacancy]`", partner.id);
        };
        let dialect = &incoming.dialect;
        // A run over everything is a backfill: what changes meanwhile goes before it.
        let lane = if page.run.is_some() { Lane::Backfill } else { Lane::Live };
        for fetched in &page.fetched {
            self.take(partner, dialect, lane, fetched).await?;
        }
        for reference in &page.gone {
            self.close(partner, dialect, reference, "the source says that it is gone").await?;
        }
        for unreadable in &page.unreadable {
            self.park(partner, dialect, unreadable).await?;
        }
        self.keep_place(partner, dialect, page, place).await
    }

    /// Keeps what the page listed and where the poller is now; a complete run closes what it did not list first.
    async fn keep_place(&self, partner: &Partner, dialect: &DialectName, page: Page, place: &Place) -> Result<()> {
        let run = page.run.map(|run| run.to_string());
        let stored = place.poll.as_ref();
        let goes_on = run.is_some() && stored.is_some_and(|poll| poll.run == run);
        let before = stored.filter(|_| goes_on).map_or_else(|| place.end.clone(), |poll| poll.before.clone());
        let is_doubted = stored.is_some_and(|poll| poll.is_doubted);
        let accepted: HashSet<&str> = page.fetched.iter().map(|fetched| fetched.reference.as_str()).collect();
        let marks = page.listed.iter().filter(|listed| accepted.contains(listed.reference.as_str()));
        let marks = marks.filter_map(|listed| Some((listed.reference.clone(), listed.mark.clone()?))).collect();
        let polled = Polled {
            partner: partner.id.clone(),
            poll: Poll { cursor: page.next.as_str().to_owned(), run: run.clone(), before: before.clone(), is_doubted },
            marks,
            seen: page.listed.into_iter().map(|listed| listed.reference).collect(),
        };
        let (Progress::Complete, Some(run)) = (page.progress, run) else {
            return self.intake.store.record_polled(polled).await;
        };
        // The cursor moves only after the closings, so that none is forgotten; what this page saw counts before.
        let here = stored.map_or_else(|| polled.poll.cursor.clone(), |poll| poll.cursor.clone());
        let poll = Poll { cursor: here, ..polled.poll.clone() };
        self.intake.store.record_polled(Polled { poll, ..polled.clone() }).await?;
        let is_believed = self.close_absent(partner, dialect, &run, &before, is_doubted).await?;
        let poll = Poll { run: None, is_doubted: !is_believed, ..polled.poll.clone() };
        self.intake.store.record_polled(Polled { poll, ..polled }).await
    }

    async fn take(&self, partner: &Partner, dialect: &DialectName, lane: Lane, fetched: &Fetched) -> Result<()> {
        let document = Document {
            media_type: Some(fetched.media_type.clone()),
            lane,
            ..document(partner, dialect, &fetched.bytes)
        };
        let (code, faults) = match self.intake.take(document.clone()).await? {
            Taken::Accepted { .. } | Taken::Unchanged { .. } => return Ok(()),
            Taken::Echo(_) => {
                counter!("passerelle_echoes_total", "partner" => partner.id.to_string()).increment(1);
                return Ok(());
            }
            Taken::Unreadable(faults) => ("unreadable", faults),
            Taken::KeyReused => ("idempotency_key_reused", Vec::new()),
            Taken::Carried { .. } => ("carried_elsewhere", Vec::new()),
        };
        // The same document is parked once, however often it is polled.
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, &[partner.id.as_str().as_bytes(), b"/", &fetched.bytes].concat());
        self.intake.park(id, &document, code, &faults).await
    }

    async fn park(&self, partner: &Partner, dialect: &DialectName, unreadable: &Unreadable) -> Result<()> {
        let id =
            Uuid::new_v5(&Uuid::NAMESPACE_OID, &[partner.id.as_str().as_bytes(), b"/", &unreadable.bytes].concat());
        let fault = mappings::Fault {
            pointer: unreadable.pointer.clone(),
            code: "protocol".to_owned(),
            problem: format!("`{}`: {}", unreadable.call, unreadable.problem),
        };
        self.intake.park(id, &document(partner, dialect, &unreadable.bytes), "protocol", &[fault]).await
    }

    async fn close(&self, partner: &Partner, dialect: &DialectName, reference: &str, reason: &str) -> Result<()> {
        self.intake.close(document(partner, dialect, &[]), reference, Some(reason.to_owned())).await?;
        Ok(())
    }

    /// Closes what a complete run did not list. Returns whether the run was believed.
    async fn close_absent(
        &self,
        partner: &Partner,
        dialect: &DialectName,
        run: &str,
        before: &crate::backbone::Frontier,
        was_doubted: bool,
    ) -> Result<bool> {
        let (absent, open) = self.intake.store.absent(&partner.id, run, before).await?;
        let is_suspicious = absent.len() > ALWAYS_BELIEVED && absent.len() * 100 > open * MOST_ABSENT_PERCENT;
        if is_suspicious && !was_doubted {
            warn!(partner.name = %partner.id, vacancies.absent = absent.len(), vacancies.open = open,
                "a run did not list a large part of what is open; nothing is closed unless the next run says so too");
            counter!("passerelle_absences_doubted_total", "partner" => partner.id.to_string()).increment(1);
            return Ok(false);
        }
        for reference in &absent {
            self.close(partner, dialect, reference, "a complete run no longer lists it").await?;
        }
        info!(partner.name = %partner.id, vacancies.closed = absent.len(), vacancies.open = open, "a run over everything is complete");
        Ok(true)
    }
}

fn document<'a>(partner: &'a Partner, dialect: &DialectName, body: &'a [u8]) -> Document<'a> {
    Document {
        partner,
        kind: Kind::Vacancy,
        dialect: dialect.clone(),
        channel: Channel::Poll,
        lane: Lane::Live,
        media_type: None,
        idempotency_key: None,
        body,
    }
}
