//! Tests of the wire: against a registry of the test, and against a real one where there is one.

use std::{path::Path, time::Duration};

use schemas::{Body, Channel, EntityKey, Header, Kind, MessageId, Operation, Origin, Payload, Plain, Record, Versions};
use serde_json::{Value, json};

use super::{stub::Stub, *};
use crate::{
    config::{Partners, Secrets, Settings},
    health::Condition,
};

/// Where a real registry is, for whoever has one.
const REAL: &str = "PASSERELLE_TEST_REGISTRY";

/// A registry, a gateway's folder, and what runs there.
struct Scene {
    stub: Stub,
    folder: tempfile::TempDir,
    url: String,
    supervisor: Supervisor,
    health: Health,
}

impl Scene {
    async fn new() -> Self {
        let (stub, supervisor) = (Stub::default(), Supervisor::default());
        let address = stub.start(&supervisor).await;
        let url = format!("http://{address}/api");
        Self { stub, folder: tempfile::tempdir().unwrap(), url, supervisor, health: Health::default() }
    }

    async fn start(&self) -> Result<Wire> {
        self.start_with(|_| {}).await
    }

    async fn start_with(&self, change: impl FnOnce(&mut Settings)) -> Result<Wire> {
        let mut configuration = configuration(&self.url, self.folder.path());
        change(&mut configuration.settings);
        Wire::start(&configuration, &["t.accepted", "t.journal"], (&self.supervisor, &self.health)).await
    }

    async fn refused(&self) -> String {
        match self.start().await {
            Ok(_) => panic!("it started"),
            Err(error) => format!("{error:#}"),
        }
    }
}

fn configuration(url: &str, data_dir: &Path) -> Configuration {
    let mut settings = Settings::load(None).unwrap();
    settings.data_dir = data_dir.to_owned();
    settings.registry.url = Some(url.parse().unwrap());
    settings.registry.look_every = Duration::from_millis(20);
    Configuration::assemble(settings, Partners::new(), Secrets::default(), &[]).unwrap()
}

fn envelope() -> Envelope {
    let partner = "acme".parse().unwrap();
    let record = Record::new(Kind::Vacancy);
    let content = Content { raw: b"{}".to_vec(), canonical: record.to_avro().unwrap(), ..Content::default() };
    let header = Header {
        message_id: MessageId::mint(),
        operation: Operation::Upsert,
        entity_key: EntityKey::of_vacancy(&partner, "REQ-50"),
        origin: Origin {
            partner,
            dialect: "canonical".parse().unwrap(),
            channel: Channel::Push,
            reference: Some("REQ-50".to_owned()),
            idempotency: None,
            received_at: 1,
            modified_at: None,
        },
        hops: Vec::new(),
        versions: Versions::default(),
        cause: None,
        recipient: None,
        lane: None,
        event: None,
    };
    Envelope { header, payload: Payload::Vacancy(Some(Body::Plain(Plain { bytes: content.to_avro().unwrap() }))) }
}

/// Our envelope schema as a newer program may have it.
fn newer_envelope() -> String {
    let mut json: Value = serde_json::from_str(Subject::Envelope.newest()).unwrap();
    json["fields"].as_array_mut().unwrap().push(json!({"name": "weight", "type": "long", "default": 0}));
    json.to_string()
}

/// Bytes of a newer program: the field that it has more stands last.
fn written_by_a_newer(envelope: &Envelope, id: u32) -> Vec<u8> {
    let mut bytes = [&[MAGIC][..], &id.to_be_bytes()].concat();
    envelope.write_datum(&mut bytes).unwrap();
    bytes.push(14);
    bytes
}

