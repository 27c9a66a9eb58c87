//! Greenhouse Recruiting, an ATS: signed webhooks about job posts, and the Harvest API to reconcile them with.

mod harvest;
mod link;
pub mod stub;

pub use self::harvest::{HarvestReading, HarvestSettings};

pub(crate) use self::link::next as next_link;
