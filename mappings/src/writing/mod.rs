//! Runs a plan over a record: record in, document and loss report out.

mod coded;
mod derived;
mod fallback;
mod labels;
mod leaf;
mod lists;
mod merge;
mod month;
mod notes;
mod pattern;
mod places;
mod print_json;
mod print_labels;
mod print_xml;
mod report;
mod sheet;
mod shown;
mod values;
mod window;
mod writer;

use std::collections::BTreeMap;

use schemas::{LossReport, Mask};
use thiserror::Error;

use crate::{codes::Grade, complement::Complement, reading::Trail};

pub(crate) use writer::write;

/// What a partner file sets of a dialect's `[parameters]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// The value of a parameter, if it is set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The names that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl<N: Into<String>, T: Into<String>> FromIterator<(N, T)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, text)| (name.into(), text.into())).collect())
    }
}

/// What a writer is told.
#[derive(Debug, Clone, Copy)]
pub struct WriteOptions<'a> {
    /// What the partner file sets.
    pub parameters: &'a Parameters,
    /// What the target held beside what the record says.
    pub complement: Option<&'a Complement>,
    /// Grades of crosswalks that the route refuses.
    pub refused_grades: &'a [Grade],
    /// Whether the trail of what was kept is wanted too.
    pub full: bool,
    /// What the receiver may see; everything, if nobody was asked.
    ///
    /// What is withheld is gone, nothing stands in for it, and a field that the dialect must have refuses the record. The
    /// complement is not written then: nobody knows of what it speaks.
    pub mask: Option<&'a Mask>,
}

/// The refusal of a record of which a field is withheld that the dialect must have.
pub const CONSENT_MISSING_REQUIRED: &str = "consent_missing_required";

/// No parameter is set.
pub(crate) static NO_PARAMETERS: Parameters = Parameters(BTreeMap::new());

impl Default for WriteOptions<'_> {
    fn default() -> Self {
        Self { parameters: &NO_PARAMETERS, complement: None, refused_grades: &[], full: false, mask: None }
    }
}

/// What was made of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writing {
    /// The document.
    pub bytes: Vec<u8>,
    /// What could not be carried.
    pub loss: LossReport,
    /// Every canonical field that was kept, if it was asked for; without pointers.
    pub trail: Vec<Trail>,
}

/// Why a record is not written: the document would be useless to the partner.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the record cannot be written in this dialect: `{path}`: {problem}")]
pub struct Refusal {
    /// Why, as a code.
    pub code: String,
    /// What is missing, in the canonical record.
    pub path: String,
    /// Why, in words.
    pub problem: String,
}
