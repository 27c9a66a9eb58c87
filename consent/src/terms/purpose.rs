//! What data may be used for, and what may be done with it.

use super::terms;

terms! {
    /// What data is used for. Source: DPV 2.2, purposes; those that recruiting has.
    "purpose": Purpose {
        /// Recruiting as a whole. Stands for itself: it does not hold the narrower ones.
        Recruitment = "dpv:RecruitmentManagement",
        /// Taking and keeping applications.
        Applications = "dpv:RecruitmentApplicationManagement",
        /// A first look at applications.
        Screening = "dpv:RecruitmentApplicationScreening",
        /// Choosing among applicants.
        Selection = "dpv:RecruitmentApplicantSelection",
        /// Talking with applicants.
        Interviews = "dpv:RecruitmentInterviewManagement",
        /// Finding a time to talk.
        Scheduling = "dpv:RecruitmentInterviewScheduling",
        /// Checking what applicants say.
        Authentication = "dpv:RecruitmentApplicantInformationAuthentication",
        /// Hiring.
        Hiring = "dpv:PersonnelHiring",
        /// The first steps in a job.
        Onboarding = "dpv:PersonnelOnboarding",
        /// Knowing who somebody is.
        Identity = "dpv:IdentityVerification",
        /// Writing and talking to the person.
        Communication = "dpv:CommunicationManagement",
        /// Keeping records.
        Records = "dpv:RecordManagement",
    }
}

terms! {
    /// What is done with data. Source: DPV 2.2, processing.
    "action": Action {
        /// It is looked at.
        Read = "read",
        /// It is kept.
        Store = "store",
        /// It is worked with.
        Use = "use",
        /// It is given to somebody.
        Disclose = "disclose",
    }
}
