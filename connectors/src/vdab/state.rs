//! Where a reading of VDAB is: which list comes next, and when a run over everything is complete.
//!
//! A run lists what is published today, then what has changed since it began: whatever moved within the first list
//! while it was read is in the second. Only then is it complete. Between runs there are changes alone.

use std::time::Duration;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{api::List, list::Slice};
use crate::poller::{Progress, RunId};

/// VDAB gives no longer window (`bulk`).
const LONGEST_WINDOW: Duration = Duration::from_hours(5 * 24);
/// A window is not halved below this.
const SHORTEST_WINDOW: Duration = Duration::from_secs(1);
/// What VDAB's times tell apart.
const INSTANT: Duration = Duration::from_millis(1);
/// So many entries of one part must come again in the next for us to know that none was skipped between them.
const SEAM: usize = 100;
/// A list that keeps moving is read from its beginning so often, and then as well as it goes.
const MOST_RESTARTS: u32 = 3;

/// The state that a cursor holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// The run over everything that is under way.
    pub(super) run: Option<Run>,
    /// The list that is being read.
    pub(super) listing: Option<Listing>,
    /// Of the lists read: the vacancies whose documents are still to be fetched.
    pub(super) pending: Vec<String>,
    /// The next window of changes begins here.
    next_from: Option<Timestamp>,
    /// When the last run over everything began.
    whole_from: Option<Timestamp>,
    /// Whether the last window reached the present.
    is_caught_up: bool,
}

/// A run over everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) id: RunId,
    pub(super) began_at: Timestamp,
    /// Whether all of its lists could be read without a gap.
    pub(super) is_whole: bool,
}

/// A list that is being read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listing {
    pub(super) list: List,
    /// Where the next part begins.
    offset: usize,
    /// The last references of the part before.
    seam: Vec<String>,
    restarts: u32,
    /// Whether the end of its window was the present.
    reaches_now: bool,
}

/// How a list is to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// How often there is a run over everything.
    pub(super) everything_every: Duration,
    /// How far windows reach back into what was told before.
    pub(super) overlap: Duration,
}

impl State {
    /// The list to read now: the one under way, else the next one.
    pub(super) fn take_listing(&mut self, now: Timestamp, pace: Pace) -> Listing {
        self.is_caught_up = false;
        self.listing.take().unwrap_or_else(|| self.next_listing(now, pace))
    }

    fn next_listing(&mut self, now: Timestamp, pace: Pace) -> Listing {
        let is_due =
            self.whole_from.is_none_or(|from| now.duration_since(from).unsigned_abs() >= pace.everything_every);
        let from = match self.next_from {
            Some(from) if self.run.is_some() || !is_due => from,
            _ => {
                self.run = Some(Run { id: RunId::fresh(), began_at: now, is_whole: true });
                self.next_from = None;
                return Listing::of(List::Published { on: day(now) }, false);
            }
        };
        let to = now.max(from + SHORTEST_WINDOW);
        let longest = from + LONGEST_WINDOW;
        Listing::of(List::Changes { from, to: to.min(longest) }, to <= longest)
    }

    /// Goes on after a list was read to its end; `date` is when VDAB answered.
    pub(super) fn finish_listing(&mut self, listing: &Listing, date: Option<Timestamp>, pace: Pace) {
        self.is_caught_up = listing.reaches_now;
        self.next_from = match listing.list {
            List::Published { .. } => self.run.as_ref().map(|run| run.began_at - pace.overlap),
            // Our clock may be ahead: what VDAB had not lived through yet was not told.
            List::Changes { to, .. } if listing.reaches_now => {
                Some(date.map_or(to, |date| date.min(to)) - pace.overlap)
            }
            // Windows of the past join; whether their ends belong to them is not said.
            List::Changes { to, .. } => Some(to - INSTANT),
        };
    }

    /// Notes that the list said something that cannot be understood: the run closes nothing.
    pub(super) fn note_unreadable(&mut self) {
        if let Some(run) = &mut self.run {
            run.is_whole = false;
        }
    }

    /// Notes that entries may have been missed: the run closes nothing, and after changes there is another run at once.
    pub(super) fn note_gap(&mut self) {
        if self.run.is_none() {
            self.whole_from = None;
        }
        self.note_unreadable();
    }

    /// How far the reading is; ends the run if that was its last page.
    pub(super) fn progress(&mut self) -> Progress {
        if !self.is_caught_up || self.listing.is_some() || !self.pending.is_empty() {
            return Progress::More;
        }
        let Some(run) = self.run.take() else { return Progress::CaughtUp };
        self.whole_from = Some(run.began_at);
        if run.is_whole { Progress::Complete } else { Progress::CaughtUp }
    }

