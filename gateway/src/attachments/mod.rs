//! Files that profiles link to: fetched when a version links to them, kept sealed, and read by recipients that may.
//!
//! The router notes what a version links to, [`Fetching`] fetches it, delivery puts our own address in the place of every
//! link, and [`Lending`] decides who may read. **Invariant:** where a partner's files are fetched, none of its links reaches
//! a recipient; an address follows from the link, whether or not the file has come.

mod fetching;
mod lending;
mod links;
mod reason;
mod upkeep;

pub use self::{
    fetching::{Fetching, PART as FETCHING},
    lending::{Lending, MayRead, Returns, reading},
    links::{Addresses, attachments, referred, wanted},
    upkeep::{PART as UPKEEP, Upkeep},
};
