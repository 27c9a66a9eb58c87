//! What is asked: may these categories of this person go to this recipient, for these purposes, now?

use std::collections::BTreeSet;

use schemas::PartnerId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::{
    grant::EventName,
    terms::{Action, Country, LegalId, Purpose, Recipient, Role, Stage},
    transfer::Endpoint,
};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The person's pseudonym.
    pub subject: Uuid,
    /// What is known of the person.
    pub subject_state: SubjectState,
    /// Who sends.
    pub exporter: Endpoint,
    /// Who would receive.
    pub recipient: Receiver,
    /// What for: all of these.
    pub purposes: BTreeSet<Purpose>,
    /// What is done: all of these.
    pub actions: BTreeSet<Action>,
    /// With what data, as the fields say it; a word that is no category is denied.
    pub categories: BTreeSet<String>,
    /// How far the placement has come, if there is one.
    #[serde(default)]
    pub stage: Option<Stage>,
    /// What has happened that may end a permission.
    #[serde(default)]
    pub happened: Vec<EventName>,
}

/// What is known of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectState {
    /// The person is there.
    Known,
    /// Nobody has heard of the person.
    Unknown,
    /// The person was erased.
    Erased,
    /// The person's data is to be left alone (GDPR article 18).
    Restricted,
}

/// Who would receive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receiver {
    /// What it is in law.
    pub kind: Role,
    /// Where it is.
    pub country: Country,
    /// The partner that it is.
    #[serde(default)]
    pub partner: Option<PartnerId>,
    /// Its number in a register.
    #[serde(default)]
    pub legal_id: Option<LegalId>,
}

impl Receiver {
    /// Whether a grant means it.
    pub fn is(&self, recipient: &Recipient) -> bool {
        match recipient {
            Recipient::Partner { id } => self.partner.as_ref() == Some(id),
            Recipient::Employer { id } => self.legal_id.as_ref() == Some(id),
            Recipient::Class { role } => self.kind == *role,
        }
    }

    /// It as the end of a transfer.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint { kind: self.kind, country: self.country.clone() }
    }
}
