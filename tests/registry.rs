//! A gateway on Kafka whose schema registry comes and goes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use connectors::rest::stub::{RestStub, RestStubSettings};
use reqwest::StatusCode;
use schemas::EntityKey;
use serde_json::{Value, json};

use self::support::{Engines, Forwarder, Gateway, PATIENCE, Setup, engines, pusher, rest_receiver, until};

/// The registry behind an address that can be cut off.
async fn behind_a_cut(engines: &Engines) -> (Forwarder, String) {
    let forwarder = Forwarder::start().await;
    let url: reqwest::Url = engines.registry.parse().unwrap();
    forwarder.point_to(Some(url.socket_addrs(|| None).unwrap()[0]));
    let address = format!("http://{}{}", forwarder.address, url.path());
    (forwarder, address)
}

async fn push(gateway: &Gateway, reference: &str) {
    let document =
        json!({"reference": reference, "status": "published", "profiles": [{"language": "nl", "title": "Lasser"}]});
    let request = gateway.http.post(gateway.url("/v1/acme/vacancy")).bearer_auth(gateway.key("acme").await);
    let response = request.json(&document).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED, "{}", response.text().await.unwrap());
}

async fn part(gateway: &Gateway) -> (StatusCode, String) {
    let ready = gateway.http.get(gateway.url("/health/ready")).send().await.unwrap();
    let status = ready.status();
    let ready: Value = ready.json().await.unwrap();
    (status, ready["parts"]["schema registry"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn the_log_goes_on_without_its_registry_also_after_a_restart() {
    let Some(engines) = engines() else { return };
    let (forwarder, address) = behind_a_cut(&engines).await;
    let receiver = RestStub::start(RestStubSettings::default()).await.unwrap();
    let prefix = format!("registry-{}.", uuid::Uuid::new_v4().simple());
    let mut gateway = Setup::new()
        .on_kafka(&engines, &prefix)
        .setting("REGISTRY__URL", &address)
        .setting("REGISTRY__LOOK_EVERY_MS", "200")
        .partner(pusher("acme", "canonical"))
        .partner(rest_receiver("agency", "canonical", receiver.base_url().as_str(), "by_key"))
        .secret("agency-token", "t")
        .start()
        .await;
    let arrived = |reference: &str| {
        let entity = EntityKey::of_vacancy(&"acme".parse().unwrap(), reference).to_string();
        !receiver.history(&entity).is_empty()
    };
    push(&gateway, "R1").await;
    until("the first arrives", async || arrived("R1")).await;
    until("the registry is well", async || part(&gateway).await == (StatusCode::OK, "works".to_owned())).await;

    gateway.kill().await;
    let target = engines.registry.parse::<reqwest::Url>().unwrap().socket_addrs(|| None).unwrap()[0];
    forwarder.point_to(None);
    gateway.start().await;
    push(&gateway, "R2").await;
    until("the second arrives without the registry", async || arrived("R2")).await;
    let (status, said) = part(&gateway).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    assert!(said.starts_with("works, but with the schemas that were kept"), "{said}");

    forwarder.point_to(Some(target));
    until("it is well again", async || part(&gateway).await.1 == "works").await;
    assert!(gateway.stop().await);
}

#[tokio::test]
async fn without_registry_and_without_kept_schemas_nothing_is_begun() {
    let Some(engines) = engines() else { return };
    let (forwarder, address) = behind_a_cut(&engines).await;
    forwarder.point_to(None);
    let prefix = format!("registry-{}.", uuid::Uuid::new_v4().simple());
    let setup = Setup::new().on_kafka(&engines, &prefix).setting("REGISTRY__URL", &address);
    let setup = setup.setting("DOOR__LISTEN", "127.0.0.1:0");
    let config = setup.config().to_string_lossy().into_owned();
    let refused = tokio::time::timeout(PATIENCE, setup.run(&["serve", "--config", &config])).await.expect("it ends");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("the schema registry does not answer"), "{said}");
}
