//! Moves against the real engines, broken off again and again.

use std::{collections::BTreeMap, time::Duration};

use schemas::PartnerId;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::{
    backbone::{Backbone, Output, conformance as log_conformance, embedded::EmbeddedBackbone},
    clock::Clock,
    config::{Secrets, Settings},
    store::{BlobId, Blobs, CHUNK_BYTES, SqliteStore, conformance as store_conformance},
};

/// Records of each topic.
const RECORDS: usize = 1_500;
/// How many of them their consumer has done.
const DONE: usize = 900;

fn assemble(settings: Settings) -> Configuration {
    Configuration::assemble(settings, BTreeMap::default(), Secrets::default(), &[]).unwrap()
}

/// An embedded installation, and the one that it is to become; none without the engines.
async fn installations(backbone: BackboneEngine) -> Option<(TempDir, Configuration, Configuration)> {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::load(None).unwrap();
    settings.data_dir = folder.path().to_owned();
    let mut target = settings.clone();
    target.backbone = backbone;
    target.store = StoreEngine::Postgresql;
    target.postgresql = store::database_of_a_test("move").await?;
    if backbone == BackboneEngine::Kafka {
        target.kafka.bootstrap_servers = log_conformance::given("PASSERELLE_TEST_KAFKA")?;
        target.registry.url = log_conformance::given("PASSERELLE_TEST_REGISTRY")?.parse().ok();
        target.kafka.prefix = format!("test-{}.", uuid::Uuid::new_v4().simple());
        target.kafka.partitions = 3;
        (target.kafka.replication_factor, target.kafka.min_insync_replicas) = (1, 1);
    }
    fill(&settings).await;
    Some((folder, assemble(settings), assemble(target)))
}

fn topics() -> Vec<(&'static str, Topic)> {
    let agency: PartnerId = "agency".parse().unwrap();
    vec![("router", Topic::accepted()), ("journal", Topic::journal()), ("delivery", Topic::dispatch(&agency))]
}

/// Gives an embedded installation records, consumers half-way, and rows in every table.
async fn fill(settings: &Settings) {
    let supervisor = Supervisor::default();
    let log = EmbeddedBackbone::open(&settings.data_dir.join(daemon::LOG), &supervisor).await.unwrap();
    for (consumer, topic) in topics() {
        let envelope = |number: usize| log_conformance::envelope(&format!("R{}", number % 97), &number.to_string());
        let outputs = (0..RECORDS).map(|number| Output { topic: topic.clone(), envelope: envelope(number) });
        let positions = log.append(outputs.collect()).await.unwrap();
        let mut reader = log.subscribe(consumer, topic).await.unwrap();
        reader.commit(positions[DONE - 1], Vec::new()).await.unwrap();
    }
    let store = SqliteStore::open(&settings.store_file(), &supervisor, Clock::system()).await.unwrap();
    store_conformance::fill(&store).await;
    for blob in files() {
        store.put_chunks(blob, 0, file_of(blob)).await.unwrap();
        let size_bytes = file_of(blob).iter().map(Vec::len).sum::<usize>() as u64;
        store.finish_blob(blob, size_bytes, blob.as_uuid().as_bytes().to_vec()).await.unwrap();
    }
    // What was broken off is nobody's.
    store.put_chunks(BlobId::from(Uuid::from_u128(9)), 0, vec![vec![1; 100]]).await.unwrap();
    drop((log, store));
    assert!(supervisor.stop(Duration::from_secs(10)).await);
}

/// Files of persons that are there.
fn files() -> [BlobId; 3] {
    [1, 2, 3].map(|number| BlobId::from(Uuid::from_u128(number)))
}

fn file_of(blob: BlobId) -> Vec<Vec<u8>> {
    vec![blob.as_uuid().as_bytes().repeat(CHUNK_BYTES / 16), vec![7; 100]]
}

