//! The dispatches of one partner that are held in memory: one at a time per entity, in order, many entities at once.
//!
//! Pure: no clock, no store, no network.

use std::collections::{HashMap, VecDeque};

use schemas::{EntityKey, Lane, Position};

/// What the queue must know of a dispatch.
pub trait Queued {
    /// The entity; order holds per entity.
    fn entity(&self) -> EntityKey;
    /// The version that it carries.
    fn version(&self) -> Position;
    /// How urgent it is.
    fn lane(&self) -> Lane;
    /// Makes it more urgent.
    fn raise(&mut self, lane: Lane);
    /// Whether a newer one may take its place.
    fn is_replaceable(&self) -> bool;
    /// Whether it takes back what it is a version of.
    fn takes_back(&self) -> bool;
}

/// The queue of one partner.
#[derive(Debug)]
pub struct Ahead<T> {
    slots: HashMap<EntityKey, Slot<T>>,
    ready: [VecDeque<EntityKey>; 4],
    len: usize,
    running: usize,
}

#[derive(Debug)]
struct Slot<T> {
    running: Option<(Position, bool)>,
    waiting: VecDeque<T>,
}

impl<T: Queued> Ahead<T> {
    /// An empty queue.
    pub fn new() -> Self {
        Self { slots: HashMap::new(), ready: Default::default(), len: 0, running: 0 }
    }

    /// How many dispatches are held, those under way included.
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many are under way.
    pub fn running(&self) -> usize {
        self.running
    }

    /// Whether something may be started.
    pub fn is_ready(&self) -> bool {
        self.ready.iter().any(|queue| !queue.is_empty())
    }

    /// Whether anything of that entity is held.
    pub fn holds(&self, entity: EntityKey) -> bool {
        self.slots.contains_key(&entity)
    }

    /// Whether that very version of an entity is held: a record that stands twice in the log counts once. What takes a
    /// version back is not that version.
    pub fn holds_version(&self, wanted: &T) -> bool {
        let what = |item: &T| (item.version(), item.takes_back());
        self.slots.get(&wanted.entity()).is_some_and(|slot| {
            slot.running == Some(what(wanted)) || slot.waiting.iter().any(|item| what(item) == what(wanted))
        })
    }

    /// Takes a dispatch in and returns those whose place it took, or itself if it comes late.
    pub fn push(&mut self, mut item: T) -> Vec<T> {
        let entity = item.entity();
        let slot = self.slots.entry(entity).or_insert_with(|| Slot { running: None, waiting: VecDeque::new() });
        if item.is_replaceable() && slot.waiting.back().is_some_and(|newest| newest.version() > item.version()) {
            return vec![item];
        }
        let mut replaced = Vec::new();
        while slot.waiting.back().is_some_and(Queued::is_replaceable) && item.is_replaceable() {
            let Some(older) = slot.waiting.pop_back() else { break };
            item.raise(older.lane());
            replaced.push(older);
        }
        self.len = self.len + 1 - replaced.len();
        let lane = item.lane();
        slot.waiting.push_back(item);
        if slot.running.is_none() {
            // An entity may stand in a queue more than once; the first turn takes it, the others find nothing.
            self.ready[lane as usize].push_back(entity);
        }
        replaced
    }

    /// The most urgent dispatch whose entity is free; it counts as under way until [`Self::finish`].
    pub fn start(&mut self) -> Option<T> {
        for queue in &mut self.ready {
            while let Some(entity) = queue.pop_front() {
                let Some(slot) = self.slots.get_mut(&entity) else { continue };
                if slot.running.is_some() {
                    continue;
                }
                let Some(item) = slot.waiting.pop_front() else { continue };
                slot.running = Some((item.version(), item.takes_back()));
                self.running += 1;
                return Some(item);
            }
        }
        None
    }

