//! Candidates whom an applicant tracking system merges.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    scene::{Person, Scene, confirmed},
    support::{Setup, WEBHOOK_SECRET, greenhouse_event, greenhouse_source, until},
};

const GONE: u64 = 53_001_739;
const LEFT: u64 = 53_001_740;

async fn start() -> Scene {
    let (id, file) = greenhouse_source("metal");
    let file = file.replace("[webhook]", "[incoming.talent_profile]\ndialect = \"greenhouse\"\n\n[webhook]");
    let setup = Setup::new().partner((id, file)).secret("greenhouse-webhook", WEBHOOK_SECRET);
    Scene::of(setup).await
}

async fn tell(scene: &Scene, event_id: &str, body: &Value) {
    let status = greenhouse_event(&scene.gateway, "metal", event_id, body.to_string().as_bytes()).await;
    assert_eq!(status, StatusCode::OK, "{}", scene.gateway.log());
    scene.settled().await;
}

/// A candidate whom the vendor has told of.
async fn applied(scene: &Scene, number: u64) -> Person {
    let candidate = json!({"id": number, "first_name": "Fatima", "last_name": "Exemple", "title": "Lasser",
        "created_at": "2026-03-22T08:00:00Z", "updated_at": "2026-03-22T09:00:00Z",
        "email_addresses": [{"type": "personal", "value": "fatima@example.org"}]});
    let body = json!({"action": "update_candidate", "payload": {"candidate": candidate}});
    tell(scene, &format!("evt-{number}"), &body).await;
    person(scene, number).await
}

async fn person(scene: &Scene, number: u64) -> Person {
    let wanted = json!({"partner": "metal", "foreign_ids": [number.to_string()]});
    let found = scene.gateway.ask(Method::POST, "/v1/subjects/lookup", &wanted).await;
    let subject = found["subjects"][0].as_str().unwrap().to_owned();
    let messages = scene.gateway.get(&format!("/v1/messages?entity_key={subject}")).await;
    let message = messages["messages"][0]["message_id"].as_str().unwrap_or_default().to_owned();
    Person { message, subject }
}

fn merge() -> Value {
    json!({"action": "merge_candidate", "payload": {"person": {"id": GONE, "first_name": "Fatima", "last_name": "Exemple",
        "title": "Lasser", "created_at": "2026-03-22T08:00:00Z", "new_candidate_id": LEFT}}})
}

#[tokio::test]
async fn whom_the_source_has_merged_are_linked_and_stay_so() {
    let scene = start().await;
    let (gone, left) = (applied(&scene, GONE).await, applied(&scene, LEFT).await);
    assert!(!scene.are_one(&gone, &left).await, "they have the same name and address");
    tell(&scene, "evt-merge", &merge()).await;
    assert!(scene.are_one(&gone, &left).await);
    scene.until_told(&left, "identity_linked - source_merge").await;
    let newest = async || scene.gateway.get(&format!("/v1/messages?entity_key={}", gone.subject)).await;
    until("who is gone has ended", async || newest().await["messages"].as_array().unwrap().len() == 2).await;
    tell(&scene, "evt-merge", &merge()).await;
    assert_eq!(scene.links(&gone).await["history"].as_array().unwrap().len(), 1, "once is enough");

    let anonymised =
        json!({"action": "candidate_anonymized", "payload": {"candidate_id": LEFT, "anonymized_fields": []}});
    tell(&scene, "evt-anonymised", &anonymised).await;
    let links = scene.links(&left).await;
    assert_eq!(links["links"][0]["evidence"], "source_merge", "who they were stays: {links}");
}

#[tokio::test]
async fn who_is_left_may_come_later_and_a_person_s_word_holds() {
    let scene = start().await;
    let gone = applied(&scene, GONE).await;
    tell(&scene, "evt-merge", &merge()).await;
    let left = applied(&scene, LEFT).await;
    assert!(scene.are_one(&gone, &left).await);
    let (one, other) = (GONE.to_string(), LEFT.to_string());
    let no = confirmed(("metal", &one), ("metal", &other), "notice-1");
    assert_eq!(scene.operate(Method::POST, "/v1/subjects/split", &no).await.0, StatusCode::OK);
    tell(&scene, "evt-merge-again", &merge()).await;
    assert!(!scene.are_one(&gone, &left).await);
    scene.until_told(&left, "identity_not_linked identity_split_before source_merge").await;
}
