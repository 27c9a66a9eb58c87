//! A run over all candidates of an account: where it is, and whether it has seen everybody.

use schemas::Hash;
use serde::{Deserialize, Serialize};

use super::list::{CandidateList, LIST, Order};
use crate::{
    call::protocol,
    poller::{PollError, Progress, RunId},
};

/// The state that a cursor holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) run: Option<Run>,
}

/// The run that is under way. It holds no id of anybody, besides what the vendor puts into its cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) id: RunId,
    /// The vendor's cursor of the page; none: the first page.
    pub(super) place: Option<String>,
    /// How many of that page were done before reading broke off.
    pub(super) done: usize,
    /// How many candidates the pages before held, as far as they were new.
    seen: u64,
    /// How long the list was, if it says so.
    count: Option<u64>,
    /// The last candidate of the page before, as a hash that is of use in this run only.
    last: Option<String>,
    pub(super) is_whole: bool,
}

impl Run {
    pub(super) fn begin() -> Self {
        Self { id: RunId::fresh(), place: None, done: 0, seen: 0, count: None, last: None, is_whole: true }
    }

    /// Leaves out those that the page before held too, and says whether its last one was met again.
    pub(super) fn leave_out_known(&self, list: &mut CandidateList) -> bool {
        let Some(last) = &self.last else { return false };
        let Some(index) = list.entries.iter().rposition(|entry| self.hash(&entry.id) == *last) else { return false };
        list.entries.drain(..=index);
        true
    }

    /// Takes note of a page that is done, and says whether to go on.
    ///
    /// # Errors
    /// A list that leads back to the same page.
    pub(super) fn advance(&mut self, list: &CandidateList, met_last: bool) -> Result<Progress, PollError> {
        self.seen += list.entries.len() as u64;
        let is_first = self.place.is_none();
        let mut next = list.next.clone();
        match list.order {
            Order::Cursor => {}
            Order::Counted(count) => {
                self.is_whole &= is_first || self.count == Some(count);
                self.is_whole &= next.is_some() || self.seen >= count;
                self.count = Some(count);
            }
            Order::Overlapping => {
                // Where the last one is not met again, somebody before went, and somebody moved up unseen.
                self.is_whole &= is_first || met_last;
                next = next.filter(|next| brings_new(list) && Some(next) != self.place.as_ref());
            }
        }
        if next.is_some() && next == self.place {
            return Err(protocol(LIST, "", "the next page is the same page"));
        }
        self.last = list.entries.last().map(|entry| self.hash(&entry.id)).or(self.last.take());
        self.done = 0;
        self.place = next;
        Ok(match self.place {
            Some(_) => Progress::More,
            None if self.is_whole => Progress::Complete,
            None => Progress::CaughtUp,
        })
    }

    fn hash(&self, id: &str) -> String {
        Hash::of(format!("{} {id}", self.id).as_bytes()).to_string()
    }
}

/// Whether a page holds anything besides those that the page before held.
fn brings_new(list: &CandidateList) -> bool {
    !list.entries.is_empty() || !list.unreadable.is_empty()
}