    /// Sets back the beginning of a run that our clock has put too late.
    pub(super) fn began_before(&mut self, date: Timestamp) {
        if let Some(run) = &mut self.run {
            run.began_at = run.began_at.min(date);
        }
    }
}

/// What a part of a list means for reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask again: the listing was changed.
    Again,
    /// Take the part; the list goes on, or not.
    Take {
        /// Whether the list goes on.
        goes_on: bool,
        /// Whether entries may be missing before it.
        has_gap: bool,
    },
}

impl Listing {
    fn of(list: List, reaches_now: bool) -> Self {
        Self { list, offset: 0, seam: Vec::new(), restarts: 0, reaches_now }
    }

    /// Whether nothing of it was read yet.
    pub(super) fn is_at_beginning(&self) -> bool {
        self.offset == 0
    }

    /// Where to read: the seam comes again.
    pub(super) fn asked_offset(&self) -> usize {
        self.offset - self.seam.len()
    }

    /// Looks at a part and moves on.
    pub(super) fn advance(&mut self, slice: &Slice, asked: usize) -> Step {
        let begin = self.asked_offset();
        let goes_on = slice.goes_on(begin, asked);
        if goes_on && begin == 0 && self.halve() {
            return Step::Again;
        }
        let is_joined = self.seam.is_empty() || slice.entries.iter().any(|entry| self.seam.contains(&entry.reference));
        if !is_joined && self.restarts < MOST_RESTARTS {
            *self = Self { offset: 0, seam: Vec::new(), restarts: self.restarts + 1, ..self.clone() };
            return Step::Again;
        }
        let has_gap = !is_joined || slice.breaks_off(begin);
        self.offset = begin + slice.length;
        // Less than half a part, so that every part moves on.
        let first = slice.entries.len().saturating_sub(SEAM.min(slice.length / 2));
        self.seam = slice.entries[first..].iter().map(|entry| entry.reference.clone()).collect();
        Step::Take { goes_on, has_gap }
    }

    /// Halves a window that holds more than one part, so that it is read in one piece and nothing can move in it.
    fn halve(&mut self) -> bool {
        let List::Changes { from, to } = &mut self.list else { return false };
        let width = to.duration_since(*from).unsigned_abs();
        if width / 2 < SHORTEST_WINDOW {
            return false;
        }
        *to = *from + width / 2;
        self.reaches_now = false;
        true
    }
}

