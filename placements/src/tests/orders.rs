//! Whatever order events come in, and however often: in the end they say the same.

use proptest::{prelude::*, sample::Index};

use super::{event, reported};
use crate::{Event, Happening, Milestone, Placement, State, Track, inferred, next, replay};

/// A legal way from the beginning, chosen by chance.
fn ways() -> impl Strategy<Value = (Option<Track>, Vec<State>)> {
    let track = prop_oneof![Just(None), Just(Some(Track::Home)), Just(Some(Track::Away))];
    (track, any::<bool>(), prop::collection::vec(any::<Index>(), 0..24)).prop_map(|(track, applied, choices)| {
        let mut way = vec![if applied { State::Applied } else { State::Sourced }];
        let (mut held, mut followed) = (None, track);
        for choice in choices {
            let state = *way.last().unwrap();
            let stands = held.unwrap_or(state);
            let mut on = next(stands, followed);
            on.retain(|state| state != &State::OnHold || held.is_none());
            on.extend(held);
            if on.is_empty() {
                break;
            }
            let chosen = *choice.get(&on);
            held = (chosen == State::OnHold).then_some(stands);
            followed = followed.or(match chosen {
                State::PermitRequested => Some(Track::Away),
                State::Started => Some(Track::Home),
                _ => None,
            });
            way.push(chosen);
        }
        (track, way)
    })
}

/// Anything that two sources may say, sensible or not.
fn rumours() -> impl Strategy<Value = Vec<Event>> {
    let happening = prop_oneof![
        6 => prop::sample::select(State::ALL).prop_map(Happening::Reached),
        1 => prop::sample::select(State::ALL).prop_map(Happening::Back),
        1 => Just(Happening::Milestone(Milestone::Retained3m)),
    ];
    let one = (prop::sample::select(vec!["anapec", "acme"]), 0_i64..12, happening, prop::option::of(0_i64..12));
    prop::collection::vec(one, 0..16).prop_map(|said| {
        let with = |(source, second, happening, supersedes): (&str, i64, Happening, Option<i64>)| Event {
            supersedes: supersedes.filter(|other| *other < second && second % 5 == 0).map(|other| other.to_string()),
            ..event(source, second, happening)
        };
        said.into_iter().map(with).collect()
    })
}

/// What a slow look at every step says: each is in the table, or passes over what may be passed over.
fn is_legal(placement: &Placement) -> bool {
    let mut held = None;
    placement.steps.iter().all(|step| {
        let (Some(from), Some(to)) = (step.from, step.to) else {
            return step.from.is_none() && matches!(step.to, Some(State::Applied | State::Sourced) | None);
        };
        let stands = if from == State::OnHold { held.unwrap() } else { from };
        held = (to == State::OnHold).then_some(stands);
        let Some(Happening::Reached(said)) = step.event.happening else { return true };
        from == to || (said == to && (inferred(stands, to, None).is_some() || stands == to))
    })
}

proptest! {
    #[test]
    fn a_legal_way_ends_where_it_leads_in_any_order((track, way) in ways(), order in any::<u64>()) {
        let events = reported(&way);
        let straight = replay(track, events.clone());
        prop_assert_eq!(straight.len(), 1);
        prop_assert_eq!(straight[0].state, way.last().copied());
        prop_assert!(straight[0].parked.is_empty(), "{:?}", straight[0].parked);
        let mut shuffled = [events.clone(), events].concat();
        let length = shuffled.len() as u64;
        // Any permutation: each event is given another place by a number that the order mixes.
        shuffled.sort_by_key(|event| event.effective_at.as_second().cast_unsigned().wrapping_mul(order | 1) % (length * 7));
        prop_assert_eq!(replay(track, shuffled), straight);
    }

    #[test]
    fn what_came_so_far_never_changes_what_all_of_it_comes_to(events in rumours(), places in prop::collection::vec(any::<Index>(), 16)) {
        let mut arrived: Vec<Event> = Vec::new();
        for (event, place) in events.iter().zip(&places) {
            arrived.insert(place.index(arrived.len() + 1), event.clone());
            let _ = replay(None, arrived.clone());
        }
        prop_assert_eq!(replay(None, arrived), replay(None, events));
    }

    #[test]
    fn no_illegal_sequence_is_accepted(events in rumours()) {
        for placement in replay(None, events) {
            prop_assert!(is_legal(&placement), "{:#?}", placement.steps);
            let last = placement.steps.last().and_then(|step| step.to);
            prop_assert_eq!(placement.state, last);
        }
    }
}
