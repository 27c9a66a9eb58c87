//! The section `[kafka]`: where the brokers are, who we are there, and what our topics are like.

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, ensure};
use serde::Deserialize;

/// What the Kafka engine is told; each setting is documented where its default stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaSettings {
    pub bootstrap_servers: String,
    pub prefix: String,
    pub partitions: u32,
    pub replication_factor: u32,
    pub min_insync_replicas: u32,
    pub retention: Option<Duration>,
    pub session_timeout: Duration,
    pub max_poll_interval: Duration,
    pub delivery_timeout: Duration,
    pub linger: Duration,
    pub compression: String,
    pub acks: Acks,
    pub transactions: bool,
    pub statistics: Duration,
    pub security: KafkaSecurity,
}

/// Who must have a record before it counts as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Acks {
    /// Every replica that is in sync.
    All,
    /// The leader alone: what it takes with it when it dies was accepted and is lost.
    Leader,
}

impl TryFrom<String> for Acks {
    type Error = String;

    // A file and the environment may say `1` as a number.
    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "all" => Ok(Self::All),
            "1" => Ok(Self::Leader),
            _ => Err(format!("`{text}` is neither `all` nor `1`")),
        }
    }
}

/// How connections to brokers are protected, and who we are to them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaSecurity {
    /// What the connection is.
    pub protocol: Protocol,
    /// A file with the certificates that brokers are checked against; empty for those of the system.
    pub ca_file: PathBuf,
    /// How we say who we are.
    pub mechanism: Mechanism,
    /// The name that brokers know us by; for OAUTHBEARER the client id.
    pub user: String,
    /// The name of the secret that proves it.
    pub password: String,
    /// Where tokens are fetched, for OAUTHBEARER.
    pub token_url: String,
    /// What a token is asked for, for OAUTHBEARER.
    pub scope: String,
}

/// What a connection to a broker is (Kafka's `security.protocol`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

impl Protocol {
    /// Kafka's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }

    /// Whether we say who we are.
    pub fn is_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

/// How we say who we are (Kafka's `sasl.mechanism`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Mechanism {
    #[serde(rename = "PLAIN")]
    Plain,
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    #[serde(rename = "OAUTHBEARER")]
    OauthBearer,
}

impl Mechanism {
    /// Kafka's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }
}

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KafkaSection {
    bootstrap_servers: String,
    prefix: String,
    partitions: u32,
    replication_factor: u32,
    min_insync_replicas: u32,
    retention_hours: u64,
    session_timeout_ms: u64,
    max_poll_interval_ms: u64,
    delivery_timeout_ms: u64,
    linger_ms: u64,
    compression: String,
    acks: Acks,
    transactions: bool,
    statistics_ms: u64,
    security: KafkaSecurity,
}

/// More would not fit beside the offset in a position.
const MOST_PARTITIONS: u32 = 1_024;

impl KafkaSection {
    /// Refuses what cannot be meant.
    pub(super) fn check(&self) -> Result<()> {
        ensure!(
            (1..=MOST_PARTITIONS).contains(&self.partitions),
            "`kafka.partitions` is {}; use 1 to {MOST_PARTITIONS}",
            self.partitions
        );
        ensure!(self.replication_factor > 0, "`kafka.replication_factor` is 0; use 1 or more");
        ensure!(
            (1..=self.replication_factor).contains(&self.min_insync_replicas),
            "`kafka.min_insync_replicas` is not between 1 and `kafka.replication_factor`: nothing could be written"
        );
        ensure!(
            self.session_timeout_ms <= self.max_poll_interval_ms,
            "`kafka.max_poll_interval_ms` is below `kafka.session_timeout_ms`, which Kafka refuses"
        );
        ensure!(
            self.delivery_timeout_ms > self.linger_ms,
            "`kafka.delivery_timeout_ms` is not above `kafka.linger_ms`"
        );
        let names = |text: &str| text.chars().all(|one| one.is_ascii_alphanumeric() || "._-".contains(one));
        ensure!(names(&self.prefix), "`kafka.prefix` holds what no topic name may: use letters, digits, `.`, `_`, `-`");
        ensure!(
            !self.security.protocol.is_sasl() || !self.security.user.is_empty(),
            "`kafka.security.protocol` asks who we are: set `kafka.security.user` and `kafka.security.password`"
        );
        Ok(())
    }

    pub(super) fn settings(self) -> KafkaSettings {
        KafkaSettings {
            bootstrap_servers: self.bootstrap_servers,
            prefix: self.prefix,
            partitions: self.partitions,
            replication_factor: self.replication_factor,
            min_insync_replicas: self.min_insync_replicas,
            retention: (self.retention_hours > 0).then(|| Duration::from_hours(self.retention_hours)),
            session_timeout: Duration::from_millis(self.session_timeout_ms),
            max_poll_interval: Duration::from_millis(self.max_poll_interval_ms),
            delivery_timeout: Duration::from_millis(self.delivery_timeout_ms),
            linger: Duration::from_millis(self.linger_ms),
            compression: self.compression,
            acks: self.acks,
            transactions: self.transactions,
            statistics: Duration::from_millis(self.statistics_ms),
            security: self.security,
        }
    }
}
