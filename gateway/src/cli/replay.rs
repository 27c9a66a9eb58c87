//! `passerelle replay`: dispatch again what was dispatched before.

use std::{collections::HashSet, fmt::Write};

use anyhow::anyhow;
use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::{
    Failure,
    client::{Client, Connection, encoded},
    output::say,
};

/// What a filter may ask for.
const FILTERS: [&str; 6] = ["reference", "entity_key", "employer", "partner", "recipient", "state"];

/// Dispatch again what was dispatched before.
///
/// Each vacancy goes once, in its newest version, to the partners entitled to it now, below live traffic. What is
/// closed is not dispatched again. Try --dry-run first: it says what would go where, and sends nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  passerelle replay --filter reference=REQ-50 --dry-run\n  \
                        passerelle replay --filter partner=acme --filter state=refused --to agency")]
pub struct Replay {
    /// Messages, as `trace` and `tap` show them
    #[arg(required_unless_present = "filter", value_name = "ID")]
    ids: Vec<String>,
    /// What messages have to be like: reference, entity_key, employer, partner, recipient or state. May be repeated:
    /// every condition has to hold
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "ids", value_parser = filter)]
    filter: Vec<(&'static str, String)>,
    /// To this partner only, if it is entitled
    #[arg(long, value_name = "ID")]
    to: Option<String>,
    /// Only say what would go where
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    connection: Connection,
}

/// What was done, counted.
#[derive(Default)]
struct Count {
    entities: HashSet<String>,
    dispatches: usize,
}

impl Replay {
    pub async fn run(self) -> Result<(), Failure> {
        let client = self.connection.open()?;
        let mut count = Count::default();
        for id in &self.ids {
            self.replay(&client, id, &mut count).await?;
        }
        if !self.filter.is_empty() {
            self.replay_matching(&client, &mut count).await?;
        }
        if count.entities.is_empty() {
            return Err(anyhow!("no message matches").into());
        }
        if !self.connection.json {
            let verb = if self.dry_run { "would be dispatched" } else { "are dispatched" };
            say(&format!("{} vacancies {verb} again, to partners {} times", count.entities.len(), count.dispatches));
        }
        Ok(())
    }

    async fn replay_matching(&self, client: &Client, count: &mut Count) -> Result<(), Failure> {
        let mut conditions = String::new();
        for (key, value) in &self.filter {
            let _ = write!(conditions, "&{key}={}", encoded(value));
        }
        let conditions = conditions.trim_start_matches('&').to_owned();
        let mut cursor = String::new();
        loop {
            let page = client.get(&format!("/v1/messages?{conditions}{cursor}")).await?;
            for message in page["messages"].as_array().into_iter().flatten() {
                let (id, entity) = (message["message_id"].as_str(), message["entity_key"].as_str());
                if let (Some(id), Some(entity)) = (id, entity)
                    && !count.entities.contains(entity)
                {
                    self.replay(client, id, count).await?;
                }
            }
            let Some(next) = page["cursor"].as_str() else { return Ok(()) };
            cursor = format!("&cursor={}", encoded(next));
        }
    }

    async fn replay(&self, client: &Client, id: &str, count: &mut Count) -> Result<(), Failure> {
        let to = self.to.as_ref().map(|to| format!("&to={}", encoded(to))).unwrap_or_default();
        let path = format!("/v1/messages/{}/replay?dry_run={}{to}", encoded(id), self.dry_run);
        let answer = client.ask(Method::POST, &path, None).await?;
        count.entities.insert(answer["entity_key"].as_str().unwrap_or_default().to_owned());
        count.dispatches += answer["to"].as_array().map_or(0, Vec::len);
        if self.connection.json {
            say(&answer.to_string());
        } else {
            describe(&answer);
        }
        Ok(())
    }
}

fn describe(answer: &Value) {
    let texts = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
    };
    let to = texts(&answer["to"]);
    let to = match (answer["goes"].is_null(), to.is_empty()) {
        (true, _) => "is passed over: nothing is kept of it".to_owned(),
        (false, true) => "goes to nobody".to_owned(),
        (false, false) => format!("goes to {}", to.join(", ")),
    };
    say(&format!("{} {to}", answer["entity_key"].as_str().unwrap_or("-")));
    for partner in answer["not_to"].as_array().into_iter().flatten() {
        let text = |name: &str| partner[name].as_str().unwrap_or("-");
        say(&format!("  not to {}: {}: {}", text("partner"), text("code"), text("reason")));
    }
}

fn filter(text: &str) -> Result<(&'static str, String), String> {
    let known = || FILTERS.join(", ");
    let (key, value) = text.split_once('=').ok_or_else(|| format!("write KEY=VALUE; KEY is one of {}", known()))?;
    let key = FILTERS.into_iter().find(|one| *one == key).ok_or_else(|| format!("`{key}` is none of {}", known()))?;
    Ok((key, value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_known_key_and_any_value() {
        assert_eq!(filter("reference=A=B").unwrap(), ("reference", "A=B".to_owned()));
        assert!(filter("reference").unwrap_err().contains("KEY=VALUE"));
        assert!(filter("colour=red").unwrap_err().contains("employer"));
    }
}
