//! The same person from several sources: linked by numbers that two partners have verified, by a person's own word, or by a
//! merge at a source; never by a name. What follows leaves less, and permits nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod confirmations;
mod effects;
mod merges;
mod numbers;
mod scene;

#[path = "../support/mod.rs"]
mod support;
