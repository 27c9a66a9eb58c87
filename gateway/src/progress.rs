//! How far somebody has come on the way to a job, as decisions about what may be shown want to know it: conditions of a stage
//! move with the placement, and when it is over the time begins to run after which nobody needs the profile any more.
//!
//! It stands beside the person's version, sealed, and changes with it in one transaction: whatever was decided before an event
//! is decided anew.

use std::collections::BTreeSet;

use anyhow::Result;
use consent::Stage;
use jiff::Timestamp;
use placements::{Placement, State};
use schemas::{EntityKey, Kind, PartnerId};
use serde::{Deserialize, Serialize};

use crate::{
    config::{Configuration, Partner},
    said::{ByEmployer, Said, by_employer},
    store::Standing,
    vault::Bodies,
};

/// How far somebody has come with every employer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress(Vec<Reached>);

/// How far somebody has come with one employer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Reached {
    /// The employer, as in [`ByEmployer`].
    employer: String,
    /// Who has said something of it.
    parties: BTreeSet<PartnerId>,
    #[serde(flatten)]
    stands: Stands,
}

/// How far it has come that a recipient takes part in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stands {
    /// The stage; none if there is no placement, or it is over.
    pub stage: Option<Stage>,
    /// Since when everything is over.
    pub over_since: Option<Timestamp>,
}

impl Progress {
    /// How far it has come, by everything that was said.
    pub fn of(said: &[Said], configuration: &Configuration) -> Self {
        let reached = |ByEmployer { employer, said, placements, .. }: ByEmployer<'_>| {
            let parties = said.iter().map(|one| one.event.partner.clone()).collect();
            let stands = Stands::of(placements.last()?)?;
            Some(Reached { employer, parties, stands })
        };
        Self(by_employer(said, configuration).into_iter().filter_map(reached).collect())
    }

    /// What stands beside a person's version; nothing, if the keys were destroyed.
    ///
    /// # Errors
    /// If the keys' database does not answer, or it is damaged.
    pub async fn open(bodies: &Bodies, standing: &Standing) -> Result<Self> {
        let Some(sealed) = &standing.progress else { return Ok(Self::default()) };
        let person = standing.version.subject.into();
        let opened = bodies.kept(Kind::PlacementStatus, &place_of_progress(person), sealed).await?;
        opened.map_or(Ok(Self::default()), |json| Ok(serde_json::from_slice(&json)?))
    }

    /// As it may be kept. None if the keys of the person were destroyed.
    ///
    /// # Errors
    /// If the keys' database does not answer.
    pub async fn seal(&self, bodies: &Bodies, person: EntityKey) -> Result<Option<Vec<u8>>> {
        bodies.keep(Kind::PlacementStatus, person, &place_of_progress(person), serde_json::to_vec(self)?).await
    }

    /// How far it has come that a recipient takes part in, as the employer or as who says something of it: the farthest of
    /// what goes on, else since when the last of it is over.
    pub fn with(&self, recipient: &Partner) -> Stands {
        let number = recipient.legal_id.as_ref().map(ToString::to_string);
        let is_part = |one: &&Reached| number.as_ref() == Some(&one.employer) || one.parties.contains(&recipient.id);
        let parts = || self.0.iter().filter(is_part).map(|one| one.stands);
        let goes_on = parts().any(|stands| stands.over_since.is_none());
        Stands {
            stage: parts().filter_map(|stands| stands.stage).max(),
            over_since: parts().filter_map(|stands| stands.over_since).max().filter(|_| !goes_on),
        }
    }
}

impl Stands {
    /// Where one placement stands; nowhere before it begins.
    fn of(placement: &Placement) -> Option<Self> {
        let state = placement.state?;
        if state.is_terminal() {
            let ended = placement.steps.iter().rfind(|step| step.from != step.to)?;
            return Some(Self { stage: None, over_since: Some(ended.event.effective_at) });
        }
        Some(Self { stage: Some(stage_of(placement.held_at.unwrap_or(state))), over_since: None })
    }
}

/// The place of what is known of a person's progress, which its bytes are sealed for.
fn place_of_progress(person: EntityKey) -> String {
    format!("progress/{person}")
}

/// The stage that a state belongs to: the last that led on.
fn stage_of(state: State) -> Stage {
    match state {
        State::Preselected => Stage::Preselected,
        State::Presented => Stage::Presented,
        State::InterviewScheduled | State::InterviewCancelled => Stage::InterviewScheduled,
        State::Interviewed => Stage::Interviewed,
        State::OfferMade => Stage::OfferMade,
        State::OfferAccepted => Stage::OfferAccepted,
        State::ContractDrafted | State::ContractInValidation => Stage::ContractDrafted,
        State::ContractSigned => Stage::ContractSigned,
        State::PermitRequested | State::PermitInfoRequested | State::PermitInadmissible => Stage::PermitRequested,
        State::PermitAdmissible | State::WorkRefused | State::PermitAppealed => Stage::PermitAdmissible,
        State::WorkAuthorised | State::PermitRefused => Stage::WorkAuthorised,
        State::PermitGranted => Stage::PermitGranted,
        State::VisaRequested | State::VisaRefused => Stage::VisaRequested,
        State::VisaIssued | State::VisaNotRequired => Stage::VisaIssued,
        State::Arrived => Stage::Arrived,
        State::Registered => Stage::Registered,
        State::Started | State::Ended => Stage::Started,
        // Nothing leads on from where everything is over.
        State::Applied
        | State::Sourced
        | State::OnHold
        | State::Rehired
        | State::Rejected
        | State::Withdrawn
        | State::PositionClosed
        | State::OfferDeclined
        | State::OfferRescinded
        | State::ContractCancelled
        | State::Returned
        | State::Closed
        | State::ClosedUnspecified => Stage::Applied,
    }
}
