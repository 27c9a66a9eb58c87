//! VDAB, the public employment service of Flanders: its vacancies are read as JSON (Open Services, `Vacatures` v4), ours
//! are posted to it as HR-XML.
//!
//! What is known of the reading interface: hosts, OAuth2 client credentials beside an API key, `initial`, `bulk` with
//! windows of at most five days, `aantal` and `vanaf`, one vacancy by its reference, tokens of 900 s. What is not
//! published is **our profile**, and said to be where it stands: the body that asks for many vacancies at once, and all
//! of posting but its limits for texts.

mod account;
mod api;
mod list;
mod posting;
mod reading;
mod state;
pub mod stub;

pub use self::{
    account::{VdabAccount, VdabAccountError},
    posting::{VdabPosting, VdabPostingSettings},
    reading::{VdabReading, VdabReadingSettings},
};
