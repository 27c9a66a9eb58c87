//! Keeps a book of a source, as the gateway does: what is known, what is gone, where to go on.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use connectors::{
    poller::{Cursor, Host, Listed, Page, PollError, Poller, Progress, RunId, Unreadable},
    revision,
};

/// More pages than this are an endless loop.
const MOST_PAGES: usize = 2_000;

/// What is known of a source.
#[derive(Debug, Default)]
pub struct Book {
    /// The revision of every open vacancy, by reference.
    pub open: BTreeMap<String, u64>,
    /// What was handed over to be parked.
    pub parked: Vec<Unreadable>,
    /// How many documents came, repeats included.
    pub documents: usize,
    /// Vacancies that were closed because a complete run had not listed them.
    pub closed_by_absence: Vec<String>,
    pub cursor: Option<Cursor>,
    pub turns: AtomicU64,
    marks: BTreeMap<String, Option<String>>,
    seen: Option<(RunId, BTreeSet<String>)>,
    /// What was open before the run that is under way, or that comes next.
    open_before: BTreeSet<String>,
    is_under_way: bool,
}

#[async_trait]
impl Host for Book {
    async fn turn(&self) {
        self.turns.fetch_add(1, Ordering::Relaxed);
    }

    async fn wanted(&self, listed: Vec<Listed>) -> Vec<Listed> {
        let is_old = |entry: &Listed| match (self.open.get(&entry.reference), self.marks.get(&entry.reference)) {
            (None, _) => true,
            (Some(_), mark) => entry.mark.is_some() && mark != Some(&entry.mark),
        };
        listed.into_iter().filter(is_old).collect()
    }
}

impl Book {
    /// Reads one page and takes it.
    pub async fn page(&mut self, poller: &dyn Poller) -> Result<Progress, PollError> {
        if !self.is_under_way {
            self.open_before = self.open.keys().cloned().collect();
        }
        let page = poller.page(self.cursor.as_ref(), self).await?;
        // As from the store: a cursor is text, and a page may be the last thing before a crash.
        self.cursor = Some(page.next.as_str().parse().expect("a cursor is JSON"));
        self.is_under_way = page.progress == Progress::More;
        let progress = page.progress;
        self.take(page);
        Ok(progress)
    }

    /// Reads until there is no more for now.
    pub async fn catch_up(&mut self, poller: &dyn Poller) -> Result<Progress, PollError> {
        for _ in 0..MOST_PAGES {
            match self.page(poller).await? {
                Progress::More => {}
                progress => return Ok(progress),
            }
        }
        panic!("there is no end of pages");
    }

    fn take(&mut self, page: Page) {
        let listed: Vec<String> = page.listed.iter().map(|entry| entry.reference.clone()).collect();
        assert!(page.gone.iter().all(|reference| !listed.contains(reference)), "what is gone is not listed");
        self.documents += page.fetched.len();
        for document in page.fetched {
            let revision = revision::find(&document.bytes).expect("every document has its revision");
            let marks = page.listed.iter().filter(|entry| entry.reference == document.reference);
            self.marks.extend(marks.map(|entry| (entry.reference.clone(), entry.mark.clone())));
            self.open.insert(document.reference, revision);
        }
        for reference in page.gone {
            self.open.remove(&reference);
        }
        self.parked.extend(page.unreadable);
        let Some(run) = page.run else { return };
        if self.seen.as_ref().is_none_or(|(seen, _)| *seen != run) {
            self.seen = Some((run, BTreeSet::new()));
        }
        let (_, seen) = self.seen.as_mut().expect("it was just made");
        seen.extend(listed);
        if page.progress == Progress::Complete {
            let absent: Vec<String> = self.open_before.difference(seen).cloned().collect();
            for reference in absent {
                if self.open.remove(&reference).is_some() {
                    self.closed_by_absence.push(reference);
                }
            }
        }
    }
}
