//! What is to be sent now, decided now: order, expiry, translation, and what a refusal means.

use std::sync::Arc;

use anyhow::{Context, Result};
use connectors::Closing;
use jiff::Timestamp;
use schemas::{Content, Kind, LossCounts, Operation, Record, Status, Vacancy, Versions};

use super::dispatch::Dispatch;
use crate::{
    clock::Clock,
    config::{Outgoing, Partner},
    dialects::name_for_outside,
    eligibility::window,
    in_force::Rules,
    store::{DispatchState, End, Permission, Sent, Store},
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
    /// Why it may be sent.
    pub permission: Permission,
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
    /// When it may go, if it waits for its time; microseconds since 1970 UTC.
    pub due_at: Option<i64>,
    /// Until when the partner may show it.
    pub end: Option<End>,
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
        if let Some(code) = dispatch.recalled_for() {
            let verdict = self.verdict(DispatchState::Delivered, code, None);
            return Ok(self.close(owed.kind, sent.as_ref(), verdict, "never_sent", because(code)));
        }
        let content = Content::from_avro(dispatch.envelope.plain().context("a dispatch without a body")?)?;
        if owed.operation == Operation::Close {
            let why = content.close.as_ref().and_then(|close| close.reason.clone()).unwrap_or_default();
            let verdict = self.verdict(DispatchState::Delivered, &why, None);
            let closing = closing_of(owed.kind, content)?;
            return Ok(self.close(owed.kind, sent.as_ref(), verdict, "never_sent", closing));
        }
        let mut record = Record::from_avro(owed.kind, &content.canonical)?;
        let (now, is_shown) = (self.clock.now(), sent.as_ref().is_some_and(|sent| sent.is_active));
        let received_at = Timestamp::from_microsecond(owed.origin.received_at).unwrap_or(now);
        let window = window(&record, &self.outgoing.rules, received_at, is_shown);
        if let Some((_, code)) = window.ends.filter(|(at, _)| *at <= now) {
            let verdict = self.verdict(DispatchState::Expired, code, None);
            return Ok(self.close(owed.kind, sent.as_ref(), verdict, code, because(code)));
        }
        if let Some((at, code)) = window.opens.filter(|(at, _)| *at > now) {
            let verdict = self.verdict(DispatchState::Deferred, code, Some(format!("goes at {at}")));
            let verdict = Verdict { due_at: Some(at.as_microsecond()), ..verdict };
            return Ok(self.close(owed.kind, sent.as_ref(), verdict, code, because(code)));
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
                permission: Permission::NotPersonal,
                then: Verdict {
                    state: DispatchState::Delivered,
                    code: None,
                    detail: None,
                    due_at: None,
                    end: window.ends.map(|(at, code)| End { at: at.as_microsecond(), code: code.to_owned() }),
                    losses: written.loss.counts(),
                    versions: written.versions,
                },
            }),
            Err(refusal) => {
                let detail = format!("{}: {}", refusal.path, refusal.problem);
                let verdict = self.verdict(DispatchState::Refused, &refusal.code, Some(detail));
                self.close(owed.kind, sent.as_ref(), verdict, &refusal.code, because(&refusal.code))
            }
        })
    }

    /// Closes at the partner what it shows; where it shows nothing, nothing is sent.
    fn close(&self, kind: Kind, sent: Option<&Sent>, then: Verdict, otherwise: &str, closing: Closing) -> Prepared {
        if sent.is_some_and(|sent| sent.is_active) {
            return Prepared::Send(Letter {
                operation: Operation::Close,
                body: Vec::new(),
                media_type: String::new(),
                closing: Some(closing),
                permission: if kind.is_personal() { Permission::TakesBack } else { Permission::NotPersonal },
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
            due_at: None,
            end: None,
            losses: LossCounts::default(),
            versions: self.rules.dialects.versions(None),
        }
    }
}

/// Why a partner is told that something is closed: what the router said, else what the record says.
fn closing_of(kind: Kind, content: Content) -> Result<Closing> {
    // What ended by itself is closed without its record.
    let is_without = content.canonical.is_empty();
    let record = if is_without { Record::new(kind) } else { Record::from_avro(kind, &content.canonical)? };
    let by_status = match Vacancy::of(&record).map(Vacancy::status) {
        Some(Status::Closed) | None => "closed",
        Some(Status::Published) => "not_entitled",
        Some(_) => "unpublished",
    };
    let code = content.close.and_then(|close| close.reason).unwrap_or_else(|| by_status.to_owned());
    let words = record.text("status_reason.label").or_else(|| record.text("status_reason.code"));
    Ok(Closing { code, words: words.map(str::to_owned) })
}

fn because(code: &str) -> Closing {
    Closing { code: code.to_owned(), words: None }
}