/// Files are there, to the last chunk.
async fn has_files(to: &Configuration) {
    let store = store::open(to, &Supervisor::default(), Clock::system()).await.unwrap();
    for blob in files() {
        assert_eq!(store.blob_head(blob).await.unwrap().unwrap(), blob.as_uuid().as_bytes());
        for (place, chunk) in (0..).zip(file_of(blob)) {
            assert!(store.blob_chunk(blob, place).await.unwrap() == Some(chunk));
        }
        assert_eq!(store.blob_chunk(blob, 2).await.unwrap(), None);
    }
    assert_eq!(store.blobs_below(BlobId::from(Uuid::max()), None, 10).await.unwrap(), files());
}

async fn move_whole(from: &Configuration, to: &Configuration) -> Vec<Moved> {
    let planned = move_to(from, to, true).await.unwrap();
    // Dropped in the middle, as by a kill, at many points.
    for milliseconds in [5, 20, 60, 120, 250, 500, 900, 1_500, 2_500] {
        let attempt = tokio::time::timeout(Duration::from_millis(milliseconds), move_to(from, to, false)).await;
        if let Ok(moved) = attempt {
            return moved.unwrap();
        }
        if let Ok(store) = store::open(to, &Supervisor::default(), Clock::system()).await {
            assert_eq!(store.keys().await.unwrap(), [], "nobody works in a store that is half there");
        }
    }
    let moved = move_to(from, to, false).await.unwrap();
    assert_eq!(moved.len(), planned.len());
    moved
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_takes_a_store_over_and_the_log_stays() {
    let Some((_folder, from, to)) = installations(BackboneEngine::Embedded).await else { return };
    let before = move_to(&from, &to, true).await.unwrap();
    let moved = move_whole(&from, &to).await;
    let counts = |moved: &[Moved]| moved.iter().map(|one| (one.name.clone(), one.count)).collect::<Vec<_>>();
    assert_eq!(counts(&before), counts(&moved));
    assert!(moved.iter().all(|one| one.count > 0 && one.hash.is_some()), "every table was filled: {moved:?}");
    has_files(&to).await;
    let again = move_to(&from, &to, false).await.unwrap_err().to_string();
    assert!(again.contains("moved there already"), "{again}");
    assert!(from.settings.data_dir.join("store.db.moved").exists());
    assert!(!from.settings.data_dir.join("log.db.moved").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_and_postgres_take_an_installation_over_and_go_on_where_it_was() {
    let Some((_folder, from, to)) = installations(BackboneEngine::Kafka).await else { return };
    let moved = move_whole(&from, &to).await;
    let of = |name: &str| moved.iter().find(|one| one.name == name).unwrap();
    assert_eq!(usize::try_from(of("accepted").count).unwrap(), RECORDS);
    let versions = of("versions");
    assert!(versions.made_again > 0 && versions.count > 0, "{versions:?}");

    let supervisor = Supervisor::default();
    let wire = Wire::start(&to, &[], (&supervisor, &Health::default())).await.unwrap();
    let log = KafkaBackbone::open(&to, wire, &supervisor).await.unwrap();
    assert_eq!(log.generation(), 2);
    for (consumer, topic) in topics() {
        assert_eq!(usize::try_from(log.lag(consumer, &topic).await.unwrap()).unwrap(), RECORDS - DONE, "{topic}");
    }
    let agency = Topic::dispatch(&"agency".parse().unwrap());
    let next = log.subscribe("delivery", agency).await.unwrap().next(1).await.unwrap().remove(0);
    let content = schemas::Content::from_avro(next.envelope.plain().unwrap()).unwrap();
    assert_eq!(content.raw, DONE.to_string().as_bytes(), "what was not done is the next to be read");

    let store = store::open(&to, &supervisor, Clock::system()).await.unwrap();
    let message = store.messages(store::MessageQuery { limit: 1, ..Default::default() }).await.unwrap();
    assert_eq!(message.messages.len(), 1);
    drop((log, store));
    assert!(supervisor.stop(Duration::from_secs(20)).await);
}
