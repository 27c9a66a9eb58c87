//! What operators do: look for messages, listen, dispatch again, let parked things go.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use connectors::rest::stub::{Injection, RestStub, RestStubSettings};
use reqwest::StatusCode;
use serde_json::{Value, json};

use self::support::{Gateway, PATIENCE, Setup, feed_reader, pusher, rest_receiver, until};

struct Scene {
    gateway: Gateway,
    receiver: RestStub,
    acme: String,
}

async fn scene() -> Scene {
    let settings = RestStubSettings { token: Some("receiver".into()), ..RestStubSettings::default() };
    let receiver = RestStub::start(settings).await.unwrap();
    let (id, file) = rest_receiver("agency", "canonical", receiver.base_url().as_str(), "by_key");
    let gateway = Setup::new()
        .partner(pusher("acme", "canonical"))
        .partner(pusher("zenith", "canonical"))
        .partner((id, format!("{file}[outgoing.vacancy.rules]\nlocation_countries = [\"BE\"]\n")))
        .partner(feed_reader("reader", "canonical"))
        .secret("agency-token", "receiver")
        .start()
        .await;
    let acme = gateway.key("acme").await;
    Scene { gateway, receiver, acme }
}

impl Scene {
    /// Pushes a vacancy and returns its message and entity.
    async fn push(&self, reference: &str, country: &str, employer: &str) -> (String, String) {
        let document = json!({
            "reference": reference, "status": "published", "employer": {"name": employer},
            "locations": [{"country": country}], "profiles": [{"language": "nl", "title": "Geheime titel"}],
        });
        let request = self.gateway.http.post(self.gateway.url("/v1/acme/vacancy")).bearer_auth(&self.acme);
        let response = request.json(&document).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        let receipt: Value = response.json().await.unwrap();
        let text = |name: &str| receipt[name].as_str().unwrap().to_owned();
        (text("message_id"), text("entity_key"))
    }

    /// The references that a search finds, over all its pages.
    async fn found(&self, conditions: &str) -> Vec<String> {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.gateway.get(&format!("/v1/messages?{conditions}{cursor}")).await;
            let messages = page["messages"].as_array().unwrap().iter();
            found.extend(messages.map(|message| message["reference"].as_str().unwrap().to_owned()));
            let Some(next) = page["cursor"].as_str() else { return found };
            cursor = format!("&cursor={next}");
        }
    }

    async fn until_found(&self, conditions: &str, expected: &[&str]) {
        until(&format!("`{conditions}` finds {expected:?}"), async || self.found(conditions).await == expected).await;
    }

    /// Runs a verb; returns its exit code and what it printed.
    async fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.gateway.run(arguments).await;
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap(), text)
    }
}

#[tokio::test]
async fn messages_are_found_by_reference_employer_partner_and_state() {
    let scene = scene().await;
    scene.receiver.inject(1, &Injection::Status { status: 422, retry_after: None });
    let (_, refused) = scene.push("R1", "BE", "Bouw BV").await;
    scene.until_found("state=rejected&recipient=agency", &["R1"]).await;
    scene.push("R2", "BE", "Staal NV").await;
    scene.push("R3", "FR", "Bouw BV").await;
    scene.until_found("state=delivered&recipient=agency", &["R2"]).await;
    scene.until_found("state=not_entitled", &["R3"]).await;
    scene.until_found("state=delivered&recipient=reader", &["R3", "R2", "R1"]).await;
    for (conditions, expected) in [
        ("employer=Bouw%20BV", &["R3", "R1"][..]),
        ("employer=Bouw%20BV&state=rejected", &["R1"]),
        ("employer=bouw%20%20bv", &["R3", "R1"]),
        ("employer=Nobody", &[]),
        ("partner=acme", &["R3", "R2", "R1"]),
        ("partner=zenith", &[]),
        ("reference=R2", &["R2"]),
        ("recipient=agency", &["R3", "R2", "R1"]),
        (&format!("entity_key={refused}"), &["R1"]),
    ] {
        assert_eq!(scene.found(conditions).await, expected, "{conditions}");
    }
    for (wrong, named) in
        [("cursor=nonsense", "cursor"), ("recipient=No%20Name", "recipient"), ("colour=red", "colour")]
    {
        let request = scene.gateway.http.get(scene.gateway.url(&format!("/v1/messages?{wrong}")));
        let answer = request.bearer_auth(scene.gateway.operator_token()).send().await.unwrap();
        let (status, problem) = (answer.status(), answer.text().await.unwrap());
        assert!(status == StatusCode::BAD_REQUEST && problem.contains(named), "{problem}");
    }
}

