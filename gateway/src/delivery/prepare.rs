//! What is to be sent now, decided now: order, expiry, translation, and what a refusal means.

use std::sync::Arc;

use anyhow::Result;
use connectors::{Closing, Notice};
use consent::Reason;
use jiff::Timestamp;
use schemas::{
    Content, Kind, LossCounts, Operation, Payload, ProfileStatus, Record, Status, TalentProfile, Vacancy, Versions,
};

use super::{dispatch::Dispatch, media::MediaLinks, person::Permitted};
use crate::{
    clock::Clock,
    config::{Outgoing, Partner},
    dialects::{Written, name_for_outside},
    eligibility::{NOT_ENTITLED, Obstacle, window},
    in_force::{InForce, Rules},
    store::{DispatchState, End, Permission, Sent, Store},
    vault::Bodies,
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
    /// What the receiver is told beside what is about a person.
    pub notice: Option<Notice>,
    /// Where the dispatch stands once this is delivered.
    pub then: Box<Verdict>,
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
    pub rules: Arc<Rules>,
    pub in_force: InForce,
    pub store: Arc<dyn Store>,
    pub bodies: Bodies,
    pub clock: Clock,
    pub media: MediaLinks,
}

impl Preparer {
    /// Decides what to send now.
    ///
    /// # Errors
    /// If the store does not answer, or the record is damaged.
    pub async fn prepare(&self, dispatch: &Dispatch) -> Result<Prepared> {
        let owed = &dispatch.owed;
        let sent = self.store.sent(&owed.partner, owed.entity_key).await?;
        // What happened is said, whatever has happened since.
        if owed.operation != Operation::Event && sent.as_ref().is_some_and(|sent| sent.position > owed.position) {
            return Ok(Prepared::Settle(self.verdict(DispatchState::Superseded, "newer_version", None)));
        }
        let Some(outgoing) = self.partner.outgoing.get(&owed.kind) else {
            return Ok(Prepared::Settle(self.verdict(DispatchState::Dropped, "kind_not_wanted", None)));
        };
        if let Some(code) = dispatch.recalled_for() {
            let verdict = self.verdict(DispatchState::Delivered, code, None);
            // Whoever pulls may not have heard yet that it has gone: what is asked back is told again.
            let may_show =
                sent.map(|sent| Sent { is_active: sent.is_active || outgoing.connector.is_pulled(), ..sent });
            return Ok(self.close(owed.kind, may_show.as_ref(), verdict, "never_sent", because(code)));
        }
        let Some(content) = self.content(dispatch).await? else {
            let erased = Reason::SubjectErased.code();
            return Ok(self.refuse(dispatch, sent.as_ref(), (erased, erased), None));
        };
        if owed.operation == Operation::Close {
            let why = content.close.as_ref().and_then(|close| close.reason.clone()).unwrap_or_default();
            let verdict = self.verdict(DispatchState::Delivered, &why, None);
            let closing = closing_of(owed.kind, content)?;
            return Ok(self.close(owed.kind, sent.as_ref(), verdict, "never_sent", closing));
        }
        if owed.operation == Operation::Event {
            return self.happened(owed, outgoing, &content).await;
        }
        self.stated(dispatch, outgoing, &content, sent.as_ref()).await
    }

    /// What to send of a record that is stated: whether it may go, when, and in which words.
    async fn stated(
        &self,
        dispatch: &Dispatch,
        outgoing: &Outgoing,
        content: &Content,
        sent: Option<&Sent>,
    ) -> Result<Prepared> {
        let owed = &dispatch.owed;
        let permitted = if owed.kind.is_personal() {
            match self.permission(owed, outgoing).await? {
                Ok(decided) => Some(decided),
                Err(Obstacle::Consent(reason @ Reason::SubjectRestricted)) => {
                    // Nothing new goes, and nothing that is there is ended.
                    let remedy = Some(reason.remedy().to_owned());
                    return Ok(Prepared::Settle(self.verdict(DispatchState::Refused, reason.code(), remedy)));
                }
                Err(obstacle) => {
                    let codes = (obstacle.code(), obstacle.code_for_partners());
                    return Ok(self.refuse(dispatch, sent, codes, Some(obstacle.reason().to_owned())));
                }
            }
        } else {
            None
        };
        let mut record = Record::from_avro(owed.kind, &content.canonical)?;
        let (now, is_shown) = (self.clock.now(), sent.is_some_and(|sent| sent.is_active));
        let received_at = Timestamp::from_microsecond(owed.origin.received_at).unwrap_or(now);
        let window = window(&record, &outgoing.rules, received_at, is_shown);
        if let Some((_, code)) = window.ends.filter(|(at, _)| *at <= now) {
            let verdict = self.verdict(DispatchState::Expired, code, None);
            return Ok(self.close(owed.kind, sent, verdict, code, because(code)));
        }
        if let Some((at, code)) = window.opens.filter(|(at, _)| *at > now) {
            let verdict = self.verdict(DispatchState::Deferred, code, Some(format!("goes at {at}")));
            let verdict = Verdict { due_at: Some(at.as_microsecond()), ..verdict };
            return Ok(self.close(owed.kind, sent, verdict, code, because(code)));
        }
        if permitted.is_some() && !self.link_to_us(owed, &mut record).await? {
            let erased = Reason::SubjectErased.code();
            return Ok(self.refuse(dispatch, sent, (erased, erased), None));
        }
        name_for_outside(&mut record, owed.entity_key, &owed.origin.partner);
        let complement = if self.partner.is_co_owner && permitted.is_none() {
            self.store.complement(owed.entity_key, outgoing.dialect.as_str()).await?
        } else {
            None
        };
        let mask = permitted.as_ref().map(|permitted| &permitted.permit.mask);
        let written = self.rules.dialects.write(outgoing, &record, &self.partner, complement.as_deref(), mask);
        let end = window.ends.map(|(at, code)| End { at: at.as_microsecond(), code: code.to_owned() });
        Ok(match written {
            Ok(written) => Prepared::Send(self.letter(owed.operation, written, permitted.as_ref(), end)),
            Err(refusal) if permitted.is_some() => {
                // In words a refusal may repeat what the record says.
                self.refuse(dispatch, sent, (&refusal.code, &refusal.code), Some(refusal.path))
            }
            Err(refusal) => {
                let detail = format!("{}: {}", refusal.path, refusal.problem);
                let verdict = self.verdict(DispatchState::Refused, &refusal.code, Some(detail));
                self.close(owed.kind, sent, verdict, &refusal.code, because(&refusal.code))
            }
        })
    }

