//! Who may have a vacancy, and when: rules of partner files, seen through the door.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use std::time::Duration;

use connectors::rest::stub::{RestStub, RestStubSettings};
use jiff::Timestamp;
use reqwest::StatusCode;
use schemas::Operation;
use serde_json::{Value, json};

use self::support::{Gateway, Setup, feed_reader, pusher, rest_receiver, until};

async fn receiver() -> RestStub {
    let settings = RestStubSettings { token: Some("receiver".into()), ..RestStubSettings::default() };
    RestStub::start(settings).await.unwrap()
}

async fn gateway(receiver: &RestStub, rules: &str) -> Gateway {
    let (id, file) = rest_receiver("agency", "canonical", receiver.base_url().as_str(), "by_key");
    Setup::new()
        .partner(pusher("acme", "canonical"))
        .partner((id, format!("{file}[outgoing.vacancy.rules]\n{rules}\n")))
        .partner(feed_reader("reader", "canonical"))
        .secret("agency-token", "receiver")
        .start()
        .await
}

/// A vacancy with something more said.
fn vacancy(reference: &str, more: &Value) -> Value {
    let mut document =
        json!({"reference": reference, "status": "published", "profiles": [{"language": "nl", "title": "Lasser"}]});
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    document
}

async fn push(gateway: &Gateway, key: &str, reference: &str, more: &Value) -> String {
    let request = gateway.http.post(gateway.url("/v1/acme/vacancy")).bearer_auth(key);
    let response = request.json(&vacancy(reference, more)).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED, "{}", gateway.log());
    response.json::<Value>().await.unwrap()["entity_key"].as_str().unwrap().to_owned()
}

/// What was sent of an entity, in order.
fn operations(receiver: &RestStub, entity: &str) -> Vec<Operation> {
    receiver.history(entity).iter().map(|received| received.operation).collect()
}

async fn trace_says(gateway: &Gateway, reference: &str, expected: &str) {
    until(&format!("the trace says `{expected}`"), async || {
        let output = gateway.run(&["trace", "--reference", reference]).await;
        String::from_utf8_lossy(&output.stdout).contains(expected)
    })
    .await;
}

fn from_now(seconds: i64) -> String {
    let at = Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    format!("{at:.0}")
}

#[tokio::test]
async fn the_trace_says_why_a_partner_did_not_get_it() {
    let receiver = receiver().await;
    let gateway = gateway(&receiver, "location_countries = [\"BE\"]\ninternational = \"not_refused\"").await;
    let key = gateway.key("acme").await;
    for (reference, more, expected) in [
        ("France", json!({"locations": [{"country": "FR"}]}), "not_entitled agency location_country"),
        ("Nowhere", json!({}), "not_entitled agency location_country"),
        (
            "Home",
            json!({"locations": [{"country": "BE"}], "eligibility": {"international": false}}),
            "not_entitled agency not_international",
        ),
        ("Opted out", json!({"eligibility": {"employer_opt_out": true}}), "not_entitled reader employer_opt_out"),
    ] {
        push(&gateway, &key, reference, &more).await;
        trace_says(&gateway, reference, expected).await;
    }
    let entity = push(&gateway, &key, "Belgium", &json!({"locations": [{"country": "BE"}]})).await;
    receiver.until(|receiver| !receiver.history(&entity).is_empty()).await;
    assert_eq!(receiver.references(), [entity.as_str()], "nothing else was sent");
}

#[tokio::test]
async fn what_a_partner_may_not_have_any_more_is_closed_there() {
    let receiver = receiver().await;
    let gateway = gateway(&receiver, "location_countries = [\"BE\"]").await;
    let (key, reader) = (gateway.key("acme").await, gateway.key("reader").await);
    let entity = push(&gateway, &key, "R1", &json!({"locations": [{"country": "BE"}]})).await;
    receiver.until(|receiver| !receiver.history(&entity).is_empty()).await;
    push(&gateway, &key, "R1", &json!({"locations": [{"country": "FR"}]})).await;
    receiver.until(|receiver| receiver.history(&entity).len() == 2).await;
    assert_eq!(operations(&receiver, &entity), [Operation::Upsert, Operation::Close]);
    trace_says(&gateway, "R1", "delivered    agency (attempt 1) location_country").await;

    // Kept back from everybody: the feed says why.
    push(&gateway, &key, "R1", &json!({"eligibility": {"internal_only": true}})).await;
    until("the feed says why it went", async || {
        let request = gateway.http.get(gateway.url("/v1/reader/feed/vacancy")).bearer_auth(&reader);
        let page: Value = request.send().await.unwrap().json().await.unwrap();
        page["closed"][0]["reason"] == "internal_only" && page["items"] == json!([])
    })
    .await;
}

