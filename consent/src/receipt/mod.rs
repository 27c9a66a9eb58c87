//! What the person keeps: a receipt that says in their language what they allowed, as JSON and as a page to print.
//!
//! **Invariant:** a receipt says everything that a grant permits, and that the rest is denied.

mod page;
mod permission;
mod texts;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

pub use self::texts::Language;
use self::{permission::Permission, texts::Texts};
use super::{
    grant::{Event, Grant, Until},
    party::{Party, PartyRole},
    terms::{Country, State},
};

/// What the person keeps.
#[derive(Debug, Serialize)]
pub struct Receipt {
    /// The same for the same version of the grant in the same language.
    pub receipt_id: Uuid,
    /// The grant.
    pub record_id: Uuid,
    /// How many events it had.
    pub version: usize,
    /// The person's pseudonym.
    pub subject: Uuid,
    /// The language.
    pub language: Language,
    /// Whether that is written from the left (`ltr`) or from the right (`rtl`).
    pub direction: &'static str,
    /// When the receipt was made.
    pub made_at: Timestamp,
    /// Where the grant stands.
    pub state: Said,
    /// When the person was asked.
    pub asked_at: Option<Timestamp>,
    /// When the person said yes, the last time.
    pub given_at: Option<Timestamp>,
    /// Until when it holds.
    pub ends: Option<String>,
    /// What the person was shown.
    pub notice: Notice,
    /// Who is responsible.
    pub controllers: Vec<Party>,
    /// What is permitted.
    pub permissions: Vec<Permission>,
    /// Where it is kept.
    pub storage: Vec<String>,
    /// Where it is worked with.
    pub processing: Vec<String>,
    /// Why the law allows it, by country.
    pub basis: Vec<(String, Said)>,
    /// On what basis data leaves its country.
    pub transfers: Vec<String>,
    /// How it is taken back.
    pub withdrawal: String,
    /// What the person may ask for.
    pub rights: Vec<Said>,
    /// Where the person may complain.
    pub authorities: Vec<Party>,
    #[serde(skip)]
    texts: &'static Texts,
}

/// A term and how it is said.
#[derive(Debug, Clone, Serialize)]
pub struct Said {
    /// The term.
    pub term: &'static str,
    /// In the language of the receipt.
    pub label: String,
}

/// What the person was shown.
#[derive(Debug, Serialize)]
pub struct Notice {
    /// Which text.
    pub id: String,
    /// Which version of it, in which language.
    pub version: String,
    /// Where it can be read.
    pub url: Option<String>,
}

impl Receipt {
    /// Writes a receipt for a grant.
    pub fn of(grant: &Grant, language: Language, now: Timestamp) -> Self {
        let texts = language.texts();
        let record = grant.record();
        let processing = &record.processing;
        let given = grant.events().iter().rfind(|event| event.state.permits());
        let name = format!("receipt of {} version {} in {language}", grant.id(), grant.version());
        let countries = |all: &[Country]| all.iter().map(|one| texts.country(one)).collect::<Vec<_>>();
        let parties = |role| record.parties_of(role).cloned().collect();
        Self {
            receipt_id: Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()),
            record_id: grant.id(),
            version: grant.version(),
            subject: record.header.subject,
            language,
            direction: texts.direction(),
            made_at: now,
            state: texts.term(grant.state().as_str()),
            asked_at: grant.events().iter().rfind(|event| event.state == State::Requested).map(|event| event.at),
            given_at: given.map(|event| event.at),
            ends: given.and_then(|event| end_of(event, texts)),
            notice: Notice {
                id: processing.notice.id.clone(),
                version: texts.page_with(
                    "notice_version",
                    &[("version", &processing.notice.version), ("language", &processing.notice.language)],
                ),
                url: processing.notice.url.clone(),
            },
            controllers: parties(PartyRole::Controller),
            permissions: processing.provisions.iter().map(|one| Permission::of(one, record, texts)).collect(),
            storage: countries(&processing.storage_locations),
            processing: countries(&processing.processing_locations),
            basis: processing
                .basis
                .iter()
                .map(|(country, basis)| (texts.country(country), texts.term(basis.as_str())))
                .collect(),
            transfers: processing
                .transfer
                .iter()
                .map(|(pair, instrument)| {
                    let [from, to] = [&pair.0, &pair.1].map(|country| texts.country(country));
                    let instrument = texts.term(instrument.as_str()).label;
                    texts.page_with("transfer", &[("from", &from), ("to", &to), ("instrument", &instrument)])
                })
                .collect(),
            withdrawal: processing.withdrawal_method.clone(),
            rights: processing.rights.iter().map(|right| texts.term(right.as_str())).collect(),
            authorities: parties(PartyRole::Authority),
            texts,
        }
    }

    /// The receipt as a page to print.
    ///
    /// # Errors
    /// If the template does not fit; a test keeps it fitting.
    pub fn page(&self) -> Result<String, minijinja::Error> {
        page::render(self)
    }

    /// The words around it.
    fn words(&self) -> &'static BTreeMap<String, String> {
        self.texts.page()
    }
}

/// When a consent ends, as it is said.
fn end_of(event: &Event, texts: &Texts) -> Option<String> {
    Some(match event.duration.as_ref()? {
        Until::Period(period) => texts.day(period.after(event.at)),
        Until::Instant(end) => texts.day(*end),
        Until::Event(name) => texts.event(name),
    })
}

#[cfg(test)]
mod tests;
