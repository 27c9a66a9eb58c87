//! What may come after what: the only machine there is.
//!
//! Source: the states and rules that PALIM's parties have in common, `docs/placements.md`; forward skips by its rule (e).

#![cfg_attr(not(test), expect(clippy::enum_glob_use, reason = "the table is read as one"))]

use std::collections::{BTreeMap, VecDeque};

use super::state::{
    State::{self, *},
    Track,
};

/// What may be skipped: nobody has to say that the employer saw the profile if there is an offer.
const SKIPPED: [State; 6] = [Preselected, Presented, InterviewScheduled, Interviewed, OfferMade, ContractDrafted];

/// What may come after a state. Where the track matters and is not known, what either allows.
///
/// A placement on hold goes on as from where it stood, which only [`super::replay`] knows; here it has nothing of its own
/// but an end that says no more.
pub fn next(state: State, track: Option<Track>) -> Vec<State> {
    let (home, away) = (track != Some(Track::Away), track != Some(Track::Home));
    let mut next: Vec<State> = match state {
        Applied | Sourced => vec![Preselected, Rejected, Withdrawn, PositionClosed],
        Preselected => vec![Presented, Rejected, Withdrawn, PositionClosed, OnHold],
        Presented => vec![InterviewScheduled, OfferMade, Rejected, Withdrawn, PositionClosed, OnHold],
        InterviewScheduled => vec![Interviewed, InterviewCancelled, Withdrawn, PositionClosed],
        InterviewCancelled => vec![InterviewScheduled, Rejected, Withdrawn],
        Interviewed => vec![InterviewScheduled, OfferMade, Rejected, Withdrawn, OnHold],
        OfferMade => vec![OfferAccepted, OfferDeclined, OfferRescinded],
        OfferAccepted => vec![ContractDrafted, ContractInValidation, ContractSigned, Withdrawn, OfferRescinded],
        ContractDrafted | ContractInValidation => vec![ContractSigned, Withdrawn, OfferRescinded],
        ContractSigned => match (home, away) {
            (true, true) => vec![PermitRequested, Started, Withdrawn, ContractCancelled],
            (true, false) => vec![Started, Withdrawn, ContractCancelled],
            _ => vec![PermitRequested, Withdrawn, ContractCancelled],
        },
        PermitRequested => {
            vec![PermitInfoRequested, PermitAdmissible, PermitInadmissible, Withdrawn, ContractCancelled]
        }
        PermitInfoRequested => vec![PermitRequested, PermitAdmissible, PermitInadmissible],
        PermitInadmissible => vec![PermitRequested, ContractCancelled],
        PermitAdmissible => vec![WorkAuthorised, WorkRefused, PermitInfoRequested],
        WorkAuthorised => vec![PermitGranted, PermitRefused],
        WorkRefused | PermitRefused => vec![PermitAppealed, PermitRequested, ContractCancelled],
        PermitAppealed => vec![WorkAuthorised, PermitGranted, ContractCancelled],
        PermitGranted => vec![VisaRequested, VisaNotRequired],
        VisaRequested => vec![VisaIssued, VisaRefused],
        VisaRefused => vec![VisaRequested, ContractCancelled],
        VisaIssued | VisaNotRequired => vec![Arrived, Withdrawn, ContractCancelled],
        Arrived => vec![Registered, Returned],
        Registered => vec![Started, Returned],
        Started => vec![Ended],
        Ended if away => vec![Rehired, Returned, Closed],
        Ended => vec![Rehired, Closed],
        OnHold => vec![],
        Rehired | Rejected | Withdrawn | PositionClosed | OfferDeclined | OfferRescinded | ContractCancelled
        | Returned | Closed | ClosedUnspecified => return Vec::new(),
    };
    next.push(ClosedUnspecified);
    next
}

/// The states that a jump from one state to another passes over, if it may: none for a step. None at all if it may not.
///
/// Only what nobody has to say is passed over; never a permit, a visa, a signature or an acceptance.
pub fn inferred(from: State, to: State, track: Option<Track>) -> Option<Vec<State>> {
    let mut before: BTreeMap<State, State> = BTreeMap::new();
    let mut waiting = VecDeque::from([from]);
    while let Some(state) = waiting.pop_front() {
        for after in next(state, track) {
            if after == to {
                let mut passed = Vec::new();
                let mut at = state;
                while at != from {
                    passed.push(at);
                    at = before[&at];
                }
                passed.reverse();
                return Some(passed);
            }
            if SKIPPED.contains(&after) && after != from && !before.contains_key(&after) {
                before.insert(after, state);
                waiting.push_back(after);
            }
        }
    }
    None
}

/// Whether a placement may go back to a state by its source's word: what recruiters take back before there is a contract,
/// such as a rejection.
pub fn may_go_back(from: State, to: State) -> bool {
    let is_early = |state| state < ContractDrafted;
    is_early(to)
        && to != OnHold
        && (is_early(from)
            || matches!(
                from,
                Rejected | Withdrawn | PositionClosed | OfferDeclined | OfferRescinded | ClosedUnspecified
            ))
}
