//! Greenhouse Recruiting, an ATS: signed webhooks about job posts.

pub mod stub;
pub(crate) mod webhook;
