//! What the receiver was sent, in order, and what was against the rules.

use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;
use schemas::{Hash, Operation, hash_of};

use super::{
    checks::{Asked, Refusal},
    received::{Finding, Received, Rule, Verdict, Violation},
};
use crate::revision;

/// More violations than this are only counted.
const MOST_VIOLATIONS: usize = 10_000;

/// What to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) foreign_reference: Option<String>,
}

/// Everything that was received.
#[derive(Debug)]
pub(super) struct Ledger {
    limit: usize,
    received: u64,
    held: BTreeMap<String, Held>,
    keys: HashMap<String, Used>,
    violations: Vec<Violation>,
    violation_count: u64,
}

/// What is held of one reference.
#[derive(Debug)]
struct Held {
    foreign_reference: String,
    is_open: bool,
    newest_key: Option<String>,
    highest_revision: Option<u64>,
    history: VecDeque<Received>,
}

/// What a key was used for, and what was answered.
#[derive(Debug)]
struct Used {
    request: Hash,
    reply: Reply,
}

impl Ledger {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            received: 0,
            held: BTreeMap::new(),
            keys: HashMap::new(),
            violations: Vec::new(),
            violation_count: 0,
        }
    }

    pub(super) fn references(&self) -> Vec<String> {
        self.held.keys().cloned().collect()
    }

    pub(super) fn history(&self, reference: &str) -> Vec<Received> {
        self.held.get(reference).map(|held| held.history.iter().cloned().collect()).unwrap_or_default()
    }

    pub(super) fn violations(&self) -> Vec<Violation> {
        self.violations.clone()
    }

    pub(super) fn violation_count(&self) -> u64 {
        self.violation_count
    }

    /// Notes a request that got no further than the checks.
    pub(super) fn refuse(&mut self, reference: Option<String>, refusal: &Refusal) {
        self.received += 1;
        self.violate(reference, refusal.rule, refusal.detail);
    }

    /// Notes a request that a fault strikes before it is taken.
    pub(super) fn turn_away(&mut self, asked: Asked, body: Bytes, status: u16) -> Received {
        self.received += 1;
        self.enter(asked, body, Verdict::TurnedAway, status)
    }

    /// Notes a document that breaks the partner's rules.
    pub(super) fn refuse_document(&mut self, asked: Asked, body: Bytes, findings: &[Finding]) -> Received {
        self.received += 1;
        for finding in findings {
            let detail = format!("{} at `{}`: {}", finding.code, finding.pointer, finding.detail);
            self.violate(Some(asked.reference.clone()), Rule::Document, &detail);
        }
        self.enter(asked, body, Verdict::Refused, 422)
    }

    /// Takes a request, recognises it, or refuses it.
    pub(super) fn take(&mut self, asked: Asked, body: Bytes) -> (Received, Reply) {
        self.received += 1;
        let key = asked.idempotency_key.clone();
        let parts = [asked.kind.as_str(), asked.operation.as_str(), &asked.reference].map(str::as_bytes);
        let request = hash_of(&[parts[0], parts[1], parts[2], &body]);
        let (verdict, reply) = match self.keys.get(&key) {
            Some(used) if used.request == request => (Verdict::Repeated, used.reply.clone()),
            Some(_) => (Verdict::Refused, Reply { status: 422, foreign_reference: None }),
            None => (Verdict::Taken, self.act(&asked)),
        };
        self.judge(&asked, verdict, &body);
        if verdict == Verdict::Taken {
            self.keys.insert(key, Used { request, reply: reply.clone() });
        }
        (self.enter(asked, body, verdict, reply.status), reply)
    }

    fn act(&mut self, asked: &Asked) -> Reply {
        let held = self.held(&asked.reference);
        let was_open = held.is_open;
        held.is_open = asked.operation != Operation::Close;
        let status = match (asked.operation, was_open) {
            (Operation::Close, true) => 204,
            (Operation::Close, false) => 404,
            (Operation::Event, _) => 202,
            (Operation::Upsert, true) => 200,
            (Operation::Upsert, false) => 201,
        };
        let has_body = asked.operation != Operation::Close;
        Reply { status, foreign_reference: has_body.then(|| held.foreign_reference.clone()) }
    }

    /// The rules that look at what came before.
    fn judge(&mut self, asked: &Asked, verdict: Verdict, body: &[u8]) {
        let key = &asked.idempotency_key;
        let revision = revision::find(body);
        let held = self.held(&asked.reference);
        let is_late = verdict == Verdict::Repeated && held.newest_key.as_ref() != Some(key);
        let is_taken = verdict == Verdict::Taken;
        let is_older = is_taken && revision.is_some() && revision < held.highest_revision;
        if is_taken {
            held.newest_key = Some(key.clone());
            held.highest_revision = held.highest_revision.max(revision);
        }
        let reference = Some(asked.reference.clone());
        if verdict == Verdict::Refused {
            self.violate(reference, Rule::KeyReused, "the key was used for another request");
        } else if is_late {
            self.violate(reference, Rule::LateRepeat, "a newer request about the reference was taken in between");
        } else if is_older {
            self.violate(reference, Rule::Order, "a later revision of the reference was taken before");
        }
    }

    fn enter(&mut self, asked: Asked, body: Bytes, verdict: Verdict, status: u16) -> Received {
        let received = Received {
            number: self.received,
            kind: asked.kind,
            reference: asked.reference,
            operation: asked.operation,
            idempotency_key: asked.idempotency_key,
            media_type: asked.media_type,
            notice: asked.notice,
            body_hash: Hash::of(&body),
            revision: revision::find(&body),
            body,
            verdict,
            status,
            is_answered: true,
        };
        let limit = self.limit;
        let history = &mut self.held(&received.reference).history;
        history.push_back(received.clone());
        let forgotten = if history.len() > limit { history.pop_front() } else { None };
        if let Some(forgotten) = forgotten.filter(|entry| entry.verdict == Verdict::Taken) {
            self.keys.remove(&forgotten.idempotency_key);
        }
        received
    }

    /// Notes that the answer to a request did not get out in good order.
    pub(super) fn mark_unanswered(&mut self, received: &mut Received) {
        received.is_answered = false;
        let history = &mut self.held(&received.reference).history;
        if let Some(entry) = history.iter_mut().rev().find(|entry| entry.number == received.number) {
            entry.is_answered = false;
        }
    }

    fn held(&mut self, reference: &str) -> &mut Held {
        let foreign_reference = format!("P-{}", self.held.len() + 1);
        self.held.entry(reference.to_owned()).or_insert_with(|| Held {
            foreign_reference,
            is_open: false,
            newest_key: None,
            highest_revision: None,
            history: VecDeque::new(),
        })
    }

    fn violate(&mut self, reference: Option<String>, rule: Rule, detail: &str) {
        self.violation_count += 1;
        if self.violations.len() < MOST_VIOLATIONS {
            self.violations.push(Violation { number: self.received, reference, rule, detail: detail.to_owned() });
        }
    }
}
