//! `passerelle parked`: what waits for a person.

use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;

use super::{
    Failure,
    client::{Connection, encoded},
    output::say,
};

/// List, show, release and drop what waits for a person.
#[derive(Debug, Subcommand)]
pub enum Parked {
    /// List what waits
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Show one, with its faults
    Show {
        /// Its id, as `parked list` shows it
        id: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Let one go again: a dispatch is sent, an input is read anew
    Release {
        /// Its id, as `parked list` shows it
        id: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Give one up; its record stays
    Drop {
        /// Its id, as `parked list` shows it
        id: String,
        #[command(flatten)]
        connection: Connection,
    },
}

impl Parked {
    pub async fn run(self) -> Result<(), Failure> {
        let (method, path, connection) = match &self {
            Self::List { connection } => (Method::GET, "/v1/parked".to_owned(), connection),
            Self::Show { id, connection } => (Method::GET, format!("/v1/parked/{}", encoded(id)), connection),
            Self::Release { id, connection } => {
                (Method::POST, format!("/v1/parked/{}/release", encoded(id)), connection)
            }
            Self::Drop { id, connection } => (Method::POST, format!("/v1/parked/{}/drop", encoded(id)), connection),
        };
        let answer = connection.open()?.ask(method, &path, None).await?;
        if connection.json {
            say(&answer.to_string());
            return Ok(());
        }
        match answer["parked"].as_array() {
            Some(list) if list.is_empty() => say("nothing is parked"),
            Some(list) => list.iter().for_each(|parked| say(&line(parked))),
            None => {
                say(&line(&answer));
                for fault in answer["faults"].as_array().into_iter().flatten() {
                    let text = |name: &str| fault[name].as_str().unwrap_or("-");
                    say(&format!("  {} {}: {}", text("pointer"), text("code"), text("problem")));
                }
            }
        }
        Ok(())
    }
}

fn line(parked: &Value) -> String {
    let text = |name: &str| parked[name].as_str().unwrap_or("-");
    format!(
        "{} {:8} {:10} {:16} {:20} {} {}",
        text("id"),
        text("what"),
        text("state"),
        text("partner"),
        text("code"),
        text("since"),
        text("reference")
    )
}
