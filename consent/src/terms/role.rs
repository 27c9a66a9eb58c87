//! What an organisation is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an organisation is in law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A public employment service.
    PublicService,
    /// An employer.
    Employer,
    /// A matching platform.
    Platform,
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::PublicService => "public employment service",
            Self::Employer => "employer",
            Self::Platform => "matching platform",
        })
    }
}
