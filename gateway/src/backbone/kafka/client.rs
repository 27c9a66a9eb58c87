//! What every Kafka client of ours is made with, and what it tells while it works.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use metrics::gauge;
use rdkafka::{
    ClientConfig, ClientContext, Statistics, TopicPartitionList,
    client::OAuthToken,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, ConsumerContext, Rebalance},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
};
use secrecy::{ExposeSecret, SecretString};
use tracing::{debug, info, warn};

use super::token::TokenSource;
use crate::config::{Acks, Configuration, KafkaSettings, Protocol};

/// How often a transactional client asks again, in milliseconds: sending offsets waits for it every time.
const RETRY_BACKOFF_MS: &str = "5";

/// How clients are made: settings, and what proves who we are.
#[derive(Clone)]
pub struct Clients {
    /// What is configured.
    pub settings: Arc<KafkaSettings>,
    password: Option<SecretString>,
    tokens: Option<Arc<TokenSource>>,
}

impl Clients {
    /// What the configuration says of the brokers and of us.
    ///
    /// # Errors
    /// If a secret is missing, or tokens are to be fetched and the address is none.
    pub fn of(configuration: &Configuration) -> Result<Self> {
        let settings = configuration.settings.kafka.clone();
        let password = match settings.security.password.as_str() {
            "" => None,
            name => Some(configuration.secrets.get(name).context("`kafka.security.password`")?.current().clone()),
        };
        let tokens = TokenSource::of(&settings.security, password.as_ref())?.map(Arc::new);
        Ok(Self { settings: Arc::new(settings), password, tokens })
    }

    /// What the callbacks of a client named so are told.
    pub fn context(&self, name: &str) -> Watcher {
        Watcher { name: name.into(), told: Arc::default(), tokens: self.tokens.clone() }
    }

    /// Whether tokens are fetched.
    pub fn has_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    /// Lets a consumer that nobody polls fetch its token, if it needs one: the library asks for it while it is polled.
    pub fn introduce(&self, consumer: &BaseConsumer<Watcher>) {
        if self.has_tokens() {
            let _ = consumer.poll(INTRODUCTION);
        }
    }

    /// What every client is told.
    pub fn base(&self) -> ClientConfig {
        let (settings, security) = (&self.settings, &self.settings.security);
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &settings.bootstrap_servers)
            .set("client.id", "passerelle")
            .set("security.protocol", security.protocol.as_str())
            .set("statistics.interval.ms", settings.statistics.as_millis().to_string())
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", "2000")
            .set_log_level(RDKafkaLogLevel::Warning);
        if matches!(security.protocol, Protocol::Ssl | Protocol::SaslSsl) && !security.ca_file.as_os_str().is_empty() {
            config.set("ssl.ca.location", security.ca_file.to_string_lossy());
        }
        if security.protocol.is_sasl() {
            config.set("sasl.mechanism", security.mechanism.as_str());
            if let (None, Some(password)) = (&self.tokens, &self.password) {
                config.set("sasl.username", &security.user).set("sasl.password", password.expose_secret());
            }
        }
        config
    }

    /// What producers are told: no repeats, no other order, and an end to waiting.
    pub fn producing(&self) -> ClientConfig {
        let settings = &self.settings;
        let mut config = self.base();
        config
            .set("linger.ms", settings.linger.as_millis().to_string())
            .set("compression.type", &settings.compression)
            .set("delivery.timeout.ms", settings.delivery_timeout.as_millis().to_string())
            .set("request.timeout.ms", settings.delivery_timeout.as_millis().to_string())
            .set("queue.buffering.max.kbytes", "65536")
            .set("message.max.bytes", LARGEST_BYTES);
        match settings.acks {
            Acks::All => config.set("enable.idempotence", "true").set("acks", "all"),
            Acks::Leader => config.set("acks", "1"),
        };
        config
    }

    /// What the producer of a transaction is told.
    pub fn transacting(&self, id: &str) -> ClientConfig {
        let mut config = self.producing();
        // A transaction of a node that died holds its readers up for no longer than its partitions.
        let time_out = self.settings.session_timeout.max(self.settings.delivery_timeout).as_millis().to_string();
        config
            .set("transactional.id", id)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("transaction.timeout.ms", time_out)
            .set("retry.backoff.ms", RETRY_BACKOFF_MS);
        config
    }

    /// What consumers of a group are told. They commit what they say, and see what was committed.
    pub fn consuming(&self, group: &str, pace: Pace) -> ClientConfig {
        let settings = &self.settings;
        let mut config = self.base();
        config
            .set("group.id", group)
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", settings.session_timeout.as_millis().to_string())
            .set("heartbeat.interval.ms", (settings.session_timeout.as_millis() / 10).max(100).to_string())
            .set("max.poll.interval.ms", settings.max_poll_interval.as_millis().to_string())
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            .set("queued.min.messages", "1000")
            .set("queued.max.messages.kbytes", "8192")
            .set("fetch.message.max.bytes", LARGEST_BYTES)
            .set("fetch.wait.max.ms", "250")
            .set("fetch.min.bytes", pace.least_bytes())
            // A partition whose queue was full is asked for again as soon as there is room, not a second later.
            .set("fetch.queue.backoff.ms", "10")
            .set("fetch.error.backoff.ms", "100");
        config
    }
}

