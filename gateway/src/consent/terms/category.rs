//! Kinds of personal data. Every field of a personal kind has one; a field of none is denied.

use super::{Stage, terms};

terms! {
    /// A kind of personal data, as the canonical model names it (`category` of a field).
    "category": Category {
        /// Headline, occupations, availability, mobility.
        Profile = "profile",
        /// Skills.
        Skills = "skills",
        /// Languages and how well they are known.
        Languages = "languages",
        /// Schools, diplomas, certificates.
        Education = "education",
        /// Work until now.
        Employment = "employment",
        /// What the person writes about themselves.
        Intro = "intro",
        /// A link to a page that says more.
        Linkedin = "linkedin",
        /// A photo.
        Picture = "picture",
        /// A video-CV: picture and voice.
        Video = "video",
        /// E-mail and telephone.
        Contact = "contact",
        /// The name.
        Identity = "identity",
        /// The birth date.
        BirthDate = "birth_date",
        /// National numbers, marital status, disability, nationality, sex, full address.
        Restricted = "restricted",
        /// Stage, dates and coarse reason of a placement.
        StatusFeedback = "status_feedback",
    }
}

impl Category {
    /// Whether a permission must name it: leaving categories out means all of the plain ones, never these.
    pub fn wants_own_tick(self) -> bool {
        !matches!(
            self,
            Self::Profile | Self::Skills | Self::Languages | Self::Education | Self::Employment | Self::Intro
        )
    }

    /// From which stage on an employer may have it, unless the permission itself says from when.
    pub fn first_stage_for_employers(self) -> Option<Stage> {
        match self {
            Self::Contact | Self::Identity => Some(Stage::Presented),
            Self::BirthDate => Some(Stage::ContractSigned),
            _ => None,
        }
    }
}
