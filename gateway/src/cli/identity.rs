//! `passerelle subject link`, `split` and `links`: who is the same person as whom. What sources call persons is read from a file
//! or standard input, never from arguments, which others can see and shells remember.

use std::{io::Read, path::PathBuf};

use anyhow::Context;
use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::{
    Failure,
    client::{Connection, encoded},
    output::say,
};

/// Say that two persons are the same, or are not, because somebody has confirmed it
#[derive(Debug, Args)]
pub struct Confirm {
    /// A file with the two persons and the evidence, as `POST /v1/subjects/link` takes them; without one it is read from
    /// standard input
    file: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

/// Show who else a person is, since when and by what evidence
#[derive(Debug, Args)]
pub struct Links {
    /// The person: a pseudonym, as `subject lookup` shows it
    pseudonym: String,
    #[command(flatten)]
    connection: Connection,
}

impl Confirm {
    /// Says it: `link` or `split`.
    pub async fn run(self, verb: &str) -> Result<(), Failure> {
        let two: Value = serde_json::from_str(&read(self.file)?).context("this is no JSON")?;
        let answer = self.connection.open()?.ask(Method::POST, &format!("/v1/subjects/{verb}"), Some(two)).await?;
        if self.connection.json {
            say(&answer.to_string());
            return Ok(());
        }
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let already = if answer["is_new"] == true { "" } else { " already" };
        let [one, other] = [0, 1].map(|place| text(&answer["subjects"][place]));
        say(&format!("{one} and {other} are {}{already}", text(&answer["said"])));
        Ok(())
    }
}

impl Links {
    pub async fn run(self) -> Result<(), Failure> {
        let found = self.connection.open()?.get(&format!("/v1/subjects/{}/links", encoded(&self.pseudonym))).await?;
        if self.connection.json {
            say(&found.to_string());
            return Ok(());
        }
        for link in found["links"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let [one, other] =
                [0, 1].map(|place| format!("{} ({})", text(&link["subjects"][place]), text(&link["partners"][place])));
            let evidence = ["evidence", "scheme", "confirmed_by", "method", "reference"].map(|name| text(&link[name]));
            let evidence: Vec<String> = evidence.into_iter().filter(|text| !text.is_empty()).collect();
            say(&format!("{one} = {other}  since {}  {}", text(&link["since"]), evidence.join(" ")));
        }
        Ok(())
    }
}

/// The whole file, or all of standard input.
pub fn read(file: Option<PathBuf>) -> Result<String, Failure> {
    if let Some(path) = file {
        return Ok(std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
    Ok(text)
}
