//! `passerelle tap`: what happens, as it happens.

use std::fmt::Write;

use clap::Args;
use serde_json::Value;

use super::{
    Failure,
    client::{Connection, encoded},
    output::say,
};

/// Show what happens, as it happens.
///
/// A line per step of a message: accepted, routed, delivered, deferred, rejected, … Metadata only: never the document,
/// unless an operator asks with --bodies. Ends with Ctrl-C, or after --count lines.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  passerelle tap --partner agency\n  passerelle tap --json --count 100 | jq .code")]
pub struct Tap {
    /// Messages from or to this partner only
    #[arg(long, value_name = "ID")]
    partner: Option<String>,
    /// Messages of this kind only
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Show the accepted vacancies too, as canonical JSON; operators only
    #[arg(long)]
    bodies: bool,
    /// End after so many lines
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    #[command(flatten)]
    connection: Connection,
}

impl Tap {
    pub async fn run(self) -> Result<(), Failure> {
        let mut path = format!("/v1/tap?bodies={}", self.bodies);
        for (name, value) in [("partner", &self.partner), ("kind", &self.kind)] {
            if let Some(value) = value {
                let _ = write!(path, "&{name}={}", encoded(value));
            }
        }
        let mut left = self.count.unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(());
        }
        let take = |text: &str| {
            if self.connection.json {
                say(text);
            } else {
                say(&line(&serde_json::from_str(text).unwrap_or_default()));
            }
            left -= 1;
            left > 0
        };
        self.connection.open()?.lines(&path, take).await
    }
}

fn line(event: &Value) -> String {
    let text = |name: &str| event[name].as_str().unwrap_or("-");
    let mut line = format!(
        "{} {:12} {} from {} {}",
        text("at"),
        text("step"),
        text("message_id"),
        text("partner"),
        text("reference")
    );
    if let Some(recipient) = event["recipient"].as_str() {
        let _ = write!(line, " to {recipient}");
    }
    if let Some(code) = event["code"].as_str() {
        let _ = write!(line, " {code}");
    }
    if !event["body"].is_null() {
        let _ = write!(line, "\n  {}", event["body"]);
    }
    line
}
