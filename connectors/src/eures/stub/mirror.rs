//! The puller's own copy of a feed, and the rules about time that it checks while it keeps the copy.
//!
//! Source: the examples of FMES 1.3.2 §2.2.1, as NAV's `TimestampTests` assert them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    findings::Findings,
    rule::{self, Rule},
    wire::{Changes, Detail, Listed, Stamps, Status},
};

/// How far the clock of a source may be ahead of ours, in milliseconds.
const TOLERANCE: i64 = 5 * 60 * 1000;
/// Revisions remembered of one vacancy.
const MOST_REVISIONS: usize = 1_000;

/// A vacancy as the puller holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrored {
    /// Whether it can be applied for.
    pub status: Status,
    /// The times that the source gives.
    pub stamps: Stamps,
    /// The document; a closed vacancy keeps the last.
    pub content: Option<String>,
    /// The title in its first language.
    pub title: Option<String>,
    /// The revisions that its documents showed ([`crate::revision`]), in the order in which they were pulled; the
    /// same one twice in a row stands once.
    pub revisions: Vec<u64>,
}

/// What happened to a vacancy since the last pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// It is new.
    Created,
    /// Its document or its times changed.
    Modified,
    /// It was closed.
    Closed,
    /// It was closed before and is active again.
    Reopened,
}

/// The copy.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    pub(super) vacancies: BTreeMap<String, Mirrored>,
}

/// One question, for the checks of the answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// The time in `getChanges/{ms}`.
    pub(super) since: i64,
    /// Our clock.
    pub(super) now: i64,
}

impl Mirror {
    /// Checks `getAll`.
    pub(super) fn check_all(all: &[Listed], now: i64, findings: &mut Findings<'_>) {
        check_each(all, now, findings);
        for listed in all.iter().filter(|listed| listed.status == Status::Closed) {
            broken(listed, rule::TIME_2, "a closed vacancy is in getAll", findings);
        }
    }

    /// Checks `getChanges` against the question and the copy, before the details are known.
    pub(super) fn check_changes(&self, changes: &Changes, asked: Asked, findings: &mut Findings<'_>) {
        let Changes { created, modified, closed } = changes;
        let every: Vec<Listed> = [created, modified, closed].into_iter().flatten().cloned().collect();
        check_each(&every, asked.now, findings);
        for listed in created {
            check_created(listed, asked, findings);
        }
        for listed in modified {
            self.check_modified(listed, asked, findings);
        }
        for listed in closed {
            match (listed.status, listed.stamps.closed) {
                (Status::Active, _) => broken(listed, rule::TIME_2, "it is listed as closed and is ACTIVE", findings),
                (Status::Closed, Some(closed)) if closed < asked.since => {
                    broken(listed, rule::TIME_5, "it was closed before the time that was asked for", findings);
                }
                (Status::Closed, _) => {}
            }
        }
    }

    fn check_modified(&self, listed: &Listed, asked: Asked, findings: &mut Findings<'_>) {
        let Stamps { created, modified, .. } = listed.stamps;
        if listed.status == Status::Closed {
            broken(listed, rule::TIME_4, "it is listed as modified and is CLOSED", findings);
        }
        if modified < asked.since {
            broken(listed, rule::TIME_5, "it was modified before the time that was asked for", findings);
        }
        if created >= asked.since {
            broken(listed, rule::TIME_1, "it was created since, but is listed as modified", findings);
        }
        match self.vacancies.get(&listed.reference) {
            None => broken(listed, rule::TIME_1, "it is listed as modified and was never listed as created", findings),
            Some(held) if held.status == Status::Closed => {
                broken(listed, rule::TIME_3, "it is reopened, but is listed as modified", findings);
            }
            Some(held) if held.stamps.created != created => {
                broken(listed, rule::TIME_4, "its creationTimestamp changed with its content", findings);
            }
            Some(_) => {}
        }
    }

    /// Checks the details of a vacancy against its entry in a list and the copy, and keeps them.
    pub(super) fn take(
        &mut self,
        detail: Detail,
        listed: &Listed,
        title: Option<String>,
        findings: &mut Findings<'_>,
    ) -> Option<Change> {
        let Detail { reference, status, created, modified, closed, content, at } = detail;
        let mut broken = |rule: Rule, problem: &str| findings.add_about(Some(reference.clone()), rule, &at, problem);
        if status == Status::Active {
            if content.as_deref().is_none_or(str::is_empty) {
                broken(rule::DETAILS, "it is active and has no document");
            }
            if created.is_none() || modified.is_none() {
                broken(rule::DETAILS, "it is active and does not say when it was created or modified");
            }
        }
        let stamps = Stamps {
            created: created.unwrap_or(listed.stamps.created),
            modified: modified.unwrap_or(listed.stamps.modified),
            closed,
        };
        if stamps.created < listed.stamps.created || stamps.modified < listed.stamps.modified {
            broken(rule::TIME_5, "its times are older than those in the list");
        }
        check_closing(&reference, &at, status, closed, findings);
        let new = Mirrored { status, stamps, content, title, revisions: Vec::new() };
        let held = self.vacancies.get(&reference);
        if let Some((rule, problem)) = held.and_then(|held| step_fault(held, &new)) {
            findings.add_about(Some(reference.clone()), rule, &at, problem);
        }
        let change = change(held, &new);
        self.keep(reference, new);
        change
    }

