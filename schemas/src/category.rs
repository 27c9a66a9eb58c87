//! Consent categories: what a person permits or refuses as a whole.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::kind::vocabulary;

vocabulary! {
    /// What a field is about, for whoever permits it. The schemas of personal kinds give every field one.
    Category {
        /// What the record says of itself; nothing about the person, and always permitted.
        Record = "record",
        /// Headline, summary, occupations wanted, availability, mobility, town and country of residence.
        Profile = "profile",
        /// Skills, licences and certificates.
        Skills = "skills",
        /// Languages and how well they are known.
        Languages = "languages",
        /// Studies and training.
        Education = "education",
        /// Jobs held.
        Employment = "employment",
        /// The person's own introduction.
        Intro = "intro",
        /// Links to pages that say more.
        Linkedin = "linkedin",
        /// The photograph.
        Picture = "picture",
        /// The video-CV.
        Video = "video",
        /// E-mail and telephone.
        Contact = "contact",
        /// The name.
        Identity = "identity",
        /// The date of birth.
        BirthDate = "birth_date",
        /// Numbers that a state gave the person, nationality, sex, marital status, disability, the rest of the address, activities outside of work.
        Restricted = "restricted",
        /// Files, which may say anything.
        Attachments = "attachments",
        /// What an employment service notes for itself.
        ServiceFile = "service_file",
        /// Stage, dates and coarse reason of a placement (kind `placement_status`).
        StatusFeedback = "status_feedback",
    }
}
