//! Who we are to an applicant tracking system, and which one it is.

use secrecy::SecretString;

use super::{teamtailor::Teamtailor, vendor::Vendor};

/// The credentials of one account, by vendor.
#[derive(Debug, Clone)]
pub enum CandidateAccount {
    /// Teamtailor: `https://api.teamtailor.com/v1`, or `https://api.na.teamtailor.com/v1` for North America.
    Teamtailor {
        /// Needs the scopes of an `Admin` key to read candidates.
        api_key: SecretString,
        /// A day such as `20240404`: the answers stay as they were then.
        api_version: String,
    },
}

impl CandidateAccount {
    /// The vendor's rules with these credentials.
    pub(super) fn vendor(self) -> Box<dyn Vendor> {
        match self {
            Self::Teamtailor { api_key, api_version } => Box::new(Teamtailor { api_key, api_version }),
        }
    }
}
