//! What is due, to the day.

use jiff::{Timestamp, tz::TimeZone};

use super::reported;
use crate::{Deadlines, DueKind, Event, State, State::*, replay};

/// The figures of Belgium in 2026.
const LAW: Deadlines = Deadlines {
    decision_days: 120,
    complex_days: 30,
    is_deemed_positive: true,
    completion_days: 15,
    registration_working_days: 8,
};

/// The way to a state, the last step at that moment.
fn due(way: &[State], last: &str, deadlines: Deadlines, is_complex: bool) -> Option<(DueKind, String, Option<State>)> {
    let mut events = reported(way);
    let last: Timestamp = last.parse().unwrap();
    let end = events.len() - 1;
    events[end] = Event { effective_at: last, ..events[end].clone() };
    let zone = TimeZone::get("Europe/Brussels").unwrap();
    let placement = replay(None, events).remove(0);
    assert_eq!(placement.state, way.last().copied());
    let due = deadlines.due(&placement, is_complex, &zone)?;
    Some((due.kind, due.ends_at.to_zoned(zone).datetime().to_string(), due.deemed))
}

const ADMISSIBLE: [State; 5] = [Applied, OfferAccepted, ContractSigned, PermitRequested, PermitAdmissible];

#[test]
fn silence_past_the_limit_is_a_decision_where_the_law_says_so() {
    let directive = Deadlines { decision_days: 90, is_deemed_positive: false, ..LAW };
    // Complete on the evening of 1 October in Brussels, on 1 October in UTC, too; the change of hours lies between.
    for (deadlines, is_complex, expected, deemed) in [
        (LAW, false, "2027-01-30T00:00:00", Some(PermitGranted)),
        (LAW, true, "2027-03-01T00:00:00", Some(PermitGranted)),
        (directive, false, "2026-12-31T00:00:00", None),
    ] {
        let found = due(&ADMISSIBLE, "2026-10-01T20:00:00Z", deadlines, is_complex);
        assert_eq!(found, Some((DueKind::Decision, expected.to_owned(), deemed)));
    }
    let next_day = due(&ADMISSIBLE, "2026-10-01T22:30:00Z", LAW, false).unwrap();
    assert_eq!(next_day.1, "2027-01-31T00:00:00", "it is the second of October in Brussels");
}

#[test]
fn working_days_leave_weekends_out() {
    let way = [&ADMISSIBLE[..], &[WorkAuthorised, PermitGranted, VisaRequested, VisaIssued, Arrived]].concat();
    // A Thursday: eight working days are over at the end of Tuesday, twelve days on.
    let found = due(&way, "2026-11-19T10:00:00Z", LAW, false);
    assert_eq!(found, Some((DueKind::Registration, "2026-12-02T00:00:00".to_owned(), None)));
}

#[test]
fn nothing_is_due_where_nobody_has_to_act() {
    for way in [&[Applied, Presented][..], &ADMISSIBLE[..4]] {
        assert_eq!(due(way, "2026-10-01T20:00:00Z", LAW, false), None);
    }
    let found = due(&[&ADMISSIBLE[..4], &[PermitInfoRequested]].concat(), "2026-10-01T20:00:00Z", LAW, false);
    assert_eq!(found.unwrap(), (DueKind::Completion, "2026-10-17T00:00:00".to_owned(), None));
}

#[test]
fn who_confirms_it_later_gives_nobody_more_time() {
    let zone = TimeZone::get("Europe/Brussels").unwrap();
    let later = Event { effective_at: "2027-01-10T10:00:00Z".parse().unwrap(), ..reported(&ADMISSIBLE).remove(4) };
    let confirmed = Event { source: "acme".to_owned(), ..later };
    let ends = |events: Vec<Event>| LAW.due(&replay(None, events)[0], false, &zone).unwrap().ends_at;
    let alone = ends(reported(&ADMISSIBLE));
    assert_eq!(ends([reported(&ADMISSIBLE), vec![confirmed]].concat()), alone);
}

#[test]
fn nothing_is_due_after_an_appeal_until_the_application_is_filed_again() {
    let appealed = [&ADMISSIBLE[..], &[WorkRefused, PermitAppealed, WorkAuthorised]].concat();
    assert_eq!(due(&appealed, "2027-06-01T20:00:00Z", LAW, false), None);
    let again =
        [&ADMISSIBLE[..], &[WorkRefused, PermitAppealed, WorkAuthorised, PermitRefused], &ADMISSIBLE[3..]].concat();
    let found = due(&again, "2026-10-01T20:00:00Z", LAW, false).unwrap();
    assert_eq!(found.1, "2027-01-30T00:00:00");
}

#[test]
fn the_last_day_is_the_one_before_the_midnight() {
    let zone = TimeZone::get("Europe/Brussels").unwrap();
    let due = LAW.due(&replay(None, reported(&ADMISSIBLE))[0], false, &zone).unwrap();
    let day = due.last_day(&zone).unwrap();
    assert_eq!(due.ends_at.to_zoned(zone).date(), day.tomorrow().unwrap());
    assert!(due.left(due.ends_at).is_none(), "it is late from midnight on");
}
