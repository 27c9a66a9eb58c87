//! `passerelle subject`: persons. What partners call them is read from a file or standard input, never from arguments,
//! which others can see and shells remember.

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use reqwest::Method;
use serde_json::json;

use super::{
    Failure,
    client::{Client, Connection, encoded},
    identity,
    output::say,
};

/// Foreign ids that are asked for at once.
const PAGE: usize = 1_000;

/// Find persons, and destroy their keys.
#[derive(Debug, Subcommand)]
pub enum Subject {
    /// Find the pseudonyms of persons by what a partner calls them: a foreign id a line, a pseudonym or `-` a line
    Lookup {
        /// The partner that calls them so
        #[arg(long, value_name = "ID")]
        partner: String,
        /// A file with the foreign ids; without one they are read from standard input
        file: Option<PathBuf>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Link two persons, because somebody has confirmed that they are the same
    Link(identity::Confirm),
    /// Split two persons, because somebody has confirmed that they are not the same
    Split(identity::Confirm),
    /// Show who else a person is, since when and by what evidence
    Links(identity::Links),
    /// Destroy the keys of a person: all that is sealed of it is unreadable for good; who received it is asked to delete it
    DestroyKeys {
        /// The pseudonym, as `subject lookup` shows it
        pseudonym: String,
        #[command(flatten)]
        connection: Connection,
    },
}

impl Subject {
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Lookup { partner, file, connection } => {
                let foreign_ids = read(file)?;
                look_up(&connection.open()?, &partner, &foreign_ids, connection.json).await
            }
            Self::Link(confirm) => confirm.run("link").await,
            Self::Split(confirm) => confirm.run("split").await,
            Self::Links(links) => links.run().await,
            Self::DestroyKeys { pseudonym, connection } => {
                let path = format!("/v1/subjects/{}/keys", encoded(&pseudonym));
                let destroyed = connection.open()?.ask(Method::DELETE, &path, None).await?;
                say(&if connection.json {
                    destroyed.to_string()
                } else {
                    format!("{} keys destroyed", destroyed["keys"])
                });
                Ok(())
            }
        }
    }
}

async fn look_up(client: &Client, partner: &str, foreign_ids: &[String], as_json: bool) -> Result<(), Failure> {
    let mut found = Vec::with_capacity(foreign_ids.len());
    for page in foreign_ids.chunks(PAGE) {
        let wanted = json!({"partner": partner, "foreign_ids": page});
        let mut answer = client.ask(Method::POST, "/v1/subjects/lookup", Some(wanted)).await?;
        found.append(answer["subjects"].as_array_mut().context("the answer has no subjects")?);
    }
    if as_json {
        say(&json!({"subjects": found}).to_string());
    } else {
        found.iter().map(|subject| subject.as_str().unwrap_or("-")).for_each(say);
    }
    Ok(())
}

/// The foreign ids: a line each, without the blanks around them.
fn read(file: Option<PathBuf>) -> Result<Vec<String>, Failure> {
    let text = identity::read(file)?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}
