//! What the machine allows, against a slow model of its rules; and that events come to the same in any order.

mod deadlines;
mod orders;
mod stories;
mod table;

use jiff::Timestamp;

use super::{Event, Happening, State};

/// An event of a source, so many seconds after the beginning.
fn event(source: &str, second: i64, happening: Happening) -> Event {
    Event {
        effective_at: Timestamp::from_second(1_790_000_000 + second).unwrap(),
        sequence: None,
        source: source.to_owned(),
        id: format!("{second}"),
        supersedes: None,
        happening: Some(happening),
    }
}

/// States that one source reports, a second apart.
fn reported(states: &[State]) -> Vec<Event> {
    states.iter().zip(0..).map(|(state, second)| event("anapec", second, Happening::Reached(*state))).collect()
}
