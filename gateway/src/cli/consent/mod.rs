//! `passerelle consent`: what a person allowed, and what follows.

mod decide;
mod files;

use clap::Subcommand;

use super::Failure;

/// Decide about consent. Works on files: nothing is asked of the daemon.
#[derive(Debug, Subcommand)]
pub enum Consent {
    /// Decide whether data may go, and explain every step
    Decide(decide::Decide),
}

impl Consent {
    #[expect(clippy::unused_async, reason = "every verb returns the same")]
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Decide(verb) => verb.run(),
        }
    }
}
