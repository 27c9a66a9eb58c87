//! `passerelle consent`: what a person allowed, and what follows.

mod decide;
mod exchange;
mod files;
mod live;
mod recalls;
mod receipt;

use clap::Subcommand;
use reqwest::Method;

use super::Failure;

/// Keep, show and withdraw grants; decide, write receipts, import and export on files.
#[derive(Debug, Subcommand)]
pub enum Consent {
    /// Keep a grant: what a person allowed
    Grant(live::Keep),
    /// Show a grant as it stands
    Show(live::Show),
    /// Withdraw a grant in the person's name
    Withdraw(live::Withdraw),
    /// List what recipients are asked to delete, and what they said
    Recalls(recalls::ListRecalls),
    /// Leave a person's data alone: nothing new is sent, nothing is erased
    Restrict(recalls::Restrict),
    /// Lift a restriction
    Lift(recalls::Restrict),
    /// Decide whether data may go, and explain every step
    Decide(decide::Decide),
    /// Write what the person keeps, in their language
    Receipt(receipt::WriteReceipt),
    /// Read a grant in the form of others
    Import(exchange::Import),
    /// Write a grant in the form of others
    Export(exchange::Export),
}

impl Consent {
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Grant(verb) => verb.run().await,
            Self::Show(verb) => verb.run().await,
            Self::Withdraw(verb) => verb.run().await,
            Self::Recalls(verb) => verb.run().await,
            Self::Restrict(verb) => verb.run(Method::PUT).await,
            Self::Lift(verb) => verb.run(Method::DELETE).await,
            Self::Decide(verb) => verb.run(),
            Self::Receipt(verb) => verb.run(),
            Self::Import(verb) => verb.run(),
            Self::Export(verb) => verb.run(),
        }
    }
}
