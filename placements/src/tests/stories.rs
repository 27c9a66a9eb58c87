//! What happens to people.

use super::{event, reported};
use crate::{Event, Happening, Illegal, Milestone, Placement, State, State::*, Track};

/// The only placement that the events make.
fn replay(track: Option<Track>, events: Vec<Event>) -> Placement {
    let mut placements = crate::replay(track, events);
    assert_eq!(placements.len(), 1);
    placements.remove(0)
}

fn codes(placement: &Placement) -> Vec<&'static str> {
    placement.parked.iter().map(|parked| parked.why.code()).collect()
}

#[test]
fn a_permit_may_be_refused_and_asked_for_again() {
    let way = [
        Sourced,
        Preselected,
        Presented,
        InterviewScheduled,
        Interviewed,
        OfferMade,
        OfferAccepted,
        ContractSigned,
        PermitRequested,
        PermitInfoRequested,
        PermitRequested,
        PermitAdmissible,
        WorkRefused,
        PermitRequested,
        PermitAdmissible,
        WorkAuthorised,
        PermitGranted,
        VisaRequested,
        VisaIssued,
        Arrived,
        Registered,
        Started,
        Ended,
        Returned,
    ];
    let placement = replay(None, reported(&way));
    assert_eq!((placement.state, placement.track, codes(&placement)), (Some(Returned), Some(Track::Away), vec![]));
    assert!(placement.steps.iter().all(|step| step.inferred.is_empty()));
}

#[test]
fn who_is_hired_has_accepted_and_does_not_work_yet() {
    let placement = replay(None, reported(&[Applied, OfferAccepted, Started]));
    assert_eq!(placement.state, Some(OfferAccepted));
    assert_eq!(placement.steps[1].inferred, [Preselected, Presented, OfferMade]);
    assert_eq!(codes(&placement), ["no_way"]);
    let later = replay(None, [reported(&[Applied, OfferAccepted, Started]), vec![contract()]].concat());
    assert_eq!(
        (later.state, later.track, codes(&later)),
        (Some(Started), Some(Track::Home), vec![]),
        "the contract explains it"
    );
}

/// Signed between being accepted and starting.
fn contract() -> Event {
    let signed = event("anapec", 1, Happening::Reached(ContractSigned));
    Event { sequence: Some(1), id: "contract".to_owned(), ..signed }
}

#[test]
fn what_is_on_hold_goes_on_where_it_stood() {
    for (on, expected) in [
        (Presented, Ok(Presented)),
        (InterviewScheduled, Ok(InterviewScheduled)),
        (Interviewed, Ok(Interviewed)),
        (Preselected, Err("no_way")),
    ] {
        let placement = replay(None, reported(&[Applied, Preselected, Presented, OnHold, on]));
        match expected {
            Ok(state) => {
                assert_eq!(
                    (placement.state, placement.held_at, codes(&placement)),
                    (Some(state), None, vec![]),
                    "{on}"
                );
            }
            Err(code) => {
                assert_eq!((placement.state, placement.held_at), (Some(OnHold), Some(Presented)), "{on}");
                assert_eq!(codes(&placement), [code]);
            }
        }
    }
}

#[test]
fn a_rejection_is_taken_back_and_a_contract_is_not() {
    let back = |state, second| event("anapec", second, Happening::Back(state));
    let rejected = reported(&[Applied, Preselected, Presented, Rejected]);
    let placement = replay(None, [rejected.clone(), vec![back(Presented, 9)]].concat());
    assert_eq!((placement.state, codes(&placement)), (Some(Presented), vec![]));
    let never_there = replay(None, [rejected, vec![back(Interviewed, 9)]].concat());
    assert_eq!((never_there.state, codes(&never_there)), (Some(Rejected), vec!["no_way_back"]));
    let signed = reported(&[Applied, OfferAccepted, ContractSigned]);
    let placement = replay(None, [signed, vec![back(Applied, 9)]].concat());
    assert_eq!((placement.state, codes(&placement)), (Some(ContractSigned), vec!["no_way_back"]));
}

#[test]
fn a_correction_stands_for_what_it_corrects_and_only_its_own_source_may_make_it() {
    let said = reported(&[Applied, Preselected, Rejected]);
    let correction = |source: &str, supersedes: &str| Event {
        supersedes: Some(supersedes.to_owned()),
        ..event(source, 9, Happening::Reached(Presented))
    };
    let corrected = replay(None, [said.clone(), vec![correction("anapec", "2")]].concat());
    assert_eq!((corrected.state, codes(&corrected)), (Some(Presented), vec![]));
    let others = replay(None, [said.clone(), vec![correction("acme", "2")]].concat());
    assert_eq!((others.state, codes(&others)), (Some(Rejected), vec!["nothing_to_supersede"]));
    let taken_back = Event { happening: None, ..correction("anapec", "2") };
    let placement = replay(None, [said, vec![taken_back]].concat());
    assert_eq!((placement.state, codes(&placement)), (Some(Preselected), vec![]));
}

