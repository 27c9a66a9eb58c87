//! `passerelle check`: is everything that was configured right?

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::anyhow;
use clap::Args;
use consent::{Endpoint, Transfer};
use jiff::Timestamp;

use super::{Failure, client, output::say};
use crate::{
    backbone::kafka,
    clock::Clock,
    config::{BackboneEngine, Configuration, Outgoing, Partner, Settings},
    delivery,
    in_force::Rules,
};

/// Check configuration, partners, mappings and code lists, without the network unless --connect.
#[derive(Debug, Args)]
pub struct Check {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "PASSERELLE_CONFIG")]
    config: Option<PathBuf>,
    /// Fail on warnings too
    #[arg(long)]
    deny_warnings: bool,
    /// Test the connection to every partner, and to Kafka if the log is there
    #[arg(long)]
    connect: bool,
    /// Ask the running daemon instead whether all of its parts work
    #[arg(long, conflicts_with_all = ["deny_warnings", "connect"])]
    ready: bool,
    /// Address of the daemon that is asked; by default that of the configuration
    #[arg(long, env = "PASSERELLE_URL")]
    url: Option<String>,
    /// Print failures as JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    pub async fn run(self) -> Result<(), Failure> {
        let fail = |error: anyhow::Error| Failure::input(error, self.json);
        if self.ready {
            let listening =
                || Settings::load(self.config.as_deref()).map(|settings| format!("http://{}", settings.listen));
            return ready(&self.url.clone().map_or_else(listening, Ok).map_err(fail)?).await;
        }
        let configuration = Configuration::load(self.config.as_deref()).map_err(fail)?;
        let Rules { configuration, dialects } = Rules::of(configuration).map_err(fail)?;
        let warnings = warnings(&configuration);
        for warning in &warnings {
            say(&format!("warning: {warning}"));
        }
        for notice in notices(&configuration, Clock::system().now()) {
            say(&format!("notice: {notice}"));
        }
        for partner in configuration.partners.values() {
            say(&format!("partner {}", described(partner)));
        }
        if self.connect {
            connect(&configuration).await?;
        }
        say(&format!(
            "configuration {}: {} partners, {} mappings",
            configuration.hash,
            configuration.partners.len(),
            dialects.catalogue().mappings().count()
        ));
        if self.deny_warnings && !warnings.is_empty() {
            return Err(fail(anyhow!("{} warnings", warnings.len())));
        }
        Ok(())
    }
}

/// One line about a partner: who it is, what comes from it and what goes to it.
fn described(partner: &Partner) -> String {
    let comes = partner.incoming.iter().map(|(kind, incoming)| format!("sends {kind} as {}", incoming.dialect));
    let goes = partner.outgoing.iter().map(|(kind, outgoing)| format!("receives {kind} as {}", outgoing.dialect));
    let flows: Vec<String> = comes.chain(goes).collect();
    format!("{}: {}, {}, {}; {}", partner.id, partner.name, partner.role, partner.country, flows.join(", "))
}

fn warnings(configuration: &Configuration) -> Vec<String> {
    let mut warnings = Vec::new();
    for partner in configuration.partners.values() {
        if partner.incoming.is_empty() && partner.outgoing.is_empty() {
            warnings.push(format!(
                "partner `{}` neither sends nor receives; give it `[incoming.vacancy]` or `[outgoing.vacancy]`",
                partner.id
            ));
        }
        if partner.webhook.is_some() && partner.incoming.is_empty() {
            warnings.push(format!(
                "partner `{}` has a webhook but no `[incoming.vacancy]`: its events would be refused",
                partner.id
            ));
        }
    }
    warnings
}

/// What the defaults deny: pairs of partners between which nothing about persons may go.
fn notices(configuration: &Configuration, now: Timestamp) -> Vec<String> {
    let mut denied: BTreeMap<(Endpoint, Endpoint), Vec<String>> = BTreeMap::new();
    let endpoint = |partner: &Partner| Endpoint { kind: partner.role, country: partner.country.clone() };
    let sources = || configuration.partners.values().filter(|partner| !partner.incoming.is_empty());
    for receiver in configuration.partners.values() {
        for source in sources().filter(|source| source.id != receiver.id) {
            let is_sent = |outgoing: &Outgoing| outgoing.from.is_empty() || outgoing.from.contains(&source.id);
            let (from, to) = (endpoint(source), endpoint(receiver));
            let is_denied = configuration.settings.transfers.resolve(&from, &to, now) == Transfer::Denied;
            if is_denied && receiver.outgoing.values().any(is_sent) {
                denied.entry((from, to)).or_default().push(format!("{} to {}", source.id, receiver.id));
            }
        }
    }
    let said = |((from, to), pairs): ((Endpoint, Endpoint), Vec<String>)| {
        format!(
            "no instrument in `[[transfers]]` from a {from} to a {to}: nothing about persons goes from {}",
            pairs.join(", from ")
        )
    };
    denied.into_iter().map(said).collect()
}

async fn ready(url: &str) -> Result<(), Failure> {
    let parts = client::parts(url).await?;
    let failing: Vec<String> = parts
        .into_iter()
        // A part that works without something says so after the word.
        .filter(|(_, state)| !state.starts_with("works"))
        .map(|(part, trouble)| format!("{part}: {trouble}"))
        .collect();
    if failing.is_empty() {
        say("ready");
        Ok(())
    } else {
        Err(Failure::Unreachable(anyhow!("not ready: {}", failing.join("; "))))
    }
}

async fn connect(configuration: &Configuration) -> Result<(), Failure> {
    let mut unreachable = Vec::new();
    if configuration.settings.backbone == BackboneEngine::Kafka {
        kafka::check(configuration).await.map_err(Failure::Unreachable)?;
        say("kafka: answers");
    }
    for (partner, outcome) in delivery::probe_all(configuration).await? {
        match outcome {
            Ok(()) => say(&format!("{partner}: answers")),
            Err(error) => {
                say(&format!("{partner}: {error}"));
                unreachable.push(partner.to_string());
            }
        }
    }
    if unreachable.is_empty() {
        Ok(())
    } else {
        Err(Failure::Unreachable(anyhow!("cannot use {}", unreachable.join(", "))))
    }
}
