//! Steady traffic: an endless, seeded sequence of changes to a fixed number of slots.
//!
//! A slot holds one post at a time; when its post is deleted, the next one takes its place.

use super::{Closing, post::mix};

/// What happens to the post of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Create,
    Update,
    Close(Closing),
    Reopen,
}

/// One step of the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) slot: usize,
    pub(super) change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Empty,
    Live,
    Closed,
}

/// The sequence; the same seed and the same settings give the same steps.
#[derive(Debug, Clone)]
pub(super) struct Traffic {
    state: u64,
    slots: Vec<Slot>,
    closings: Vec<Closing>,
}

impl Traffic {
    pub(super) fn new(seed: u64, slots: usize, closings: &[Closing]) -> Self {
        Self { state: mix(seed), slots: vec![Slot::Empty; slots.max(1)], closings: closings.to_vec() }
    }

    fn draw(&mut self, below: usize) -> usize {
        self.state = self.state.wrapping_add(1);
        usize::try_from(mix(self.state) % below.max(1) as u64).unwrap_or(0)
    }
}

impl Iterator for Traffic {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let slot = self.draw(self.slots.len());
        let closes = !self.closings.is_empty() && self.draw(8) == 0;
        let change = match self.slots[slot] {
            Slot::Empty => Change::Create,
            Slot::Closed => Change::Reopen,
            Slot::Live if closes => {
                let choice = self.draw(self.closings.len());
                Change::Close(self.closings[choice])
            }
            Slot::Live => Change::Update,
        };
        self.slots[slot] = match change {
            Change::Create | Change::Update | Change::Reopen => Slot::Live,
            Change::Close(Closing::Deleted) => Slot::Empty,
            Change::Close(_) => Slot::Closed,
        };
        Some(Step { slot, change })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOSINGS: [Closing; 3] = [Closing::Unpublished, Closing::Deleted, Closing::JobClosed];

    #[test]
    fn the_same_seed_gives_the_same_traffic() {
        let steps = |seed| Traffic::new(seed, 5, &CLOSINGS).take(200).collect::<Vec<_>>();
        assert_eq!(steps(1), steps(1));
        assert_ne!(steps(1), steps(2));
    }

    #[test]
    fn every_change_happens_and_none_out_of_turn() {
        let steps: Vec<Step> = Traffic::new(7, 3, &CLOSINGS).take(500).collect();
        for slot in 0..3 {
            let mut is_open = None;
            for step in steps.iter().filter(|step| step.slot == slot) {
                is_open = match (is_open, step.change) {
                    (None, Change::Create) | (Some(true), Change::Update) | (Some(false), Change::Reopen) => Some(true),
                    (Some(true), Change::Close(Closing::Deleted)) => None,
                    (Some(true), Change::Close(_)) => Some(false),
                    (state, change) => panic!("{change:?} of a post that is {state:?}"),
                };
            }
        }
        for closing in CLOSINGS {
            assert!(steps.iter().any(|step| step.change == Change::Close(closing)), "{closing:?}");
        }
    }

    #[test]
    fn without_closings_nothing_closes() {
        let mut steps = Traffic::new(7, 3, &[]).take(500);
        assert!(steps.all(|step| matches!(step.change, Change::Create | Change::Update)));
    }
}
