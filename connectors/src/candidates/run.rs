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
    /// The last candidate of the page before, as a hash that is of use in this run only.
    last: Option<String>,
    pub(super) is_whole: bool,
    /// Whether it begins anew because the vendor refused its own cursor.
    #[serde(default)]
    pub(super) is_second_try: bool,
}

impl Run {
    pub(super) fn begin() -> Self {
        Self { id: RunId::fresh(), place: None, done: 0, last: None, is_whole: true, is_second_try: false }
    }

    pub(super) fn begin_again() -> Self {
        Self { is_second_try: true, ..Self::begin() }
    }

    /// Leaves out those up to the last one of the page before, and says how many they were; none: it was not met again.
    pub(super) fn leave_out_known(&self, list: &mut CandidateList) -> usize {
        let Some(last) = &self.last else { return 0 };
        let place = list.entries.iter().rposition(|entry| self.hash(&entry.id) == *last);
        list.entries.drain(..place.map_or(0, |index| index + 1)).count()
    }

    /// Whether a page ends with the last candidate of the page before.
    pub(super) fn ends_as_before(&self, list: &CandidateList) -> bool {
        list.entries.last().is_some_and(|entry| Some(self.hash(&entry.id)) == self.last)
    }

    /// Takes note of a page that is done, and says whether to go on. It joins the page before if nobody can be between.
    ///
    /// # Errors
    /// A list that leads back to the same page.
    pub(super) fn advance(&mut self, list: &CandidateList, known: usize, joins: bool) -> Result<Progress, PollError> {
        let is_first = self.place.is_none();
        let mut next = list.next.clone();
        match list.order {
            Order::Cursor => {}
            // Where it does not join, somebody before went, and somebody moved up unseen.
            Order::Numbered => self.is_whole &= is_first || joins,
            Order::Overlapping => {
                self.is_whole &= is_first || joins;
                next = next.filter(|next| !is_end(list, known) && Some(next) != self.place.as_ref());
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

/// Whether a page that begins with the last one of the page before holds nobody else. Who comes meanwhile moves that one
/// back: then others may follow.
fn is_end(list: &CandidateList, known: usize) -> bool {
    list.entries.is_empty() && list.unreadable.is_empty() && known <= 1
}
