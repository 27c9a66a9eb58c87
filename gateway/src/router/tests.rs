//! The router on embedded engines: what it meets again, it decides alike.

use std::sync::Arc;

use schemas::{Body, Channel, EntityKey, Header, Kind, PartnerId, Payload, Plain, Status, Value};

use super::*;
use crate::{
    backbone::{conformance, embedded::EmbeddedBackbone},
    config::{Configuration, Partner, Secrets, Settings},
    store::SqliteStore,
    supervisor::Supervisor,
    vault::{KeyRing, Vault},
};

struct Bench {
    router: Router,
    folder: tempfile::TempDir,
}

async fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let supervisor = Supervisor::default();
    let partner = |id: &str, rest: &str| {
        let text = format!("name = \"X\"\ncountry = \"BE\"\nrole = \"employer\"\n{rest}");
        Arc::new(Partner::parse(id, &text).unwrap())
    };
    let outgoing =
        "[outgoing.vacancy]\ndialect = \"canonical\"\nconnector = { kind = \"rest\", base_url = \"http://x\" }\n";
    let partners = [partner("acme", "[incoming.vacancy]\ndialect = \"canonical\"\n"), partner("agency", outgoing)];
    let partners = partners.into_iter().map(|partner| (partner.id.clone(), partner)).collect();
    let mut settings = Settings::load(None).unwrap();
    settings.data_dir = folder.path().to_owned();
    let configuration = Configuration::assemble(settings, partners, Secrets::default(), &[]).unwrap();
    let (_, in_force) = InForce::begin(Rules::of(configuration).unwrap());
    let backbone = EmbeddedBackbone::open(&folder.path().join("log.db"), &supervisor).await.unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db"), &supervisor, Clock::system()).await.unwrap();
    let ring = Arc::new(KeyRing::parse(&KeyRing::new_line().0).unwrap());
    let vault = Vault::open(&in_force.now().configuration, ring, &supervisor).await.unwrap();
    let router = Router {
        in_force,
        backbone: Arc::new(backbone),
        store: Arc::new(store),
        bodies: Bodies::with(Some(vault)),
        clock: Clock::system(),
        health: Health::default(),
        sync_wanted: Arc::new(watch::channel(()).0),
        media_wanted: Arc::default(),
    };
    Bench { router, folder }
}

/// An accepted vacancy with a title.
fn accepted(title: &str) -> Output {
    let mut record = Record::new(Kind::Vacancy);
    Status::Published.set_on(&mut record);
    for (path, text) in [("reference", "R1"), ("profiles[nl].title", title)] {
        *schemas::Path::resolve(record.model(), path).unwrap().slot(record.root_mut()) = Value::text(text);
    }
    let mut envelope = conformance::envelope("R1", title);
    let content = Content { canonical: record.to_avro().unwrap(), ..Content::default() };
    envelope.payload = Payload::Vacancy(Some(Body::Plain(Plain { bytes: content.to_avro().unwrap() })));
    assert_eq!(envelope.header.origin.channel, Channel::Push);
    Output { topic: Topic::accepted(), envelope }
}

/// Routes everything in the log from its beginning, and says what came out: topic and step or operation.
async fn route_all(bench: &Bench, keep: bool) -> Vec<String> {
    let mut subscription = bench.router.backbone.subscribe("test", Topic::accepted()).await.unwrap();
    let records = subscription.next(100).await.unwrap();
    let mut batch = bench.router.begin(bench.router.in_force.now(), &records).await.unwrap();
    for record in &records {
        bench.router.route(record, &mut batch).await.unwrap();
    }
    if keep {
        bench.router.store.record_routed(batch.routed).await.unwrap();
    }
    let told = |output: &Output| {
        let header = &output.envelope.header;
        let what = header.event.as_ref().map_or_else(|| header.operation.to_string(), |event| event.step.clone());
        let position = header.cause.map(|cause| cause.position.offset).unwrap_or_default();
        format!("{} {what} @{position} {:?}", output.topic, dispatch_id(&output.envelope))
    };
    batch.outputs.iter().map(told).collect()
}

#[tokio::test]
async fn a_record_met_again_at_its_own_position_repeats_its_outputs() {
    let bench = bench().await;
    let titles = ["A", "A", "B", "A"];
    bench.router.backbone.append(titles.map(accepted).to_vec()).await.unwrap();
    let first = route_all(&bench, true).await;
    assert_eq!(
        first.iter().filter(|output| output.contains("dispatch.agency upsert")).count(),
        3,
        "A, B and A again: {first:#?}"
    );
    assert_eq!(first.iter().filter(|output| output.contains("unchanged")).count(), 1);
    let again = route_all(&bench, true).await;
    assert_eq!(first, again, "the store was written, the log's offset was not");
    let newest = bench.router.store.newest_version(entity()).await.unwrap().unwrap();
    assert_eq!(newest.position.offset, 4);
    drop(bench.folder);
}

#[tokio::test]
async fn nothing_rests_on_what_was_not_kept() {
    let bench = bench().await;
    bench.router.backbone.append(vec![accepted("A"), accepted("B")]).await.unwrap();
    let lost = route_all(&bench, false).await;
    assert_eq!(lost, route_all(&bench, true).await, "a crash before the store was written changes nothing");
}

#[tokio::test]
async fn what_nobody_can_read_any_more_is_passed_over() {
    let bench = bench().await;
    let vault = bench.router.bodies.for_persons().unwrap();
    let subject = vault.subject(&"acme".parse().unwrap(), "somebody").await.unwrap();
    let header = Header { entity_key: subject.into(), ..conformance::envelope("R1", "A").header };
    let content = Content { raw: b"about somebody".to_vec(), ..Content::default() };
    let envelope = bench.router.bodies.put(header, Kind::TalentProfile, &content).await.unwrap().unwrap();
    let accepted_profile = Output { topic: Topic::accepted(), envelope };
    bench.router.backbone.append(vec![accepted_profile, accepted("A")]).await.unwrap();
    vault.destroy(subject).await.unwrap();
    let outputs = route_all(&bench, true).await;
    assert!(outputs[0].starts_with("journal ignored @1"), "{outputs:#?}");
    assert!(
        outputs.iter().any(|output| output.contains("dispatch.agency upsert @2")),
        "the next one goes: {outputs:#?}"
    );
    assert_eq!(bench.router.store.newest_version(subject.into()).await.unwrap(), None);
}

fn entity() -> EntityKey {
    let partner: PartnerId = "acme".parse().unwrap();
    EntityKey::of_vacancy(&partner, "R1")
}