/// The day in Flanders.
pub(super) fn day(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::get("Europe/Brussels").unwrap_or(TimeZone::UTC)).date()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vdab::list::Entry;

    const PACE: Pace = Pace { everything_every: Duration::from_hours(24), overlap: Duration::from_mins(10) };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn slice(references: &[&str], total: usize) -> Slice {
        let entry = |reference: &&str| Entry { reference: (*reference).to_owned(), is_published: true };
        let entries: Vec<Entry> = references.iter().map(entry).collect();
        Slice { length: entries.len(), entries, unreadable: Vec::new(), total: Some(total), date: None }
    }

    /// Reads the next list as if it were empty.
    fn pass(state: &mut State, now: Timestamp) -> List {
        let mut listing = state.take_listing(now, PACE);
        let list = listing.list.clone();
        assert_eq!(listing.advance(&slice(&[], 0), 2), Step::Take { goes_on: false, has_gap: false });
        state.finish_listing(&listing, Some(now), PACE);
        list
    }

    fn changes(from: &str, to: &str) -> List {
        List::Changes { from: at(from), to: at(to) }
    }

    #[test]
    fn a_run_is_complete_only_after_what_changed_while_it_ran() {
        let mut state = State::default();
        let day = "2026-11-21".parse().unwrap();
        assert_eq!(pass(&mut state, at("2026-11-21T08:00:00Z")), List::Published { on: day });
        assert_eq!(state.progress(), Progress::More);
        let during = changes("2026-11-21T07:50:00Z", "2026-11-21T08:05:00Z");
        assert_eq!(pass(&mut state, at("2026-11-21T08:05:00Z")), during);
        assert_eq!(state.progress(), Progress::Complete);
        let news = changes("2026-11-21T07:55:00Z", "2026-11-21T08:10:00Z");
        assert_eq!(pass(&mut state, at("2026-11-21T08:10:00Z")), news);
        assert_eq!(state.progress(), Progress::CaughtUp);
        assert_eq!(pass(&mut state, at("2026-11-22T08:00:00Z")), List::Published { on: "2026-11-22".parse().unwrap() });
    }

    #[test]
    fn a_run_with_a_gap_is_never_complete() {
        let mut state = State::default();
        pass(&mut state, at("2026-11-21T08:00:00Z"));
        state.note_gap();
        pass(&mut state, at("2026-11-21T08:05:00Z"));
        assert_eq!(state.progress(), Progress::CaughtUp);
        pass(&mut state, at("2026-11-21T08:10:00Z"));
        assert_eq!(state.progress(), Progress::CaughtUp, "the next run comes in its time");
    }

    #[test]
    fn after_a_gap_in_the_changes_everything_is_read_again() {
        let mut state = State::default();
        pass(&mut state, at("2026-11-21T08:00:00Z"));
        pass(&mut state, at("2026-11-21T08:05:00Z"));
        assert_eq!(state.progress(), Progress::Complete);
        pass(&mut state, at("2026-11-21T08:10:00Z"));
        state.note_gap();
        assert_eq!(state.progress(), Progress::CaughtUp);
        let list = pass(&mut state, at("2026-11-21T08:15:00Z"));
        assert!(matches!(list, List::Published { .. }), "{list:?}");
    }

    #[test]
    fn a_long_absence_is_made_good_in_windows_of_five_days() {
        let mut state = State { next_from: Some(at("2026-11-01T00:00:00Z")), ..State::default() };
        state.whole_from = Some(at("2026-11-13T00:00:00Z"));
        let now = at("2026-11-13T12:00:00Z");
        assert_eq!(pass(&mut state, now), changes("2026-11-01T00:00:00Z", "2026-11-06T00:00:00Z"));
        assert_eq!(state.progress(), Progress::More);
        assert_eq!(pass(&mut state, now), changes("2026-11-05T23:59:59.999Z", "2026-11-10T23:59:59.999Z"));
        assert_eq!(state.progress(), Progress::More);
        assert_eq!(pass(&mut state, now), changes("2026-11-10T23:59:59.998Z", "2026-11-13T12:00:00Z"));
        assert_eq!(state.progress(), Progress::CaughtUp);
    }

    #[test]
    fn a_clock_that_is_ahead_loses_nothing() {
        let mut state = State { next_from: Some(at("2026-11-21T08:00:00Z")), ..State::default() };
        state.whole_from = state.next_from;
        let mut listing = state.take_listing(at("2026-11-21T10:00:00Z"), PACE);
        listing.advance(&slice(&[], 0), 2);
        state.finish_listing(&listing, Some(at("2026-11-21T09:00:00Z")), PACE);
        assert_eq!(state.next_from, Some(at("2026-11-21T08:50:00Z")));
    }

    #[test]
    fn a_window_that_holds_too_much_is_halved() {
        let mut listing = Listing::of(changes("2026-11-21T08:00:00Z", "2026-11-21T09:00:00Z"), true);
        assert_eq!(listing.advance(&slice(&["a", "b"], 9), 2), Step::Again);
        assert_eq!(listing, Listing::of(changes("2026-11-21T08:00:00Z", "2026-11-21T08:30:00Z"), false));
        let mut second = Listing::of(changes("2026-11-21T08:00:00Z", "2026-11-21T08:00:01Z"), true);
        assert_eq!(second.advance(&slice(&["a", "b"], 3), 2), Step::Take { goes_on: true, has_gap: false });
    }

    #[test]
    fn parts_that_do_not_join_are_read_anew_and_never_make_a_run_whole() {
        let mut listing = Listing::of(List::Published { on: "2026-11-21".parse().unwrap() }, false);
        for restart in 0..=MOST_RESTARTS {
            assert_eq!(
                listing.advance(&slice(&["a", "b", "c", "d"], 8), 4),
                Step::Take { goes_on: true, has_gap: false }
            );
            assert_eq!(listing.asked_offset(), 2, "the last two come again");
            let next = listing.advance(&slice(&["f", "g", "h", "i"], 6), 4);
            let expected =
                if restart < MOST_RESTARTS { Step::Again } else { Step::Take { goes_on: true, has_gap: true } };
            assert_eq!(next, expected);
        }
    }

    #[test]
    fn a_list_that_moved_a_little_still_joins() {
        let mut listing = Listing::of(List::Published { on: "2026-11-21".parse().unwrap() }, false);
        listing.advance(&slice(&["a", "b", "c", "d"], 7), 4);
        // `a` is gone meanwhile: what was at 2 is `d` now.
        assert_eq!(listing.advance(&slice(&["d", "e", "f", "g"], 6), 4), Step::Take { goes_on: true, has_gap: false });
    }
}
