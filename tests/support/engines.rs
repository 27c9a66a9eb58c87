//! The real engines that tests run against, where `tests/engines/engines run` has started them.

use std::{path::PathBuf, time::Duration};

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
};

use super::Setup;

/// Where the engines are.
pub struct Engines {
    pub kafka: String,
    pub registry: String,
}

/// The engines; says so and gives none where they were not started.
pub fn engines() -> Option<Engines> {
    let address = |name: &str| std::env::var(name).ok();
    let found = address("PASSERELLE_TEST_KAFKA")
        .and_then(|kafka| Some(Engines { kafka, registry: address("PASSERELLE_TEST_REGISTRY")? }));
    if found.is_none() {
        assert!(std::env::var_os("PASSERELLE_CI").is_none(), "the engines were not started");
        eprintln!("skipped: no engines; run it by `tests/engines/engines run --brokers 1 --registry -- …`");
    }
    found
}

/// A Python with the packages of `tests/third_party/requirements.txt`; says so and gives none where there is none.
pub fn third_party_python() -> Option<PathBuf> {
    let made = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/third-party/bin/python");
    let python = std::env::var_os("PASSERELLE_TEST_PYTHON").map_or(made, PathBuf::from);
    if python.exists() {
        return Some(python);
    }
    assert!(std::env::var_os("PASSERELLE_CI").is_none(), "`just third-party` was not run");
    eprintln!("skipped: no Python with the packages of a third party; `just third-party` makes one");
    None
}

impl Engines {
    /// Makes topics that are the test's own.
    pub async fn make_topics(&self, topics: &[&str]) {
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", &self.kafka).create().unwrap();
        let topics: Vec<NewTopic<'_>> =
            topics.iter().map(|topic| NewTopic::new(topic, 3, TopicReplication::Fixed(1))).collect();
        let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(20)));
        for made in admin.create_topics(&topics, &options).await.unwrap() {
            made.unwrap();
        }
    }
}

impl Setup {
    /// A gateway whose log is in Kafka, in topics of its own.
    pub fn on_kafka(self, engines: &Engines, prefix: &str) -> Self {
        self.with_topics(engines, prefix).setting("ENGINES__BACKBONE", "kafka")
    }

    /// A gateway whose partners are reached through Kafka.
    pub fn with_topics(self, engines: &Engines, prefix: &str) -> Self {
        self.setting("KAFKA__BOOTSTRAP_SERVERS", &engines.kafka)
            .setting("KAFKA__PREFIX", prefix)
            .setting("KAFKA__REPLICATION_FACTOR", "1")
            .setting("KAFKA__MIN_INSYNC_REPLICAS", "1")
            .setting("REGISTRY__URL", &engines.registry)
    }
}