#[tokio::test]
async fn a_vacancy_waits_for_its_window_and_goes_by_itself() {
    let receiver = receiver().await;
    let mut gateway = gateway(&receiver, "").await;
    let key = gateway.key("acme").await;
    let opens_at = from_now(3);
    let waiting = push(&gateway, &key, "Later", &json!({"valid_from": opens_at})).await;
    trace_says(&gateway, "Later", "deferred     agency not_yet_valid").await;
    // What waits is corrected, closed and started anew like anything else.
    push(&gateway, &key, "Later", &json!({"valid_from": opens_at, "openings": 2})).await;
    let never = push(&gateway, &key, "Never", &json!({"valid_from": opens_at})).await;
    trace_says(&gateway, "Never", "deferred     agency not_yet_valid").await;
    let url = gateway.url("/v1/acme/vacancy/Never");
    assert_eq!(gateway.http.delete(url).bearer_auth(&key).send().await.unwrap().status(), StatusCode::ACCEPTED);
    gateway.kill().await;
    gateway.start().await;
    receiver.until(|receiver| !receiver.history(&waiting).is_empty()).await;
    assert!(Timestamp::now() >= opens_at.parse::<Timestamp>().unwrap(), "not before its time");
    let sent: Value = serde_json::from_slice(&receiver.history(&waiting)[0].body).unwrap();
    assert_eq!((operations(&receiver, &waiting).len(), &sent["openings"]), (1, &json!(2)), "the correction only");
    trace_says(&gateway, "Never", "never_sent").await;
    assert_eq!(operations(&receiver, &never), []);
}

#[tokio::test]
async fn a_publication_ends_by_itself() {
    let receiver = receiver().await;
    let mut gateway = gateway(&receiver, "").await;
    let key = gateway.key("acme").await;
    let first = push(&gateway, &key, "First", &json!({"valid_until": from_now(3)})).await;
    let second = push(&gateway, &key, "Second", &json!({"valid_until": from_now(3)})).await;
    let longer = push(&gateway, &key, "Longer", &json!({"valid_until": from_now(3)})).await;
    receiver.until(|receiver| [&first, &second, &longer].iter().all(|one| !receiver.history(one).is_empty())).await;
    push(&gateway, &key, "Longer", &json!({"valid_until": from_now(3_600)})).await;
    receiver.until(|receiver| receiver.history(&longer).len() == 2).await;
    // A restart forgets no end.
    assert!(gateway.stop().await);
    gateway.start().await;
    receiver.until(|receiver| [&first, &second].iter().all(|one| receiver.history(one).len() == 2)).await;
    assert_eq!(operations(&receiver, &first), [Operation::Upsert, Operation::Close]);
    assert_eq!(operations(&receiver, &longer), [Operation::Upsert; 2], "a longer validity counts");
    trace_says(&gateway, "First", "validity_ended").await;

    // It comes back with a new validity, and ends again.
    push(&gateway, &key, "First", &json!({"valid_until": from_now(2)})).await;
    receiver.until(|receiver| receiver.history(&first).len() == 4).await;
    assert_eq!(
        operations(&receiver, &first),
        [Operation::Upsert, Operation::Close, Operation::Upsert, Operation::Close]
    );
    // What has ended before it could go is not sent.
    let late = push(&gateway, &key, "Late", &json!({"valid_until": "2020-01-01"})).await;
    trace_says(&gateway, "Late", "expired      agency validity_ended").await;
    assert_eq!(operations(&receiver, &late), []);
}

#[tokio::test]
async fn a_window_that_moves_away_closes_and_opens_again() {
    let receiver = receiver().await;
    let gateway = gateway(&receiver, "").await;
    let key = gateway.key("acme").await;
    let entity = push(&gateway, &key, "R1", &json!({})).await;
    receiver.until(|receiver| receiver.history(&entity).len() == 1).await;
    push(&gateway, &key, "R1", &json!({"valid_from": from_now(3)})).await;
    receiver.until(|receiver| receiver.history(&entity).len() == 2).await;
    receiver.until(|receiver| receiver.history(&entity).len() == 3).await;
    assert_eq!(operations(&receiver, &entity), [Operation::Upsert, Operation::Close, Operation::Upsert]);
}

#[tokio::test]
async fn an_embargo_ends_by_a_changed_rule_too() {
    let receiver = receiver().await;
    let gateway = gateway(&receiver, "embargo_hours = 24").await;
    let key = gateway.key("acme").await;
    let entity = push(&gateway, &key, "R1", &json!({})).await;
    trace_says(&gateway, "R1", "deferred     agency embargo").await;
    trace_says(&gateway, "R1", "delivered    reader").await;
    let path = gateway.folder.path().join("partners/agency.toml");
    let file = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, file.replace("embargo_hours = 24", "embargo_hours = 0")).unwrap();
    let reload = gateway.http.post(gateway.url("/v1/configuration/reload")).bearer_auth(gateway.operator_token());
    assert_eq!(reload.send().await.unwrap().status(), StatusCode::OK);
    tokio::time::timeout(Duration::from_secs(30), receiver.until(|receiver| !receiver.history(&entity).is_empty()))
        .await
        .expect("it goes once the rule is gone");
}

#[tokio::test]
async fn a_wrong_rule_is_told_with_file_key_and_remedy() {
    let receiver = receiver().await;
    let gateway = gateway(&receiver, "").await;
    let path = gateway.folder.path().join("partners/agency.toml");
    let file = std::fs::read_to_string(&path).unwrap();
    for (rule, words) in [
        ("location_countries = [\"be\"]", ["agency.toml", "location_countries", "two capital letters"]),
        ("nationals_only = \"yes\"", ["agency.toml", "nationals_only", "own_country"]),
        ("not_before = \"2026-12-24\"\nuntil = \"2026-12-01\"", ["agency.toml", "not_before", "swap or remove one"]),
    ] {
        std::fs::write(&path, format!("{file}{rule}\n")).unwrap();
        let output = gateway.run(&["check"]).await;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{told}");
        for word in words {
            assert!(told.contains(word), "`{word}` is not in: {told}");
        }
    }
}
