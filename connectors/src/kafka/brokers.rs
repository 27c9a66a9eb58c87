//! Where brokers are and what we show them.

use std::path::PathBuf;

use rdkafka::{ClientConfig, config::RDKafkaLogLevel};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// A cluster of brokers, as one partner is reached through it.
#[derive(Debug, Clone)]
pub struct Brokers {
    /// Brokers that are asked first; they name the others.
    pub bootstrap_servers: String,
    /// What the connection is.
    pub protocol: Protocol,
    /// What brokers are checked against, if not against the certificates of the system.
    pub ca: Option<Ca>,
    /// Who we are, if the protocol asks.
    pub sasl: Option<Sasl>,
}

/// Certificates that brokers are checked against.
#[derive(Debug, Clone)]
pub enum Ca {
    /// A file.
    File(PathBuf),
    /// The certificates themselves.
    Pem(String),
}

/// Who we are.
#[derive(Debug, Clone)]
pub struct Sasl {
    /// How we say it.
    pub mechanism: Mechanism,
    /// Our name.
    pub user: String,
    /// What proves it.
    pub password: SecretString,
}

/// What a connection is (Kafka's `security.protocol`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Open to whoever is on the way.
    #[default]
    Plaintext,
    /// Encrypted.
    Ssl,
    /// Open, and we say who we are.
    SaslPlaintext,
    /// Encrypted, and we say who we are.
    SaslSsl,
}

/// How we say who we are (Kafka's `sasl.mechanism`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Mechanism {
    /// The password itself.
    #[serde(rename = "PLAIN")]
    Plain,
    /// A proof of the password.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// A proof of the password.
    #[default]
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl Protocol {
    /// Whether we say who we are.
    pub fn is_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }
}

impl Mechanism {
    fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl Brokers {
    /// What every client of these brokers is told. The library prints settings in no message.
    pub(super) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap_servers)
            .set("client.id", "passerelle")
            .set("security.protocol", self.protocol.as_str())
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", "2000")
            .set("allow.auto.create.topics", "false")
            .set_log_level(RDKafkaLogLevel::Critical);
        match &self.ca {
            Some(Ca::File(path)) => config.set("ssl.ca.location", path.to_string_lossy()),
            Some(Ca::Pem(pem)) => config.set("ssl.ca.pem", pem),
            None => &mut config,
        };
        if let Some(sasl) = self.sasl.as_ref().filter(|_| self.protocol.is_sasl()) {
            config
                .set("sasl.mechanism", sasl.mechanism.as_str())
                .set("sasl.username", &sasl.user)
                .set("sasl.password", sasl.password.expose_secret());
        }
        config
    }
}
