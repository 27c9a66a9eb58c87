//! The log in Kafka, for the whole suite at once.

/// Names brokers: then every gateway keeps its log there, in topics of its own. The registry is named beside it.
const BROKERS: &str = "PASSERELLE_TEST_LOG";
const REGISTRY: &str = "PASSERELLE_TEST_REGISTRY";

/// Settings of a new log, if the suite is to use one.
///
/// # Panics
/// If brokers are named and no registry.
pub fn of_its_own() -> Vec<(&'static str, String)> {
    let Ok(brokers) = std::env::var(BROKERS) else { return Vec::new() };
    let registry = std::env::var(REGISTRY).expect("the registry beside the brokers");
    vec![
        ("ENGINES__BACKBONE", "kafka".to_owned()),
        ("KAFKA__BOOTSTRAP_SERVERS", brokers),
        ("KAFKA__PREFIX", format!("test-{}.", uuid::Uuid::new_v4().simple())),
        ("KAFKA__PARTITIONS", "3".to_owned()),
        ("KAFKA__REPLICATION_FACTOR", "1".to_owned()),
        ("KAFKA__MIN_INSYNC_REPLICAS", "1".to_owned()),
        ("REGISTRY__URL", registry),
    ]
}
