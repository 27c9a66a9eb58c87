//! Tells true webhooks from false ones, over the raw bytes, before anything reads them.
//!
//! One file per vendor with its rule, one line in `VENDORS` and in `Vendor::line`.
//! **Invariant:** digests are compared in constant time and no error repeats what was received.

use std::{fmt, str::FromStr};

use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use thiserror::Error;

use crate::greenhouse;

/// Who signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Vendor {
    /// Greenhouse Recruiting.
    Greenhouse,
}

/// A webhook that its vendor has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The vendor's own id of the delivery. It is not signed: good for a trace, not for a decision.
    pub event_id: Option<String>,
    /// The status that tells the vendor that the webhook is taken.
    pub vendor_success: StatusCode,
}

/// What a webhook is about, as far as its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Concern {
    /// A vacancy; or something that cannot be read at all.
    Vacancy,
    /// A candidate, whose profile stands in it; or it says that there is no such candidate any more.
    Candidate,
    /// A person otherwise, such as an interview; or an event that nobody knows, which may be about one.
    Person,
    /// Nothing: the vendor tries whether somebody answers.
    Ping,
    /// Something else without persons, such as an office.
    Other,
}

/// Why a webhook is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// Name the secret in the partner's file.
    #[error("no secret is configured for this partner")]
    NoSecret,
    /// Not sent by the vendor, or the vendor's webhook has no secret key.
    #[error("the signature is missing")]
    Missing,
    /// Not sent by the vendor, or the vendor has changed its scheme.
    #[error("the signature has another form than the vendor's")]
    Malformed,
    /// The body was changed on its way, or the secrets differ.
    #[error("the signature does not fit the body")]
    Wrong,
}

/// A vendor's rule.
type Verify = fn(&[SecretString], &HeaderMap, &[u8]) -> Result<Verified, VerifyError>;

/// How a vendor names what a webhook is about.
type FindConcern = fn(&[u8]) -> Concern;

/// All vendors, by name.
const VENDORS: [Vendor; 1] = [Vendor::Greenhouse];

/// Checks that the vendor has signed these bytes with one of the secrets.
///
/// Several secrets may be valid at a time, so that they can be changed without a gap. Empty ones count as none.
///
/// # Errors
/// Any [`VerifyError`]; all but `NoSecret` mean `401`.
pub fn verify(
    vendor: Vendor,
    secrets: &[SecretString],
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Verified, VerifyError> {
    let (_, verify, _) = vendor.line();
    verify(secrets, headers, body)
}

/// Looks at the name of an event, and at nothing else in it. Only for webhooks that are [`verify`]-ed.
pub fn concern(vendor: Vendor, body: &[u8]) -> Concern {
    let (_, _, concern) = vendor.line();
    concern(body)
}

impl Vendor {
    /// The name in configuration files.
    pub fn as_str(self) -> &'static str {
        self.line().0
    }

    /// Its name and its rules.
    fn line(self) -> (&'static str, Verify, FindConcern) {
        match self {
            Self::Greenhouse => ("greenhouse", greenhouse::webhook::verify, greenhouse::webhook::concern),
        }
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Vendor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        VENDORS.into_iter().find(|vendor| vendor.as_str() == text).ok_or_else(|| {
            let names = VENDORS.map(|vendor| format!("`{vendor}`"));
            format!("`{text}` is none of {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendors_are_sorted_and_found_by_name() {
        assert!(VENDORS.is_sorted_by_key(|vendor| vendor.as_str()));
        for vendor in VENDORS {
            assert_eq!(vendor.as_str().parse(), Ok(vendor));
        }
        assert_eq!("nobody".parse::<Vendor>().unwrap_err(), "`nobody` is none of `greenhouse`");
    }
}