#[test]
fn several_parties_say_the_same_and_one_says_something_else() {
    let said = reported(&[Applied, Preselected, Presented, OfferMade]);
    let by = |second, state| Event { id: "x".to_owned(), ..event("acme", second, Happening::Reached(state)) };
    for (second, state, expected) in [
        (3, OfferMade, None),
        (9, OfferMade, None),
        (9, Presented, None),
        (9, Arrived, Some(Illegal::NoWay)),
        (9, Sourced, Some(Illegal::NoWay)),
    ] {
        let placement = replay(None, [said.clone(), vec![by(second, state)]].concat());
        let parked = placement.parked.first().map(|parked| parked.why);
        assert_eq!((placement.state, parked), (Some(OfferMade), expected), "{state}");
    }
    let again = replay(None, [said, reported(&[Applied])].concat());
    assert_eq!(codes(&again), Vec::<&str>::new(), "the same event is one event");
    let backwards = replay(None, reported(&[Applied, Preselected, Presented, Preselected]));
    assert_eq!(codes(&backwards), ["no_way"], "one source that says it goes back has to say so");
}

#[test]
fn two_parties_that_say_different_states_for_the_same_step_disagree() {
    let by = |source, second, state| {
        let event = event(source, second, Happening::Reached(state));
        Event { id: format!("{source}{second}"), ..event }
    };
    let to =
        |states: &[State]| reported(&[&[Applied, OfferAccepted, ContractSigned, PermitRequested][..], states].concat());
    let decided = to(&[PermitAdmissible, WorkAuthorised]);
    for (events, other, expected, against) in [
        (decided.clone(), by("flanders", 9, WorkRefused), "other_state", Some(WorkAuthorised)),
        (decided.clone(), by("anapec", 9, WorkRefused), "no_way", None),
        // It would not fit without the last move either: nothing says which step it is about.
        (decided, by("flanders", 9, PermitInadmissible), "no_way", None),
        (to(&[PermitAdmissible]), by("flanders", 9, PermitInadmissible), "other_state", Some(PermitAdmissible)),
        // Whether abroad or at home is what they disagree about.
        (to(&[]), by("acme", 9, Started), "other_state", Some(PermitRequested)),
        (reported(&[Applied, Preselected, OnHold, Rejected]), by("acme", 9, Presented), "other_state", Some(Rejected)),
        (reported(&[Applied]), by("acme", 9, Sourced), "other_state", Some(Applied)),
    ] {
        let stands = replay(None, events.clone()).state;
        let placement = replay(None, [events, vec![other.clone()]].concat());
        let parked = &placement.parked[0];
        let said = parked.against.as_ref().map(|event| event.happening);
        assert_eq!((codes(&placement), said), (vec![expected], against.map(|state| Some(Happening::Reached(state)))));
        assert_eq!((placement.state, &parked.event), (stands, &other), "neither overwrites the other");
    }
}

#[test]
fn an_application_that_is_filed_again_is_another_one() {
    let filed = [Applied, OfferAccepted, ContractSigned, PermitRequested, PermitInfoRequested, PermitRequested];
    let once = replay(None, reported(&filed));
    assert_eq!(once.of_this_application().len(), filed.len(), "more information is the same application");
    let again =
        replay(None, reported(&[&filed[..], &[PermitInadmissible, PermitRequested, PermitAdmissible]].concat()));
    let since: Vec<_> = again.of_this_application().iter().map(|step| step.to).collect();
    assert_eq!(since, [Some(PermitRequested), Some(PermitAdmissible)]);
}

#[test]
fn what_is_noted_at_work_is_no_state() {
    let milestone = |second| event("anapec", second, Happening::Milestone(Milestone::Retained3m));
    let work: Vec<State> = vec![Applied, OfferAccepted, ContractSigned, Started];
    let placement = replay(None, [reported(&work), vec![milestone(9)]].concat());
    assert_eq!((placement.state, placement.milestones.len()), (Some(Started), 1));
    let early = replay(None, [reported(&work), vec![Event { id: "m".to_owned(), ..milestone(2) }]].concat());
    assert_eq!((early.milestones.len(), codes(&early)), (0, vec!["not_at_work"]));
    assert_eq!(codes(&replay(None, reported(&[Presented]))), ["not_a_beginning"]);
}

#[test]
fn whoever_is_taken_again_begins_anew() {
    let way = [Applied, OfferAccepted, ContractSigned, Started, Ended, Rehired, Applied, Preselected];
    let placements = crate::replay(None, reported(&way));
    let states: Vec<_> = placements.iter().map(|placement| placement.state).collect();
    assert_eq!(states, [Some(Rehired), Some(Preselected)]);
    assert!(crate::replay(None, Vec::new()).is_empty());
}

#[test]
fn every_word_is_a_state_or_noted_at_work() {
    for state in State::ALL {
        assert_eq!(Happening::of(state.as_str(), false), Some(Happening::Reached(*state)));
        assert_eq!(Happening::of(state.as_str(), true), Some(Happening::Back(*state)));
    }
    let noted = ["retained_3m", "retained_6m", "retained_12m", "converted_to_permanent", "permit_renewed"];
    for word in noted {
        let Some(Happening::Milestone(milestone)) = Happening::of(word, false) else { panic!("{word}") };
        assert_eq!(milestone.as_str(), word);
    }
    assert_eq!(Happening::of("viewed", false), None);
}
