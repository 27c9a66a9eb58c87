//! Which requests about a reference were under way at once.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The requests that are under way. One that its sender gave up does not count: only what was answered was really sent.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    begun: u64,
    /// By reference: the number of each request, and whether another one began meanwhile.
    under_way: BTreeMap<String, BTreeMap<u64, bool>>,
    overlaps: Vec<String>,
}

impl Turns {
    pub(super) fn begin(&self, reference: &str) -> Turn<'_> {
        let mut state = self.lock();
        state.begun += 1;
        let number = state.begun;
        let under_way = state.under_way.entry(reference.to_owned()).or_default();
        for has_company in under_way.values_mut() {
            *has_company = true;
        }
        under_way.insert(number, false);
        Turn { turns: self, reference: reference.to_owned(), number, is_answered: false }
    }

    /// The references of requests during which another one began.
    pub(super) fn overlaps(&self) -> Vec<String> {
        self.lock().overlaps.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request, from its arrival to its answer.
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    reference: String,
    number: u64,
    is_answered: bool,
}

impl Turn<'_> {
    /// The answer goes out.
    pub(super) fn end(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.turns.lock();
        let Some(under_way) = state.under_way.get_mut(&self.reference) else { return };
        let had_company = under_way.remove(&self.number).unwrap_or_default();
        if under_way.is_empty() {
            state.under_way.remove(&self.reference);
        }
        if had_company && self.is_answered {
            state.overlaps.push(self.reference.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_answered_overlaps() {
        let turns = Turns::default();
        turns.begin("a").end();
        let (given_up, other) = (turns.begin("a"), turns.begin("b"));
        let next = turns.begin("a");
        drop(given_up);
        next.end();
        other.end();
        assert!(turns.overlaps().is_empty());
        let (first, second) = (turns.begin("a"), turns.begin("a"));
        first.end();
        second.end();
        assert_eq!(turns.overlaps(), ["a"]);
    }
}
