//! Reads the candidates of applicant tracking systems by their own APIs: behind their webhooks, and to reconcile with.
//!
//! One file per vendor with its requests and the shapes of its answers (`vendor.rs`); what they have in
//! common is in `reading.rs`: a run over everything, page by page, and one candidate as the vendor has it now.
//!
//! **Invariant:** the key goes to the host of the settings and to nobody else: of the address of a next page only its
//! cursor is taken. No error says who a candidate is, and no cursor does, besides what the vendor puts into its own.

mod account;
mod greenhouse;
mod lever;
mod list;
mod reading;
mod recruitee;
mod run;
mod smartrecruiters;
pub mod stub;
mod teamtailor;
mod vendor;

pub use self::{
    account::CandidateAccount,
    reading::{CandidateReading, CandidateReadingSettings},
};
