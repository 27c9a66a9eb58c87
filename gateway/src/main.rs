//! The daemon and its one binary.

mod attachments;
mod backbone;
mod cli;
mod clock;
mod cluster;
mod code;
mod config;
mod daemon;
mod delivery;
mod dialects;
mod disclosure;
mod door;
mod eligibility;
mod files;
mod health;
mod identities;
mod in_force;
mod inbox;
mod intake;
mod journal;
#[cfg(test)]
mod left_alone;
mod moving;
mod owner_only;
mod partner_parts;
mod poller;
mod progress;
mod pulls;
mod recalls;
mod reload;
mod reviews;
mod router;
mod said;
mod shares;
mod sqlite_file;
mod store;
mod supervisor;
mod telemetry;
mod vault;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
