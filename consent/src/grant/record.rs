//! The part of a grant that never changes: header, processing and parties after ISO/IEC TS 27560.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    super::{
        party::{Party, PartyRole},
        terms::{Country, LegalBasis, Method, Right},
        transfer::{Pair, TransferInstrument},
    },
    provision::Provision,
};

/// What was asked. Optional parts of the standard that the GDPR makes mandatory are mandatory here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What record it is, and about whom.
    pub header: Header,
    /// What for, with what, how long and why.
    pub processing: Processing,
    /// Who has to do with it.
    pub parties: Vec<Party>,
}

/// What record it is, and about whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The form of the record.
    pub schema_version: SchemaVersion,
    /// Its id.
    pub record_id: Uuid,
    /// The person's pseudonym.
    pub subject: Uuid,
    /// The record that this one comes after, under a new notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Uuid>,
}

/// The form of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SchemaVersion {
    /// Ours, the first.
    #[serde(rename = "passerelle-grant-1")]
    First,
}

/// What for, with what, how long and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Processing {
    /// What the person was shown.
    pub notice: Notice,
    /// How the data came.
    pub collection_method: Method,
    /// Where it is kept.
    pub storage_locations: Vec<Country>,
    /// Where it is worked with.
    pub processing_locations: Vec<Country>,
    /// Why it may be processed, by the country whose law says so.
    pub basis: BTreeMap<Country, LegalBasis>,
    /// On what the person was told that data leaves a country.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub transfer: BTreeMap<Pair, TransferInstrument>,
    /// How it is withdrawn: as easily as it was given.
    pub withdrawal_method: String,
    /// What the person may ask for.
    pub rights: Vec<Right>,
    /// What is permitted; everything else is denied.
    pub provisions: Vec<Provision>,
}

/// What the person was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Which text.
    pub id: String,
    /// Which version of it.
    pub version: String,
    /// In which language; BCP 47.
    pub language: String,
    /// Where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Whether a recipient may pass data on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Onward {
    /// No.
    Deny,
    /// Only with authorisation in advance, under the same safeguards.
    WithAuthorisation,
}

impl fmt::Display for Onward {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Deny => "denied",
            Self::WithAuthorisation => "with authorisation",
        })
    }
}

impl Record {
    /// The organisations of a role.
    pub fn parties_of(&self, role: PartyRole) -> impl Iterator<Item = &Party> {
        self.parties.iter().filter(move |party| party.roles.contains(&role))
    }

    /// Refuses a record that does not say what a person must be told.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn check(&self) -> Result<(), String> {
        let Self { header, processing, .. } = self;
        if header.replaces == Some(header.record_id) {
            return Err("`replaces` names the record itself".to_owned());
        }
        for (name, is_missing) in [
            ("provisions", processing.provisions.is_empty()),
            ("storage_locations", processing.storage_locations.is_empty()),
            ("processing_locations", processing.processing_locations.is_empty()),
            ("basis", processing.basis.is_empty()),
            ("withdrawal_method", processing.withdrawal_method.trim().is_empty()),
            ("notice.id", processing.notice.id.trim().is_empty()),
            ("notice.version", processing.notice.version.trim().is_empty()),
            ("notice.language", processing.notice.language.trim().is_empty()),
        ] {
            if is_missing {
                return Err(format!("`processing.{name}` says nothing"));
            }
        }
        for (role, name) in [(PartyRole::Controller, "controller"), (PartyRole::Authority, "authority")] {
            if self.parties_of(role).next().is_none() {
                return Err(format!("no party is the {name}"));
            }
        }
        for right in [Right::Withdraw, Right::Complain] {
            if !processing.rights.contains(&right) {
                return Err(format!("`processing.rights` lacks `{right}`"));
            }
        }
        processing.provisions.iter().enumerate().try_for_each(|(number, provision)| {
            provision.check().map_err(|problem| format!("provision {}: {problem}", number + 1))
        })
    }
}
