//! Faults under traffic, seeded and printed: after healing nothing acknowledged is missing, order per reference holds,
//! and repeats carry the same key and bytes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod clock;
mod full_disk;
mod kill;
mod partner;
mod power_cut;

#[path = "../support/mod.rs"]
mod support;
