//! `passerelle stub`: play a partner.

use clap::Subcommand;

use super::Failure;

/// Play a partner, for tests and rehearsals.
#[derive(Debug, Subcommand)]
pub enum Stub {}

impl Stub {
    #[expect(clippy::unused_async, reason = "stubs serve")]
    pub async fn run(self) -> Result<(), Failure> {
        match self {}
    }
}
