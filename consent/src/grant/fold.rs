//! Where a grant stands: a fold over its events, each of which must be legal after those before it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    super::{
        party::Party,
        terms::{Method, Passage, State},
    },
    event::{Event, Who},
    record::Record,
};

/// A record and what happened to it. There is none whose events are not legal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "GrantFile")]
pub struct Grant {
    #[serde(flatten)]
    record: Record,
    events: Vec<Event>,
}

/// A grant as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantFile {
    header: super::Header,
    processing: super::Processing,
    parties: Vec<Party>,
    events: Vec<Event>,
}

/// Why something is no grant, or no event of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// The record does not say what it must.
    #[error("{0}")]
    Record(String),
    /// The state cannot follow.
    #[error("event {number}: {to} cannot follow {from}")]
    Transition { number: usize, from: State, to: State },
    /// The state can follow in another record only.
    #[error("event {number}: {to} after {from} wants a new notice: make a new record that `replaces` this one")]
    WantsNewRecord { number: usize, from: State, to: State },
    /// It is older than the event before it.
    #[error("event {number} is older than the one before it: nothing happens in the past")]
    Retroactive { number: usize },
    /// Nobody else can do that.
    #[error("event {number}: {state} cannot come from {by}")]
    WrongActor { number: usize, state: State, by: Who },
    /// A consent is not clear without it.
    #[error("event {number}: {state} wants `{missing}`")]
    Incomplete { number: usize, state: State, missing: &'static str },
}

impl Grant {
    /// Folds events over a record.
    ///
    /// # Errors
    /// If the record or an event is not legal.
    pub fn fold(record: Record, events: Vec<Event>) -> Result<Self, Illegal> {
        record.check().map_err(Illegal::Record)?;
        let start = Self { record, events: Vec::with_capacity(events.len()) };
        events.into_iter().try_fold(start, Self::and)
    }

    /// The grant after one event more.
    ///
    /// # Errors
    /// If the event is not legal now.
    pub fn and(mut self, event: Event) -> Result<Self, Illegal> {
        let number = self.events.len() + 1;
        let (from, to) = (self.state(), event.state);
        match from.passage(to) {
            Passage::SameRecord => {}
            Passage::NewRecord => return Err(Illegal::WantsNewRecord { number, from, to }),
            Passage::Never => return Err(Illegal::Transition { number, from, to }),
        }
        if self.events.last().is_some_and(|last| event.at < last.at) {
            return Err(Illegal::Retroactive { number });
        }
        if !may_come_from(to, &event.by) {
            return Err(Illegal::WrongActor { number, state: to, by: event.by });
        }
        if to.permits() {
            let missing = [("type", event.consent_type.is_none()), ("duration", event.duration.is_none())];
            if let Some((missing, _)) = missing.into_iter().find(|(_, is_missing)| *is_missing) {
                return Err(Illegal::Incomplete { number, state: to, missing });
            }
        }
        self.events.push(event);
        Ok(self)
    }

    /// What was asked.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// What happened.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Its id.
    pub fn id(&self) -> Uuid {
        self.record.header.record_id
    }

    /// Whether the person has taken it back.
    pub fn is_withdrawn(&self) -> bool {
        self.state() == State::Withdrawn
    }

    /// Checks that this grant may come after another, which it `replaces`.
    ///
    /// # Errors
    /// If that one is of somebody else, or has not ended.
    pub fn check_replaces(&self, replaced: &Self) -> Result<(), Illegal> {
        if self.record.header.subject != replaced.record.header.subject {
            return Err(Illegal::Record("`replaces` names a grant of another person".to_owned()));
        }
        match replaced.state().passage(State::Requested) {
            Passage::NewRecord => Ok(()),
            _ => Err(Illegal::Record(format!("`replaces` names a grant that has not ended: {}", replaced.state()))),
        }
    }

    /// The number of its events.
    pub fn version(&self) -> usize {
        self.events.len()
    }

    /// The state that the last event led to.
    pub fn state(&self) -> State {
        self.events.last().map_or(State::Unknown, |event| event.state)
    }

    /// The grant as it stood at a moment: what happened later is left out.
    pub fn as_of(&self, moment: Timestamp) -> Self {
        let events = self.events.iter().take_while(|event| event.at <= moment).cloned().collect();
        Self { record: self.record.clone(), events }
    }

    /// The consent that is in force, if there is one: what ended it counts whatever its time says, what gives it counts
    /// from its own time on.
    pub fn consent_at(&self, now: Timestamp) -> Option<&Event> {
        if !self.state().permits() {
            return None;
        }
        self.events.iter().rev().find(|event| event.at <= now).filter(|event| event.state.permits())
    }
}

/// The event by which a person takes a grant back now: never before what happened last, whatever the clocks say.
pub fn withdrawal(grant: &Grant, method: Method, now: Timestamp) -> Event {
    let at = grant.events.last().map_or(now, |last| last.at.max(now));
    Event { state: State::Withdrawn, at, by: Who::Subject, method, consent_type: None, duration: None, proof: None }
}

/// Who can bring a state about: yes, no and never mind are the person's own words; revoking is what others do.
fn may_come_from(state: State, by: &Who) -> bool {
    match state {
        State::Given | State::Renewed | State::Refused | State::Deferred | State::Withdrawn => *by == Who::Subject,
        State::Requested | State::Revoked | State::Invalidated => *by != Who::Subject,
        State::Expired | State::Unknown => true,
    }
}

impl TryFrom<GrantFile> for Grant {
    type Error = Illegal;

    fn try_from(file: GrantFile) -> Result<Self, Illegal> {
        let GrantFile { header, processing, parties, events } = file;
        Self::fold(Record { header, processing, parties }, events)
    }
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
