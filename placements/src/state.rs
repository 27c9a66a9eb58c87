//! The states of a placement.

use std::{fmt, str::FromStr};

/// Where the person is to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Track {
    /// In the country where the person lives.
    Home,
    /// Abroad: there is a permit and a visa to get.
    Away,
}

macro_rules! states {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal,)+) => {
        /// Where a placement stands.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum State {
            $($(#[doc = $doc])+ $name,)+
        }

        impl State {
            /// Every state, in the order in which they usually come.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }
        }
    };
}

states! {
    /// The person applied.
    Applied = "applied",
    /// The person was found, and did not apply.
    Sourced = "sourced",
    /// The employment service proposes the person.
    Preselected = "preselected",
    /// The profile is disclosed to the employer.
    Presented = "presented",
    /// Nothing goes on for now; it goes on where it stood.
    OnHold = "on_hold",
    /// There will be a talk.
    InterviewScheduled = "interview_scheduled",
    /// There will be no talk after all.
    InterviewCancelled = "interview_cancelled",
    /// There was a talk.
    Interviewed = "interviewed",
    /// There is an offer.
    OfferMade = "offer_made",
    /// The person takes it.
    OfferAccepted = "offer_accepted",
    /// A contract is being written.
    ContractDrafted = "contract_drafted",
    /// A contract is written and looked at.
    ContractInValidation = "contract_in_validation",
    /// The contract is signed.
    ContractSigned = "contract_signed",
    /// A single permit is asked for.
    PermitRequested = "permit_requested",
    /// The authority wants to know more.
    PermitInfoRequested = "permit_info_requested",
    /// The application is not taken on; it may be filed again.
    PermitInadmissible = "permit_inadmissible",
    /// The application is complete.
    PermitAdmissible = "permit_admissible",
    /// The region allows the work.
    WorkAuthorised = "work_authorised",
    /// The region does not allow the work.
    WorkRefused = "work_refused",
    /// The Immigration Office does not allow the stay.
    PermitRefused = "permit_refused",
    /// A refusal is fought.
    PermitAppealed = "permit_appealed",
    /// The Immigration Office grants the permit (annex 46).
    PermitGranted = "permit_granted",
    /// A visa D is asked for.
    VisaRequested = "visa_requested",
    /// The visa is refused.
    VisaRefused = "visa_refused",
    /// The visa is there.
    VisaIssued = "visa_issued",
    /// No visa is needed.
    VisaNotRequired = "visa_not_required",
    /// The person is in the country.
    Arrived = "arrived",
    /// The person is registered at the town hall (annex 49 in hand).
    Registered = "registered",
    /// The person works.
    Started = "started",
    /// The work has ended.
    Ended = "ended",
    /// The same employer takes the person again: another placement begins.
    Rehired = "rehired",
    /// The employer does not want the person.
    Rejected = "rejected",
    /// The person does not want the job.
    Withdrawn = "withdrawn",
    /// There is no job any more.
    PositionClosed = "position_closed",
    /// The person does not take the offer.
    OfferDeclined = "offer_declined",
    /// The employer takes the offer back.
    OfferRescinded = "offer_rescinded",
    /// The contract comes to nothing.
    ContractCancelled = "contract_cancelled",
    /// The person has gone back.
    Returned = "returned",
    /// It is over.
    Closed = "closed",
    /// It is over, and the source does not say why.
    ClosedUnspecified = "closed_unspecified",
}

impl State {
    /// Whether nothing comes after it.
    pub fn is_terminal(self) -> bool {
        super::next(self, None).is_empty()
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|state| state.as_str() == word);
        found.copied().ok_or_else(|| format!("`{word}` is no state of a placement"))
    }
}
