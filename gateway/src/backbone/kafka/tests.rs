//! Against Apache Kafka itself: nothing else isolates transactions or fences. `PASSERELLE_TEST_KAFKA` names the brokers.

use std::{collections::BTreeMap, path::Path};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;
use crate::{
    backbone::{Share, conformance},
    config::{Mechanism, Protocol, Secrets, Settings},
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

fn output(topic: &Topic, reference: &str) -> Output {
    Output { topic: topic.clone(), envelope: conformance::envelope(reference, reference) }
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

/// A node that slept while another took its partition over writes nothing any more, and its outputs are never seen.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_taken_over_from_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(configuration) = configuration(1, folder.path()) else { return };
    let supervisor = Supervisor::default();
    let backbone = open(&configuration, &supervisor).await;
    let (accepted, journal) = (Topic::accepted(), Topic::journal());
    backbone.append(vec![output(&accepted, "R1")]).await.unwrap();
    let mut membership = backbone.join("router", accepted.clone()).await.unwrap();
    let mut sleeper = membership.next().await.unwrap().opening.await.unwrap();
    let read = sleeper.next(1).await.unwrap();

    let id = format!("{}.0", backbone.group("router", &accepted));
    let outbox = backbone.0.outbox.clone();
    let _successor =
        transaction::Transactions::begin(&backbone.0.clients, &id, outbox, backbone.0.turns.clone()).await.unwrap();
    let refused = sleeper.commit(read[0].position, vec![output(&journal, "R1")]).await;
    let refused = format!("{:#}", refused.unwrap_err());
    assert!(refused.to_lowercase().contains("fenced"), "{refused}");
    assert!(!backbone.is_done("router", &accepted, read[0].envelope.header.entity_key).await.unwrap());
    let slot = (backbone.name(&journal), 0);
    assert_eq!(tail::first_record(&backbone.0.clients, slot, 0).await.unwrap(), None, "given up, so nobody sees it");
}

/// Waits until a member has been given so many shares that it still has.
async fn given(membership: &mut dyn Membership, count: usize) -> Vec<(u32, CancellationToken)> {
    let mut shares = Vec::new();
    while shares.len() < count {
        let Share { index, revoked, .. } = membership.next().await.unwrap();
        shares.push((index, revoked));
    }
    shares
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_share_a_topic_and_what_one_leaves_the_other_gets() {
    let folder = tempfile::tempdir().unwrap();
    let Some(configuration) = configuration(4, folder.path()) else { return };
    let supervisor = Supervisor::default();
    let backbone = open(&configuration, &supervisor).await;
    let mut first = backbone.join("journal", Topic::accepted()).await.unwrap();
    let had = given(&mut *first, 4).await;
    let mut second = backbone.join("journal", Topic::accepted()).await.unwrap();
    let got = given(&mut *second, 2).await;
    for (index, revoked) in &had {
        if got.iter().any(|(other, _)| other == index) {
            // Taken away before the other node was given it.
            revoked.cancelled().await;
        } else {
            assert!(!revoked.is_cancelled(), "what a node keeps it reads on");
        }
    }
    drop(second);
    let mut back: Vec<u32> = given(&mut *first, 2).await.into_iter().map(|(index, _)| index).collect();
    let mut lent: Vec<u32> = got.into_iter().map(|(index, _)| index).collect();
    back.sort_unstable();
    lent.sort_unstable();
    assert_eq!(back, lent);
}

/// Brokers that are away refuse it for a while; the share is not forgotten for that.
#[tokio::test(flavor = "multi_thread")]
async fn a_share_that_could_not_be_read_again_is_read_when_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let Some(configuration) = configuration(1, folder.path()) else { return };
    let supervisor = Supervisor::default();
    let backbone = open(&configuration, &supervisor).await;
    backbone.append(vec![output(&Topic::accepted(), "R1")]).await.unwrap();
    let shared = Some((backbone.name(&Topic::accepted()), 1));
    let group = backbone.group("again", &Topic::accepted());
    let (reader, mut given) =
        Reader::start(&backbone.0.clients, (&group, client::Pace::Prompt), shared, &supervisor).unwrap();
    let reader::Feed { slot, mut records, .. } = given.recv().await.unwrap().feed;
    assert!(matches!(records.recv().await, Some(reader::Fed::Record { offset: 0, .. })));
    let again = async |from| {
        let (feed, answer) = tokio::sync::oneshot::channel();
        reader.ask(Command::Again { slot: slot.clone(), from, feed }).unwrap();
        answer.await.expect("the share is still this node's")
    };
    // No offset is below 0.
    assert!(again(-2_000).await.is_err());
    let mut feed = again(0).await.unwrap();
    assert!(matches!(feed.records.recv().await, Some(reader::Fed::Record { offset: 0, .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entity_is_always_in_the_same_share() {
    let folder = tempfile::tempdir().unwrap();
    let Some(configuration) = configuration(4, folder.path()) else { return };
    let supervisor = Supervisor::default();
    let backbone = open(&configuration, &supervisor).await;
    let outputs: Vec<Output> = (0..40).map(|number| output(&Topic::accepted(), &format!("R{}", number % 8))).collect();
    let entities: Vec<EntityKey> = outputs.iter().map(|output| output.envelope.header.entity_key).collect();
    let positions = backbone.append(outputs).await.unwrap();
    for (entity, position) in entities.iter().zip(&positions) {
        assert_eq!(u32::try_from(partition_of(*position)).unwrap(), backbone.share_of(*entity));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_not_as_it_should_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut configuration) = configuration(2, folder.path()) else { return };
    let supervisor = Supervisor::default();
    open(&configuration, &supervisor).await;
    configuration.settings.kafka.partitions = 3;
    let wire = Wire::start(&configuration, &[], (&supervisor, &Health::default())).await.unwrap();
    let refused = KafkaBackbone::open(&configuration, wire, &supervisor).await.err().unwrap();
    assert!(format!("{refused:#}").contains("has 2 partitions, `kafka.partitions` asks for 3"), "{refused:#}");
    configuration.settings.kafka.partitions = 2;
    check(&configuration).await.unwrap();
    configuration.settings.kafka.min_insync_replicas = 2;
    let refused = check(&configuration).await.unwrap_err();
    assert!(format!("{refused:#}").contains("`min.insync.replicas=1`"), "{refused:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_are_shown_who_we_are() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut configuration) = configuration(1, folder.path()) else { return };
    let names = ["_SASL", "_SASL_USER", "_SASL_PASSWORD", "_TLS", "_CA"];
    let [Some(sasl), Some(user), Some(password), Some(tls), Some(ca)] =
        names.map(|name| conformance::given_if_any(&format!("PASSERELLE_TEST_KAFKA{name}")))
    else {
        println!("skipped: the brokers have no listeners for SASL and TLS");
        return;
    };
    let supervisor = Supervisor::default();
    std::fs::write(folder.path().join("kafka"), password).unwrap();
    configuration.secrets = Secrets::load(folder.path()).unwrap();
    configuration.settings.kafka.bootstrap_servers = sasl;
    let security = &mut configuration.settings.kafka.security;
    security.protocol = Protocol::SaslPlaintext;
    security.mechanism = Mechanism::ScramSha512;
    security.user = user;
    security.password = "kafka".to_owned();
    open(&configuration, &supervisor).await.append(vec![output(&Topic::accepted(), "R1")]).await.unwrap();

    configuration.settings.kafka.bootstrap_servers = tls;
    let security = &mut configuration.settings.kafka.security;
    security.protocol = Protocol::Ssl;
    security.ca_file = ca.into();
    open(&configuration, &supervisor).await.append(vec![output(&Topic::accepted(), "R1")]).await.unwrap();
}

/// Where tokens are had: an unsigned one for whoever asks with the right secret (RFC 7519 §6).
async fn token_endpoint() -> String {
    use axum::{Json, Router, http::HeaderMap, routing::post};
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let token = |headers: HeaderMap| async move {
        assert!(headers["authorization"].to_str().unwrap().starts_with("Basic "));
        let now = jiff::Timestamp::now().as_second();
        let claims = format!("{{\"sub\":\"gateway\",\"iat\":{now},\"exp\":{}}}", now + 600);
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let token = format!("{}.{}.", encoded("{\"alg\":\"none\"}"), encoded(&claims));
        Json(serde_json::json!({"access_token": token, "token_type": "Bearer", "expires_in": 600}))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = axum::serve(listener, Router::new().route("/token", post(token)));
    Supervisor::default().spawn("token endpoint", async { Ok(serving.await?) });
    format!("http://{address}/token")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_fetched_and_shown_to_the_brokers() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut configuration) = configuration(1, folder.path()) else { return };
    let Some(sasl) = conformance::given_if_any("PASSERELLE_TEST_KAFKA_SASL") else {
        println!("skipped: the brokers have no listener for SASL");
        return;
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let supervisor = Supervisor::default();
    // The topics are made by somebody who may: whoever shows tokens cannot.
    open(&configuration, &supervisor).await;
    std::fs::write(folder.path().join("kafka"), "invented-client-secret").unwrap();
    configuration.secrets = Secrets::load(folder.path()).unwrap();
    configuration.settings.kafka.bootstrap_servers = sasl;
    let security = &mut configuration.settings.kafka.security;
    security.protocol = Protocol::SaslPlaintext;
    security.mechanism = Mechanism::OauthBearer;
    security.user = "gateway".to_owned();
    security.password = "kafka".to_owned();
    security.token_url = token_endpoint().await;
    open(&configuration, &supervisor).await.append(vec![output(&Topic::accepted(), "R1")]).await.unwrap();
}
