//! `passerelle consent receipt`: what the person keeps.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use consent::{Grant, Language, Receipt};
use jiff::Timestamp;

use super::{
    super::{Failure, output::say},
    files::json_of,
};
use crate::clock::Clock;

/// Write what the person keeps, in their language: as JSON, or as a page to print
#[derive(Debug, Args)]
pub struct WriteReceipt {
    /// The file with the grant
    #[arg(value_name = "GRANT")]
    grant: PathBuf,
    /// The language: `fr`, `nl`, `ar` or `en`
    #[arg(long)]
    language: Language,
    /// Write a page to print
    #[arg(long)]
    html: bool,
    /// The moment that stands on it; now without it
    #[arg(long, value_name = "INSTANT")]
    at: Option<Timestamp>,
}

impl WriteReceipt {
    pub fn run(self) -> Result<(), Failure> {
        let grant: Grant = json_of(&self.grant)?;
        let receipt = Receipt::of(&grant, self.language, self.at.unwrap_or_else(|| Clock::system().now()));
        say(&if self.html {
            receipt.page().context("cannot write the page")?
        } else {
            serde_json::to_string_pretty(&receipt).context("cannot write the receipt")?
        });
        Ok(())
    }
}
