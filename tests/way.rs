//! The way of a vacancy: a signed webhook comes in, EURES pulls a document that obeys its rules.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use connectors::{
    eures::stub::{EuresSettings, EuresStub, Status},
    greenhouse::stub::{Closing, Fate, GreenhouseSettings, GreenhouseStub},
    rest::stub::{RestStub, RestStubSettings},
};
use reqwest::StatusCode;
use schemas::EntityKey;
use serde_json::{Value, json};

use self::support::{
    Gateway, PULLER_TOKEN, Setup, WEBHOOK_SECRET, eures_feed, greenhouse_event, greenhouse_source, pusher,
    rest_receiver, until,
};

async fn gateway(receiver: &RestStub) -> Gateway {
    Setup::new()
        .partner(greenhouse_source("metal"))
        .partner(pusher("vdab", "vdab-json"))
        .partner(eures_feed("eures-vdab", "eures-xml", "VDAB"))
        .partner(rest_receiver("agency", "canonical", receiver.base_url().as_str(), "by_key"))
        .secret("greenhouse-webhook", WEBHOOK_SECRET)
        .secret("puller-token", PULLER_TOKEN)
        .secret("agency-token", "receiver")
        .start()
        .await
}

async fn receiver() -> RestStub {
    let settings = RestStubSettings { token: Some("receiver".into()), ..RestStubSettings::default() };
    RestStub::start(settings).await.unwrap()
}

fn greenhouse(gateway: &Gateway, seed: u64) -> GreenhouseStub {
    let target = gateway.url("/v1/metal/webhook").parse().unwrap();
    GreenhouseStub::new(GreenhouseSettings::new(target, WEBHOOK_SECRET.into(), seed))
}

fn eures(gateway: &Gateway) -> EuresStub {
    let settings = EuresSettings::new(gateway.url("/input/api/jv/v0.1").parse().unwrap(), Some(PULLER_TOKEN.into()));
    EuresStub::new(EuresSettings { source: Some("VDAB".to_owned()), ..settings })
}

fn reference(post: u64) -> String {
    EntityKey::of_vacancy(&"metal".parse().unwrap(), &post.to_string()).to_string()
}

/// Pulls until the vacancy stands there as expected, and returns its document.
async fn pull_until(puller: &mut EuresStub, reference: &str, status: Status, revision: u64) -> Option<String> {
    let view = puller.view();
    for _ in 0..400 {
        puller.pull().await.unwrap();
        let found = view.vacancy(reference);
        if let Some(vacancy) = found.filter(|vacancy| {
            vacancy.status == status && (status == Status::Closed || vacancy.revisions.last() == Some(&revision))
        }) {
            return vacancy.content;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("{reference} never came to stand at {status:?}, revision {revision}");
}

#[tokio::test]
async fn a_signed_webhook_becomes_a_vacancy_that_obeys_the_rules_of_eures() {
    let receiver = receiver().await;
    let gateway = gateway(&receiver).await;
    let (ats, mut puller) = (greenhouse(&gateway, 7), eures(&gateway));
    puller.ping().await.unwrap();

    let created = ats.create().await;
    let reference = reference(created.post);
    let document = pull_until(&mut puller, &reference, Status::Active, created.revision).await.unwrap();
    assert!(document.contains(&created.title), "{document}");

    let updated = ats.update(created.post).await.unwrap();
    pull_until(&mut puller, &reference, Status::Active, updated.revision).await;
    ats.close(created.post, Closing::JobClosed).await.unwrap();
    pull_until(&mut puller, &reference, Status::Closed, 0).await;
    let reopened = ats.reopen(created.post).await.unwrap();
    pull_until(&mut puller, &reference, Status::Active, reopened.revision).await;

    puller.reconcile().await.unwrap();
    assert_eq!(puller.view().breaches(), [], "every rule of the EC and of the interface holds");
    assert_eq!(receiver.violations(), []);
    assert!(ats.ledger()[&created.post].versions.iter().all(|version| version.fate() == Fate::Acknowledged));

    let trace = gateway.run(&["trace", "--reference", &created.post.to_string()]).await;
    let told = String::from_utf8_lossy(&trace.stdout).into_owned();
    assert!(told.contains("delivered") && told.contains("eures-vdab"), "{told}");
}

#[tokio::test]
async fn every_way_of_closing_reaches_the_puller() {
    let receiver = receiver().await;
    let gateway = gateway(&receiver).await;
    let (ats, mut puller) = (greenhouse(&gateway, 8), eures(&gateway));
    for closing in [Closing::Unpublished, Closing::Deleted, Closing::JobClosed] {
        let created = ats.create().await;
        pull_until(&mut puller, &reference(created.post), Status::Active, created.revision).await;
        ats.close(created.post, closing).await.unwrap();
        pull_until(&mut puller, &reference(created.post), Status::Closed, 0).await;
    }
    assert_eq!(puller.view().breaches(), []);
}

#[tokio::test]
async fn a_pushed_vdab_document_goes_the_same_way() {
    let receiver = receiver().await;
    let gateway = gateway(&receiver).await;
    let mut puller = eures(&gateway);
    let key = gateway.key("vdab").await;
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings/dialects/vdab-json/samples");
    let path = std::fs::read_dir(&samples)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains("001-") && path.to_string_lossy().ends_with(".in.json"));
    let document = std::fs::read(path.expect("the first sample")).unwrap();
    let response =
        gateway.http.post(gateway.url("/v1/vdab/vacancy")).bearer_auth(&key).body(document).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED, "{}", response.text().await.unwrap());
    let receipt: Value = response.json().await.unwrap();
    let entity = receipt["entity_key"].as_str().unwrap().to_owned();
    until("EURES has it", async || {
        puller.pull().await.unwrap();
        puller.view().vacancy(&entity).is_some()
    })
    .await;
    assert_eq!(puller.view().breaches(), []);
    until("the agency has it", async || !receiver.history(&entity).is_empty()).await;
    let sent: Value = serde_json::from_slice(&receiver.history(&entity)[0].body).unwrap();
    assert_eq!(sent["reference"], entity, "the outgoing reference is the entity key");
    assert_eq!(sent["alternate_references"][0]["scheme"].as_str().map(|_| ()), Some(()));
}