#[tokio::test]
async fn an_envelope_is_read_as_it_was_written_and_stands_under_an_id_of_the_registry() {
    let scene = Scene::new().await;
    let wire = scene.start().await.unwrap();
    let bytes = wire.encode(&envelope()).unwrap();
    let id = u32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize;
    assert_eq!(
        (bytes[0], scene.stub.with(|inside| inside.texts[id - 1].clone()).as_str()),
        (0, Subject::Envelope.newest())
    );
    let before = scene.stub.with(|inside| inside.calls);
    let original = envelope();
    assert_eq!(wire.decode(&wire.encode(&original).unwrap()).await.unwrap(), original);
    assert!(scene.stub.with(|inside| inside.calls) <= before + 10, "the registry is only looked after");
    for damaged in [&bytes[..4], &bytes[..bytes.len() - 1], &[&bytes[..], &[0]].concat(), &[&[1], &bytes[1..]].concat()]
    {
        assert!(wire.decode(damaged).await.is_err());
    }
    let subjects = scene.stub.with(|inside| inside.subjects.keys().cloned().collect::<Vec<_>>());
    assert_eq!(
        subjects,
        [
            "org.passerelle.content.Content",
            "org.passerelle.envelope.Envelope",
            "org.passerelle.placement_status.PlacementStatus",
            "org.passerelle.talent_profile.TalentProfile",
            "org.passerelle.vacancy.Vacancy",
            "t.accepted-value",
            "t.journal-value"
        ]
    );
    assert!(scene.stub.with(|inside| inside.subjects.keys().all(|name| inside.levels[name] == "FULL_TRANSITIVE")));
}

#[tokio::test]
async fn a_topic_that_comes_later_gets_its_subject() {
    let scene = Scene::new().await;
    let wire = scene.start().await.unwrap();
    wire.ensure("t.dispatch.acme").await.unwrap();
    assert!(scene.stub.with(|inside| inside.levels.contains_key("t.dispatch.acme-value")));
    let known = scene.stub.with(|inside| inside.texts.len());
    wire.ensure("t.dispatch.acme").await.unwrap();
    assert_eq!(scene.stub.with(|inside| inside.texts.len()), known);
}

#[tokio::test]
async fn a_registry_that_disagrees_is_refused_with_its_reason() {
    let scene = Scene::new().await;
    let other = r#"{"type":"record","name":"Envelope","namespace":"org.passerelle.envelope","fields":[{"name":"colour","type":"string"}]}"#;
    scene.stub.with(|inside| inside.put("t.accepted-value", other));
    let said = scene.refused().await;
    assert!(said.contains("`t.accepted-value`, version 1") && said.contains("colour"), "{said}");

    let scene = Scene::new().await;
    scene.stub.with(|inside| inside.forgets_levels = true);
    let said = scene.refused().await;
    assert!(said.contains("under `NONE` and not under `FULL_TRANSITIVE`"), "{said}");

    let scene = Scene::new().await;
    scene.stub.with(|inside| inside.authorization = Some("Bearer other".to_owned()));
    let said = scene.refused().await;
    assert!(said.contains("HTTP 401"), "{said}");

    let scene = Scene { url: "http://127.0.0.1:1/api".to_owned(), ..Scene::new().await };
    let said = scene.refused().await;
    assert!(said.contains("does not answer"), "{said}");
}

#[tokio::test]
async fn a_schema_that_the_registry_refuses_is_named_with_its_subject_and_version() {
    let scene = Scene::new().await;
    let mut older: Value = serde_json::from_str(Subject::Envelope.newest()).unwrap();
    older["fields"].as_array_mut().unwrap().truncate(3);
    scene.stub.with(|inside| inside.put("t.accepted-value", &older.to_string()));
    scene.stub.with(|inside| inside.refusal = Some("only fields with `colour` are taken".to_owned()));
    let said = scene.refused().await;
    for part in ["version 2 of subject `t.accepted-value`", "HTTP 409", "only fields with `colour` are taken"] {
        assert!(said.contains(part), "{said}");
    }
    scene.stub.with(|inside| inside.refusal = None);
    scene.start().await.unwrap();
}

