//! What others may see of the puller while it pulls.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{broadcast, watch};

use super::{
    cvs,
    findings::{Binding, Findings},
    mirror::{Change, Mirror, Mirrored},
    rule::{self, Breach, Severity},
    rules,
    wire::{Detail, Listed, Status},
};
use crate::revision;

/// More breaches than this are only counted.
const MOST_BREACHES: usize = 10_000;
/// Changes that observers may lag behind before they miss some.
const OBSERVED: usize = 1024;

/// What happened to a vacancy, as a pull saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The vacancy.
    pub reference: String,
    /// What happened.
    pub change: Change,
    /// The title in its first language.
    pub title: Option<String>,
    /// The revision that the document shows ([`crate::revision`]).
    pub revision: Option<u64>,
}

/// What is pulled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Subject {
    /// Vacancies.
    #[default]
    Vacancies,
    /// CVs of jobseekers: what is closed is deleted, and what a person does not permit at the moment is left out.
    Cvs,
}

/// What the puller shares with its views.
#[derive(Debug)]
pub(super) struct Shared {
    subject: Subject,
    mirror: Mutex<Mirror>,
    breaches: Mutex<(Vec<Breach>, u64)>,
    observers: broadcast::Sender<Pulled>,
    pulls: watch::Sender<u64>,
}

impl Shared {
    pub(super) fn of(subject: Subject) -> Self {
        Self {
            subject,
            mirror: Mutex::default(),
            breaches: Mutex::default(),
            observers: broadcast::channel(OBSERVED).0,
            pulls: watch::channel(0).0,
        }
    }

    pub(super) fn mirror(&self) -> MutexGuard<'_, Mirror> {
        self.mirror.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn breaches(&self) -> MutexGuard<'_, (Vec<Breach>, u64)> {
        self.breaches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks a vacancy, its document included, and keeps it.
    pub(super) fn take(&self, detail: Detail, listed: &Listed, findings: &mut Findings<'_>) -> Option<Pulled> {
        let reference = detail.reference.clone();
        let content = detail.content.as_deref().unwrap_or_default();
        let mut title = None;
        if !content.is_empty() {
            let examine = match self.subject {
                Subject::Vacancies => rules::examine,
                Subject::Cvs => cvs::examine,
            };
            let examined = examine(content, Some(&reference), Binding::Written);
            title = examined.title;
            findings.extend(examined.breaches);
        }
        if self.subject == Subject::Cvs && detail.status == Status::Closed && detail.content.is_some() {
            let problem = "what has gone is told with its document";
            findings.add_about(Some(reference.clone()), rule::CV_CLOSED, &detail.at, problem);
        }
        let revision = revision::find(content.as_bytes());
        let change = self.mirror().take(detail, listed, title.clone(), findings)?;
        if self.subject == Subject::Cvs && change == Change::Closed {
            self.mirror().forget(&reference);
        }
        Some(Pulled { reference, change, title, revision })
    }

    /// Tells the views that a pull is over.
    pub(super) fn finish(&self, pulled: &[Pulled], found: Vec<Breach>) {
        let mut breaches = self.breaches();
        breaches.1 += found.len() as u64;
        let room = MOST_BREACHES.saturating_sub(breaches.0.len());
        breaches.0.extend(found.into_iter().take(room));
        drop(breaches);
        for one in pulled {
            // An error says that nobody listens.
            let _ = self.observers.send(one.clone());
        }
        self.pulls.send_modify(|pulls| *pulls += 1);
    }
}

/// A look at the puller's mirror and at the breaches it found.
#[derive(Debug, Clone)]
pub struct EuresView {
    shared: Arc<Shared>,
}

impl EuresView {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// All vacancies ever pulled, by reference.
    pub fn mirror(&self) -> BTreeMap<String, Mirrored> {
        self.shared.mirror().vacancies.clone()
    }

    /// One vacancy.
    pub fn vacancy(&self, reference: &str) -> Option<Mirrored> {
        self.shared.mirror().vacancies.get(reference).cloned()
    }

    /// The breaches found so far, oldest first; at most 10,000.
    pub fn breaches(&self) -> Vec<Breach> {
        self.shared.breaches().0.clone()
    }

    /// The breaches for which EURES rejects a document or cannot use an answer.
    pub fn refusals(&self) -> Vec<Breach> {
        let mut breaches = self.breaches();
        breaches.retain(|breach| breach.rule.severity == Severity::Refused);
        breaches
    }

    /// How many breaches were found.
    pub fn breach_count(&self) -> u64 {
        self.shared.breaches().1
    }

    /// How many pulls are over, failed ones included.
    pub fn pulls(&self) -> u64 {
        *self.shared.pulls.borrow()
    }

    /// Tells of every change from now on; who lags behind misses the oldest.
    pub fn observe(&self) -> broadcast::Receiver<Pulled> {
        self.shared.observers.subscribe()
    }

    /// Waits until something is true after a pull. The caller sets the time-out.
    pub async fn until(&self, mut is_true: impl FnMut(&Self) -> bool) {
        let mut pulls = self.shared.pulls.subscribe();
        while !is_true(self) {
            if pulls.changed().await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eures::stub::Stamps;

    #[test]
    fn a_cv_that_has_gone_comes_without_its_document() {
        let closed = |content: Option<&str>| Detail {
            reference: "r".to_owned(),
            status: Status::Closed,
            created: Some(1),
            modified: Some(2),
            closed: Some(2),
            content: content.map(str::to_owned),
            at: "getDetails#/details/r".to_owned(),
        };
        let stamps = Stamps { created: 1, modified: 2, closed: Some(2) };
        let listed = Listed { reference: "r".to_owned(), status: Status::Closed, stamps, at: "getChanges#".to_owned() };
        for (content, expected) in [(None, vec![]), (Some(""), vec!["CV-CLOSED"])] {
            let (shared, mut findings) = (Shared::of(Subject::Cvs), Findings::of_pull());
            shared.take(closed(content), &listed, &mut findings);
            let found: Vec<&str> = findings.into_breaches().iter().map(|breach| breach.rule.code).collect();
            assert_eq!(found, expected);
        }
    }
}
