//! Topics that are there already: whether they are as they should be, since nobody changes them under a running log.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rdkafka::admin::{AdminClient, AdminOptions, ConfigResource, ResourceSpecifier};
use tracing::warn;

use super::{
    client::{Clients, Watcher, let_go},
    topics::{name_of, partitions_at_brokers, partitions_of},
};
use crate::{backbone::Topic, config::Configuration};

/// How long the brokers may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Checks the topics that are read in shares without making any: those that are missing `serve` makes.
///
/// # Errors
/// If the brokers do not answer, or a topic is not as it should be.
pub async fn check(configuration: &Configuration) -> Result<()> {
    let clients = Clients::of(configuration)?;
    let servers = &configuration.settings.kafka.bootstrap_servers;
    for topic in [Topic::accepted(), Topic::journal()] {
        let name = name_of(&clients.settings.prefix, &topic);
        let found = partitions_at_brokers(&clients, &name).await.with_context(|| format!("cannot use `{servers}`"))?;
        if let Some(found) = found {
            check_topic(&clients, &name, (found, partitions_of(&clients, &topic)), false).await?;
        }
    }
    Ok(())
}

/// Refuses a topic with another number of partitions, or one that would lose what it is given.
///
/// # Errors
/// Names what is wrong and what to do about it.
pub async fn check_topic(clients: &Clients, name: &str, (found, wanted): (u32, u32), is_state: bool) -> Result<()> {
    ensure!(
        found == wanted,
        "the topic `{name}` has {found} partitions, `kafka.partitions` asks for {wanted}: order would be lost; put the old number \
         back, or move to a new `kafka.prefix`"
    );
    // The library's client for this asks nobody for tokens, and not everybody may ask for settings.
    if clients.has_tokens() {
        return Ok(());
    }
    match described(clients, name).await {
        Ok(topic) => check_settings(clients, name, &topic, is_state),
        Err(error) => {
            warn!(
                topic.name = name,
                error = format!("{error:#}"),
                "the settings of a topic are not known and not checked"
            );
            Ok(())
        }
    }
}

async fn described(clients: &Clients, name: &str) -> Result<ConfigResource> {
    let admin: AdminClient<Watcher> = clients.base().create_with_context(clients.context("admin"))?;
    let options = AdminOptions::new().request_timeout(Some(PATIENCE));
    let outcome = admin.describe_configs(&[ResourceSpecifier::Topic(name)], &options).await;
    let_go(admin);
    match outcome?.pop() {
        Some(Ok(topic)) => Ok(topic),
        Some(Err(code)) => bail!("{code}"),
        None => bail!("the brokers say nothing about it"),
    }
}

fn check_settings(clients: &Clients, name: &str, topic: &ConfigResource, is_state: bool) -> Result<()> {
    let value = |setting: &str| topic.get(setting).and_then(|entry| entry.value.as_deref()).unwrap_or_default();
    let (policy, wanted) = (value("cleanup.policy"), if is_state { "compact" } else { "delete" });
    ensure!(
        policy.is_empty() || policy == wanted,
        "the topic `{name}` has `cleanup.policy={policy}`: records would be thrown away that nobody has read; set it to `{wanted}`"
    );
    let replicas = value("min.insync.replicas").parse::<u32>().unwrap_or(u32::MAX);
    let asked = clients.settings.min_insync_replicas;
    ensure!(
        replicas >= asked,
        "the topic `{name}` has `min.insync.replicas={replicas}`, `kafka.min_insync_replicas` asks for {asked}: what was accepted \
         would be lost with fewer disks; raise the one or lower the other"
    );
    if value("unclean.leader.election.enable") == "true" {
        warn!(
            topic.name = name,
            "the brokers may choose a leader that lacks records (`unclean.leader.election.enable=true`)"
        );
    }
    Ok(())
}