/// How soon a consumer wants what has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// At once.
    Prompt,
    /// Within `fetch.wait.max.ms`: records that nobody waits for cost the brokers and us less in company.
    Unhurried,
}

impl Pace {
    fn least_bytes(self) -> &'static str {
        match self {
            Self::Prompt => "1",
            Self::Unhurried => "65536",
        }
    }
}

/// How long a consumer that nobody else polls is polled for its token.
const INTRODUCTION: Duration = Duration::from_millis(200);

/// The largest record, in bytes: the largest document with all that we keep beside it.
pub const LARGEST_BYTES: &str = "33554432";

/// What callbacks of a client say, for whoever polls it.
#[derive(Debug)]
pub enum Told {
    /// This node reads these partitions now.
    Assigned(Vec<(String, i32)>),
    /// This node does not read these partitions any more.
    Revoked(Vec<(String, i32)>),
    /// A commit came to this.
    Committed(KafkaResult<()>, Vec<(String, i32, i64)>),
}

/// The callbacks of one client.
#[derive(Clone)]
pub struct Watcher {
    name: Arc<str>,
    told: Arc<Mutex<Vec<Told>>>,
    tokens: Option<Arc<TokenSource>>,
}

impl Watcher {
    /// What was said since it was last asked.
    pub fn take(&self) -> Vec<Told> {
        std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes what a commit came to.
    pub fn committed(&self, outcome: KafkaResult<()>, offsets: Vec<(String, i32, i64)>) {
        self.tell(Told::Committed(outcome, offsets));
    }

    fn tell(&self, told: Told) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    }
}

impl ClientContext for Watcher {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Debug | RDKafkaLogLevel::Info => debug!(client.name = %self.name, facility, "{message}"),
            RDKafkaLogLevel::Notice => info!(client.name = %self.name, facility, "{message}"),
            _ => warn!(client.name = %self.name, facility, "{message}"),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "gauges are floating point")]
    fn stats(&self, statistics: Statistics) {
        let name = self.name.to_string();
        gauge!("passerelle_kafka_messages_queued", "client" => name.clone()).set(statistics.msg_cnt as f64);
        gauge!("passerelle_kafka_sent_bytes", "client" => name.clone()).set(statistics.tx_bytes as f64);
        gauge!("passerelle_kafka_received_bytes", "client" => name.clone()).set(statistics.rx_bytes as f64);
        let up = statistics.brokers.values().filter(|broker| broker.state == "UP").count();
        gauge!("passerelle_kafka_brokers_up", "client" => name.clone()).set(up as f64);
        for topic in statistics.topics.values() {
            let lag: i64 = topic.partitions.values().map(|partition| partition.consumer_lag.max(0)).sum();
            gauge!("passerelle_kafka_lag", "client" => name.clone(), "topic" => topic.topic.clone()).set(lag as f64);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            // No error at all; and what the log of the library says already.
            Some(RDKafkaErrorCode::PartitionEOF) => {}
            Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::Resolve) => {
                debug!(client.name = %self.name, error = %error, reason, "a broker is out of reach");
            }
            _ => {
                warn!(client.name = %self.name, error = %error, reason, "a Kafka client is in trouble; it goes on trying");
            }
        }
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        let tokens = self.tokens.as_ref().context("no token address is configured")?;
        Ok(tokens.fetch()?)
    }
}

impl ConsumerContext for Watcher {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(list) = rebalance {
            self.tell(Told::Revoked(partitions_in(list)));
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => self.tell(Told::Assigned(partitions_in(list))),
            Rebalance::Revoke(_) => {}
            Rebalance::Error(error) => warn!(client.name = %self.name, error = %error, "a rebalance failed"),
        }
    }
}

/// Kept as tuples: a list that outlives its consumer hangs it.
fn partitions_in(list: &TopicPartitionList) -> Vec<(String, i32)> {
    list.elements().iter().map(|element| (element.topic().to_owned(), element.partition())).collect()
}

/// Closes a client on a thread of its own: with the brokers gone this may take for ever, and nobody waits for it.
pub fn let_go<T: Send + 'static>(client: T) {
    // Without a thread it is dropped here.
    let _ = std::thread::Builder::new().name("kafka close".to_owned()).spawn(move || drop(client));
}