#[tokio::test]
async fn without_the_right_to_register_everything_has_to_be_there() {
    let scene = Scene::new().await;
    let look_only = |settings: &mut Settings| settings.registry.register = false;
    let Err(error) = scene.start_with(look_only).await else { panic!("it started") };
    assert!(format!("{error:#}").contains("does not hold our schema"), "{error:#}");
    scene.start().await.unwrap();
    scene.start_with(look_only).await.unwrap();
    scene.stub.with(|inside| inside.levels.insert("t.journal-value".to_owned(), "BACKWARD".to_owned()));
    let Err(error) = scene.start_with(look_only).await else { panic!("it started") };
    assert!(format!("{error:#}").contains("`t.journal-value` is under `BACKWARD`"), "{error:#}");
    assert_eq!(scene.stub.with(|inside| inside.levels["t.journal-value"].clone()), "BACKWARD");
}

#[tokio::test]
async fn what_was_read_once_is_read_again_without_the_registry() {
    let scene = Scene::new().await;
    let wire = scene.start().await.unwrap();
    let (original, newer) = (envelope(), newer_envelope());
    let id = u32::try_from(scene.stub.with(|inside| inside.put("t.accepted-value", &newer))).unwrap();
    let bytes = written_by_a_newer(&original, id);
    assert_eq!(wire.decode(&bytes).await.unwrap(), original);

    scene.stub.with(|inside| inside.is_down = true);
    assert_eq!(wire.decode(&bytes).await.unwrap(), original);
    let again = scene.start().await.unwrap();
    assert_eq!(again.decode(&bytes).await.unwrap(), original);
    assert_eq!(again.encode(&original).unwrap(), wire.encode(&original).unwrap());
    assert!(matches!(&scene.health.parts()[PART], Condition::Limps(why) if why.contains("does not answer")));
    let unknown = again.decode(&written_by_a_newer(&original, id + 1)).await.unwrap_err();
    assert!(format!("{unknown:#}").contains("is not known here"), "{unknown:#}");

    scene.stub.with(|inside| inside.is_down = false);
    tokio::time::timeout(Duration::from_secs(20), async {
        while scene.health.parts()[PART] != Condition::Works {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("it is looked after");
    scene.stub.with(|inside| inside.is_down = true);
    let elsewhere = Scene { url: scene.url.replace("/api", "/api/"), folder: tempfile::tempdir().unwrap(), ..scene };
    assert!(elsewhere.start().await.is_err(), "nothing was kept there");
}

#[tokio::test]
async fn a_body_of_a_newer_program_is_learned_on_the_way() {
    let scene = Scene::new().await;
    let wire = scene.start().await.unwrap();
    let mut json: Value = serde_json::from_str(Subject::Content.newest()).unwrap();
    json["fields"].as_array_mut().unwrap().push(json!({"name": "weight", "type": "long", "default": 0}));
    let newer = json.to_string();
    let mut original = envelope();
    let Payload::Vacancy(Some(Body::Plain(plain))) = &mut original.payload else { unreachable!() };
    // The test may not know the fingerprint without learning it, which is just what it is about.
    let fingerprint = [0xA5; 8];
    plain.bytes[2..10].copy_from_slice(&fingerprint);
    let bytes = wire.encode(&original).unwrap();
    let error = wire.decode(&bytes).await.unwrap_err();
    assert!(format!("{error:#}").contains("does not know the schema of a body"), "{error:#}");
    scene.stub.with(|inside| inside.put(Subject::Content.record_name(), &newer));
    original.header.versions.schema = "another".to_owned();
    plain_of(&mut original)[2..10].copy_from_slice(&Subject::Content.newest_fingerprint());
    let calls = scene.stub.with(|inside| inside.calls);
    wire.decode(&wire.encode(&original).unwrap()).await.unwrap();
    assert!(scene.stub.with(|inside| inside.calls) > calls, "an unknown canonical schema is looked for");
    let learned = schemas::learn(&newer).unwrap();
    plain_of(&mut original)[2..10].copy_from_slice(&learned.fingerprint);
    plain_of(&mut original).push(14);
    let decoded = wire.decode(&wire.encode(&original).unwrap()).await.unwrap();
    assert_eq!(Content::from_avro(decoded.plain().unwrap()).unwrap().raw, b"{}");
}

fn plain_of(envelope: &mut Envelope) -> &mut Vec<u8> {
    match &mut envelope.payload {
        Payload::Vacancy(Some(Body::Plain(plain))) => &mut plain.bytes,
        _ => unreachable!("it has a plain body"),
    }
}

#[tokio::test]
async fn a_registry_that_has_lost_its_memory_is_refused() {
    let scene = Scene::new().await;
    scene.start().await.unwrap();
    scene.stub.with(|inside| {
        inside.texts = vec![Subject::Vacancy.newest().to_owned(); 4];
        inside.subjects.clear();
    });
    let said = scene.refused().await;
    assert!(said.contains("lost its memory"), "{said}");
}

#[tokio::test]
async fn a_secret_is_shown_and_stays_secret() {
    let scene = Scene::new().await;
    scene.stub.with(|inside| inside.authorization = Some("Basic bWU6aHVzaA==".to_owned()));
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("registry"), "hush\n").unwrap();
    let mut configuration = configuration(&scene.url, scene.folder.path());
    configuration.settings.registry.user = "me".to_owned();
    configuration.settings.registry.password = Some("registry".to_owned());
    configuration.secrets = Secrets::load(secrets.path()).unwrap();
    Wire::start(&configuration, &["t.accepted"], (&scene.supervisor, &scene.health)).await.unwrap();
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "where the registry is can only be told by the environment")]
async fn a_real_registry_keeps_our_schemas() {
    let Ok(url) = std::env::var(REAL) else {
        eprintln!("skipped: {REAL} does not say where a registry is");
        return;
    };
    let (folder, supervisor, health) = (tempfile::tempdir().unwrap(), Supervisor::default(), Health::default());
    let topic = format!("test-{}.accepted", uuid::Uuid::new_v4().simple());
    let configuration = configuration(&url, folder.path());
    let start = async || Wire::start(&configuration, &[&topic], (&supervisor, &health)).await;
    let wire = start().await.unwrap();
    let original = envelope();
    let bytes = wire.encode(&original).unwrap();
    assert_eq!(wire.decode(&bytes).await.unwrap(), original);

    let registry = Registry::of(&configuration).unwrap();
    let name = format!("{topic}-value");
    assert_eq!(registry.compatibility(&name).await.unwrap().as_deref(), Some("FULL_TRANSITIVE"));
    let wrong = Subject::Envelope.newest().replacen(r#""default": "", "#, "", 1).replacen("message_id", "message", 1);
    let error = registry.register(&name, &wrong).await.unwrap_err().to_string();
    assert!(error.contains("HTTP 409"), "{error}");
    let newer = newer_envelope();
    let id = registry.register(&name, &newer).await.unwrap();
    assert_eq!(wire.decode(&written_by_a_newer(&original, id)).await.unwrap(), original);
    assert_eq!(registry.versions(&name).await.unwrap().len(), 2);
    let again = start().await.unwrap();
    assert_eq!(again.encode(&original).unwrap(), bytes, "the id is as it was, and the newer version does no harm");
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "where the registry is can only be told by the environment")]
async fn nodes_that_start_at_once_settle_the_same_subjects() {
    let Ok(url) = std::env::var(REAL) else {
        eprintln!("skipped: {REAL} does not say where a registry is");
        return;
    };
    let (supervisor, health) = (Supervisor::default(), Health::default());
    let folders = [(); 4].map(|()| tempfile::tempdir().unwrap());
    let topics = ["accepted", "journal"].map(|name| format!("test-{}.{name}", uuid::Uuid::new_v4().simple()));
    let configurations = folders.each_ref().map(|folder| configuration(&url, folder.path()));
    let topics = topics.each_ref().map(String::as_str);
    let starts = configurations.iter().map(|configuration| Wire::start(configuration, &topics, (&supervisor, &health)));
    let wires = futures::future::try_join_all(starts).await.unwrap();
    let original = envelope();
    assert!(wires.iter().all(|wire| wire.encode(&original).unwrap() == wires[0].encode(&original).unwrap()));
}