#[tokio::test]
async fn webhooks_are_believed_by_their_signature_only() {
    let receiver = receiver().await;
    let gateway = gateway(&receiver).await;
    let body = r#"{"action":"job_post_created","payload":{"id":1,"title":"Lasser","live":true}}"#;
    for signature in
        [None, Some("sha256 00"), Some("sha256 41a75cb45c9d636593f21e8272040606893aefc268ee9d1aeb07f9e22fd7e6b7")]
    {
        let mut request = gateway.http.post(gateway.url("/v1/metal/webhook")).body(body);
        if let Some(signature) = signature {
            request = request.header("Signature", signature);
        }
        assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "{signature:?}");
    }
    assert_eq!(gateway.get("/v1/messages?partner=metal").await["messages"], json!([]));
}

#[tokio::test]
async fn a_verified_webhook_that_cannot_be_read_is_parked_with_its_bytes_and_acknowledged() {
    let receiver = receiver().await;
    let gateway = gateway(&receiver).await;
    assert_eq!(
        greenhouse_event(&gateway, "metal", "evt-1", b"{\"action\":\"job_post_updated\",\"payload\":{\"title\":7")
            .await,
        StatusCode::OK
    );
    let parked = gateway.get("/v1/parked").await;
    assert_eq!(
        (parked["parked"][0]["what"].as_str(), parked["parked"][0]["code"].as_str()),
        (Some("input"), Some("unreadable"))
    );
    let shown = gateway.run(&["parked", "show", parked["parked"][0]["id"].as_str().unwrap()]).await;
    assert!(shown.status.success());
}

#[tokio::test]
async fn events_about_persons_are_turned_away_unread() {
    let receiver = receiver().await;
    let gateway = gateway(&receiver).await;
    let event = br#"{"action":"new_candidate_application","payload":{"application":{"id":1,"candidate":{"first_name":"Marker"}}}}"#;
    assert_eq!(greenhouse_event(&gateway, "metal", "evt-1", event).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(gateway.get("/v1/parked").await["parked"], json!([]));
    for file in ["log.db", "log.db-wal", "store.db", "store.db-wal"] {
        let bytes = std::fs::read(gateway.folder.path().join("data").join(file)).unwrap_or_default();
        assert!(!bytes.windows(6).any(|window| window == b"Marker"), "{file} holds a person's name");
    }
    assert!(!gateway.log().contains("Marker"));
}
