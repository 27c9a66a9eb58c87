//! Consent: what a person has allowed, and what follows from it. Pure: no I/O, no clock, no async; whoever asks says what
//! time it is.
//!
//! A grant ([`Grant`]) is a record after ISO/IEC TS 27560 and the events that happened to it, in the terms of the W3C
//! Data Privacy Vocabulary. [`decide`] says what may go to a recipient at a moment; what nobody permitted is denied.
//!
//! **Invariant:** nothing here holds data of the person beyond a pseudonym, and no decision looks at what a field says:
//! withheld follows from the mask alone.

mod decision;
mod exchange;
mod grant;
mod horizon;
mod party;
mod period;
mod receipt;
mod terms;
mod transfer;

pub use self::{
    decision::{
        Decision, Evidence, Obligations, Outcome, Reason, Receiver, Request, SubjectState, Withheld, decide,
        decide_feedback,
    },
    exchange::{Format, Template, export, import},
    grant::{Event, EventName, Grant, Onward, Who, withdrawal},
    horizon::moments,
    receipt::{Language, Receipt},
    terms::{Action, Country, LegalId, Method, Purpose, Role, Stage},
    transfer::{Endpoint, Transfer, TransferSettings, Transfers},
};
