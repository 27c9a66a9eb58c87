//! Grants: what was asked of a person, and what the person and others did about it.
//!
//! A grant is a record that never changes and the events that happened to it, in their order; where it stands is a fold
//! over them. Its version is the number of its events: a claim that names record and version names exactly what held.

mod event;
mod fold;
mod provision;
mod record;

pub use self::{
    event::{Event, EventName, Until, Who},
    fold::{Grant, Illegal, withdrawal},
    provision::{Effect, Provision, ValidTime},
    record::{Header, Onward, Processing, Record},
};