#[tokio::test]
async fn a_search_goes_on_where_its_page_ended() {
    let scene = scene().await;
    for number in 0..230 {
        scene.push(&format!("R{number}"), "FR", "Bouw BV").await;
    }
    until("all are journaled", async || scene.found("partner=acme").await.len() == 230).await;
    let first = scene.gateway.get("/v1/messages?partner=acme").await;
    assert_eq!(first["messages"].as_array().unwrap().len(), 100);
    let found = scene.found("partner=acme").await;
    let expected: Vec<String> = (0..230).rev().map(|number| format!("R{number}")).collect();
    assert_eq!(found, expected, "newest first, each once");
}

#[tokio::test]
async fn what_was_delivered_is_dispatched_again_once_it_is_wanted() {
    let scene = scene().await;
    let (old, first) = scene.push("R1", "BE", "Bouw BV").await;
    scene.receiver.until(|receiver| receiver.history(&first).len() == 1).await;
    let (newest, _) = scene.push("R1", "BE", "Bouw en Zonen BV").await;
    let (_, abroad) = scene.push("R2", "FR", "Bouw BV").await;
    let unknown = scene.gateway.url("/v1/acme/vacancy/never-heard-of");
    assert_eq!(scene.gateway.http.delete(unknown).bearer_auth(&scene.acme).send().await.unwrap().status(), 202);
    scene.receiver.until(|receiver| receiver.history(&first).len() == 2).await;
    scene.until_found("reference=never-heard-of", &["never-heard-of"]).await;
    scene.until_found("state=not_entitled", &["R2"]).await;
    scene.until_found("state=delivered&recipient=agency&reference=R1", &["R1", "R1"]).await;

    let (code, told) = scene.run(&["replay", "--filter", "partner=acme", "--dry-run"]).await;
    assert_eq!(code, 0, "{told}");
    assert!(told.contains(&format!("{first} goes to agency, reader")), "{told}");
    assert!(
        told.contains(&format!("{abroad} goes to reader")) && told.contains("not to agency: location_country"),
        "{told}"
    );
    assert!(told.contains("nothing is kept of it") && told.contains("3 vacancies would be dispatched"), "{told}");
    assert_eq!(scene.receiver.history(&first).len(), 2, "a dry run sends nothing");

    // An old message gives the newest version; the same bytes go with another key.
    let (code, told) = scene.run(&["replay", &old, "--to", "agency"]).await;
    assert_eq!(code, 0, "{told}");
    scene.receiver.until(|receiver| receiver.history(&first).len() == 3).await;
    let history = scene.receiver.history(&first);
    assert_eq!(history[1].body, history[2].body, "the newest version");
    assert_ne!(history[1].idempotency_key, history[2].idempotency_key);
    until("the trace tells both deliveries", async || {
        let message = scene.gateway.get(&format!("/v1/messages/{newest}")).await;
        let events = message["events"].as_array().unwrap();
        let delivered = |event: &&Value| event["step"] == "delivered" && event["recipient"] == "agency";
        events.iter().filter(delivered).count() == 2
    })
    .await;

    // What is closed is not dispatched again.
    let url = scene.gateway.url("/v1/acme/vacancy/R1");
    assert_eq!(scene.gateway.http.delete(url).bearer_auth(&scene.acme).send().await.unwrap().status(), 202);
    scene.receiver.until(|receiver| receiver.history(&first).len() == 4).await;
    let (code, told) = scene.run(&["replay", &newest]).await;
    assert!(code == 0 && told.contains("goes to nobody"), "{told}");

    let (code, told) = scene.run(&["replay", "--filter", "reference=unknown"]).await;
    assert!(code == 1 && told.contains("no message matches"), "{told}");
    let (code, told) = scene.run(&["replay", "--filter", "colour=red"]).await;
    assert!(code == 2 && told.contains("employer"), "{told}");
    let foreign = scene.gateway.http.post(scene.gateway.url(&format!("/v1/messages/{old}/replay")));
    assert_eq!(foreign.bearer_auth(&scene.acme).send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn parked_things_are_let_go_together() {
    let scene = scene().await;
    scene.receiver.inject(3, &Injection::Status { status: 422, retry_after: None });
    let mut entities = Vec::new();
    for number in 0..3 {
        entities.push(scene.push(&format!("R{number}"), "BE", "Bouw BV").await.1);
    }
    until("three are parked", async || {
        scene.gateway.get("/v1/parked?partner=agency&code=rejected").await["parked"].as_array().unwrap().len() == 3
    })
    .await;
    assert_eq!(scene.gateway.get("/v1/parked?partner=reader").await["parked"], json!([]));
    let (code, told) =
        scene.run(&["parked", "release", "--partner", "agency", "--code", "rejected", "--dry-run"]).await;
    assert!(code == 0 && told.contains("3 parked things: nothing was done"), "{told}");
    assert_eq!(scene.gateway.get("/v1/parked").await["parked"].as_array().unwrap().len(), 3);
    let (code, told) = scene.run(&["parked", "release", "--partner", "agency", "--code", "other"]).await;
    assert!(code == 0 && told.contains("0 parked things"), "{told}");
    let (code, told) = scene.run(&["parked", "release", "--partner", "agency"]).await;
    assert!(code == 0 && told.contains("3 parked things"), "{told}");
    scene
        .receiver
        .until(|receiver| entities.iter().all(|entity| receiver.history(entity).iter().any(|one| one.status == 201)))
        .await;
    assert_eq!(scene.gateway.get("/v1/parked").await["parked"], json!([]));
    let (code, _) = scene.run(&["parked", "drop"]).await;
    assert_eq!(code, 2, "everything at once is not a default");
}

#[tokio::test]
async fn a_tap_tells_what_happens_and_no_values() {
    let mut scene = scene().await;
    let operator = scene.gateway.operator_token();
    let listen = async |query: &str, key: &str| {
        let request = scene.gateway.http.get(scene.gateway.url(&format!("/v1/tap{query}"))).bearer_auth(key);
        request.send().await.unwrap()
    };
    let zenith = scene.gateway.key("zenith").await;
    assert_eq!(listen("?bodies=true", &scene.acme).await.status(), StatusCode::FORBIDDEN, "bodies are for operators");
    let (mut plain, mut full) = (listen("?partner=agency", &operator).await, listen("?bodies=true", &operator).await);
    let (mut own, mut foreign) = (listen("", &scene.acme).await, listen("", &zenith).await);
    let (message, _) = scene.push("R1", "BE", "Bouw BV").await;

    let told = lines_until(&mut plain, "delivered").await;
    assert!(told.iter().all(|event| event["message_id"] == message.as_str() && event["body"].is_null()), "{told:?}");
    assert!(!format!("{told:?}").contains("Geheime"), "metadata only");
    let told = lines_until(&mut full, "delivered").await;
    let accepted = told.iter().find(|event| event["step"] == "accepted").unwrap();
    assert_eq!(accepted["body"]["profiles"][0]["title"], "Geheime titel");
    let told = lines_until(&mut own, "delivered").await;
    assert!(told.iter().any(|event| event["step"] == "accepted") && !format!("{told:?}").contains("Geheime"));

    // The verb: so many lines, then it ends; and a tap does not keep the daemon from stopping.
    let mut verb = tokio::process::Command::new(env!("CARGO_BIN_EXE_passerelle"))
        .args(["tap", "--json", "--count", "3", "--kind", "vacancy"])
        .env("PASSERELLE_URL", scene.gateway.url(""))
        .env("PASSERELLE_CONFIG", scene.gateway.folder.path().join("passerelle.toml"))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut number = 2;
    until("the verb has heard enough", async || {
        scene.push(&format!("R{number}"), "BE", "Bouw BV").await;
        number += 1;
        verb.try_wait().unwrap().is_some()
    })
    .await;
    let output = verb.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 3);
    assert!(scene.gateway.stop().await, "open taps end with the daemon");
    assert!(rest_of(&mut foreign).await.is_empty(), "a partner hears of its own messages only");
}

/// Events until one of that step.
async fn lines_until(response: &mut reqwest::Response, step: &str) -> Vec<Value> {
    let (mut text, mut events) = (String::new(), Vec::new());
    loop {
        let chunk = tokio::time::timeout(PATIENCE, response.chunk()).await.expect("a line comes");
        text.push_str(std::str::from_utf8(&chunk.unwrap().expect("the tap goes on")).unwrap());
        while let Some((line, rest)) = text.clone().split_once('\n') {
            rest.clone_into(&mut text);
            if line.is_empty() {
                continue;
            }
            let event: Value = serde_json::from_str(line).unwrap();
            let is_last = event["step"] == step;
            events.push(event);
            if is_last {
                return events;
            }
        }
    }
}

/// What is still to be read, blank lines left out.
async fn rest_of(response: &mut reqwest::Response) -> String {
    let mut text = String::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        text.push_str(&String::from_utf8_lossy(&chunk));
    }
    text.trim().to_owned()
}