    /// A document on its way, with what permits it.
    pub(super) fn letter(
        &self,
        operation: Operation,
        written: Written,
        permitted: Option<&Permitted>,
        end: Option<End>,
    ) -> Letter {
        let then = self.verdict(DispatchState::Delivered, "", None);
        Letter {
            operation,
            body: written.bytes,
            media_type: written.media_type,
            closing: None,
            permission: permitted.map_or(Permission::NotPersonal, |permitted| Permission::Decided(permitted.decided)),
            notice: permitted.map(|permitted| permitted.notice.clone()),
            then: Box::new(Verdict {
                end,
                // How much there is of a person is told to nobody.
                losses: if permitted.is_some() { LossCounts::default() } else { written.loss.counts() },
                versions: written.versions,
                ..then
            }),
        }
    }

    /// What a dispatch holds; a closing needs to hold nothing. None if the keys of whom it is about were destroyed.
    async fn content(&self, dispatch: &Dispatch) -> Result<Option<Content>> {
        let is_closing = dispatch.owed.operation == Operation::Close;
        if is_closing
            && matches!(dispatch.envelope.payload, Payload::TalentProfile(None) | Payload::PlacementStatus(None))
        {
            return Ok(Some(Content::default()));
        }
        let content = self.bodies.content(&dispatch.envelope).await?;
        Ok(if is_closing { Some(content.unwrap_or_default()) } else { content })
    }

    /// Sends nothing of a person, and ends what the partner shows or may show; the journal and the partner are told why.
    fn refuse(
        &self,
        dispatch: &Dispatch,
        sent: Option<&Sent>,
        (code, for_partner): (&str, &str),
        detail: Option<String>,
    ) -> Prepared {
        let verdict = self.verdict(DispatchState::Refused, code, detail);
        let may_show = sent.map(|sent| Sent { is_active: sent.is_active || dispatch.in_doubt, ..sent.clone() });
        self.close(dispatch.owed.kind, may_show.as_ref(), verdict, code, because(for_partner))
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
                notice: None,
                then: Box::new(then),
            });
        }
        match then.state {
            DispatchState::Delivered => Prepared::Settle(self.verdict(DispatchState::Dropped, otherwise, None)),
            _ => Prepared::Settle(then),
        }
    }

    pub(super) fn verdict(&self, state: DispatchState, code: &str, detail: Option<String>) -> Verdict {
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
    let code = content.close.and_then(|close| close.reason).unwrap_or_else(|| by_status(&record).to_owned());
    let words = record.text("status_reason.label").or_else(|| record.text("status_reason.code"));
    Ok(Closing { code, words: words.map(str::to_owned) })
}

/// Why a record is closed at a partner, by its own status.
fn by_status(record: &Record) -> &'static str {
    if let Some(profile) = TalentProfile::of(record) {
        return match profile.status() {
            Some(ProfileStatus::Closed) => "closed",
            Some(ProfileStatus::Active) | None => NOT_ENTITLED,
            Some(_) => "unpublished",
        };
    }
    match Vacancy::of(record).map(Vacancy::status) {
        Some(Status::Closed) | None => "closed",
        Some(Status::Published) => NOT_ENTITLED,
        Some(_) => "unpublished",
    }
}

fn because(code: &str) -> Closing {
    Closing { code: code.to_owned(), words: None }
}
