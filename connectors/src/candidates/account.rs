//! Who we are to an applicant tracking system, and which one it is.

use secrecy::SecretString;

use super::{
    greenhouse::Greenhouse, lever::Lever, recruitee::Recruitee, smartrecruiters::SmartRecruiters,
    teamtailor::Teamtailor, vendor::Vendor,
};

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
    /// SmartRecruiters: `https://api.smartrecruiters.com`.
    SmartRecruiters {
        /// The key of the customer: `X-SmartToken`.
        token: SecretString,
    },
    /// Recruitee (Tellent): `https://api.recruitee.com`.
    Recruitee {
        /// Its number, or its subdomain.
        company: String,
        /// A personal token of a user who may read candidates.
        token: SecretString,
    },
    /// Greenhouse, Harvest v1: `https://harvest.greenhouse.io/v1`.
    Greenhouse {
        /// A Harvest key that may list and retrieve candidates, and nothing else.
        api_key: SecretString,
    },
    /// Lever: `https://api.lever.co/v1`, or `https://api.eu.lever.co/v1` for Europe.
    Lever {
        /// Without access to what is confidential: that is not asked for.
        api_key: SecretString,
    },
}

impl CandidateAccount {
    /// The vendor's rules with these credentials.
    pub(super) fn vendor(self) -> Box<dyn Vendor> {
        match self {
            Self::Teamtailor { api_key, api_version } => Box::new(Teamtailor { api_key, api_version }),
            Self::SmartRecruiters { token } => Box::new(SmartRecruiters { token }),
            Self::Recruitee { company, token } => Box::new(Recruitee { company, token }),
            Self::Greenhouse { api_key } => Box::new(Greenhouse { api_key }),
            Self::Lever { api_key } => Box::new(Lever { api_key }),
        }
    }
}
