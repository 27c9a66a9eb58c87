//! One attempt: prepare, claim, send, record what came of it, tell the journal.
//!
//! **Invariant:** a send begins only after its claim has committed, and its outcome is in the store before the journal hears of it.

use std::sync::Arc;

use anyhow::{Result, bail};
use connectors::{Outcome, Parcel, Repeats, Sent, code, exhausted_for};
use metrics::{counter, histogram};
use schemas::{EntityKey, Hash, Lane, Operation, hash_of};
use tracing::{info, warn};

use super::{
    dispatch::Dispatch,
    gate::{Contact, SendPermit},
    limits::PartnerLimit,
    person::without_words,
    prepare::{Letter, Prepared, Preparer, Verdict},
    retry,
    tell::Teller,
    ways::{Basis, Told, Ways},
};
use crate::{
    clock::Clock,
    config::Settings,
    store::{Claim, Claimed, DispatchState, Settlement, Store},
};

/// Makes attempts for one partner.
pub struct Attempter {
    pub preparer: Preparer,
    pub ways: Ways,
    pub store: Arc<dyn Store>,
    pub teller: Teller,
    pub clock: Clock,
    pub settings: Settings,
    pub limit: Arc<PartnerLimit>,
    pub epoch: i64,
}

/// What an attempt came to.
#[derive(Debug, Clone, Copy)]
pub struct Finished {
    /// The entity.
    pub entity: EntityKey,
    /// Where the dispatch was read in its log, if it came from there.
    pub log_offset: Option<i64>,
    /// How it stands now.
    pub standing: Standing,
    /// When the partner may not show it any longer, microseconds since 1970 UTC.
    pub ends_at: Option<i64>,
    /// What it showed of the partner.
    pub contact: Contact,
    /// The permit, if nothing was sent.
    pub unused: Option<SendPermit>,
}

/// How a dispatch stands after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing more will come of it.
    Final,
    /// It waits in the store and holds back its entity.
    Waits,
    /// Another owner has taken over.
    Lost,
}

impl Attempter {
    /// Makes one attempt.
    ///
    /// # Errors
    /// If the store or the log do not answer; the dispatch is attempted again then.
    pub async fn attempt(&self, dispatch: Dispatch, permit: SendPermit) -> Result<Finished> {
        let (entity, log_offset) = (dispatch.owed.entity_key, dispatch.log_offset);
        let mut ends_at = None;
        let (standing, contact) = loop {
            match self.preparer.prepare(&dispatch).await? {
                Prepared::Settle(verdict) => {
                    break (self.settle(&dispatch, dispatch.attempt, verdict, None).await?, Contact::None);
                }
                Prepared::Send(letter) => {
                    ends_at = letter.then.end.as_ref().map(|end| end.at);
                    if let Some(done) = self.send(&dispatch, letter, permit).await? {
                        break done;
                    }
                }
            }
        };
        let unused = (contact == Contact::None).then_some(permit);
        Ok(Finished { entity, log_offset, standing, ends_at, contact, unused })
    }

