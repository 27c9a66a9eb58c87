//! What everything that was said of a placement comes to.

use std::collections::BTreeSet;

use super::{
    Event, Happening, Milestone, State, Track,
    machine::{inferred, may_go_back},
};

/// A placement as the events have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    /// Where it stands; none before it begins.
    pub state: Option<State>,
    /// Where it goes on, if it is on hold.
    pub held_at: Option<State>,
    /// Where the person is to work, as far as the events show.
    pub track: Option<Track>,
    /// What was taken, in the order in which it happened.
    pub steps: Vec<Step>,
    /// What was noted while the person works.
    pub milestones: Vec<Milestone>,
    /// What does not fit, and waits for what explains it.
    pub parked: Vec<Parked>,
}

/// An event that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The event.
    pub event: Event,
    /// Where the placement stood.
    pub from: Option<State>,
    /// Where it stands since; the same, if the event confirms what was known.
    pub to: Option<State>,
    /// What it must have passed on the way, though nobody said so.
    pub inferred: Vec<State>,
}

/// An event that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// The event.
    pub event: Event,
    /// Why.
    pub why: Illegal,
}

/// Why an event does not fit where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Illegal {
    /// The placement does not begin so.
    NotABeginning,
    /// It cannot come there from where it stands.
    NoWay,
    /// It was never there before, or may not go back from where it stands.
    NoWayBack,
    /// Nobody works yet, or any more.
    NotAtWork,
    /// The event that it stands for was never said.
    NothingToSupersede,
}

impl Step {
    /// Whether it comes to a state, or past it.
    fn reaches(&self, state: State) -> bool {
        self.inferred.contains(&state) || (self.to == Some(state) && self.from != self.to)
    }
}

impl Illegal {
    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotABeginning => "not_a_beginning",
            Self::NoWay => "no_way",
            Self::NoWayBack => "no_way_back",
            Self::NotAtWork => "not_at_work",
            Self::NothingToSupersede => "nothing_to_supersede",
        }
    }
}

/// What the events come to: the placements of one person with one employer, one after another, whatever the order in which they came and however often: sorted by when they happened, then by
/// the number at the source, then by name, each is taken if it is legal there, else parked.
///
/// The track is known from elsewhere, or follows from the first event that only one of both allows. Once a placement is over,
/// an application begins another one.
pub fn replay(track: Option<Track>, events: impl IntoIterator<Item = Event>) -> Vec<Placement> {
    let events: BTreeSet<Event> = events.into_iter().collect();
    let name = |source: &String, id: &String| (source.clone(), id.clone());
    let said: BTreeSet<_> = events.iter().map(|event| name(&event.source, &event.id)).collect();
    let superseded: BTreeSet<_> =
        events.iter().filter_map(|event| Some(name(&event.source, event.supersedes.as_ref()?))).collect();
    let begin = || Placement { track, ..Placement::default() };
    let mut placements: Vec<Placement> = Vec::new();
    let mut taken = BTreeSet::new();
    for event in events {
        if superseded.contains(&name(&event.source, &event.id)) || !taken.insert(name(&event.source, &event.id)) {
            continue;
        }
        if placements.last().is_none_or(|placement| placement.is_followed_by(&event)) {
            placements.push(begin());
        }
        let Some(placement) = placements.last_mut() else { continue };
        let is_known = event.supersedes.as_ref().is_none_or(|id| said.contains(&name(&event.source, id)));
        let fits = if is_known { placement.take(&event) } else { Err(Illegal::NothingToSupersede) };
        if let Err(why) = fits {
            placement.parked.push(Parked { event, why });
        }
    }
    placements
}

impl Placement {
    /// Whether an event begins another placement, since this one is over.
    fn is_followed_by(&self, event: &Event) -> bool {
        let begins = matches!(event.happening, Some(Happening::Reached(State::Applied | State::Sourced)));
        begins && self.state.is_some_and(State::is_terminal)
    }

    /// Takes an event, if it fits.
    fn take(&mut self, event: &Event) -> Result<(), Illegal> {
        let from = self.state;
        let inferred = match event.happening {
            None => Vec::new(),
            Some(Happening::Reached(to)) if self.confirms(event, to) => Vec::new(),
            Some(Happening::Reached(to)) => self.reach(to)?,
            Some(Happening::Back(to)) => self.go_back(to)?,
            Some(Happening::Milestone(milestone)) => {
                if self.state != Some(State::Started) {
                    return Err(Illegal::NotAtWork);
                }
                self.milestones.push(milestone);
                Vec::new()
            }
        };
        self.steps.push(Step { event: event.clone(), from, to: self.state, inferred });
        Ok(())
    }

    /// Whether an event says what is known: that the placement is where it stands, or what somebody else has said before
    /// and is past.
    fn confirms(&self, event: &Event, to: State) -> bool {
        let Some(state) = self.state else { return false };
        let leads_on = || inferred(self.held_at.unwrap_or(state), to, self.track).is_some();
        let somebody_else = |step: &Step| step.event.source != event.source && step.reaches(to);
        state == to || (self.held_at != Some(to) && !leads_on() && self.steps.iter().any(somebody_else))
    }

    fn reach(&mut self, to: State) -> Result<Vec<State>, Illegal> {
        let Some(state) = self.state else {
            if !matches!(to, State::Applied | State::Sourced) {
                return Err(Illegal::NotABeginning);
            }
            self.state = Some(to);
            return Ok(Vec::new());
        };
        // Whoever was put on hold goes on as from where it stood, or there.
        let passed = match self.held_at {
            Some(held) if held == to => Vec::new(),
            Some(held) if to != State::OnHold => inferred(held, to, self.track).ok_or(Illegal::NoWay)?,
            _ => inferred(state, to, self.track).ok_or(Illegal::NoWay)?,
        };
        let stood = passed.last().copied().unwrap_or(self.held_at.unwrap_or(state));
        self.held_at = (to == State::OnHold).then_some(stood);
        self.state = Some(to);
        self.track = self.track.or(match (stood, to) {
            (_, State::PermitRequested) => Some(Track::Away),
            (State::ContractSigned, State::Started) => Some(Track::Home),
            _ => None,
        });
        Ok(passed)
    }

    fn go_back(&mut self, to: State) -> Result<Vec<State>, Illegal> {
        let state = self.state.ok_or(Illegal::NoWayBack)?;
        let stands = self.held_at.unwrap_or(state);
        if !self.steps.iter().any(|step| step.reaches(to)) || !may_go_back(stands, to) || state == to {
            return Err(Illegal::NoWayBack);
        }
        (self.state, self.held_at) = (Some(to), None);
        Ok(Vec::new())
    }
}
