//! Grants in the forms of others: records after ISO/IEC TS 27560 in DPV terms, Kantara receipts, FHIR Consents.
//!
//! **Invariant:** what is read permits no more than what was written. What a form cannot say comes from a template, and
//! what we cannot carry and would widen a permission refuses the document.

mod dpv;
mod fhir;
mod kantara;

use serde::Deserialize;
use serde_json::Value;

use super::{
    grant::{Event, Grant, Illegal, Provision, Record, Who},
    terms::{Method, State, terms},
};

terms! {
    /// A form of others.
    "format": Format {
        /// ISO/IEC TS 27560 as the W3C Data Privacy Vocabulary writes it (JSON-LD).
        Iso27560 = "27560",
        /// Kantara Consent Receipt 1.1.
        Kantara = "kantara",
        /// HL7 FHIR Consent, release 5. Is read only.
        Fhir = "fhir",
    }
}

/// What a form of others does not say: a grant of ours from which notice, parties, places and rights are taken. Its
/// provisions and events are never taken.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Template(Grant);

/// Why a document cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// It does not say what it must, or not in a way that we understand.
    #[error("{0}")]
    Unreadable(String),
    /// What was read is no grant.
    #[error("what was read is no grant: {0}")]
    Illegal(#[from] Illegal),
    /// The form cannot hold it.
    #[error("{0}")]
    Unwritable(String),
}

/// Reads a grant.
///
/// # Errors
/// Says what is missing, unknown or would widen a permission.
pub fn import(format: Format, document: &Value, template: &Template) -> Result<Grant, ExchangeError> {
    match format {
        Format::Iso27560 => dpv::read(document, template),
        Format::Kantara => kantara::read(document, template),
        Format::Fhir => fhir::read(document, template),
    }
}

/// Writes a grant.
///
/// # Errors
/// If the form cannot hold it.
pub fn export(format: Format, grant: &Grant) -> Result<Value, ExchangeError> {
    match format {
        Format::Iso27560 => Ok(dpv::write(grant)),
        Format::Kantara => kantara::write(grant),
        Format::Fhir => Err(ExchangeError::Unwritable("a FHIR Consent is read, not written".to_owned())),
    }
}

impl Template {
    /// The record of the template about somebody else, with other provisions.
    fn record(&self, record_id: uuid::Uuid, subject: uuid::Uuid, provisions: Vec<Provision>) -> Record {
        let mut record = self.0.record().clone();
        record.header.record_id = record_id;
        record.header.subject = subject;
        record.header.replaces = None;
        record.processing.provisions = provisions;
        record
    }
}

/// Folds what was read. A record that begins with an answer was asked for at the same moment.
fn folded(record: Record, mut events: Vec<Event>) -> Result<Grant, ExchangeError> {
    if let Some(first) = events.first()
        && first.state != State::Requested
    {
        let state = State::Requested;
        let by = Who::Gateway;
        let asked =
            Event { state, at: first.at, by, method: Method::Import, consent_type: None, duration: None, proof: None };
        events.insert(0, asked);
    }
    Ok(Grant::fold(record, events)?)
}

/// A member that must be there, as what it is meant to be.
fn member<T: serde::de::DeserializeOwned>(value: &Value, name: &str) -> Result<T, ExchangeError> {
    let found = value.get(name).ok_or_else(|| ExchangeError::Unreadable(format!("`{name}` is missing")))?;
    serde_json::from_value(found.clone()).map_err(|error| ExchangeError::Unreadable(format!("`{name}`: {error}")))
}

/// A term in one place, or in a list of them.
fn one_or_many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    }
}

/// A text that must be one of a list.
fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(value: &Value, name: &str) -> Result<T, ExchangeError> {
    let text = value.as_str().ok_or_else(|| ExchangeError::Unreadable(format!("`{name}` is no text")))?;
    text.parse().map_err(|error| ExchangeError::Unreadable(format!("`{name}`: {error}")))
}

#[cfg(test)]
mod tests;
