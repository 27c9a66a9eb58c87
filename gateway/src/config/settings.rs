//! The gateway's own settings: `gateway.default.toml`, then the operator's file, then the environment.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use config::{Config, Environment, File, FileFormat};
use consent::{TransferSettings, Transfers};
use serde::Deserialize;

use super::{
    Windows,
    kafka::{KafkaSection, KafkaSettings},
    media::{MediaSection, MediaSettings},
    placements::{PlacementSettings, PlacementsSection},
    postgresql::{PostgresqlSection, PostgresqlSettings},
    registry::{RegistrySection, RegistrySettings},
    vault::{VaultSection, VaultSettings},
};

const DEFAULTS: &str = include_str!("../gateway.default.toml");

/// The gateway's own settings; each is documented where its default stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub gateway_id: String,
    pub data_dir: PathBuf,
    pub partners_dir: PathBuf,
    pub secrets_dir: PathBuf,
    pub mappings_dir: Option<PathBuf>,
    pub reload: Option<Duration>,
    pub backbone: BackboneEngine,
    pub store: StoreEngine,
    pub registry: RegistrySettings,
    pub kafka: KafkaSettings,
    pub postgresql: PostgresqlSettings,
    pub vault: VaultSettings,
    pub lease: Duration,
    pub listen: SocketAddr,
    pub max_body_bytes: usize,
    pub max_inflated_bytes: usize,
    pub memory_bytes: usize,
    pub max_connections: usize,
    pub queue: usize,
    pub batches: usize,
    pub request_timeout: Duration,
    pub header_timeout: Duration,
    pub read_timeout: Duration,
    pub write_timeout: Duration,
    pub limits: Windows,
    pub idempotency: Duration,
    pub router_batch: usize,
    pub in_memory: usize,
    pub in_flight: usize,
    pub connect_timeout: Duration,
    pub send_timeout: Duration,
    pub retry_initial: Duration,
    pub retry_longest: Duration,
    pub breaker_failures: u32,
    pub breaker_pause: Duration,
    pub breaker_longest: Duration,
    pub drain: Duration,
    pub escalate_recalls: Duration,
    pub media: MediaSettings,
    pub placements: PlacementSettings,
    pub log: String,
    pub log_format: LogFormat,
    pub transfers: Transfers,
}

/// Which engine carries the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackboneEngine {
    /// One machine, no server to start.
    Embedded,
    /// Apache Kafka.
    Kafka,
}

/// Which engine keeps the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreEngine {
    /// One machine, no server to start.
    Embedded,
    /// PostgreSQL.
    Postgresql,
}

impl fmt::Display for BackboneEngine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Embedded => "embedded",
            Self::Kafka => "kafka",
        })
    }
}

