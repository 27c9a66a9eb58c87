//! Topics of partners: where they are, and what stands in them.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use connectors::kafka::{Brokers, Ca, Mechanism, Protocol, Sasl};
use schemas::PartnerId;
use serde::Deserialize;

use super::{Configuration, Partner};

/// What stands in a topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TopicFormat {
    /// Documents in the partner's dialect.
    #[default]
    Dialect,
    /// Canonical records in Avro, in the Confluent wire format, under a schema of the registry.
    Avro,
}

/// `[inbox]`: a topic that a partner pushes into.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InboxSettings {
    /// The topic, if it is called otherwise than `<prefix>from.<partner>.vacancy`.
    pub topic: Option<String>,
    /// The consumer group, if it is called otherwise than the topic.
    pub group: Option<String>,
    /// What stands in it.
    pub format: TopicFormat,
    /// Its brokers, if they are others than those of `[kafka]`.
    pub brokers: Option<BrokersSettings>,
}

/// Brokers of a partner.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokersSettings {
    /// Brokers that are asked first; they name the others.
    pub bootstrap_servers: String,
    /// What the connection is.
    #[serde(default)]
    pub protocol: Protocol,
    /// The name of the file in `secrets_dir` with the certificates that brokers are checked against, as PEM.
    #[serde(default)]
    pub certificates: Option<String>,
    /// How we say who we are.
    #[serde(default)]
    pub mechanism: Mechanism,
    /// Who we are.
    #[serde(default)]
    pub user: Option<String>,
    /// The name of the secret that proves it.
    #[serde(default)]
    pub password: Option<String>,
}

impl BrokersSettings {
    /// The names of the secrets that they need.
    pub fn secret_names(&self) -> impl Iterator<Item = &str> {
        [&self.certificates, &self.password].into_iter().flatten().map(String::as_str)
    }

    fn brokers(&self, configuration: &Configuration) -> Result<Brokers> {
        let secret = |name: &String| configuration.secrets.get(name);
        let sasl = match (&self.user, &self.password) {
            _ if !self.protocol.is_sasl() => None,
            (Some(user), Some(password)) => Some(Sasl {
                mechanism: self.mechanism,
                user: user.clone(),
                password: secret(password)?.current().clone(),
            }),
            _ => anyhow::bail!("`brokers.protocol` asks who we are: set `user` and `password`"),
        };
        Ok(Brokers {
            bootstrap_servers: self.bootstrap_servers.clone(),
            protocol: self.protocol,
            ca: self.certificates.as_ref().map(secret).transpose()?.map(|pem| Ca::Pem(pem.lines())),
            sasl,
        })
    }
}

/// The topic that a partner is sent to.
pub fn outbound_topic(configuration: &Configuration, partner: &PartnerId, topic: Option<&str>) -> Result<String> {
    let prefix = &configuration.settings.kafka.prefix;
    checked(topic.map_or_else(|| format!("{prefix}to.{partner}.vacancy"), str::to_owned))
}

/// The topic that a partner pushes into.
pub fn inbound_topic(configuration: &Configuration, partner: &PartnerId, topic: Option<&str>) -> Result<String> {
    let prefix = &configuration.settings.kafka.prefix;
    checked(topic.map_or_else(|| format!("{prefix}from.{partner}.vacancy"), str::to_owned))
}

fn checked(topic: String) -> Result<String> {
    let is_name = |one: char| one.is_ascii_alphanumeric() || "._-".contains(one);
    ensure!(
        (1..=249).contains(&topic.len()) && topic.chars().all(is_name),
        "`{topic}` is no name of a topic: use up to 249 letters, digits, `.`, `_`, `-`"
    );
    Ok(topic)
}

/// The brokers of a partner's topic: its own, else those of the log.
///
/// # Errors
/// Names the setting or secret that is wrong.
pub fn brokers_of(configuration: &Configuration, partner: &Partner, own: Option<&BrokersSettings>) -> Result<Brokers> {
    let brokers = match own {
        Some(own) => own.brokers(configuration),
        None => shared(configuration),
    };
    brokers.with_context(|| format!("brokers of partner `{}`", partner.id))
}

fn shared(configuration: &Configuration) -> Result<Brokers> {
    let settings = &configuration.settings.kafka;
    let security = &settings.security;
    let protocol = match security.protocol {
        super::Protocol::Plaintext => Protocol::Plaintext,
        super::Protocol::Ssl => Protocol::Ssl,
        super::Protocol::SaslPlaintext => Protocol::SaslPlaintext,
        super::Protocol::SaslSsl => Protocol::SaslSsl,
    };
    let mechanism = match security.mechanism {
        super::Mechanism::Plain => Mechanism::Plain,
        super::Mechanism::ScramSha256 => Mechanism::ScramSha256,
        super::Mechanism::ScramSha512 => Mechanism::ScramSha512,
        super::Mechanism::OauthBearer if protocol.is_sasl() => anyhow::bail!(
            "topics of partners are not opened with OAUTHBEARER: give the partner's file `brokers` with a user of their own"
        ),
        super::Mechanism::OauthBearer => Mechanism::default(),
    };
    let sasl = protocol.is_sasl().then(|| {
        let password = configuration.secrets.get(&security.password)?.current().clone();
        anyhow::Ok(Sasl { mechanism, user: security.user.clone(), password })
    });
    let ca_file: PathBuf = security.ca_file.clone();
    Ok(Brokers {
        bootstrap_servers: settings.bootstrap_servers.clone(),
        protocol,
        ca: (!ca_file.as_os_str().is_empty()).then_some(Ca::File(ca_file)),
        sasl: sasl.transpose()?,
    })
}
