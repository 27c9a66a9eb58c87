//! What employers on a platform make of a profile: it comes back as events on that profile.

use connectors::platform::stub::{Answer, PlatformEvent};
use serde_json::{Value, json};

use crate::{
    scene::{LITTLE, Scene},
    support::{grant_to, pull_until, until},
};

fn event(id: &str, happened: &'static str, profile: &str) -> PlatformEvent {
    PlatformEvent {
        id: id.to_owned(),
        happened,
        profile: profile.to_owned(),
        at: "2026-11-20T14:05:00Z".parse().unwrap(),
        employer: "Zonnedauw Software".to_owned(),
        stage: "Tweede ronde".to_owned(),
    }
}

/// Who says what of somebody, oldest first.
async fn said(scene: &Scene, person: &str) -> Vec<String> {
    let path = scene.gateway.url(&format!("/v1/placements/{person}"));
    let response = scene.gateway.http.get(path).bearer_auth(scene.gateway.operator_token()).send().await.unwrap();
    let placement: Value = response.json().await.unwrap();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap_or("-").to_owned();
    let events = placement["events"].as_array().into_iter().flatten();
    events.map(|one| format!("{} {}", text(one, "partner"), text(one, "happened"))).collect()
}

fn code(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["errors"][0]["code"].as_str().or(answer.body["code"].as_str()).unwrap_or("-"))
}

#[tokio::test]
async fn what_employers_make_of_a_profile_comes_back_as_events_on_it() {
    let mut scene = Scene::start().await;
    let (_, person) = scene.push(1, "Soudeuse").await;
    scene.permit_belgium(&person).await;
    pull_until(&mut scene.belgium, &person, true).await;

    let mut messages = Vec::new();
    for (id, happened) in [("1", "viewed"), ("2", "interested"), ("3", "selected")] {
        let answer = scene.belgium.tell(&event(id, happened, &person)).await.unwrap();
        assert_eq!((answer.status, &answer.body["reference"]), (202, &json!(person)), "{:?}", answer.body);
        messages.push(answer.body["message_id"].as_str().unwrap().to_owned());
    }
    let expected = ["belgium viewed", "belgium interested", "belgium selected"];
    until("the events are there", async || said(&scene, &person).await == expected).await;
    let placement = scene.gateway.get(&format!("/v1/placements/{person}")).await;
    let last = &placement["events"][2]["event"];
    assert_eq!(last["effective_at"], "2026-11-20T14:05:00Z");
    assert_eq!(last["employer"]["name"], "Zonnedauw Software");
    assert_eq!(last["source_status"]["label"], "Tweede ronde");

    let shown = scene.gateway.run(&["trace", "--placement", &person]).await;
    let (shown, line) =
        (String::from_utf8(shown.stdout).unwrap(), "selected   says belgium, employer Zonnedauw Software");
    assert!(shown.contains(&format!("2026-11-20T14:05:00Z {line}, status Tweede ronde")), "{shown}");

    for (message, id) in messages.iter().zip(["1", "2", "3"]) {
        scene.until_step(message, "noted - -").await;
        let again = scene.belgium.tell(&event(id, "viewed", &person)).await.unwrap();
        if id == "1" {
            assert_eq!((again.status, &again.body["message_id"]), (200, &json!(message)), "the same event");
        } else {
            assert_eq!(code(&again), (422, "idempotency_key_reused"), "another event of the same name");
        }
    }
    assert_eq!(said(&scene, &person).await, expected, "an event is one event however often it is told");
    let journal = scene.gateway.get(&format!("/v1/messages?entity_key={person}")).await;
    assert!(!journal.to_string().contains("selected"), "what happened stands sealed: {journal}");
}

