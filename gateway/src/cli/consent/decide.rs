//! `passerelle consent decide`: the decision, step by step.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use consent::{Decision, Evidence, Outcome, Request, decide};
use jiff::Timestamp;

use super::{
    super::{Failure, output::say},
    files::{grants_of, json_of},
};
use crate::{clock::Clock, config::Settings};

/// Decide whether data may go, and explain every step. A denial is an answer, not a failure.
#[derive(Debug, Args)]
pub struct Decide {
    /// A file with a grant or a list of grants; may be given several times
    #[arg(long, value_name = "FILE", required = true)]
    grants: Vec<PathBuf>,
    /// The file with what is asked
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    /// When: with what was known then; now without it
    #[arg(long, value_name = "INSTANT")]
    at: Option<Timestamp>,
    /// The configuration file with `[[transfers]]`; without it nothing leaves its country
    #[arg(long, value_name = "FILE", env = "PASSERELLE_CONFIG")]
    config: Option<PathBuf>,
    /// Print the decision as JSON
    #[arg(long)]
    json: bool,
}

impl Decide {
    pub fn run(self) -> Result<(), Failure> {
        let fail = |error: anyhow::Error| Failure::input(error, self.json);
        let settings = Settings::load(self.config.as_deref()).map_err(fail)?;
        let mut grants = grants_of(&self.grants).map_err(fail)?;
        let request: Request = json_of(&self.request).map_err(fail)?;
        let now = self.at.unwrap_or_else(|| Clock::system().now());
        if self.at.is_some() {
            grants = grants.iter().map(|grant| grant.as_of(now)).collect();
        }
        let decision = decide(&request, &Evidence { grants: &grants, transfers: &settings.transfers, now });
        if self.json {
            say(&serde_json::to_string_pretty(&decision).context("cannot write the decision")?);
        } else {
            explain(&decision);
        }
        Ok(())
    }
}

/// The decision for people.
fn explain(decision: &Decision) {
    for step in &decision.steps {
        say(&format!("{} {}  {}", step.number, if step.passed { "passed" } else { "failed" }, step.said));
    }
    for one in &decision.categories {
        let said = one.withheld.map_or("goes", |withheld| withheld.code());
        let by: Vec<&str> = one.decided_by.iter().map(String::as_str).collect();
        say(&format!("  {:16} {said:24} {}", one.category, by.join("; ")));
    }
    match &decision.outcome {
        Outcome::Permit { mask, obligations, grants } => {
            let goes: Vec<&str> = mask.permitted.iter().map(|category| category.as_str()).collect();
            say(&format!("permit: {}", goes.join(", ")));
            say(&format!(
                "obliges: delete by {} ({}), onward {}, hear of changes: {}",
                obligations.retain_until,
                obligations.retention,
                obligations.onward,
                if obligations.notify_on_change { "yes" } else { "no" }
            ));
            let rests: Vec<String> = grants.iter().map(ToString::to_string).collect();
            say(&format!("rests on: {}", rests.join(", ")));
        }
        Outcome::Deny { reason, remedy } => say(&format!("deny: {}\nremedy: {remedy}", reason.code())),
    }
}
