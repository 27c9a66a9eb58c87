//! What is due, to the day.

use jiff::{Timestamp, tz::TimeZone};

use super::reported;
use crate::{Deadlines, DueKind, Event, State, State::*, replay};

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
    let law = Deadlines::default();
    let directive = Deadlines { decision_days: 90, is_deemed_positive: false, ..law };
    // Complete on the evening of 1 October in Brussels, on 1 October in UTC, too; the change of hours lies between.
    for (deadlines, is_complex, expected, deemed) in [
        (law, false, "2027-01-30T00:00:00", Some(PermitGranted)),
        (law, true, "2027-03-01T00:00:00", Some(PermitGranted)),
        (directive, false, "2026-12-31T00:00:00", None),
    ] {
        let found = due(&ADMISSIBLE, "2026-10-01T20:00:00Z", deadlines, is_complex);
        assert_eq!(found, Some((DueKind::Decision, expected.to_owned(), deemed)));
    }
    let next_day = due(&ADMISSIBLE, "2026-10-01T22:30:00Z", law, false).unwrap();
    assert_eq!(next_day.1, "2027-01-31T00:00:00", "it is the second of October in Brussels");
}

#[test]
fn working_days_leave_weekends_out() {
    let way = [&ADMISSIBLE[..], &[WorkAuthorised, PermitGranted, VisaRequested, VisaIssued, Arrived]].concat();
    // A Thursday: eight working days are over at the end of Tuesday, twelve days on.
    let found = due(&way, "2026-11-19T10:00:00Z", Deadlines::default(), false);
    assert_eq!(found, Some((DueKind::Registration, "2026-12-02T00:00:00".to_owned(), None)));
}

#[test]
fn nothing_is_due_where_nobody_has_to_act() {
    for way in [&[Applied, Presented][..], &ADMISSIBLE[..4]] {
        assert_eq!(due(way, "2026-10-01T20:00:00Z", Deadlines::default(), false), None);
    }
    let found =
        due(&[&ADMISSIBLE[..4], &[PermitInfoRequested]].concat(), "2026-10-01T20:00:00Z", Deadlines::default(), false);
    assert_eq!(found.unwrap(), (DueKind::Completion, "2026-10-17T00:00:00".to_owned(), None));
}
