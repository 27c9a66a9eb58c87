//! What is to be sent now, decided now: order, expiry, translation, and what a refusal means.

use std::sync::Arc;

use anyhow::{Context, Result};
use connectors::Closing;
use schemas::{Content, LossCounts, Operation, Record, Status, Vacancy, Versions};

use super::dispatch::Dispatch;
use crate::{
    clock::Clock,
    config::{Outgoing, Partner},
    dialects::name_for_outside,
    in_force::Rules,
    store::{DispatchState, Sent, Store},
};

/// What to do with a dispatch.
pub enum Prepared {
    /// Send this.
    Send(Letter),
    /// Nothing is sent; this is what came of it.
    Settle(Verdict),
}

/// What is sent.
pub struct Letter {
    /// What it does: a document that cannot go any more closes what went before.
    pub operation: Operation,
    /// The document; empty for a closing.
    pub body: Vec<u8>,
    /// Its media type.
    pub media_type: String,
    /// Why it is closed, if it is.
    pub closing: Option<Closing>,
    /// Where the dispatch stands once this is delivered.
    pub then: Verdict,
}

/// Where a dispatch comes to stand, and why.
#[derive(Clone)]
pub struct Verdict {
    /// Where.
    pub state: DispatchState,
    /// Why, as a code.
    pub code: Option<String>,
    /// More, in words.
    pub detail: Option<String>,
    /// What the translation carried.
    pub losses: LossCounts,
    /// What was in force.
    pub versions: Versions,
}

/// Prepares dispatches to one partner.
pub struct Preparer {
    pub partner: Arc<Partner>,
    pub outgoing: Outgoing,
    pub rules: Arc<Rules>,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
}

impl Preparer {
    /// Decides what to send now.
    ///
    /// # Errors
    /// If the store does not answer, or the record is damaged.
    pub async fn prepare(&self, dispatch: &Dispatch) -> Result<Prepared> {
        let owed = &dispatch.owed;
        let sent = self.store.sent(&owed.partner, owed.entity_key).await?;
        if sent.as_ref().is_some_and(|sent| sent.position > owed.position) {
            return Ok(Prepared::Settle(self.verdict(DispatchState::Superseded, "newer_version", None)));
        }
        let content = Content::from_avro(dispatch.envelope.plain().context("a dispatch without a body")?)?;
        let mut record = Record::from_avro(owed.kind, &content.canonical)?;
        if owed.operation == Operation::Close {
            let closing = closing_of(content, &record);
            let verdict = self.verdict(DispatchState::Delivered, "", None);
            return Ok(self.close(sent.as_ref(), verdict, "never_sent", closing));
        }
        if Vacancy::of(&record).is_some_and(|vacancy| vacancy.is_expired(self.clock.now())) {
            let verdict = self.verdict(DispatchState::Expired, "validity_ended", None);
            return Ok(self.close(sent.as_ref(), verdict, "validity_ended", because("validity_ended")));
        }
        name_for_outside(&mut record, owed.entity_key, &owed.origin.partner);
        let complement = if self.partner.is_co_owner {
            self.store.complement(owed.entity_key, self.outgoing.dialect.as_str()).await?
        } else {
            None
        };
        Ok(match self.rules.dialects.write(&self.outgoing, &record, &self.partner, complement.as_deref()) {
            Ok(written) => Prepared::Send(Letter {
                operation: Operation::Upsert,
                body: written.bytes,
                media_type: written.media_type,
                closing: None,
                then: Verdict {
                    state: DispatchState::Delivered,
                    code: None,
                    detail: None,
                    losses: written.loss.counts(),
                    versions: written.versions,
                },
            }),
            Err(refusal) => {
                let detail = format!("{}: {}", refusal.path, refusal.problem);
                let verdict = self.verdict(DispatchState::Refused, &refusal.code, Some(detail));
                self.close(sent.as_ref(), verdict, &refusal.code, because(&refusal.code))
            }
        })
    }

    /// Closes at the partner what it shows; where it shows nothing, nothing is sent.
    fn close(&self, sent: Option<&Sent>, then: Verdict, otherwise: &str, closing: Closing) -> Prepared {
        if sent.is_some_and(|sent| sent.is_active) {
            return Prepared::Send(Letter {
                operation: Operation::Close,
                body: Vec::new(),
                media_type: String::new(),
                closing: Some(closing),
                then,
            });
        }
        match then.state {
            DispatchState::Delivered => Prepared::Settle(self.verdict(DispatchState::Dropped, otherwise, None)),
            _ => Prepared::Settle(then),
        }
    }

    fn verdict(&self, state: DispatchState, code: &str, detail: Option<String>) -> Verdict {
        Verdict {
            state,
            code: (!code.is_empty()).then(|| code.to_owned()),
            detail,
            losses: LossCounts::default(),
            versions: self.rules.dialects.versions(None),
        }
    }
}

/// Why a partner is told that something is closed: what the router said, else what the record says.
fn closing_of(content: Content, record: &Record) -> Closing {
    let by_status = match Vacancy::of(record).map(Vacancy::status) {
        Some(Status::Closed) | None => "closed",
        Some(Status::Published) => "not_entitled",
        Some(_) => "unpublished",
    };
    let code = content.close.and_then(|close| close.reason).unwrap_or_else(|| by_status.to_owned());
    let words = record.text("status_reason.label").or_else(|| record.text("status_reason.code"));
    Closing { code, words: words.map(str::to_owned) }
}

fn because(code: &str) -> Closing {
    Closing { code: code.to_owned(), words: None }
}
