//! Configuration, partners and secrets come into force without a restart, all of them or none.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use std::fs;

use connectors::{
    greenhouse::stub::{GreenhouseSettings, GreenhouseStub},
    rest::stub::{RestStub, RestStubSettings},
};
use serde_json::{Value, json};

use self::support::{Gateway, Setup, WEBHOOK_SECRET, greenhouse_source, pusher, rest_receiver, until};

async fn reload(gateway: &Gateway) -> (u16, Value) {
    let request = gateway.http.post(gateway.url("/v1/configuration/reload")).bearer_auth(gateway.operator_token());
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn write(gateway: &Gateway, name: &str, text: &str) {
    fs::write(gateway.folder.path().join(name), text).unwrap();
}

async fn push(gateway: &Gateway, partner: &str, key: &str, reference: &str) -> u16 {
    let document =
        json!({"reference": reference, "status": "published", "profiles": [{"language": "nl", "title": "X"}]});
    let url = gateway.url(&format!("/v1/{partner}/vacancy"));
    gateway.http.post(url).bearer_auth(key).json(&document).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_bad_file_leaves_the_old_one_in_force_and_says_why() {
    let gateway = Setup::new().partner(pusher("acme", "canonical")).start().await;
    let key = gateway.key("acme").await;
    let before = gateway.get("/v1/configuration").await;
    let receiver = rest_receiver("zenith", "canonical", "https://zenith.example", "by_key").1;
    let receiver = receiver.replace(", token = \"zenith-token\"", "");
    for (name, text, why) in [
        ("partners/zenith.toml", "name = \"Zenith\"\ncolour = 1\n", "colour"),
        ("partners/zenith.toml", &pusher("zenith", "no-such-dialect").1, "no-such-dialect"),
        ("partners/zenith.toml", &receiver.replace("https://zenith.example", "not a url"), "not a url"),
        ("passerelle.toml", "[gateway]\ndata_dir = \"elsewhere\"\n", "gateway.data_dir"),
        ("passerelle.toml", "[delivery]\nin_flight = 0\n", "delivery.in_flight"),
    ] {
        write(&gateway, name, text);
        let (status, problem) = reload(&gateway).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(status == 422 && detail.contains(why), "{status} {detail}");
        assert_eq!(push(&gateway, "acme", &key, why).await, 202);
        let now = gateway.get("/v1/configuration").await;
        assert_eq!(now["hash"], before["hash"]);
        assert!(now["trouble"].as_str().unwrap().contains(why));
        write(&gateway, "passerelle.toml", "");
        fs::remove_file(gateway.folder.path().join("partners/zenith.toml")).ok();
    }
    assert_eq!(reload(&gateway).await.0, 200);
    assert_eq!(gateway.get("/v1/configuration").await["trouble"], Value::Null);
}

#[tokio::test]
async fn changed_files_are_noticed() {
    let settings = RestStubSettings { token: Some("second".into()), ..RestStubSettings::default() };
    let receiver = RestStub::start(settings).await.unwrap();
    let gateway = Setup::new()
        .partner(pusher("acme", "canonical"))
        .partner(rest_receiver("agency", "canonical", receiver.base_url().as_str(), "by_key"))
        .secret("agency-token", "first")
        .setting("GATEWAY__RELOAD_SECONDS", "1")
        .setting("DELIVERY__RETRY_INITIAL_MS", "50")
        .setting("DELIVERY__BREAKER_PAUSE_MS", "50")
        .start()
        .await;
    let key = gateway.key("acme").await;
    assert_eq!(push(&gateway, "acme", &key, "R1").await, 202);
    until("the wrong token is refused", async || receiver.violation_count() > 0).await;
    write(&gateway, "secrets/agency-token", "second\nfirst\n");
    receiver.until(|receiver| receiver.references().len() == 1).await;

    write(&gateway, "partners/zenith.toml", &pusher("zenith", "canonical").1);
    until("the new partner is known", async || gateway.get("/v1/configuration").await["partners"] == 3).await;
    let zenith = gateway.key("zenith").await;
    assert_eq!(push(&gateway, "zenith", &zenith, "Z1").await, 202);
    receiver.until(|receiver| receiver.references().len() == 2).await;
}

#[tokio::test]
async fn a_partner_that_is_gone_is_no_part_any_more() {
    let receiver = rest_receiver("agency", "canonical", "http://127.0.0.1:9", "by_key").1;
    let gateway = Setup::new().partner(("agency", receiver.clone())).secret("agency-token", "receiver").start().await;
    let is_part = async || gateway.get("/health/ready").await["parts"]["delivery to agency"] != Value::Null;
    until("it is a part", is_part).await;
    fs::remove_file(gateway.folder.path().join("partners/agency.toml")).unwrap();
    assert_eq!(reload(&gateway).await.0, 200);
    until("it is none any more", async || !is_part().await).await;
    write(&gateway, "partners/agency.toml", &receiver);
    assert_eq!(reload(&gateway).await.0, 200);
    until("it is one again", is_part).await;
}

#[tokio::test]
async fn two_secrets_are_valid_during_a_rotation() {
    let gateway =
        Setup::new().partner(greenhouse_source("metal")).secret("greenhouse-webhook", WEBHOOK_SECRET).start().await;
    let webhook: connectors::BaseUrl = gateway.url("/v1/metal/webhook").parse().unwrap();
    let accepted = async |secret: &str, seed: u64| {
        let settings = GreenhouseSettings::new(webhook.clone(), secret.into(), seed);
        let ats = GreenhouseStub::new(GreenhouseSettings { retry_waits: Vec::new(), ..settings });
        ats.create().await.answer.is_acknowledged()
    };
    assert!(accepted(WEBHOOK_SECRET, 1).await);
    assert!(!accepted("another-invented-secret", 2).await);
    write(&gateway, "secrets/greenhouse-webhook", &format!("another-invented-secret\n{WEBHOOK_SECRET}\n"));
    assert_eq!(reload(&gateway).await.0, 200);
    assert!(accepted(WEBHOOK_SECRET, 3).await && accepted("another-invented-secret", 4).await);
    write(&gateway, "secrets/greenhouse-webhook", "another-invented-secret\n");
    assert_eq!(reload(&gateway).await.0, 200);
    assert!(!accepted(WEBHOOK_SECRET, 5).await && accepted("another-invented-secret", 6).await);
}