    /// Sends a letter. None if what permitted it has changed meanwhile: it is to be decided again.
    async fn send(
        &self,
        dispatch: &Dispatch,
        letter: Letter,
        permit: SendPermit,
    ) -> Result<Option<(Standing, Contact)>> {
        let body_hash = hash_of_letter(&letter);
        let other_bytes = dispatch.last_body.is_some_and(|last| last != body_hash);
        // To end what a partner may show of a person does no harm, whatever came of the send before.
        let is_recall = letter.operation == Operation::Close && dispatch.owed.kind.is_personal();
        if dispatch.in_doubt && other_bytes && !is_recall && self.ways.repeats() != Repeats::ByReference {
            let verdict =
                Verdict { state: DispatchState::Ambiguous, code: Some("bytes_changed".to_owned()), ..*letter.then };
            return Ok(Some((self.settle(dispatch, dispatch.attempt, verdict, None).await?, Contact::None)));
        }
        let attempt = dispatch.attempt + 1;
        let now = self.clock.now_micros();
        let deadline = now.saturating_add(i64::try_from(self.settings.send_timeout.as_micros()).unwrap_or(i64::MAX));
        let claim = Claim {
            owed: dispatch.owed.clone(),
            attempt,
            epoch: self.epoch,
            body_hash,
            permission: letter.permission,
            deadline,
            at: now,
        };
        // Before the claim: by the time it is made the deadline is nearer, never farther.
        let claimed = std::time::Instant::now();
        match self.store.claim(claim).await? {
            Claimed::Yes => {}
            Claimed::Lost => return Ok(Some((Standing::Lost, Contact::None))),
            Claimed::Final => return Ok(Some((Standing::Final, Contact::None))),
            Claimed::Undecided => return Ok(None),
        }
        self.freshen(permit).await;
        let parcel = self.parcel(dispatch, &letter, body_hash);
        let begun = std::time::Instant::now();
        // A process that slept meanwhile sends nothing: by the deadline somebody else may have taken over.
        let Some(left) = self.settings.send_timeout.checked_sub(claimed.elapsed()).filter(|left| !left.is_zero())
        else {
            let outcome = Outcome::Retry {
                code: code::LATER,
                detail: "its turn came after the deadline of the claim".to_owned(),
                after: None,
            };
            return Ok(Some((self.conclude(dispatch, attempt, letter, (outcome, false)).await?, Contact::None)));
        };
        let parcel = Parcel { time_out: left, ..parcel };
        let basis = Basis { permission: letter.permission, source: &dispatch.owed.origin.partner };
        let Some(Told { sent: Sent { outcome, limits }, awaits_pull }) = self.ways.send(parcel, basis).await else {
            bail!("there is no way for a `{}`, and one was prepared", dispatch.owed.kind)
        };
        let outcome = if dispatch.owed.kind.is_personal() { without_words(outcome, &letter.body) } else { outcome };
        if let Some(wait) = exhausted_for(&limits) {
            // The partner says that nothing is left of its limit: it is believed before it refuses.
            self.limit.pause(wait);
        }
        histogram!("passerelle_send_seconds", "partner" => dispatch.owed.partner.to_string()).record(begun.elapsed());
        let contact = contact_of(&outcome);
        Ok(Some((self.conclude(dispatch, attempt, letter, (outcome, awaits_pull)).await?, contact)))
    }

    /// Waits for another permit if this one has grown stale on the way here.
    async fn freshen(&self, permit: SendPermit) {
        if self.limit.is_stale(permit) {
            self.turn().await;
        }
    }

    /// Waits until one more request may go to the partner.
    pub async fn turn(&self) {
        while let Err(wait) = self.limit.take() {
            tokio::time::sleep(wait).await;
        }
    }

    fn parcel(&self, dispatch: &Dispatch, letter: &Letter, body_hash: Hash) -> Parcel {
        let id = dispatch.owed.dispatch_id;
        Parcel {
            dispatch: id,
            idempotency_key: hash_of(&[id.as_uuid().as_bytes(), body_hash.as_bytes()]).to_string(),
            reference: dispatch.owed.entity_key,
            operation: letter.operation,
            kind: dispatch.owed.kind,
            media_type: letter.media_type.clone(),
            body: letter.body.clone(),
            time_out: self.settings.send_timeout,
            closing: letter.closing.clone(),
            notice: letter.notice.clone(),
        }
    }

    async fn conclude(
        &self,
        dispatch: &Dispatch,
        attempt: i64,
        letter: Letter,
        (outcome, awaits_pull): (Outcome, bool),
    ) -> Result<Standing> {
        let operation = letter.operation;
        let then = *letter.then;
        match outcome {
            Outcome::Delivered { foreign_reference } => {
                let is_active = operation != Operation::Close;
                let delivered = Delivered { foreign_reference, is_active, awaits_pull };
                self.settle(dispatch, attempt, then, Some(delivered)).await
            }
            Outcome::Retry { code, detail, after } => {
                let verdict = Verdict {
                    state: DispatchState::Deferred,
                    code: Some(code.to_owned()),
                    detail: Some(detail).filter(|detail| !detail.is_empty()),
                    ..then
                };
                self.wait(dispatch, attempt, verdict, dispatch.in_doubt, after).await
            }
            Outcome::Rejected { faults } => {
                let faults: Vec<_> = faults
                    .iter()
                    .map(|fault| serde_json::json!({"pointer": fault.pointer, "code": fault.code, "problem": fault.problem}))
                    .collect();
                let verdict = Verdict { state: DispatchState::Rejected, code: Some("rejected".to_owned()), ..then };
                let mut settlement = self.settlement(dispatch, attempt, verdict)?;
                settlement.faults = Some(serde_json::to_string(&faults)?);
                self.record(dispatch, settlement).await
            }
            Outcome::Ambiguous { code, detail } if self.ways.repeats() == Repeats::Never => {
                let verdict = Verdict {
                    state: DispatchState::Ambiguous,
                    code: Some(code.to_owned()),
                    detail: Some(detail).filter(|detail| !detail.is_empty()),
                    ..then
                };
                self.settle(dispatch, attempt, verdict, None).await
            }
            Outcome::Ambiguous { code, detail } => {
                let verdict = Verdict {
                    state: DispatchState::Deferred,
                    code: Some(code.to_owned()),
                    detail: Some(detail).filter(|detail| !detail.is_empty()),
                    ..then
                };
                self.wait(dispatch, attempt, verdict, true, None).await
            }
        }
    }

