//! Organisations that a consent names.

use schemas::PartnerId;
use serde::{Deserialize, Serialize};

use super::terms::{Country, LegalId, terms};

/// An organisation, with what ISO/IEC TS 27560 wants of a party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// By what the record refers to it.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it is in this record.
    pub roles: Vec<PartyRole>,
    /// Where it is.
    pub country: Country,
    /// Its address, in one line.
    pub address: String,
    /// Whom or what to ask for: an office, not a person.
    pub contact: String,
    /// Where it is written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Where it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Its page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it is here, if it is a partner of this gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<PartnerId>,
    /// Its number in a register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_id: Option<LegalId>,
}

terms! {
    /// What an organisation is in a record. Source: DPV 2.2, legal roles.
    "role of a party": PartyRole {
        /// It decides what data is used for.
        Controller = "dpv:DataController",
        /// It works for a controller.
        Processor = "dpv:DataProcessor",
        /// It receives.
        Recipient = "dpv:Recipient",
        /// It is complained to.
        Authority = "dpv:DataProtectionAuthority",
    }
}
