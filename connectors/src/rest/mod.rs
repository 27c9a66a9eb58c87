//! The plain REST profile: `PUT`, `POST` and `DELETE` of `{base}/{kind}/{reference}`.
//!
//! The profile is ours, for partners that have no interface of their own:
//!
//! | operation | request |
//! |---|---|
//! | upsert | `PUT` with the document |
//! | event | `POST` with the document |
//! | close | `DELETE` without a body, or in another form ([`Closings`]) |
//!
//! with `Idempotency-Key` as a quoted string (draft-ietf-httpapi-idempotency-key-header), `Authorization: Bearer`
//! if there is a token, and faults as RFC 9457 problem documents. Beside a document about a person stands what is withheld
//! and what the receiver is obliged to ([`Notice`](crate::Notice)).

mod answer;
mod closings;
mod exchange;
mod push;
mod request;
pub mod stub;

pub(crate) use answer::pause;
pub use closings::{Closings, Webhook};
pub(crate) use exchange::{Exchange, described};
pub(crate) use push::bearer;
pub use push::{RestPush, RestSettings, RestSettingsError};