    async fn wait(
        &self,
        dispatch: &Dispatch,
        attempt: i64,
        verdict: Verdict,
        in_doubt: bool,
        wish: Option<std::time::Duration>,
    ) -> Result<Standing> {
        let wait = retry::wait(&self.settings, attempt, wish);
        let mut settlement = self.settlement(dispatch, attempt, verdict)?;
        settlement.due_at = settlement.at.saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX));
        settlement.in_doubt = in_doubt;
        if settlement.owed.lane == Lane::Live {
            settlement.owed.lane = Lane::Retry;
        }
        self.record(dispatch, settlement).await
    }

    async fn settle(
        &self,
        dispatch: &Dispatch,
        attempt: i64,
        verdict: Verdict,
        delivered: Option<Delivered>,
    ) -> Result<Standing> {
        let mut settlement = self.settlement(dispatch, attempt, verdict)?;
        settlement.in_doubt = settlement.state == DispatchState::Ambiguous;
        if let Some(delivered) = delivered {
            settlement.foreign_reference = delivered.foreign_reference;
            settlement.is_active = Some(delivered.is_active);
            settlement.awaits_pull = delivered.awaits_pull;
        }
        self.record(dispatch, settlement).await
    }

    fn settlement(&self, dispatch: &Dispatch, attempt: i64, verdict: Verdict) -> Result<Settlement> {
        let now = self.clock.now_micros();
        Ok(Settlement {
            owed: dispatch.owed.clone(),
            state: verdict.state,
            attempt,
            due_at: verdict.due_at.unwrap_or(now),
            in_doubt: false,
            code: verdict.code,
            detail: verdict.detail,
            faults: None,
            losses: verdict.losses,
            versions: verdict.versions,
            foreign_reference: None,
            is_active: None,
            awaits_pull: false,
            end: verdict.end,
            envelope: if verdict.state.is_final() { None } else { Some(dispatch.envelope.to_avro()?) },
            at: now,
        })
    }

    /// Records an outcome in the store, then tells the journal about it and about what it superseded.
    async fn record(&self, dispatch: &Dispatch, settlement: Settlement) -> Result<Standing> {
        let state = settlement.state;
        let partner = dispatch.owed.partner.to_string();
        counter!("passerelle_outcomes_total", "partner" => partner.clone(), "outcome" => state.as_str()).increment(1);
        let (id, attempt, code) =
            (dispatch.owed.dispatch_id, settlement.attempt, settlement.code.clone().unwrap_or_default());
        match state {
            DispatchState::Rejected | DispatchState::Ambiguous => {
                warn!(partner.name = partner, dispatch.id = %id, outcome = state.as_str(), code, attempt, "dispatch parked");
            }
            _ => {
                info!(partner.name = partner, dispatch.id = %id, outcome = state.as_str(), code, attempt, "dispatch settled");
            }
        }
        let by_reference = self.ways.repeats() == Repeats::ByReference;
        let superseded = self.store.settle(settlement.clone(), by_reference).await?;
        let itself = superseded.iter().any(|row| row.owed.dispatch_id == id);
        self.teller.tell_superseded(&superseded).await?;
        if !itself {
            self.teller.tell(&settlement).await?;
        }
        Ok(if state.is_final() || itself { Standing::Final } else { Standing::Waits })
    }
}

/// The hash of everything that a letter says.
fn hash_of_letter(letter: &Letter) -> Hash {
    let operation = letter.operation.as_str().as_bytes();
    match &letter.notice {
        None => hash_of(&[operation, &letter.body]),
        Some(notice) => hash_of(&[operation, &letter.body, notice.withheld.as_bytes(), notice.obligations.as_bytes()]),
    }
}

/// What an outcome shows of the partner, whatever it means for the document.
fn contact_of(outcome: &Outcome) -> Contact {
    match outcome {
        Outcome::Delivered { .. } | Outcome::Rejected { .. } => Contact::Answered,
        Outcome::Retry { after: Some(wish), .. } => Contact::Later(*wish),
        Outcome::Retry { code, .. } if *code == connectors::code::LATER => Contact::Answered,
        Outcome::Retry { .. } | Outcome::Ambiguous { .. } => Contact::Failed,
    }
}

/// What a delivered letter told us.
struct Delivered {
    foreign_reference: Option<String>,
    is_active: bool,
    awaits_pull: bool,
}