    /// Compares the copy with `getAll`, between two pulls: `before` is the copy before, `self` the one after. What is left
    /// out for the moment may be missing there.
    pub(super) fn compare(
        &self,
        before: &BTreeMap<String, Mirrored>,
        all: &[Listed],
        may_leave_out: bool,
        findings: &mut Findings<'_>,
    ) {
        for listed in all {
            let (old, new) = (before.get(&listed.reference), self.vacancies.get(&listed.reference));
            let is_settled = old.map(|old| old.stamps) == new.map(|new| new.stamps);
            match new {
                None => broken(listed, rule::TIME_5, "getAll has it and no change told of it", findings),
                Some(new) if is_settled && new.status == Status::Closed => {
                    broken(listed, rule::TIME_2, "it is closed and in getAll", findings);
                }
                Some(new) if is_settled && new.stamps != listed.stamps => {
                    broken(listed, rule::TIME_5, "getAll has other times and no change told of them", findings);
                }
                Some(_) => {}
            }
        }
        let listed: BTreeSet<&str> = all.iter().map(|listed| listed.reference.as_str()).collect();
        for (reference, new) in &self.vacancies {
            let is_settled = before.get(reference).is_some_and(|old| old.stamps == new.stamps);
            if is_settled && !may_leave_out && new.status == Status::Active && !listed.contains(reference.as_str()) {
                let about = Some(reference.clone());
                findings.add_about(about, rule::TIME_1, "getAll#/allReferences", "it is active and not in getAll");
            }
        }
    }

    /// Deletes what was kept of something beside that it has gone.
    pub(super) fn forget(&mut self, reference: &str) {
        if let Some(held) = self.vacancies.get_mut(reference) {
            (held.content, held.title, held.revisions) = (None, None, Vec::new());
        }
    }

    fn keep(&mut self, reference: String, new: Mirrored) {
        let held = self.vacancies.remove(&reference);
        let shown = new.content.as_deref().and_then(|content| crate::revision::find(content.as_bytes()));
        let (content, title, mut revisions) = match held {
            // A closed vacancy may come without a document.
            Some(held) => (new.content.or(held.content), new.title.or(held.title), held.revisions),
            None => (new.content, new.title, Vec::new()),
        };
        if shown.is_some_and(|shown| revisions.last() != Some(&shown)) && revisions.len() < MOST_REVISIONS {
            revisions.extend(shown);
        }
        self.vacancies.insert(reference, Mirrored { content, title, revisions, ..new });
    }
}

fn broken(listed: &Listed, rule: Rule, problem: &str, findings: &mut Findings<'_>) {
    findings.add_about(Some(listed.reference.clone()), rule, &listed.at, problem);
}

/// What holds for every entry of every list.
fn check_each(entries: &[Listed], now: i64, findings: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for listed in entries {
        let Stamps { created, modified, closed } = listed.stamps;
        if !seen.insert(listed.reference.as_str()) {
            broken(listed, rule::SHAPE, "the answer names the vacancy twice", findings);
        }
        if modified < created || closed.is_some_and(|closed| closed < created) {
            broken(listed, rule::TIME_5, "it was changed or closed before it was created", findings);
        }
        if listed.stamps.newest() > now.saturating_add(TOLERANCE) {
            broken(listed, rule::TIME_5, "a time lies in the future", findings);
        }
        check_closing(&listed.reference, &listed.at, listed.status, closed, findings);
    }
}

fn check_created(listed: &Listed, asked: Asked, findings: &mut Findings<'_>) {
    let created = listed.stamps.created;
    if listed.status == Status::Closed {
        broken(listed, rule::TIME_1, "it is listed as created and is CLOSED", findings);
    }
    if created < asked.since {
        broken(listed, rule::TIME_5, "it was created before the time that was asked for", findings);
    }
}

/// A closingTimestamp goes with CLOSED and with nothing else.
fn check_closing(reference: &str, at: &str, status: Status, closed: Option<i64>, findings: &mut Findings<'_>) {
    let (rule, problem) = match (status, closed) {
        (Status::Active, Some(_)) => (rule::TIME_3, "it is ACTIVE and has a closingTimestamp"),
        (Status::Closed, None) => (rule::TIME_2, "it is CLOSED and has no closingTimestamp"),
        _ => return,
    };
    findings.add_about(Some(reference.to_owned()), rule, at, problem);
}

/// What is wrong with the step from one state of a vacancy to the next.
fn step_fault(old: &Mirrored, new: &Mirrored) -> Option<(Rule, &'static str)> {
    let (before, after) = (old.stamps, new.stamps);
    match (old.status, new.status) {
        (Status::Active, Status::Active) if after.created == before.created => {
            if after.modified < before.modified {
                return Some((rule::TIME_5, "its lastModificationTimestamp went back"));
            }
            let is_changed = after.modified == before.modified && old.content != new.content;
            is_changed.then_some((rule::TIME_4, "its document changed and its lastModificationTimestamp did not"))
        }
        (Status::Active, Status::Active) => (after.created <= before.newest())
            .then_some((rule::TIME_3, "its creationTimestamp changed, but to no time after the last change")),
        (Status::Active, Status::Closed) => {
            (after.closed < Some(before.newest())).then_some((rule::TIME_5, "it was closed before its last change"))
        }
        (Status::Closed, Status::Active) => {
            let is_new = after.created != before.created && Some(after.created) >= before.closed;
            (!is_new).then_some((rule::TIME_3, "it is reopened with an old creationTimestamp"))
        }
        (Status::Closed, Status::Closed) => {
            (after.closed < before.closed).then_some((rule::TIME_5, "its closingTimestamp went back"))
        }
    }
}

fn change(old: Option<&Mirrored>, new: &Mirrored) -> Option<Change> {
    let Some(old) = old else {
        return Some(if new.status == Status::Active { Change::Created } else { Change::Closed });
    };
    match (old.status, new.status) {
        (Status::Closed, Status::Active) => Some(Change::Reopened),
        (Status::Active, Status::Closed) => Some(Change::Closed),
        _ if old.stamps != new.stamps => Some(Change::Modified),
        _ => None,
    }
}
