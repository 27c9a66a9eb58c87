//! What becomes of a person, told by the service that sent the person in: by the pseudonym or by its own reference.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    scene::{Scene, profile},
    support::{telling_source, until},
};

/// A step of a programme, as somebody tells it; `about` is what it says of whom it is about.
fn step(id: &str, about: &Value) -> Value {
    let mut event = json!({"specversion": "1.0", "id": id, "source": "/service",
        "type": "org.passerelle.placement.programme_applied", "time": "2026-03-01T09:00:00Z",
        "data": {"programme": {"name": "Passage", "organisation": "Service (invented)"}}});
    for (name, value) in about.as_object().unwrap() {
        match name.as_str() {
            "subject" => event["subject"] = value.clone(),
            _ => event["data"][name] = value.clone(),
        }
    }
    event
}

async fn scene() -> Scene {
    let telling = |id| telling_source(id, "anapec-rest");
    Scene::with(|setup| setup.partner(telling("anapec")).partner(telling("other"))).await
}

/// Tells something; the status, and the pseudonym or the code of what is wrong.
async fn tell(scene: &Scene, partner: &str, event: &Value) -> (u16, String) {
    let key = scene.gateway.key(partner).await;
    let path = scene.gateway.url(&format!("/v1/{partner}/placement_status"));
    let response = scene.gateway.http.post(path).bearer_auth(key).json(event).send().await.unwrap();
    let (status, body): (_, Value) = (response.status(), response.json().await.unwrap());
    let said = body["errors"][0]["code"].as_str().or(body["entity_key"].as_str()).or(body["code"].as_str());
    assert!(!body.to_string().contains("P-1"), "what somebody is called is repeated to nobody: {body}");
    (status.as_u16(), said.unwrap_or_default().to_owned())
}

/// The events about somebody, as operators see them.
async fn events(scene: &Scene, person: &str) -> Vec<Value> {
    let path = scene.gateway.url(&format!("/v1/placements/{person}"));
    let response = scene.gateway.http.get(path).bearer_auth(scene.gateway.operator_token()).send().await.unwrap();
    if response.status() == StatusCode::NOT_FOUND {
        return Vec::new();
    }
    response.json::<Value>().await.unwrap()["events"].as_array().unwrap().clone()
}

#[tokio::test]
async fn who_sent_a_person_in_may_tell_of_them_by_either_name() {
    let scene = scene().await;
    let (message, person) = scene.push(1, "Soudeuse").await;
    let accepted = (202, person.clone());
    assert_eq!(tell(&scene, "anapec", &step("1", &json!({"candidate": "P-1"}))).await, accepted, "at once");
    scene.until_step(&message, "routed - -").await;
    assert_eq!(tell(&scene, "anapec", &step("2", &json!({"subject": person}))).await, accepted);
    assert_eq!(tell(&scene, "anapec", &step("3", &json!({"subject": person, "candidate": "P-1"}))).await, accepted);
    assert_eq!(tell(&scene, "anapec", &step("4", &json!({"subject": "P-1", "candidate": "P-1"}))).await, accepted);
    let again = tell(&scene, "anapec", &step("1", &json!({"candidate": "P-1"}))).await;
    assert!(matches!(again, (200 | 202, ref same) if *same == person), "{again:?}");

    until("the events are there", async || events(&scene, &person).await.len() == 4).await;
    for kept in events(&scene, &person).await {
        assert_eq!((&kept["event"]["profile"], kept["event"].get("candidate")), (&json!(person), None), "{kept}");
        assert_eq!(kept["event"]["programme"]["name"], "Passage");
    }
}

#[tokio::test]
async fn who_has_not_sent_a_person_in_learns_nothing_and_makes_nobody() {
    let scene = scene().await;
    let (message, person) = scene.push(1, "Soudeuse").await;
    let (other_message, other) = scene.push(2, "Soudeuse").await;
    for message in [message, other_message] {
        scene.until_step(&message, "routed - -").await;
    }
    let unknown = (422, "unknown_profile".to_owned());
    for (partner, about) in [
        ("other", json!({"candidate": "P-1"})),
        ("other", json!({"subject": person})),
        ("other", json!({"subject": person, "candidate": "P-1"})),
        ("anapec", json!({"candidate": "P-3"})),
        ("anapec", json!({"subject": "P-1"})),
        // One event, two persons.
        ("anapec", json!({"subject": other, "candidate": "P-1"})),
    ] {
        assert_eq!(tell(&scene, partner, &step("1", &about)).await, unknown, "{partner} {about}");
    }
    for (partner, reference) in [("anapec", "P-3"), ("other", "P-1")] {
        let wanted = json!({"partner": partner, "foreign_ids": [reference]});
        let found = scene.ask(Method::POST, "/v1/subjects/lookup", &wanted).await;
        assert_eq!(found["subjects"], json!([null]), "nobody was made of {reference}");
    }

    scene.ask(Method::DELETE, &format!("/v1/subjects/{person}/keys"), &Value::Null).await;
    for about in [json!({"candidate": "P-1"}), json!({"subject": person})] {
        assert_eq!(tell(&scene, "anapec", &step("1", &about)).await, unknown, "{about}: gone with the keys");
    }
    assert_eq!(events(&scene, &person).await, Vec::<Value>::new());
}

#[tokio::test]
async fn events_of_vendors_who_give_them_no_names_are_taken_once_each() {
    let scene = scene().await;
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../mappings/dialects");
    for (dialect, sample) in [
        ("greenhouse", "001-application-hired"),
        ("teamtailor", "003-hired"),
        ("smartrecruiters", "001-new"),
        ("lever", "002-hired"),
        ("odoo", "001-hired"),
    ] {
        let file = |what: &str| {
            let name = format!("{samples}/{dialect}/samples/placement_status/{sample}.{what}.json");
            serde_json::from_slice::<Value>(&std::fs::read(name).unwrap()).unwrap()
        };
        let (event, canonical) = (file("in"), file("canonical"));
        let mut profile = profile(3, "Soudeuse");
        profile["documentId"]["value"] = canonical["candidate"].clone();
        let (_, person) = scene.push_document(&profile).await;
        let tell = async |key: Option<&str>| {
            let path = scene.gateway.url(&format!("/v1/anapec/placement_status?dialect={dialect}"));
            let request = scene.gateway.http.post(path).bearer_auth(scene.gateway.key("anapec").await).json(&event);
            let request = key.into_iter().fold(request, |request, key| request.header("Idempotency-Key", key));
            request.send().await.unwrap().status()
        };
        assert_eq!(tell(None).await, StatusCode::ACCEPTED, "{dialect}");
        until("the event is there", async || events(&scene, &person).await.len() == 1).await;
        assert_eq!(tell(None).await, StatusCode::OK, "{dialect}: the same bytes are the same event");
        assert_eq!(
            tell(Some(&format!("\"{dialect}\""))).await,
            StatusCode::ACCEPTED,
            "{dialect}: another key is another event"
        );
        until("both are there", async || events(&scene, &person).await.len() == 2).await;
        let kept = events(&scene, &person).await;
        assert_eq!(kept[0]["event"]["happened"], canonical["happened"], "{dialect}");
        let names = [0, 1].map(|number| kept[number]["event"]["reference"].as_str().unwrap());
        assert!(names[0] != names[1] && names.iter().all(|name| name.starts_with("unnamed-")), "{names:?}");
    }
}
