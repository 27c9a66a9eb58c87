//! `passerelle parked`: what waits for a person.

use std::{collections::HashSet, fmt::Write};

use anyhow::anyhow;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Failure,
    client::{Client, Connection, encoded},
    output::say,
};

/// List, show, release and drop what waits for a person.
#[derive(Debug, Subcommand)]
pub enum Parked {
    /// List what waits
    List {
        #[command(flatten)]
        which: Which,
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
    /// Let one or many go again: a dispatch is sent, an input is read anew
    ///
    /// Many are chosen by --partner and --code, after whatever stood in their way was mended. With --dry-run they are
    /// only listed. Those that cannot go are told, and make the exit code 1.
    Release {
        #[command(flatten)]
        chosen: Chosen,
        #[command(flatten)]
        connection: Connection,
    },
    /// Give one or many up; their records stay
    Drop {
        #[command(flatten)]
        chosen: Chosen,
        #[command(flatten)]
        connection: Connection,
    },
}

/// Which parked things.
#[derive(Debug, Args)]
pub struct Which {
    /// Of this partner: whom it is owed to, or who sent it
    #[arg(long, value_name = "ID")]
    partner: Option<String>,
    /// With this code
    #[arg(long)]
    code: Option<String>,
}

/// One parked thing, or many.
#[derive(Debug, Args)]
pub struct Chosen {
    /// Its id, as `parked list` shows it
    #[arg(required_unless_present_any = ["partner", "code"], conflicts_with_all = ["partner", "code"])]
    id: Option<String>,
    #[command(flatten)]
    which: Which,
    /// Only list what it would be done to
    #[arg(long)]
    dry_run: bool,
}

impl Parked {
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::List { which, connection } => {
                let parked = which.list(&connection.open()?).await?;
                if connection.json {
                    say(&json!({"parked": parked}).to_string());
                } else if parked.is_empty() {
                    say("nothing is parked");
                } else {
                    for parked in &parked {
                        say(&line(parked));
                    }
                }
                Ok(())
            }
            Self::Show { id, connection } => {
                let parked = connection.open()?.get(&format!("/v1/parked/{}", encoded(&id))).await?;
                show(&parked, connection.json);
                Ok(())
            }
            Self::Release { chosen, connection } => chosen.each("release", &connection).await,
            Self::Drop { chosen, connection } => chosen.each("drop", &connection).await,
        }
    }
}

impl Which {
    async fn list(&self, client: &Client) -> Result<Vec<Value>, Failure> {
        let mut path = "/v1/parked?".to_owned();
        for (name, value) in [("partner", &self.partner), ("code", &self.code)] {
            if let Some(value) = value {
                let _ = write!(path, "{name}={}&", encoded(value));
            }
        }
        let mut answer = client.get(path.trim_end_matches(['?', '&'])).await?;
        Ok(answer["parked"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }
}

impl Chosen {
    async fn each(&self, verb: &str, connection: &Connection) -> Result<(), Failure> {
        let client = connection.open()?;
        if let Some(id) = &self.id {
            let parked = if self.dry_run {
                client.get(&format!("/v1/parked/{}", encoded(id))).await?
            } else {
                done(&client, verb, id).await?
            };
            show(&parked, connection.json);
            return Ok(());
        }
        let (mut seen, mut refused) = (HashSet::new(), 0_usize);
        loop {
            // What was done goes from the list, and more may come up: it is read again until nothing new is on it.
            let parked = self.which.list(&client).await?;
            let fresh: Vec<_> = parked.into_iter().filter(|one| seen.insert(id_of(one))).collect();
            if fresh.is_empty() {
                break;
            }
            for one in fresh {
                if self.dry_run {
                    show(&one, connection.json);
                    continue;
                }
                match done(&client, verb, &id_of(&one)).await {
                    Ok(parked) => show(&parked, connection.json),
                    Err(Failure::Input(error)) => {
                        refused += 1;
                        say(&format!("{}: {error:#}", id_of(&one)));
                    }
                    Err(failure) => return Err(failure),
                }
            }
            if self.dry_run {
                break;
            }
        }
        if refused > 0 {
            return Err(anyhow!("{refused} of {} are parked as before", seen.len()).into());
        }
        if !connection.json {
            say(&format!("{} parked things{}", seen.len(), if self.dry_run { ": nothing was done" } else { "" }));
        }
        Ok(())
    }
}

async fn done(client: &Client, verb: &str, id: &str) -> Result<Value, Failure> {
    client.ask(Method::POST, &format!("/v1/parked/{}/{verb}", encoded(id)), None).await
}

fn id_of(parked: &Value) -> String {
    parked["id"].as_str().unwrap_or_default().to_owned()
}

fn show(parked: &Value, as_json: bool) {
    if as_json {
        return say(&parked.to_string());
    }
    say(&line(parked));
    for fault in parked["faults"].as_array().into_iter().flatten() {
        let text = |name: &str| fault[name].as_str().unwrap_or("-");
        say(&format!("  {} {}: {}", text("pointer"), text("code"), text("problem")));
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
