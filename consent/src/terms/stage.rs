//! How far a placement has come.

use super::terms;

terms! {
    /// A stage of a placement, in their order: the states that lead on, of the one machine there is for placements.
    "stage": Stage {
        /// The person applied, or was found.
        Applied = "applied",
        /// The employment service proposes the person.
        Preselected = "preselected",
        /// The profile is disclosed.
        Presented = "presented",
        /// There will be a talk.
        InterviewScheduled = "interview_scheduled",
        /// There was a talk.
        Interviewed = "interviewed",
        /// There is an offer.
        OfferMade = "offer_made",
        /// The person takes it.
        OfferAccepted = "offer_accepted",
        /// A contract is being written.
        ContractDrafted = "contract_drafted",
        /// The contract is signed.
        ContractSigned = "contract_signed",
        /// A permit is asked for.
        PermitRequested = "permit_requested",
        /// The application for the permit is complete.
        PermitAdmissible = "permit_admissible",
        /// The region allows the work.
        WorkAuthorised = "work_authorised",
        /// The permit is there.
        PermitGranted = "permit_granted",
        /// A visa is asked for.
        VisaRequested = "visa_requested",
        /// The visa is there.
        VisaIssued = "visa_issued",
        /// The person is in the country.
        Arrived = "arrived",
        /// The person is registered at the town hall.
        Registered = "registered",
        /// The person works.
        Started = "started",
    }
}
