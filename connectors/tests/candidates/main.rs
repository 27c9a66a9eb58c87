//! Reading the candidates of applicant tracking systems: the same promises for every vendor.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod case;
mod faults;
mod runs;
mod vendors;

#[path = "../poll/mod.rs"]
mod poll;
