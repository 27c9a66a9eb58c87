//! Tells true webhooks from false ones, over the raw bytes, before anything reads them.
//!
//! One file per vendor with its rule, one line in `VENDORS` and in `Vendor::line`.
//! **Invariant:** digests are compared in constant time and no error repeats what was received.

pub(crate) mod greenhouse;
mod lever;
mod recruitee;
mod signature;
mod smartrecruiters;
mod teamtailor;

use std::{fmt, str::FromStr};

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use secrecy::SecretString;
use thiserror::Error;

/// Who signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Vendor {
    /// Greenhouse Recruiting.
    Greenhouse,
    /// Lever.
    Lever,
    /// Recruitee, of Tellent.
    Recruitee,
    /// SmartRecruiters.
    SmartRecruiters,
    /// Teamtailor, webhooks of a company, version 2.
    Teamtailor,
}

/// A webhook that its vendor has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The vendor's own id of the delivery. Not every vendor signs it: good for a trace and against repeats, not for more.
    pub event_id: Option<String>,
    /// The status that tells the vendor that the webhook is taken.
    pub vendor_success: StatusCode,
}

/// What a webhook is about, as far as it says so by itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Concern {
    /// A vacancy; or something that cannot be read at all.
    Vacancy,
    /// A candidate, whose profile stands in it; or it says that there is no such candidate any more.
    Candidate,
    /// A candidate of whom it says too little, or nothing that is signed: to be read at the vendor.
    CandidateToRead {
        /// What the vendor's API calls the candidate.
        id: String,
        /// What the candidate's profile calls it; none if the event does not say so reliably.
        reference: Option<String>,
    },
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
    /// Somebody sends again what was sent before, or one of the clocks is wrong.
    #[error("it was signed too long ago, or in the future; look at the clock")]
    Stale,
}

/// What is to be checked.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The raw bytes.
    pub body: &'a [u8],
    /// When it came.
    pub at: Timestamp,
}

/// A vendor's rule.
type Verify = fn(&[SecretString], Received<'_>) -> Result<Verified, VerifyError>;

/// How a vendor names what a webhook is about.
type FindConcern = fn(&HeaderMap, &[u8]) -> Concern;

/// All vendors, by name.
const VENDORS: [Vendor; 5] =
    [Vendor::Greenhouse, Vendor::Lever, Vendor::Recruitee, Vendor::SmartRecruiters, Vendor::Teamtailor];

/// Checks that the vendor has signed these bytes with one of the secrets, lately where it says when.
///
/// Several secrets may be valid at a time, so that they can be changed without a gap. Empty ones count as none.
///
/// # Errors
/// Any [`VerifyError`]; all but `NoSecret` mean `401`.
pub fn verify(vendor: Vendor, secrets: &[SecretString], received: Received<'_>) -> Result<Verified, VerifyError> {
    let (_, verify, _) = vendor.line();
    verify(secrets, received)
}

/// Looks at the name of an event and whom it is about, and at nothing else in it. Only for webhooks that are
/// [`verify`]-ed.
pub fn concern(vendor: Vendor, headers: &HeaderMap, body: &[u8]) -> Concern {
    let (_, _, concern) = vendor.line();
    concern(headers, body)
}

/// Of two candidates whom an event says to be one: what the vendor calls who is gone, and who is left. Only for webhooks that
/// are [`verify`]-ed, of vendors whose events prove what they say.
pub fn merged(vendor: Vendor, body: &[u8]) -> Option<[String; 2]> {
    match vendor {
        Vendor::Greenhouse => greenhouse::merged(body),
        Vendor::Lever | Vendor::Recruitee | Vendor::SmartRecruiters | Vendor::Teamtailor => None,
    }
}

/// What a vendor wants to hear when it sets a webhook up, which it does not sign: headers to be answered with.
pub fn greeting(vendor: Vendor, headers: &HeaderMap, body: &[u8]) -> Option<HeaderMap> {
    match vendor {
        Vendor::SmartRecruiters => smartrecruiters::greeting(headers),
        Vendor::Recruitee => recruitee::greeting(headers, body),
        Vendor::Greenhouse | Vendor::Lever | Vendor::Teamtailor => None,
    }
}

impl Vendor {
    /// The name in configuration files.
    pub fn as_str(self) -> &'static str {
        self.line().0
    }

    /// Its name and its rules.
    fn line(self) -> (&'static str, Verify, FindConcern) {
        match self {
            Self::Greenhouse => ("greenhouse", greenhouse::verify, greenhouse::concern),
            Self::Lever => ("lever", lever::verify, lever::concern),
            Self::Recruitee => ("recruitee", recruitee::verify, recruitee::concern),
            Self::SmartRecruiters => ("smartrecruiters", smartrecruiters::verify, smartrecruiters::concern),
            Self::Teamtailor => ("teamtailor", teamtailor::verify, teamtailor::concern),
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
        let refused = "nobody".parse::<Vendor>().unwrap_err();
        assert_eq!(refused, "`nobody` is none of `greenhouse`, `lever`, `recruitee`, `smartrecruiters`, `teamtailor`");
    }
}