    /// Ends what is under way for an entity, so that its next one may start.
    pub fn finish(&mut self, entity: EntityKey) {
        let Some(slot) = self.slots.get_mut(&entity).filter(|slot| slot.running.is_some()) else { return };
        slot.running = None;
        self.running -= 1;
        self.len -= 1;
        match slot.waiting.front() {
            Some(next) => self.ready[next.lane() as usize].push_back(entity),
            None => drop(self.slots.remove(&entity)),
        }
    }

    /// Gives back a dispatch whose attempt came to nothing, to be started again before what stands behind it.
    pub fn give_back(&mut self, item: T) {
        let (entity, lane) = (item.entity(), item.lane());
        let Some(slot) = self.slots.get_mut(&entity).filter(|slot| slot.running.is_some()) else { return };
        slot.running = None;
        self.running -= 1;
        slot.waiting.push_front(item);
        self.ready[lane as usize].push_back(entity);
    }

    /// Hands everything back that has not begun.
    pub fn step_aside(&mut self) -> Vec<T> {
        self.ready.iter_mut().for_each(VecDeque::clear);
        let waiting: Vec<T> = self.slots.values_mut().flat_map(|slot| std::mem::take(&mut slot.waiting)).collect();
        self.slots.retain(|_, slot| slot.running.is_some());
        self.len -= waiting.len();
        waiting
    }

    /// Ends what is under way for an entity that is now held back, and returns what stood behind it.
    pub fn hold_back(&mut self, entity: EntityKey) -> Vec<T> {
        let Some(slot) = self.slots.remove(&entity) else { return Vec::new() };
        self.running -= usize::from(slot.running.is_some());
        self.len -= usize::from(slot.running.is_some()) + slot.waiting.len();
        slot.waiting.into()
    }
}

#[cfg(test)]
mod tests {
    use schemas::PartnerId;

    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Item {
        entity: EntityKey,
        version: i64,
        lane: Lane,
        is_event: bool,
    }

    impl Queued for Item {
        fn entity(&self) -> EntityKey {
            self.entity
        }
        fn version(&self) -> Position {
            Position { generation: 1, offset: self.version }
        }
        fn lane(&self) -> Lane {
            self.lane
        }
        fn raise(&mut self, lane: Lane) {
            self.lane = self.lane.min(lane);
        }
        fn is_replaceable(&self) -> bool {
            !self.is_event
        }
        fn takes_back(&self) -> bool {
            self.lane == Lane::Closing && self.is_event
        }
    }

    fn item(entity: &str, version: i64, lane: Lane) -> Item {
        let partner: PartnerId = "acme".parse().unwrap();
        Item { entity: EntityKey::of_vacancy(&partner, entity), version, lane, is_event: false }
    }

    fn versions(items: Vec<Item>) -> Vec<i64> {
        items.into_iter().map(|item| item.version).collect()
    }

    #[test]
    fn what_takes_a_version_back_is_not_that_version() {
        let mut ahead = Ahead::new();
        let version = item("a", 1, Lane::Live);
        let closing = Item { is_event: true, ..item("a", 1, Lane::Closing) };
        ahead.push(closing.clone());
        for _ in 0..2 {
            assert!(ahead.holds_version(&closing) && !ahead.holds_version(&version));
            ahead.start();
        }
        ahead.push(version.clone());
        assert!(ahead.holds_version(&version));
    }

    #[test]
    fn one_at_a_time_per_entity_and_many_entities_at_once() {
        let mut ahead = Ahead::new();
        for item in [item("a", 1, Lane::Live), item("b", 2, Lane::Live)] {
            assert_eq!(ahead.push(item), []);
        }
        assert_eq!(ahead.start().unwrap().version, 1);
        ahead.push(item("a", 3, Lane::Live));
        assert_eq!(ahead.start().unwrap().version, 2);
        assert_eq!(ahead.start(), None, "version 3 waits for version 1");
        ahead.finish(item("a", 1, Lane::Live).entity);
        assert_eq!(ahead.start().unwrap().version, 3);
        assert_eq!((ahead.len(), ahead.running()), (2, 2));
    }

