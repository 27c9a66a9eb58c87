//! A vacancy that comes in by several channels: whoever pushes is told who carries it, and where that is seen.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use std::fs;

use connectors::greenhouse::stub::{GreenhouseSettings, GreenhouseStub};
use reqwest::Response;
use serde_json::{Value, json};

use self::support::{Gateway, Setup, WEBHOOK_SECRET, greenhouse_source, pusher, until};

/// The legal identifier of the employer behind [`greenhouse_source`].
const METAL: &str = "0000000097";

async fn gateway() -> Gateway {
    Setup::new()
        .partner(greenhouse_source("metal"))
        .partner(pusher("service", "canonical"))
        .partner(pusher("other", "canonical"))
        .secret("greenhouse-webhook", WEBHOOK_SECRET)
        .start()
        .await
}

fn vacancy(reference: &str, title: &str, legal_id: &str) -> Value {
    let employer = json!({"name": "Metaalbouw", "legal_ids": [{"scheme": "be-kbo", "value": legal_id}]});
    let profiles = json!([{"language": "nl", "title": title}]);
    json!({"reference": reference, "status": "published", "employer": employer, "profiles": profiles})
}

async fn push(gateway: &Gateway, partner: &str, path: &str, document: &Value) -> Response {
    let key = gateway.key(partner).await;
    let url = gateway.url(&format!("/v1/{partner}/vacancy{path}?dialect=canonical"));
    gateway.http.post(url).bearer_auth(key).body(document.to_string()).send().await.unwrap()
}

/// Has a webhook bring a vacancy; returns its reference and the message.
async fn brought_by_webhook(gateway: &Gateway) -> (String, String) {
    let target = gateway.url("/v1/metal/webhook").parse().unwrap();
    let ats = GreenhouseStub::new(GreenhouseSettings::new(target, WEBHOOK_SECRET.into(), 7));
    let reference = ats.create().await.post.to_string();
    let message = routed(gateway, &reference).await;
    (reference, message)
}

/// Waits until what was accepted under a reference is routed; returns the newest message.
async fn routed(gateway: &Gateway, reference: &str) -> String {
    let mut id = String::new();
    until("it is routed", async || {
        let found = gateway.get(&format!("/v1/messages?reference={reference}")).await;
        found["messages"][0]["message_id"].as_str().unwrap_or_default().clone_into(&mut id);
        !id.is_empty() && {
            let message = gateway.get(&format!("/v1/messages/{id}")).await;
            message["events"].as_array().unwrap().iter().any(|event| event["step"] == "routed")
        }
    })
    .await;
    id
}

#[tokio::test]
async fn what_another_channel_carries_is_refused_with_a_link_to_it() {
    let gateway = gateway().await;
    let (reference, message) = brought_by_webhook(&gateway).await;
    let document = vacancy(&reference, "Lasser", METAL);
    let response = push(&gateway, "metal", "", &document).await;
    assert_eq!(response.status(), 409);
    let address = format!("/v1/messages/{message}");
    assert_eq!(response.headers()["link"], format!("<{address}>; rel=\"related\""));
    let problem: Value = response.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["see"]), (&json!("carried_elsewhere"), &json!(address)));
    let own = gateway.http.get(gateway.url(&address)).bearer_auth(gateway.key("metal").await);
    assert_eq!(own.send().await.unwrap().status(), 200, "the caller may look");

    let batch = push(&gateway, "metal", "/batch", &document).await;
    let line: Value = serde_json::from_str(&batch.text().await.unwrap()).unwrap();
    assert_eq!((&line["status"], &line["problem"]["see"]), (&json!(409), &json!(address)));
    assert_eq!(
        push(&gateway, "metal", "", &vacancy("X1", "Lasser", METAL)).await.status(),
        202,
        "the webhook has no X1"
    );
}

#[tokio::test]
async fn a_channel_that_was_switched_off_carries_nothing() {
    let gateway = gateway().await;
    let (reference, _) = brought_by_webhook(&gateway).await;
    let file = gateway.folder.path().join("partners/metal.toml");
    let text = fs::read_to_string(&file).unwrap();
    let without = text.replace("[webhook]\nvendor = \"greenhouse\"\nsecret = \"greenhouse-webhook\"\n", "");
    assert_ne!(text, without);
    fs::write(file, without).unwrap();
    let reload = gateway.http.post(gateway.url("/v1/configuration/reload")).bearer_auth(gateway.operator_token());
    assert_eq!(reload.send().await.unwrap().status(), 200);
    assert_eq!(push(&gateway, "metal", "", &vacancy(&reference, "Lasser", METAL)).await.status(), 202);
}

#[tokio::test]
async fn what_another_partner_carries_for_the_same_employer_is_refused_but_to_the_employer() {
    let gateway = gateway().await;
    assert_eq!(push(&gateway, "service", "", &vacancy("R1", "Lasser", METAL)).await.status(), 202);
    routed(&gateway, "R1").await;
    let response = push(&gateway, "other", "", &vacancy("R1", "Smid", METAL)).await;
    assert_eq!(response.status(), 409);
    let problem: Value = response.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["see"]), (&json!("carried_elsewhere"), &json!("/v1/messages?reference=R1")));
    for (partner, document, why) in [
        ("other", vacancy("R1", "Smid", "0000000196"), "of another employer"),
        ("other", vacancy("R2", "Smid", METAL), "under another reference"),
        ("service", vacancy("R1", "Smid", METAL), "of whoever was first"),
        ("metal", vacancy("R1", "Smid", METAL), "of the employer itself"),
    ] {
        assert_eq!(push(&gateway, partner, "", &document).await.status(), 202, "{why}");
    }
}

#[tokio::test]
async fn a_repeat_with_its_key_and_a_closing_go_through() {
    let gateway = gateway().await;
    let (reference, _) = brought_by_webhook(&gateway).await;
    let key = gateway.key("metal").await;
    let url = gateway.url(&format!("/v1/metal/vacancy/{reference}"));
    assert_eq!(gateway.http.delete(url).bearer_auth(&key).send().await.unwrap().status(), 202);
    let push = async |title: &str| {
        let url = gateway.url("/v1/metal/vacancy?dialect=canonical");
        let request = gateway.http.post(url).bearer_auth(&key).header("idempotency-key", title);
        request.body(vacancy(&reference, title, METAL).to_string()).send().await.unwrap().status()
    };
    until("the closing is routed, and no channel carries it", async || push("Lasser").await == 202).await;
    routed(&gateway, &reference).await;
    assert_eq!(push("Lasser").await, 202, "a repeat");
    assert_eq!(push("Smid").await, 202, "it is pushed by now");
}
