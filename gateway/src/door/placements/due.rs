//! What is due in a placement, what is late, and who is silent. It is shown; nothing is done about it, and no event is made.

use jiff::{Timestamp, tz::TimeZone};
use placements::{Deadline, Placement, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::{merged::Records, permit::Permit};
use crate::config::PlacementSettings;

/// Something that is due.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Due {
    /// What: `completion` of an application, the `decision` about it, or `registration` at the town hall.
    #[schema(example = "decision")]
    pub kind: &'static str,
    /// The last day on which it is not late.
    #[schema(example = "2027-01-29")]
    last_day: String,
    /// The end of that day, where the authority is.
    #[schema(example = "2027-01-30T00:00:00+01:00")]
    until: String,
    /// Days after today that are left; 0 on the last one. None if it is late.
    #[serde(skip_serializing_if = "Option::is_none")]
    days_left: Option<i64>,
    /// Since when it is late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_since: Option<String>,
    /// Days after the last one, if it is late.
    #[serde(skip_serializing_if = "Option::is_none")]
    days_late: Option<i64>,
    /// What silence until then comes to by law, if to anything. Nobody has said it, and it is no state of the placement.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "permit_granted")]
    deemed: Option<&'static str>,
}

impl Due {
    /// What is due where a placement stands.
    pub fn of(placement: &Placement, permit: &Permit, settings: &PlacementSettings, now: Timestamp) -> Option<Self> {
        let (deadlines, zone) = (settings.deadlines_of(permit.region), &settings.zone);
        let deadline = deadlines.due(placement, permit.complex == Some(true), zone)?;
        Self::told(&deadline, zone, now)
    }

    fn told(deadline: &Deadline, zone: &TimeZone, now: Timestamp) -> Option<Self> {
        let last_day = deadline.last_day(zone)?;
        let today = now.to_zoned(zone.clone()).date();
        let days = i64::from(today.until(last_day).ok()?.get_days());
        let until = deadline.ends_at.display_with_offset(zone.to_offset(deadline.ends_at)).to_string();
        let is_late = deadline.left(now).is_none();
        Some(Self {
            kind: deadline.kind.as_str(),
            last_day: last_day.to_string(),
            days_left: (!is_late).then_some(days),
            late_since: is_late.then(|| until.clone()),
            days_late: is_late.then_some(-days),
            until,
            deemed: deadline.deemed.map(State::as_str),
        })
    }
}

/// Since when nobody has said anything about a placement that is not over, if that is longer than anybody may be silent.
///
/// It counts from the newest thing that happened, whoever says it and whether or not it fits; from when it was said, if it
/// lies in the future.
pub fn silent_since(
    placement: &Placement,
    records: &Records<'_>,
    settings: &PlacementSettings,
    now: Timestamp,
) -> Option<Timestamp> {
    if placement.state.is_some_and(State::is_terminal) {
        return None;
    }
    let taken = placement.steps.iter().map(|step| &step.event);
    let said_at = |event: &placements::Event| {
        let received_at = records.of(event).and_then(|said| Timestamp::from_microsecond(said.event.received_at).ok());
        received_at.map_or(event.effective_at, |at| at.min(event.effective_at))
    };
    let last = taken.chain(placement.parked.iter().map(|parked| &parked.event)).map(said_at).max()?;
    (now.duration_since(last) > settings.silence_in(placement.state)?).then_some(last)
}
