//! Who may receive.

use std::fmt;

use schemas::PartnerId;
use serde::{Deserialize, Serialize};

use super::{LegalId, Role};

/// Who may receive, as a grant names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Recipient {
    /// A partner of this gateway.
    Partner {
        /// Its id.
        id: PartnerId,
    },
    /// An employer by its number, whatever partner carries the data there.
    Employer {
        /// Its number in a register.
        id: LegalId,
    },
    /// Every organisation of a kind. Employers are never meant as a class.
    Class {
        /// The kind.
        role: Role,
    },
}

impl Recipient {
    /// Whether this may stand in a permission: a class of employers would be a permission to anybody.
    pub fn may_be_permitted(&self) -> bool {
        !matches!(self, Self::Class { role: Role::Employer })
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partner { id } => write!(formatter, "partner {id}"),
            Self::Employer { id } => write!(formatter, "employer {id}"),
            Self::Class { role } => write!(formatter, "every {role}"),
        }
    }
}
