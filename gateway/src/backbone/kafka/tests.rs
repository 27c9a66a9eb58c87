//! Against Apache Kafka itself: nothing else isolates transactions or fences. `PASSERELLE_TEST_KAFKA` names the brokers.

use std::{collections::BTreeMap, path::Path};

use uuid::Uuid;

use super::*;
use crate::{
    backbone::conformance,
    config::{Secrets, Settings},
    health::Health,
};

/// A configuration with topics of its own at the brokers that the tests were given; none if they were given none.
fn configuration(partitions: u32, data_dir: &Path) -> Option<Configuration> {
    let given = ["PASSERELLE_TEST_KAFKA", "PASSERELLE_TEST_REGISTRY"].map(conformance::given);
    let [Some(brokers), Some(registry)] = given else {
        println!(
            "skipped: PASSERELLE_TEST_KAFKA and PASSERELLE_TEST_REGISTRY name no servers; `just test-kafka` starts them"
        );
        return None;
    };
    let mut settings = Settings::load(None).unwrap();
    settings.kafka.bootstrap_servers = brokers;
    settings.kafka.prefix = format!("test-{}.", Uuid::new_v4().simple());
    settings.kafka.partitions = partitions;
    settings.kafka.replication_factor = 1;
    settings.kafka.min_insync_replicas = 1;
    settings.registry.url = registry.parse().ok();
    settings.data_dir = data_dir.to_owned();
    Some(Configuration::assemble(settings, BTreeMap::default(), Secrets::default(), &[]).unwrap())
}

async fn open(configuration: &Configuration, supervisor: &Supervisor) -> KafkaBackbone {
    let wire = Wire::start(configuration, &[], (supervisor, &Health::default())).await.unwrap();
    KafkaBackbone::open(configuration, wire, supervisor).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_passes_the_conformance_suite() {
    for partitions in [1, 4] {
        let folder = tempfile::tempdir().unwrap();
        let Some(configuration) = configuration(partitions, folder.path()) else { return };
        conformance::run(async || {
            let supervisor = Supervisor::default();
            let backbone = open(&configuration, &supervisor).await;
            (Box::new(backbone) as Box<dyn Backbone>, supervisor)
        })
        .await;
    }
}
