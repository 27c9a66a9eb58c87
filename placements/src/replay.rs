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
    /// The last move.
    moved: Option<Move>,
}

/// A move, and how the placement stood before it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Move {
    event: Event,
    state: Option<State>,
    held_at: Option<State>,
    track: Option<Track>,
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
    /// For [`Illegal::OtherState`]: what another party says instead.
    pub against: Option<Event>,
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
    /// Another party says another state for the same step: without that one it would have been taken.
    OtherState,
}

impl Step {
    /// Whether the placement stands elsewhere since.
    pub fn is_move(&self) -> bool {
        self.from != self.to
    }

    /// Whether it comes to a state, or past it.
    fn reaches(&self, state: State) -> bool {
        self.inferred.contains(&state) || (self.to == Some(state) && self.is_move())
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
            Self::OtherState => "other_state",
        }
    }

    /// What people can do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::NotABeginning => {
                "ask for the event that began the placement (`applied` or `sourced`); this one is taken then"
            }
            Self::NoWay => {
                "ask for the event that lies between, or ask its source to correct what it has said (`supersedes`)"
            }
            Self::NoWayBack => {
                "a placement goes back only to where it was, before there is a contract: ask its source what it means"
            }
            Self::NotAtWork => "ask for the event that says that the work has started; this one is taken then",
            Self::NothingToSupersede => "ask its source for the event that this one corrects",
            Self::OtherState => "ask both parties which is so; whoever was wrong corrects it (`supersedes`)",
        }
    }

    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::NotABeginning,
        Self::NoWay,
        Self::NoWayBack,
        Self::NotAtWork,
        Self::NothingToSupersede,
        Self::OtherState,
    ];
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
            let against = placement.said_instead(&event).filter(|_| is_known);
            let why = if against.is_some() { Illegal::OtherState } else { why };
            placement.parked.push(Parked { event, why, against });
        }
    }
    placements
}

impl Placement {
    /// What was taken since the application for a permit that is under way was filed: since it was filed again after a
    /// refusal, else everything.
    pub fn of_this_application(&self) -> &[Step] {
        let is_refused = |state| matches!(state, State::PermitInadmissible | State::WorkRefused | State::PermitRefused);
        let is_filed_again = |step: &Step| step.to == Some(State::PermitRequested) && step.from.is_some_and(is_refused);
        &self.steps[self.steps.iter().rposition(is_filed_again).unwrap_or(0)..]
    }

    /// Whether it was ever in a state, or must have passed it.
    pub fn has_reached(&self, state: State) -> bool {
        self.steps.iter().any(|step| step.reaches(state))
    }

    /// Whether an event begins another placement, since this one is over.
    fn is_followed_by(&self, event: &Event) -> bool {
        let begins = matches!(event.happening, Some(Happening::Reached(State::Applied | State::Sourced)));
        begins && self.state.is_some_and(State::is_terminal)
    }

    /// What another party has said instead of an event that does not fit: the last move, if the event would have been
    /// taken had that move not been made.
    fn said_instead(&self, event: &Event) -> Option<Event> {
        let Some(Happening::Reached(to)) = event.happening else { return None };
        let last = self.moved.as_ref().filter(|last| last.event.source != event.source)?;
        let &Move { state, held_at, track, .. } = last;
        let mut without = Self { state, held_at, track, ..Self::default() };
        without.reach(to).is_ok().then(|| last.event.clone())
    }

    /// Takes an event, if it fits.
    fn take(&mut self, event: &Event) -> Result<(), Illegal> {
        let from = self.state;
        let before = Move { event: event.clone(), state: from, held_at: self.held_at, track: self.track };
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
        if self.state != from {
            self.moved = Some(before);
        }
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
