//! `passerelle consent grant`, `show` and `withdraw`: grants of a running daemon.

use std::path::PathBuf;

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    super::{
        Failure,
        client::{Connection, encoded},
        output::say,
    },
    files::json_of,
    recalls,
};

/// Keep grants: what a person allowed
#[derive(Debug, Args)]
pub struct Keep {
    /// The file with the grant, as `consent import` writes it; `-` is standard input
    #[arg(value_name = "GRANT")]
    grant: PathBuf,
    #[command(flatten)]
    connection: Connection,
}

/// Show a grant as it stands, or all grants of a person
#[derive(Debug, Args)]
pub struct Show {
    /// Its number
    #[arg(required_unless_present = "subject")]
    record_id: Option<String>,
    /// All grants of this person: a pseudonym
    #[arg(long, value_name = "PSEUDONYM", conflicts_with = "record_id")]
    subject: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

/// Withdraw a grant in the person's name; it needs no reason
#[derive(Debug, Args)]
pub struct Withdraw {
    /// Its number
    record_id: String,
    /// How the person did it: `web`, `app`, `paper`, `in_person` or `phone`
    #[arg(long, default_value = "in_person")]
    method: consent::Method,
    /// The person's other grants to the same recipients, too, whatever source they are for
    #[arg(long)]
    linked: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Keep {
    pub async fn run(self) -> Result<(), Failure> {
        let grant: Value = json_of(&self.grant)?;
        let kept = self.connection.open()?.ask(Method::POST, "/v1/consents", Some(grant)).await?;
        tell(&kept, self.connection.json);
        Ok(())
    }
}

impl Show {
    pub async fn run(self) -> Result<(), Failure> {
        let client = self.connection.open()?;
        if let Some(subject) = &self.subject {
            let grants = client.get(&format!("/v1/consents?subject={}", encoded(subject))).await?;
            for grant in grants.as_array().into_iter().flatten() {
                tell(grant, self.connection.json);
            }
            if !self.connection.json {
                let found = client.get(&format!("/v1/recalls?subject={}", encoded(subject))).await?;
                recalls::tell(&found["recalls"], false);
            }
        }
        if let Some(record_id) = &self.record_id {
            tell(&client.get(&format!("/v1/consents/{}", encoded(record_id))).await?, self.connection.json);
        }
        Ok(())
    }
}

impl Withdraw {
    pub async fn run(self) -> Result<(), Failure> {
        let path = format!("/v1/consents/{}/withdraw", encoded(&self.record_id));
        let body = json!({"method": self.method, "linked": self.linked});
        let withdrawn = self.connection.open()?.ask(Method::POST, &path, Some(body)).await?;
        tell(&withdrawn, self.connection.json);
        if !self.connection.json {
            recalls::tell(&withdrawn["recalls"], false);
            for (list, what) in
                [("also_withdrawn", "withdrawn, too"), ("still_permitted", "still permits as much to the same")]
            {
                for other in withdrawn[list].as_array().into_iter().flatten() {
                    let text = |name: &str| other[name].as_str().unwrap_or("-");
                    say(&format!("{}  of {}: {what}", text("record_id"), text("subject")));
                }
            }
        }
        Ok(())
    }
}

/// A grant: as it is written, or its number and what happened to it.
fn tell(grant: &Value, as_json: bool) {
    if as_json {
        say(&grant.to_string());
        return;
    }
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let (header, events) = (&grant["header"], grant["events"].as_array().map(Vec::as_slice).unwrap_or_default());
    say(&format!("{} version {} of {}", text(&header["record_id"]), events.len(), text(&header["subject"])));
    for event in events {
        say(&format!(
            "{:28} {:32} {:18} {}",
            text(&event["at"]),
            text(&event["state"]),
            text(&event["by"]),
            text(&event["method"])
        ));
    }
}
