//! Moves bytes to and from partners, and plays them in tests.
//!
//! A connector is a folder: its client, its webhook and, in `stub.rs`, the partner it talks to.
//! **Invariant:** no connector knows a dialect or a mapping, and no stub asks our own code whether
//! what it got is right: each has rules of its own, read from the partner's papers.

pub mod actiris;
pub mod anapec;
mod base_url;
mod call;
pub mod candidates;
pub mod employer;
pub mod eures;
mod foreign_text;
pub mod greenhouse;
mod http_client;
pub mod kafka;
mod limit;
mod oauth;
mod outcome;
pub mod platform;
pub mod poller;
mod problem;
pub mod rest;
mod retry_after;
pub mod revision;
mod sender;
pub mod stub;
mod tls;
pub mod vdab;
pub mod webhook;

pub use base_url::{BaseUrl, BaseUrlError};
pub use limit::{Limit, exhausted_for};
pub use oauth::{ClientAuthentication, OAuthSettings};
pub use outcome::{Fault, Outcome, Sent, code};
pub use sender::{Closing, Notice, Parcel, ProbeError, Repeats, Sender};
pub use tls::{CertificatesError, ExtraCertificates};
