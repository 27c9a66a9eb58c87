//! `passerelle partner`: what operators do with partners.

use clap::Subcommand;
use reqwest::Method;

use super::{
    Failure,
    client::{Connection, encoded},
    output::say,
};

/// Do something with a partner.
#[derive(Debug, Subcommand)]
pub enum Partner {
    /// Give it everything that is open and that it may have, below live traffic
    ///
    /// A partner that is new in the configuration is given it by itself. What it has already been sent is not sent
    /// again.
    Sync {
        /// Its id: the name of its file
        partner: String,
        #[command(flatten)]
        connection: Connection,
    },
}

impl Partner {
    pub async fn run(self) -> Result<(), Failure> {
        let Self::Sync { partner, connection } = self;
        connection.open()?.ask(Method::POST, &format!("/v1/partners/{}/sync", encoded(&partner)), None).await?;
        say(&format!("`{partner}` is given what is open and was never sent to it"));
        Ok(())
    }
}