#[tokio::test]
async fn where_a_placement_stands_follows_from_what_everybody_says_and_conflicts_are_shown() {
    let mut scene = Scene::start().await;
    let (_, person) = scene.push(1, "Soudeuse").await;
    scene.permit_belgium(&person).await;
    scene.permit(grant_to(&person, "morocco", "MA", &LITTLE)).await;
    pull_until(&mut scene.belgium, &person, true).await;
    pull_until(&mut scene.morocco, &person, true).await;
    // Told in another order than it happened; the platform in Morocco contradicts.
    for (platform, id, happened, at) in [
        (&scene.belgium, "4", "started", "2026-11-20T14:05:00Z"),
        (&scene.belgium, "2", "offer_accepted", "2026-11-18T14:05:00Z"),
        (&scene.belgium, "3", "contract_signed", "2026-11-19T14:05:00Z"),
        (&scene.belgium, "1", "sourced", "2026-11-17T14:05:00Z"),
        (&scene.morocco, "1", "rejected", "2026-11-21T14:05:00Z"),
    ] {
        let told = PlatformEvent { at: at.parse().unwrap(), ..event(id, happened, &person) };
        assert_eq!(platform.tell(&told).await.unwrap().status, 202);
    }
    until("all is there", async || said(&scene, &person).await.len() == 5).await;
    let merged = &scene.gateway.get(&format!("/v1/placements/{person}")).await["placements"];
    assert_eq!(merged.as_array().unwrap().len(), 1, "{merged}");
    let one = &merged[0];
    let stands = (&one["state"], &one["track"], &one["since"]);
    assert_eq!(stands, (&json!("started"), &json!("home"), &json!("2026-11-20T14:05:00Z")));
    assert_eq!(one["steps"][1]["inferred"], json!(["preselected", "presented", "offer_made"]));
    let conflict = &one["conflicts"][0];
    let told = ["partner", "at", "happened", "code"].map(|name| conflict[name].as_str().unwrap());
    assert_eq!(told, ["morocco", "2026-11-21T14:05:00Z", "rejected", "no_way"]);
    let remedy = conflict["remedy"].as_str().unwrap();
    let shown = scene.gateway.run(&["trace", "--placement", &person]).await;
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("at Zonnedauw Software: started since 2026-11-20T14:05:00Z, home"), "{shown}");
    assert!(shown.contains("morocco says rejected at 2026-11-21T14:05:00Z, which does not fit (no_way)"), "{shown}");
    assert!(shown.contains(&format!("what to do: {remedy}")), "{shown}");
    let step = "offer_accepted (so it has passed preselected, presented, offer_made)";
    assert!(shown.contains(&format!("2026-11-18T14:05:00Z belgium          {step}")), "{shown}");
}

#[tokio::test]
async fn who_was_sent_nothing_of_a_person_learns_nothing_and_tells_nothing() {
    let mut scene = Scene::start().await;
    let (_, person) = scene.push(1, "Soudeuse").await;
    scene.permit_belgium(&person).await;
    pull_until(&mut scene.belgium, &person, true).await;
    let nobody = uuid::Uuid::from_u128(7).to_string();
    for profile in [&person, &nobody, "AB123456", ""] {
        let answer = scene.morocco.tell(&event("1", "viewed", profile)).await.unwrap();
        let expected = if profile.is_empty() { "no_profile" } else { "unknown_profile" };
        assert_eq!(code(&answer), (422, expected), "{profile}");
        assert!(profile.is_empty() || !answer.body.to_string().contains(profile), "{}", answer.body);
    }
    let anapec = scene.gateway.key("anapec").await;
    let path = scene.gateway.url("/v1/anapec/placement_status");
    let refused = scene.gateway.http.post(path).bearer_auth(anapec).body("{}").send().await.unwrap();
    assert_eq!(refused.status(), 404, "its file does not say that it tells of placements");
    assert_eq!(said(&scene, &person).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_happened_before_a_withdrawal_may_be_told_after_it() {
    let mut scene = Scene::start().await;
    let (_, person) = scene.push(1, "Soudeuse").await;
    let record = scene.permit_belgium(&person).await;
    pull_until(&mut scene.belgium, &person, true).await;
    scene.withdraw(&record).await;
    pull_until(&mut scene.belgium, &person, false).await;
    assert_eq!(scene.belgium.tell(&event("1", "viewed", &person)).await.unwrap().status, 202);
    until("the event is there", async || said(&scene, &person).await == ["belgium viewed"]).await;
}

#[tokio::test]
async fn an_event_that_says_too_little_is_refused_with_what_it_lacks() {
    let scene = Scene::start().await;
    let key = scene.gateway.key("belgium").await;
    let whole = json!({"specversion": "1.0", "id": "1", "source": "/platform", "type": "org.passerelle.placement.viewed",
        "subject": "P-1", "time": "2026-11-20T14:05:00Z"});
    for (member, value, expected) in [
        ("id", Value::Null, "no_event_id"),
        ("type", Value::Null, "no_event_type"),
        ("type", json!("org.passerelle.placement.bought"), "no_event_type"),
        ("subject", Value::Null, "no_profile"),
        ("time", Value::Null, "no_time"),
        ("time", json!("yesterday"), "no_time"),
    ] {
        let mut document = whole.clone();
        document[member] = value.clone();
        let path = scene.gateway.url("/v1/belgium/placement_status");
        let response = scene.gateway.http.post(path).bearer_auth(&key).json(&document).send().await.unwrap();
        let (status, body) = (response.status(), response.json::<Value>().await.unwrap());
        assert_eq!((status.as_u16(), &body["errors"][0]["code"]), (422, &json!(expected)), "{member} {value}: {body}");
        // Whom it is about may be said in two places.
        let pointer = if member == "subject" { String::new() } else { format!("/{member}") };
        assert_eq!(body["errors"][0]["pointer"], pointer, "{body}");
    }
}
