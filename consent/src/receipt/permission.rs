//! A provision as a person reads it.

use serde::Serialize;

use super::{Said, Texts};
use crate::{
    grant::{Effect, Onward, Provision, Record, Until},
    terms::Recipient,
};

/// A provision as a person reads it.
#[derive(Debug, Serialize)]
pub struct Permission {
    /// Whether it permits.
    pub permits: bool,
    /// To whom; empty for whoever is meant above.
    pub who: Vec<String>,
    /// In which countries.
    pub countries: Vec<String>,
    /// What for.
    pub purposes: Vec<Said>,
    /// What may be done.
    pub actions: Vec<Said>,
    /// With which data.
    pub categories: Vec<Said>,
    /// When.
    pub when: Vec<String>,
    /// For how long the recipient keeps it.
    pub retention: Option<String>,
    /// Whether it may be passed on.
    pub onward: Option<String>,
    /// What is otherwise.
    pub exceptions: Vec<Permission>,
}

impl Permission {
    pub(super) fn of(provision: &Provision, record: &Record, texts: &Texts) -> Self {
        let onward = provision.onward.map(|onward| match onward {
            Onward::Deny => "onward_deny",
            Onward::WithAuthorisation => "onward_with_authorisation",
        });
        Self {
            permits: provision.effect == Effect::Permit,
            who: provision.recipients.iter().map(|one| named(one, record, texts)).collect(),
            countries: provision.recipient_countries.iter().map(|country| texts.country(country)).collect(),
            purposes: provision.purposes.iter().map(|purpose| texts.term(purpose.as_str())).collect(),
            actions: provision.actions.iter().map(|action| texts.term(action.as_str())).collect(),
            categories: provision.categories.iter().map(|category| texts.term(category.as_str())).collect(),
            when: when(provision, texts),
            retention: provision.retention.map(|period| texts.period(period)),
            onward: onward.map(|key| texts.page_with(key, &[])),
            exceptions: provision.exceptions.iter().map(|one| Self::of(one, record, texts)).collect(),
        }
    }
}

/// A recipient by its name, if the record has it, and its number.
fn named(recipient: &Recipient, record: &Record, texts: &Texts) -> String {
    let party = record.parties.iter().find(|party| match recipient {
        Recipient::Partner { id } => party.partner.as_ref() == Some(id),
        Recipient::Employer { id } => party.legal_id.as_ref() == Some(id),
        Recipient::Class { .. } => false,
    });
    let said = match recipient {
        Recipient::Partner { id } => texts.page_with("partner", &[("id", id.as_str())]),
        Recipient::Employer { id } => texts.page_with("employer", &[("id", id.as_str())]),
        Recipient::Class { role } => texts.page_with("class", &[("role", texts.role(*role))]),
    };
    party.map_or_else(|| said.clone(), |party| format!("{} ({said})", party.name))
}

/// The conditions of time and stage.
fn when(provision: &Provision, texts: &Texts) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(from) = provision.valid.from {
        said.push(texts.page_with("from", &[("moment", &texts.day(from))]));
    }
    match &provision.valid.until {
        Some(Until::Event(name)) => said.push(texts.page_with("until_event", &[("event", &texts.event(name))])),
        Some(Until::Instant(end)) => said.push(texts.page_with("until", &[("moment", &texts.day(*end))])),
        Some(Until::Period(period)) => said.push(texts.page_with("until", &[("moment", &texts.period(*period))])),
        None => {}
    }
    for (key, stage) in [("from_stage", provision.from_stage), ("until_stage", provision.until_stage)] {
        if let Some(stage) = stage {
            said.push(texts.page_with(key, &[("stage", &texts.term(stage.as_str()).label)]));
        }
    }
    said
}