impl fmt::Display for StoreEngine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Embedded => "embedded",
            Self::Postgresql => "postgresql",
        })
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one object a line.
    Json,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sections {
    gateway: GatewaySection,
    engines: EnginesSection,
    registry: RegistrySection,
    kafka: KafkaSection,
    postgresql: PostgresqlSection,
    vault: VaultSection,
    cluster: ClusterSection,
    door: DoorSection,
    router: RouterSection,
    delivery: DeliverySection,
    recalls: RecallsSection,
    media: MediaSection,
    placements: PlacementsSection,
    telemetry: TelemetrySection,
    #[serde(default)]
    transfers: Vec<TransferSettings>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GatewaySection {
    id: String,
    data_dir: PathBuf,
    partners_dir: PathBuf,
    secrets_dir: PathBuf,
    mappings_dir: PathBuf,
    reload_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnginesSection {
    backbone: BackboneEngine,
    store: StoreEngine,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClusterSection {
    lease_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DoorSection {
    listen: SocketAddr,
    max_body_bytes: usize,
    max_inflated_bytes: usize,
    memory_bytes: usize,
    max_connections: usize,
    queue: usize,
    batches: usize,
    request_timeout_ms: u64,
    header_timeout_ms: u64,
    read_timeout_ms: u64,
    write_timeout_ms: u64,
    limits: String,
    idempotency_days: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouterSection {
    batch: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeliverySection {
    in_memory: usize,
    in_flight: usize,
    connect_timeout_ms: u64,
    send_timeout_ms: u64,
    retry_initial_ms: u64,
    retry_longest_ms: u64,
    breaker_failures: u32,
    breaker_pause_ms: u64,
    breaker_longest_ms: u64,
    drain_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecallsSection {
    escalate_after_seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TelemetrySection {
    log: String,
    format: LogFormat,
}

impl Settings {
    /// Loads the settings; without a file the defaults hold, relative to the working directory.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        Self::load_from(file, Environment::with_prefix("PASSERELLE").separator("__").prefix_separator("__"))
    }

    /// The file of the embedded store.
    pub fn store_file(&self) -> PathBuf {
        self.data_dir.join(crate::daemon::STORE)
    }

    /// The file of the keys that go with the embedded store.
    pub fn keys_file(&self) -> PathBuf {
        self.data_dir.join(crate::daemon::KEYS)
    }

    fn load_from(file: Option<&Path>, environment: Environment) -> Result<Self> {
        let mut layers = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(file) = file {
            ensure!(file.is_file(), "there is no configuration file `{}`", file.display());
            layers = layers.add_source(File::from(file).format(FileFormat::Toml));
        }
        let layers =
            layers.add_source(environment.try_parsing(true)).build().context("cannot read the configuration")?;
        let sections: Sections = layers.try_deserialize().context("the configuration is wrong")?;
        let base = file.and_then(Path::parent).unwrap_or(Path::new(""));
        sections.check()?;
        sections.settings(base)
    }
}

impl Sections {
    /// Refuses what cannot be meant.
    fn check(&self) -> Result<()> {
        let Self { door, router, delivery, .. } = self;
        for (name, number) in [
            ("door.max_body_bytes", door.max_body_bytes),
            ("door.max_inflated_bytes", door.max_inflated_bytes),
            ("door.max_connections", door.max_connections),
            ("door.queue", door.queue),
            ("door.batches", door.batches),
            ("router.batch", router.batch),
            ("delivery.in_memory", delivery.in_memory),
            ("delivery.in_flight", delivery.in_flight),
        ] {
            ensure!(number > 0, "`{name}` is 0: nothing would pass; use 1 or more");
        }
        ensure!(
            door.memory_bytes >= door.max_body_bytes.max(door.max_inflated_bytes),
            "`door.memory_bytes` is below `door.max_body_bytes` or `door.max_inflated_bytes`: the largest document would never be taken"
        );
        ensure!(
            delivery.connect_timeout_ms < delivery.send_timeout_ms,
            "`delivery.connect_timeout_ms` is not below `delivery.send_timeout_ms`: a host that cannot be reached would look like one that took the document"
        );
        ensure!(
            delivery.retry_initial_ms > 0,
            "`delivery.retry_initial_ms` is 0: retries would not wait; use 1 or more"
        );
        ensure!(
            self.cluster.lease_ms >= 1_000,
            "`cluster.lease_ms` is below 1000: a short pause of the host would take a node's partners away"
        );
        self.kafka.check()?;
        self.postgresql.check()?;
        self.vault.check()?;
        self.media.check()?;
        Ok(())
    }

    fn settings(self, base: &Path) -> Result<Settings> {
        let Self { gateway, engines, cluster, door, router, delivery, recalls, telemetry, transfers, .. } = self;
        Ok(Settings {
            gateway_id: gateway.id,
            data_dir: base.join(gateway.data_dir),
            partners_dir: base.join(gateway.partners_dir),
            secrets_dir: base.join(gateway.secrets_dir),
            mappings_dir: (!gateway.mappings_dir.as_os_str().is_empty()).then(|| base.join(gateway.mappings_dir)),
            reload: (gateway.reload_seconds > 0).then(|| Duration::from_secs(gateway.reload_seconds)),
            backbone: engines.backbone,
            store: engines.store,
            registry: self.registry.settings()?,
            kafka: self.kafka.settings(),
            postgresql: self.postgresql.settings(),
            vault: self.vault.settings(base),
            lease: Duration::from_millis(cluster.lease_ms),
            listen: door.listen,
            max_body_bytes: door.max_body_bytes,
            max_inflated_bytes: door.max_inflated_bytes,
            memory_bytes: door.memory_bytes,
            max_connections: door.max_connections,
            queue: door.queue,
            batches: door.batches,
            request_timeout: Duration::from_millis(door.request_timeout_ms),
            header_timeout: Duration::from_millis(door.header_timeout_ms),
            read_timeout: Duration::from_millis(door.read_timeout_ms),
            write_timeout: Duration::from_millis(door.write_timeout_ms),
            limits: door.limits.parse().context("`door.limits` is wrong")?,
            idempotency: Duration::from_secs(door.idempotency_days * 24 * 3_600),
            router_batch: router.batch,
            in_memory: delivery.in_memory,
            in_flight: delivery.in_flight,
            connect_timeout: Duration::from_millis(delivery.connect_timeout_ms),
            send_timeout: Duration::from_millis(delivery.send_timeout_ms),
            retry_initial: Duration::from_millis(delivery.retry_initial_ms),
            retry_longest: Duration::from_millis(delivery.retry_longest_ms.max(delivery.retry_initial_ms)),
            breaker_failures: delivery.breaker_failures,
            breaker_pause: Duration::from_millis(delivery.breaker_pause_ms),
            breaker_longest: Duration::from_millis(delivery.breaker_longest_ms),
            drain: Duration::from_millis(delivery.drain_ms),
            escalate_recalls: Duration::from_secs(recalls.escalate_after_seconds),
            media: self.media.settings()?,
            placements: self.placements.settings()?,
            log: telemetry.log,
            log_format: telemetry.format,
            transfers: Transfers::new(transfers).context("`transfers` is wrong")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Settings> {
        let source: HashMap<String, String> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let environment =
            Environment::with_prefix("PASSERELLE").separator("__").prefix_separator("__").source(Some(source));
        Settings::load_from(None, environment)
    }

    #[test]
    fn the_environment_goes_before_the_file() {
        let settings =
            load(&[("PASSERELLE__DOOR__LISTEN", "127.0.0.1:9"), ("PASSERELLE__DELIVERY__IN_FLIGHT", "3")]).unwrap();
        assert_eq!((settings.listen.port(), settings.in_flight), (9, 3));
        assert_eq!(load(&[]).unwrap().listen.port(), 8080);
    }

    #[test]
    fn a_wrong_value_names_its_setting() {
        for (variable, value, expected) in [
            ("PASSERELLE__DOOR__LISTEN", "everywhere", "door.listen"),
            ("PASSERELLE__DELIVERY__IN_FLIGHT", "0", "delivery.in_flight"),
            ("PASSERELLE__ENGINES__STORE", "paper", "engines.store"),
            ("PASSERELLE__REGISTRY__URL", "http://me:secret@registry", "registry.url"),
            ("PASSERELLE__REGISTRY__USER", "me", "registry.password"),
            ("PASSERELLE__POSTGRESQL__URL", "postgresql://us:word@localhost/p", "a password; write it into a secret"),
            ("PASSERELLE__POSTGRESQL__URL", "mysql://localhost/p", "postgresql.url"),
            ("PASSERELLE__POSTGRESQL__MAX_CONNECTIONS", "1", "postgresql.max_connections"),
            ("PASSERELLE__VAULT__URL", "postgresql://us:word@localhost/k", "`vault.url` holds a password"),
            ("PASSERELLE__VAULT__REMEMBER_SECONDS", "0", "vault.remember_seconds"),
            ("PASSERELLE__MEDIA__PUBLIC_URL", "gateway.example.org", "media.public_url"),
            ("PASSERELLE__MEDIA__TOKEN_SECONDS", "0", "media.token_seconds"),
            ("PASSERELLE__MEDIA__GRACE_SECONDS", "60", "media.grace_seconds"),
            ("PASSERELLE__PLACEMENTS__DEADLINES__DECISION_DAYS", "0", "placements.deadlines.decision_days"),
            ("PASSERELLE__PLACEMENTS__ZONE", "Brussels", "placements.zone"),
        ] {
            let error = format!("{:#}", load(&[(variable, value)]).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}
