//! What is asked: may these categories of this person go to this recipient, for these purposes, now?

use std::collections::BTreeSet;

use schemas::PartnerId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::{
    grant::{Effect, EventName, Grant},
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

    /// Whether something of a grant permits it anything, whatever that is and however long it holds.
    pub fn is_named_by(&self, grant: &Grant) -> bool {
        let provisions = grant.record().processing.provisions.iter();
        let mut permitting = provisions.filter(|provision| provision.effect == Effect::Permit);
        permitting.any(|provision| provision.recipients.iter().any(|recipient| self.is(recipient)))
    }

    /// It as the end of a transfer.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint { kind: self.kind, country: self.country.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_names_whom_it_permits_something() {
        let grant: Grant = serde_json::from_str(include_str!("../../../tests/consent/grant.json")).unwrap();
        let receiver = |legal_id: &str| Receiver {
            kind: Role::Employer,
            country: "BE".parse().unwrap(),
            partner: Some("acme".parse().unwrap()),
            legal_id: Some(legal_id.parse().unwrap()),
        };
        assert!(receiver("be-kbo:0999999922").is_named_by(&grant));
        assert!(!receiver("be-kbo:0000000097").is_named_by(&grant));
        let mut denied = serde_json::to_value(&grant).unwrap();
        let mut denial = denied["processing"]["provisions"][0].clone();
        denial["effect"] = "deny".into();
        denial["recipients"] = serde_json::json!([{"kind": "partner", "id": "other"}]);
        denial["exceptions"] = serde_json::json!([]);
        denied["processing"]["provisions"].as_array_mut().unwrap().push(denial);
        let denied: Grant = serde_json::from_value(denied).unwrap();
        let other = Receiver { partner: Some("other".parse().unwrap()), ..receiver("be-kbo:0000000097") };
        assert!(!other.is_named_by(&denied), "a denial permits nothing");
    }
}
