//! The engines that `tests/engines/engines run` has started, as something to break and mend.

use std::{path::PathBuf, process::Stdio, time::Duration};

use futures::future::join_all;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    producer::{FutureProducer, FutureRecord},
};
use tokio::process::Command;

use crate::support::comes_true;

/// The broker whose log is on a small file system, if any is.
pub const SMALL: u8 = 3;
/// How long brokers may take to be well again.
const HEALING: Duration = Duration::from_mins(2);
/// Where that file system is.
const BROKER_DISK: &str = "PASSERELLE_TEST_BROKER_DISK";

/// Where the engines are, and what may be done to them.
#[derive(Clone)]
pub struct Machinery {
    pub kafka: String,
    pub registry: String,
    pub postgresql: String,
    /// The brokers there are.
    pub brokers: Vec<u8>,
    /// Whether brokers can be cut off.
    pub is_apart: bool,
    /// The small file system that the log of a broker is on.
    pub broker_disk: Option<PathBuf>,
}

impl Machinery {
    /// The engines.
    ///
    /// # Panics
    /// Where they were not started: a suite of its own has nothing else to test.
    pub fn found() -> Self {
        let wanted = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; run the suite by `just test-faults`"))
        };
        let described: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(wanted("PASSERELLE_TEST_ENGINES")).unwrap()).unwrap();
        let engines = described["engines"].as_array().unwrap().iter();
        let brokers = engines.filter_map(|engine| engine["name"].as_str()?.strip_prefix("kafka-")?.parse().ok());
        Self {
            brokers: brokers.collect(),
            kafka: wanted("PASSERELLE_TEST_KAFKA"),
            registry: wanted("PASSERELLE_TEST_REGISTRY"),
            postgresql: wanted("PASSERELLE_TEST_POSTGRESQL"),
            is_apart: described["network"]["bridge"].is_string(),
            broker_disk: std::env::var_os(BROKER_DISK).map(PathBuf::from),
        }
    }

    /// Waits until every broker leads again, and every one follows: an earlier test may have left them in the middle of it.
    ///
    /// # Panics
    /// If they do not within [`HEALING`].
    pub async fn heal(&self) {
        let client =
            ClientConfig::new().set("bootstrap.servers", &self.kafka).set("message.timeout.ms", "2000").clone();
        let admin: AdminClient<DefaultClientContext> = client.create().unwrap();
        let producer: FutureProducer = client.create().unwrap();
        let are_well = comes_true(HEALING, async || {
            // A partition for each broker, and no write without all of them.
            let (name, all) = (format!("heal-{}", uuid::Uuid::new_v4().simple()), self.brokers.len());
            let (brokers, all) = (i32::try_from(all).unwrap(), all.to_string());
            let topic = NewTopic::new(&name, brokers, TopicReplication::Fixed(brokers));
            let topic = topic.set("min.insync.replicas", &all);
            let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(5)));
            let made = admin.create_topics([&topic], &options).await;
            if !made.is_ok_and(|made| made.iter().all(Result::is_ok)) {
                return false;
            }
            let writes = (0..brokers).map(|partition| {
                let record = FutureRecord::<(), str>::to(&name).partition(partition).payload("");
                producer.send(record, Duration::from_secs(2))
            });
            let are_written = join_all(writes).await.iter().all(Result::is_ok);
            let _ = admin.delete_topics(&[&name], &options).await;
            are_written
        });
        assert!(are_well.await, "the brokers do not become well");
    }

    /// Does something to an engine: the words of `tests/engines/engines`.
    pub async fn act(&self, words: &[&str]) {
        let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/engines/engines");
        let done = Command::new(program).args(words).stdin(Stdio::null()).output().await.unwrap();
        assert!(done.status.success(), "engines {}: {}", words.join(" "), String::from_utf8_lossy(&done.stderr));
    }

    /// Does something to one broker.
    pub async fn broker(&self, what: &str, number: u8) {
        self.some_brokers(what, &[number]).await;
    }

    /// Does something to some brokers at once.
    pub async fn some_brokers(&self, what: &str, numbers: &[u8]) {
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        let words: Vec<&str> = ["broker", what].into_iter().chain(numbers.iter().map(String::as_str)).collect();
        self.act(&words).await;
    }

    /// Does something to every broker.
    pub async fn all_brokers(&self, what: &str) {
        self.some_brokers(what, &self.brokers).await;
    }

    /// The broker that leads the first partition of a topic.
    pub async fn leader(&self, topic: String) -> u8 {
        let servers = self.kafka.clone();
        let look = move || {
            let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", servers).create().unwrap();
            let metadata = consumer.fetch_metadata(Some(&topic), Duration::from_secs(20)).unwrap();
            metadata.topics()[0].partitions()[0].leader()
        };
        u8::try_from(tokio::task::spawn_blocking(look).await.unwrap()).expect("a partition with a leader")
    }
}
