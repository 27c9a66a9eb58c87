//! ANAPEC, the public employment service of Morocco: the offers of its site (SIGEC) are read as a list in JSON and a
//! page each.
//!
//! ANAPEC publishes no interface. What is known comes from public readers of its site: the address and the shape of the
//! list, fifteen offers a page, the addresses of the pages, and that its server does not send its intermediate
//! certificate (see [`crate::ExtraCertificates`]). Vacancies go to it by [`crate::rest`], which is **our profile**.

mod list;
mod reading;
pub mod stub;

pub use self::reading::{AnapecReading, AnapecReadingSettings};
