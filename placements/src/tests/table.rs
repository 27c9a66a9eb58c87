//! The table of states, and every jump between two of them.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{Illegal, State, State::*, Track, inferred, next};

const TRACKS: [Option<Track>; 3] = [None, Some(Track::Home), Some(Track::Away)];

/// The rule in its own words: what nobody has to say.
const PASSED_OVER: [State; 6] = [Preselected, Presented, InterviewScheduled, Interviewed, OfferMade, ContractDrafted];

/// Whether a jump is legal, by closing the table under one more state to pass over at a time.
fn may_jump(track: Option<Track>) -> BTreeSet<(State, State)> {
    let mut jumps: BTreeSet<(State, State)> =
        State::ALL.iter().flat_map(|from| next(*from, track).into_iter().map(|to| (*from, to))).collect();
    for over in PASSED_OVER {
        let (into, out): (Vec<_>, Vec<_>) = (
            jumps.iter().filter(|(_, to)| *to == over).map(|(from, _)| *from).collect(),
            jumps.iter().filter(|(from, _)| *from == over).map(|(_, to)| *to).collect(),
        );
        jumps.extend(into.iter().flat_map(|from| out.iter().map(|to| (*from, *to))));
    }
    jumps
}

#[test]
fn a_jump_is_legal_for_just_those_pairs_of_states_that_only_pass_over_what_nobody_has_to_say() {
    for track in TRACKS {
        let legal = may_jump(track);
        for from in State::ALL {
            for to in State::ALL {
                let passed = inferred(*from, *to, track);
                assert_eq!(passed.is_some(), legal.contains(&(*from, *to)), "{from} to {to} on {track:?}");
                let Some(passed) = passed else { continue };
                assert!(passed.iter().all(|state| PASSED_OVER.contains(state)), "{from} to {to}: {passed:?}");
                let chain = [&[*from], &passed[..], &[*to]].concat();
                let is_chain = chain.windows(2).all(|pair| next(pair[0], track).contains(&pair[1]));
                assert!(is_chain, "{from} to {to}: {passed:?}");
            }
        }
    }
}

#[test]
fn nothing_official_is_ever_passed_over() {
    let official: Vec<State> =
        State::ALL.iter().copied().filter(|state| (ContractSigned..=Started).contains(state)).collect();
    for to in &official {
        for from in State::ALL {
            for track in TRACKS {
                let is_step = next(*from, track).contains(to);
                let over_a_draft = *to == ContractSigned && inferred(*from, *to, track).is_some();
                assert!(is_step || over_a_draft || inferred(*from, *to, track).is_none(), "{from} to {to}");
            }
        }
    }
    assert_eq!(inferred(OfferAccepted, Started, None), None, "what an ATS calls hired is not at work");
    assert_eq!(inferred(PermitAdmissible, PermitGranted, None), None);
    assert_eq!(inferred(Applied, OfferAccepted, None).unwrap(), [Preselected, Presented, OfferMade]);
}

#[test]
fn the_tracks_part_after_the_contract() {
    assert!(next(ContractSigned, Some(Track::Away)).contains(&PermitRequested));
    assert!(!next(ContractSigned, Some(Track::Away)).contains(&Started));
    assert!(next(ContractSigned, Some(Track::Home)).contains(&Started));
    assert!(!next(ContractSigned, Some(Track::Home)).contains(&PermitRequested));
    assert!(!next(Ended, Some(Track::Home)).contains(&Returned));
}

#[test]
fn every_state_has_a_way_in_and_every_one_that_is_not_the_end_may_end_without_saying_why() {
    for state in State::ALL {
        let is_reached = State::ALL.iter().any(|from| next(*from, None).contains(state));
        assert!(is_reached || matches!(state, Applied | Sourced), "{state}");
        assert_eq!(next(*state, None).contains(&ClosedUnspecified), !state.is_terminal(), "{state}");
        assert_eq!(state.as_str().parse(), Ok(*state));
    }
    let ends: BTreeSet<State> = State::ALL.iter().copied().filter(|state| state.is_terminal()).collect();
    assert_eq!(ends.len(), 10);
}

#[test]
fn the_page_of_placements_has_this_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/placements.md");
    let page = fs::read_to_string(path).unwrap();
    let (_, rest) = page.split_once("<!-- table -->\n").unwrap();
    let (table, _) = rest.split_once("<!-- end -->").unwrap();
    let words = |states: Vec<State>| {
        let words = states.iter().filter(|state| **state != ClosedUnspecified).map(|state| format!("`{state}`"));
        words.collect::<Vec<_>>().join(", ")
    };
    let mut wanted = "| state | may be followed by |\n|---|---|\n".to_owned();
    for state in State::ALL.iter().filter(|state| !state.is_terminal() && **state != OnHold) {
        wanted.push_str(&format!("| `{state}` | {} |\n", words(next(*state, None))));
    }
    assert!(table == wanted, "`docs/placements.md` must have this table:\n{wanted}");
}

#[test]
fn the_page_of_placements_says_of_every_conflict_what_to_do() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/placements.md");
    let page = fs::read_to_string(path).unwrap();
    for why in Illegal::ALL {
        let (code, remedy) = (format!("| `{}` | ", why.code()), format!(" | {} |", why.remedy()));
        let is_there = page.lines().any(|line| line.starts_with(&code) && line.ends_with(&remedy));
        assert!(is_there, "`docs/placements.md` must have a row {code} … {remedy}");
    }
}
