//! Why data may be processed, and what the person may ask for.

use super::terms;

terms! {
    /// Why data may be processed, under the law of a country.
    "legal basis": LegalBasis {
        /// GDPR, consent.
        Consent = "eu-gdpr:A6-1-a",
        /// GDPR, contract.
        Contract = "eu-gdpr:A6-1-b",
        /// GDPR, legal obligation.
        LegalObligation = "eu-gdpr:A6-1-c",
        /// GDPR, vital interests.
        VitalInterest = "eu-gdpr:A6-1-d",
        /// GDPR, public task.
        PublicTask = "eu-gdpr:A6-1-e",
        /// GDPR, legitimate interest.
        LegitimateInterest = "eu-gdpr:A6-1-f",
        /// GDPR, explicit consent to special categories.
        ExplicitConsent = "eu-gdpr:A9-2-a",
        /// GDPR, employment law, for special categories.
        EmploymentLaw = "eu-gdpr:A9-2-b",
        /// Law 09-08, consent.
        MoroccanConsent = "ma:09-08:art4-consent",
        /// Law 09-08, a task in the public interest or of public authority.
        MoroccanPublicTask = "ma:09-08:art4-public-task",
        /// Law 09-08, contract.
        MoroccanContract = "ma:09-08:art4-contract",
        /// Law 09-08, prior authorisation of sensitive data.
        MoroccanAuthorisation = "ma:09-08:art12-authorisation",
    }
}

terms! {
    /// What the person may ask for. Source: DPV 2.2, rights of the GDPR.
    "right": Right {
        /// To withdraw.
        Withdraw = "eu-gdpr:A7-3",
        /// To have access, and to know the recipients.
        Access = "eu-gdpr:A15",
        /// To have it put right.
        Rectify = "eu-gdpr:A16",
        /// To have it erased.
        Erase = "eu-gdpr:A17",
        /// To have it left alone.
        Restrict = "eu-gdpr:A18",
        /// To take it along.
        Port = "eu-gdpr:A20",
        /// To object.
        Object = "eu-gdpr:A21",
        /// To complain to the authority.
        Complain = "eu-gdpr:A77",
    }
}
