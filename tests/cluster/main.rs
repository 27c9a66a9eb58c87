//! Faults of two gateways on three brokers, a registry and PostgreSQL, seeded and printed: after healing nothing that was
//! acknowledged is missing, order per reference holds, repeats carry the same key and bytes, no limit was exceeded.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]
#![expect(clippy::disallowed_methods, reason = "tests hold their own tasks")]

mod controls;
mod fault;
mod machinery;
mod rolling;
mod schedule;
mod shutdown;
mod site;
mod versions;

#[path = "../support/mod.rs"]
mod support;
