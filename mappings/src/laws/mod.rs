//! The laws that every mapping keeps, as checks for samples and for records.
//!
//! `read(write(r)) = r` up to the losses reported; `write(read(d), complement) = d` up to the normal form of `d`:
//! member and attribute order, blanks between elements, comments, prefixes and the spelling of numbers and dates do not count.

mod document;
mod record;
mod round_trip;
mod sample;

use std::fmt;

pub use record::check_record;
pub use sample::{Sample, Written, check_sample, samples, written_samples};

/// A law that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The sample, or what was checked.
    pub subject: String,
    /// The law, as a code.
    pub law: &'static str,
    /// How it was broken.
    pub problem: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}: {}", self.subject, self.law, self.problem)
    }
}