    #[test]
    fn a_newer_version_takes_the_place_and_the_lane_of_what_waits() {
        let mut ahead = Ahead::new();
        ahead.push(item("a", 1, Lane::Closing));
        assert_eq!(versions(ahead.push(item("a", 2, Lane::Live))), [1]);
        ahead.push(item("b", 3, Lane::Live));
        let next = ahead.start().unwrap();
        assert_eq!((next.version, next.lane), (2, Lane::Closing));
        assert_eq!(ahead.len(), 2);
    }

    #[test]
    fn what_is_under_way_is_not_replaced() {
        let mut ahead = Ahead::new();
        ahead.push(item("a", 1, Lane::Live));
        ahead.start().unwrap();
        assert_eq!(ahead.push(item("a", 2, Lane::Live)), []);
        assert_eq!(versions(ahead.push(item("a", 3, Lane::Live))), [2]);
    }

    #[test]
    fn a_late_version_is_handed_back() {
        let mut ahead = Ahead::new();
        ahead.push(item("a", 5, Lane::Live));
        assert_eq!(versions(ahead.push(item("a", 4, Lane::Live))), [4]);
        assert_eq!(ahead.start().unwrap().version, 5);
    }

    #[test]
    fn events_all_count() {
        let mut ahead = Ahead::new();
        for version in 1..=3 {
            assert_eq!(ahead.push(Item { is_event: true, ..item("a", version, Lane::Live) }), []);
        }
        for version in 1..=3 {
            let event = ahead.start().unwrap();
            assert_eq!(event.version, version);
            ahead.finish(event.entity);
        }
        assert_eq!(ahead.len(), 0);
    }

    #[test]
    fn urgent_lanes_go_first() {
        let mut ahead = Ahead::new();
        let lanes = [Lane::Backfill, Lane::Retry, Lane::Live, Lane::Closing];
        for (version, lane) in (1..).zip(lanes) {
            ahead.push(item(&version.to_string(), version, lane));
        }
        let order: Vec<i64> = std::iter::from_fn(|| ahead.start()).map(|item| item.version).collect();
        assert_eq!(order, [4, 3, 2, 1]);
    }

    #[test]
    fn what_is_given_back_goes_first_again() {
        let mut ahead = Ahead::new();
        ahead.push(Item { is_event: true, ..item("a", 1, Lane::Live) });
        let first = ahead.start().unwrap();
        ahead.push(Item { is_event: true, ..item("a", 2, Lane::Live) });
        ahead.give_back(first);
        assert_eq!((ahead.len(), ahead.running()), (2, 0));
        assert_eq!(ahead.start().unwrap().version, 1);
    }

    #[test]
    fn what_has_begun_does_not_step_aside() {
        let mut ahead = Ahead::new();
        ahead.push(item("a", 1, Lane::Live));
        ahead.start().unwrap();
        ahead.push(item("a", 2, Lane::Live));
        ahead.push(item("b", 3, Lane::Live));
        let mut aside = versions(ahead.step_aside());
        aside.sort_unstable();
        assert_eq!((aside, ahead.len(), ahead.is_ready()), (vec![2, 3], 1, false));
        ahead.finish(item("a", 1, Lane::Live).entity);
        assert_eq!((ahead.len(), ahead.running()), (0, 0));
    }

    #[test]
    fn what_stands_behind_a_stuck_dispatch_is_handed_back() {
        let mut ahead = Ahead::new();
        ahead.push(item("a", 1, Lane::Live));
        let first = ahead.start().unwrap();
        ahead.push(item("a", 2, Lane::Live));
        assert_eq!(versions(ahead.hold_back(first.entity)), [2]);
        assert_eq!((ahead.len(), ahead.running()), (0, 0));
        assert!(!ahead.holds(first.entity));
    }
}
