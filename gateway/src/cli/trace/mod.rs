//! `passerelle trace`: what happened to this one?

mod placement;

use anyhow::anyhow;
use clap::Args;
use serde_json::Value;

use super::{
    Failure,
    client::{Client, Connection, encoded},
    output::say,
};

/// Tell what happened to a message, step by step.
#[derive(Debug, Args)]
pub struct Trace {
    /// The message, or the reference that a vacancy went out under
    #[arg(required_unless_present_any = ["reference", "placement", "late"])]
    id: Option<String>,
    /// The source's reference
    #[arg(long, conflicts_with = "id")]
    reference: Option<String>,
    /// The pseudonym of a person: what each party says happened on the way to a job
    #[arg(long, value_name = "PSEUDONYM", conflicts_with_all = ["id", "reference", "explain"])]
    placement: Option<String>,
    /// Placements where something is late, or about which nobody has said anything for too long
    #[arg(long, conflicts_with_all = ["id", "reference", "placement", "explain"])]
    late: bool,
    /// Show the hashes that were in force, and what becomes of every field on its way to each partner
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Trace {
    pub async fn run(self) -> Result<(), Failure> {
        let client = self.connection.open()?;
        if let Some(pseudonym) = &self.placement {
            let found = client.get(&format!("/v1/placements/{}", encoded(pseudonym))).await?;
            say(&if self.connection.json { found.to_string() } else { placement::page(&found) });
            return Ok(());
        }
        if self.late {
            return placement::list_late(&client, self.connection.json).await;
        }
        let messages = self.find(&client).await?;
        if messages.is_empty() {
            let what = self.reference.or(self.id).unwrap_or_default();
            return Err(anyhow!("nothing is known of `{what}`").into());
        }
        if self.connection.json {
            say(&Value::from(messages).to_string());
            return Ok(());
        }
        for message in messages.iter().rev() {
            show(message, self.explain);
            if self.explain {
                let id = message["message_id"].as_str().unwrap_or_default();
                explain(&client.get(&format!("/v1/messages/{id}/explanation")).await?);
            }
        }
        Ok(())
    }

    async fn find(&self, client: &Client) -> Result<Vec<Value>, Failure> {
        let list = match (&self.id, &self.reference) {
            (_, Some(reference)) => client.get(&format!("/v1/messages?reference={}", encoded(reference))).await?,
            (Some(id), None) => match client.get(&format!("/v1/messages/{}", encoded(id))).await {
                Ok(message) => return Ok(vec![message]),
                // No message: perhaps the reference that a vacancy went out under.
                Err(Failure::Input(_)) => client.get(&format!("/v1/messages?entity_key={}", encoded(id))).await?,
                Err(failure) => return Err(failure),
            },
            (None, None) => return Ok(Vec::new()),
        };
        let mut messages = Vec::new();
        for message in list["messages"].as_array().into_iter().flatten() {
            let id = message["message_id"].as_str().unwrap_or_default();
            messages.push(client.get(&format!("/v1/messages/{id}")).await?);
        }
        Ok(messages)
    }
}

fn show(message: &Value, explain: bool) {
    let text = |name: &str| message[name].as_str().unwrap_or("-");
    say(&format!(
        "{} {} {} from {} as {} by {}, reference {}, goes out as {}",
        text("received_at"),
        text("operation"),
        text("kind"),
        text("partner"),
        text("dialect"),
        text("channel"),
        text("reference"),
        text("entity_key"),
    ));
    say(&format!("  message {} at {}", text("message_id"), text("position")));
    for event in message["events"].as_array().into_iter().flatten() {
        say(&format!("  {}", line(event)));
        if explain {
            say(&format!("      carried {}", event["losses"]));
            say(&format!("      in force {}", event["versions"]));
        }
    }
}

/// What becomes of every field that is not kept, per partner.
fn explain(explanation: &Value) {
    for translation in explanation["translations"].as_array().into_iter().flatten() {
        let text = |name: &str| translation[name].as_str();
        let (recipient, from, to) =
            (text("recipient").unwrap_or("-"), text("from").unwrap_or("-"), text("to").unwrap_or("-"));
        say(&format!("  to {recipient} ({from} to {to}): {} fields kept", translation["kept"]));
        if let Some(refused) = text("refused") {
            say(&format!("      cannot be translated: {refused}"));
        }
        let fields = translation["fields"].as_array().into_iter().flatten();
        for field in fields.filter(|field| field["outcome"] != "kept") {
            let text = |name: &str| field[name].as_str();
            let place = text("pointer").or(text("path")).unwrap_or("-");
            say(&format!("      {:10} {place} {}", text("outcome").unwrap_or("-"), text("code").unwrap_or("-")));
        }
    }
}

fn line(event: &Value) -> String {
    let text = |name: &str| event[name].as_str();
    let mut line = format!("{} {:12}", text("at").unwrap_or("-"), text("step").unwrap_or("-"));
    if let Some(recipient) = text("recipient") {
        line.push_str(&format!(" {recipient}"));
    }
    if event["attempt"].as_i64().unwrap_or(0) > 0 {
        line.push_str(&format!(" (attempt {})", event["attempt"]));
    }
    for (name, before) in [("code", " "), ("detail", ": ")] {
        if let Some(value) = text(name) {
            line.push_str(before);
            line.push_str(value);
        }
    }
    line
}
