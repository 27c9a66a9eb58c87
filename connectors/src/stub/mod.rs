//! What the stub partners share: a server whose connections can misbehave, faults to order, and counted limits.
//!
//! **Invariant:** nothing in here knows what a partner's documents look like.

pub(crate) mod document;
mod faults;
mod front;
mod injection;
mod meter;
mod server;
mod tokens;

pub(crate) use self::{
    front::{Front, FrontSettings, Unread, misbehave, pass, status, struck, whole},
    server::{Server, Switch},
    tokens::{Client, Tokens, give as give_token, is_same},
};
pub use self::{
    injection::{Injection, Moment},
    meter::{Counting, LimitBreach, Quota},
    server::{IdentityError, TlsIdentity},
};
