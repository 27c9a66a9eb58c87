//! What must have happened by when: configuration, since the law of the day decides.
//!
//! Sources: Cooperation Agreement of 2 February 2018 and Royal Decree of 8 October 1981 (120 days, deemed positive);
//! Directive (EU) 2024/1233, article 5 (90 days, 30 more where it is complex); completion within 15 days; registration within
//! 8 working days, which are counted from Monday to Friday, since holidays are not known here.

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, Weekday},
    tz::TimeZone,
};

use super::{Placement, State};

/// How long everything may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// Days for the decision, from when the application is complete.
    pub decision_days: u16,
    /// Days more, where the case is complex.
    pub complex_days: u16,
    /// Whether no decision in time is a positive one.
    pub is_deemed_positive: bool,
    /// Days to complete an application.
    pub completion_days: u16,
    /// Working days to register at the town hall, from when the person arrived.
    pub registration_working_days: u16,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueKind {
    /// The application is to be completed, else it is inadmissible.
    Completion,
    /// The authorities have to decide.
    Decision,
    /// The person has to register.
    Registration,
}

impl DueKind {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completion => "completion",
            Self::Decision => "decision",
            Self::Registration => "registration",
        }
    }
}

/// Something that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// What.
    pub kind: DueKind,
    /// From then on it is late: midnight after the last day, in the zone of the authority.
    pub ends_at: Timestamp,
    /// What silence until then comes to.
    pub deemed: Option<State>,
}

impl Deadlines {
    /// What is due where a placement stands; none if nothing is. `is_complex` gives the authorities the days more.
    ///
    /// Days begin and end at midnight of `zone`, that of the authority.
    pub fn due(&self, placement: &Placement, is_complex: bool, zone: &TimeZone) -> Option<Deadline> {
        let state = placement.state?;
        // Who confirms it later gives nobody more time.
        let moves = || placement.steps.iter().filter(|step| step.is_move()).rev();
        let since = |wanted: State| moves().find(|step| step.to == Some(wanted)).map(|step| step.event.effective_at);
        // How long an appeal may take is not known here.
        let is_appealed = || {
            moves().find_map(|step| step.to.filter(|to| matches!(to, State::PermitAdmissible | State::PermitAppealed)))
                == Some(State::PermitAppealed)
        };
        let (kind, begins, days) = match state {
            State::PermitInfoRequested => (DueKind::Completion, since(state)?, Days::All(self.completion_days)),
            State::PermitAdmissible | State::WorkAuthorised if !is_appealed() => {
                let more = if is_complex { self.complex_days } else { 0 };
                let days = Days::All(self.decision_days.saturating_add(more));
                (DueKind::Decision, since(State::PermitAdmissible)?, days)
            }
            State::Arrived => (DueKind::Registration, since(state)?, Days::Working(self.registration_working_days)),
            _ => return None,
        };
        let deemed = (kind == DueKind::Decision && self.is_deemed_positive).then_some(State::PermitGranted);
        Some(Deadline { kind, ends_at: days.after(begins, zone)?, deemed })
    }
}

impl Deadline {
    /// How long there is still; none if it is late.
    pub fn left(&self, now: Timestamp) -> Option<SignedDuration> {
        let left = self.ends_at.duration_since(now);
        left.is_positive().then_some(left)
    }

    /// The last day on which it is not late, in the zone of the authority.
    pub fn last_day(&self, zone: &TimeZone) -> Option<Date> {
        self.ends_at.to_zoned(zone.clone()).date().yesterday().ok()
    }
}

/// A number of days; the one on which it begins is not counted.
#[derive(Clone, Copy)]
enum Days {
    All(u16),
    Working(u16),
}

impl Days {
    /// Midnight after the last of them. None beyond the end of the calendar.
    fn after(self, begins: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut day = begins.to_zoned(zone.clone()).date();
        match self {
            Self::All(days) => day = day.checked_add(i64::from(days).days()).ok()?,
            Self::Working(days) => {
                let mut left = days;
                while left > 0 {
                    day = day.tomorrow().ok()?;
                    if !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
                        left -= 1;
                    }
                }
            }
        }
        Some(day.tomorrow().ok()?.to_zoned(zone.clone()).ok()?.timestamp())
    }
}
