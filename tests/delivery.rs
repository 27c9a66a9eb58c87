//! What comes of a dispatch: every outcome of design §2, at a partner that misbehaves.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use std::time::Duration;

use connectors::rest::stub::{Injection, Moment, Received, RestStub, RestStubSettings};
use schemas::{EntityKey, Operation};
use serde_json::{Value, json};

use self::support::{Gateway, PATIENCE, PULLER_TOKEN, Setup, eures_feed, pusher, rest_receiver, until};

struct Scene {
    gateway: Gateway,
    receiver: RestStub,
    key: String,
}

impl Scene {
    async fn start(repeats: &str) -> Self {
        let settings = RestStubSettings { token: Some("receiver".into()), ..RestStubSettings::default() };
        let receiver = RestStub::start(settings).await.unwrap();
        let gateway = Setup::new()
            .partner(pusher("acme", "canonical"))
            .partner(rest_receiver("agency", "canonical", receiver.base_url().as_str(), repeats))
            .secret("agency-token", "receiver")
            .setting("DELIVERY__RETRY_INITIAL_MS", "20")
            .setting("DELIVERY__RETRY_LONGEST_MS", "100")
            .setting("DELIVERY__CONNECT_TIMEOUT_MS", "500")
            .start()
            .await;
        let key = gateway.key("acme").await;
        Self { gateway, receiver, key }
    }

    /// Pushes a revision and returns the message.
    async fn push(&self, reference: &str, revision: u64) -> String {
        self.push_with(reference, revision, json!({})).await
    }

    async fn push_with(&self, reference: &str, revision: u64, more: Value) -> String {
        let title = format!("Lasser {}", connectors::revision::mark(revision));
        let mut document =
            json!({"reference": reference, "status": "published", "profiles": [{"language": "nl", "title": title}]});
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let request =
            self.gateway.http.post(self.gateway.url("/v1/acme/vacancy")).bearer_auth(&self.key).json(&document);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 202);
        response.json::<Value>().await.unwrap()["message_id"].as_str().unwrap().to_owned()
    }

    async fn close(&self, reference: &str) -> String {
        let url = self.gateway.url(&format!("/v1/acme/vacancy/{reference}"));
        let response = self.gateway.http.delete(url).bearer_auth(&self.key).send().await.unwrap();
        assert_eq!(response.status(), 202);
        response.json::<Value>().await.unwrap()["message_id"].as_str().unwrap().to_owned()
    }

    fn history(&self, reference: &str) -> Vec<Received> {
        self.receiver.history(&EntityKey::of_vacancy(&"acme".parse().unwrap(), reference).to_string())
    }

    fn revisions(&self, reference: &str) -> Vec<Option<u64>> {
        self.history(reference).iter().map(|received| received.revision).collect()
    }

    /// The steps of a message at the receiver, as the journal tells them.
    async fn steps(&self, message: &str) -> Vec<String> {
        let message = self.gateway.get(&format!("/v1/messages/{message}")).await;
        let events = message["events"].as_array().unwrap().iter().filter(|event| event["recipient"] == "agency");
        events.map(|event| event["step"].as_str().unwrap().to_owned()).collect()
    }

    async fn until_step(&self, message: &str, step: &str) {
        until(step, async || self.steps(message).await.iter().any(|known| known == step)).await;
    }

    async fn parked(&self) -> Vec<Value> {
        self.gateway.get("/v1/parked").await["parked"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn a_partner_that_asks_for_time_is_sent_to_again_with_the_same_key() {
    let scene = Scene::start("by_key").await;
    scene.receiver.inject(2, &Injection::Status { status: 503, retry_after: None });
    let message = scene.push("R1", 1).await;
    scene.until_step(&message, "delivered").await;
    assert_eq!(scene.steps(&message).await, ["deferred", "deferred", "delivered"]);
    let keys: Vec<String> = scene.history("R1").into_iter().map(|received| received.idempotency_key).collect();
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "{keys:?}");
    assert_eq!(scene.receiver.violations(), []);
}

#[tokio::test]
async fn a_refused_document_is_parked_and_its_correction_is_not_held_back() {
    let scene = Scene::start("by_key").await;
    scene.receiver.inject(1, &Injection::Status { status: 422, retry_after: None });
    let first = scene.push("R1", 1).await;
    scene.until_step(&first, "rejected").await;
    let parked = scene.parked().await;
    assert_eq!((parked[0]["state"].as_str(), parked[0]["reference"].as_str()), (Some("rejected"), Some("R1")));

    let correction = scene.push("R1", 2).await;
    scene.until_step(&correction, "delivered").await;
    scene.until_step(&first, "superseded").await;
    assert_eq!(scene.parked().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_parked_dispatch_is_released_or_dropped_by_an_operator() {
    let scene = Scene::start("by_key").await;
    scene.receiver.inject(2, &Injection::Status { status: 422, retry_after: None });
    let (first, second) = (scene.push("R1", 1).await, scene.push("R2", 1).await);
    scene.until_step(&first, "rejected").await;
    scene.until_step(&second, "rejected").await;
    for parked in scene.parked().await {
        let verb = if parked["reference"] == "R1" { "release" } else { "drop" };
        let output = scene.gateway.run(&["parked", verb, parked["id"].as_str().unwrap()]).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    scene.until_step(&first, "delivered").await;
    scene.until_step(&second, "dropped").await;
    assert_eq!(scene.revisions("R2").len(), 1, "given up is given up");
}

#[tokio::test]
async fn an_unanswered_send_is_repeated_only_where_that_is_harmless() {
    for (repeats, expected) in [("by_key", "delivered"), ("by_reference", "delivered"), ("never", "ambiguous")] {
        let scene = Scene::start(repeats).await;
        scene.receiver.inject(1, &Injection::Reset(Moment::AfterTaking));
        let message = scene.push("R1", 1).await;
        scene.until_step(&message, expected).await;
        let bodies: Vec<_> =
            scene.history("R1").into_iter().map(|received| (received.idempotency_key, received.body_hash)).collect();
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{repeats}: same key and bytes");
        assert_eq!(bodies.len(), if repeats == "never" { 1 } else { 2 }, "{repeats}");
    }
}

#[tokio::test]
async fn what_is_in_doubt_holds_back_its_entity_only() {
    let scene = Scene::start("never").await;
    scene.receiver.inject(1, &Injection::Reset(Moment::AfterTaking));
    let doubtful = scene.push("R1", 1).await;
    scene.until_step(&doubtful, "ambiguous").await;
    let held_back = scene.push("R1", 2).await;
    let other = scene.push("R2", 1).await;
    scene.until_step(&other, "delivered").await;
    assert_eq!(scene.revisions("R1"), [Some(1)], "revision 2 waits");

    let parked = scene.parked().await;
    let output = scene.gateway.run(&["parked", "drop", parked[0]["id"].as_str().unwrap()]).await;
    assert!(output.status.success());
    scene.until_step(&held_back, "delivered").await;
    assert_eq!(scene.revisions("R1"), [Some(1), Some(2)]);
}

#[tokio::test]
async fn newer_versions_take_the_place_of_what_waits() {
    let scene = Scene::start("by_key").await;
    scene.receiver.inject(1, &Injection::Slow(PATIENCE));
    let first = scene.push("R1", 1).await;
    until("the first is under way", async || !scene.history("R1").is_empty()).await;
    let second = scene.push("R1", 2).await;
    let third = scene.push("R1", 3).await;
    scene.until_step(&second, "superseded").await;
    scene.receiver.heal();
    scene.until_step(&third, "delivered").await;
    assert_eq!(scene.steps(&first).await, ["delivered"]);
    assert_eq!(scene.steps(&second).await, ["superseded"]);
    assert_eq!(scene.revisions("R1"), [Some(1), Some(3)]);
}

#[tokio::test]
async fn a_closing_reaches_only_who_was_sent_the_vacancy() {
    let scene = Scene::start("by_key").await;
    let shown = scene.push("R1", 1).await;
    scene.until_step(&shown, "delivered").await;
    let closing = scene.close("R1").await;
    scene.until_step(&closing, "delivered").await;
    let operations: Vec<Operation> = scene.history("R1").iter().map(|received| received.operation).collect();
    assert_eq!(operations, [Operation::Upsert, Operation::Close]);

    let unknown = scene.close("never-heard-of").await;
    until("the closing is journaled", async || {
        let message = scene.gateway.get(&format!("/v1/messages/{unknown}")).await;
        message["events"].as_array().unwrap().iter().any(|event| event["code"] == "close_of_unknown")
    })
    .await;
    let draft = scene.push_with("R2", 1, json!({"status": "draft"})).await;
    let closing = scene.close("R2").await;
    scene.push("R3", 1).await;
    until("what came later is there", async || !scene.history("R3").is_empty()).await;
    assert_eq!(scene.history("R2").len(), 0);
    assert!(scene.steps(&draft).await.is_empty() && scene.steps(&closing).await.is_empty());
}

#[tokio::test]
async fn what_is_unpublished_or_expired_goes_away_and_comes_back() {
    let scene = Scene::start("by_key").await;
    let operations = || scene.history("R1").iter().map(|received| received.operation).collect::<Vec<_>>();
    for (revision, more, expected) in [
        (1, json!({}), Operation::Upsert),
        (2, json!({"status": "unpublished"}), Operation::Close),
        (3, json!({}), Operation::Upsert),
        (4, json!({"valid_until": "2020-01-01"}), Operation::Close),
        (5, json!({"valid_until": "2999-12-31"}), Operation::Upsert),
        (6, json!({"eligibility": {"employer_opt_out": true}}), Operation::Close),
    ] {
        scene.push_with("R1", revision, more).await;
        let count = usize::try_from(revision).unwrap();
        until("it arrived", async || operations().len() == count).await;
        assert_eq!(operations().pop(), Some(expected), "revision {revision}");
    }
}

#[tokio::test]
async fn a_stopping_gateway_ends_what_is_under_way() {
    let mut scene = Scene::start("never").await;
    scene.receiver.inject(1, &Injection::Slow(Duration::from_millis(400)));
    let message = scene.push("R1", 1).await;
    until("it is under way", async || !scene.history("R1").is_empty()).await;
    assert!(scene.gateway.stop().await, "{}", scene.gateway.log());
    scene.gateway.start().await;
    scene.until_step(&message, "delivered").await;
    assert_eq!(scene.revisions("R1"), [Some(1)], "sent once, and nothing is in doubt");
}

#[tokio::test]
async fn an_open_claim_of_a_killed_gateway_is_quarantined_if_it_may_not_be_repeated() {
    let mut scene = Scene::start("never").await;
    scene.receiver.inject(1, &Injection::Slow(Duration::from_secs(5)));
    let message = scene.push("R1", 1).await;
    until("it is under way", async || !scene.history("R1").is_empty()).await;
    scene.gateway.kill().await;
    scene.gateway.start().await;
    scene.until_step(&message, "ambiguous").await;
    assert_eq!(scene.revisions("R1"), [Some(1)]);
    assert_eq!(scene.parked().await[0]["code"], "owner_died");
}

#[tokio::test]
async fn what_eures_may_not_have_is_refused_and_taken_back() {
    let gateway = Setup::new()
        .partner(pusher("acme", "canonical"))
        .partner(eures_feed("eures-vdab", "eures-xml", "VDAB"))
        .secret("puller-token", PULLER_TOKEN)
        .start()
        .await;
    let key = gateway.key("acme").await;
    let push = async |country: &str| {
        let document = json!({
            "reference": "R1", "status": "published", "openings": 1,
            "profiles": [{"language": "nl", "title": "Lasser", "description": "Werk.", "how_to_apply": "Bel ons."}],
            "employer": {"name": "Lasbedrijf Verzonnen"},
            "occupations": [{"scheme": "isco-08", "code": "7212"}],
            "locations": [{"country": country, "city": "X"}],
        });
        let request = gateway.http.post(gateway.url("/v1/acme/vacancy")).bearer_auth(&key).json(&document);
        request.send().await.unwrap().json::<Value>().await.unwrap()["message_id"].as_str().unwrap().to_owned()
    };
    let outcome = async |message: &str| {
        let message = gateway.get(&format!("/v1/messages/{message}")).await;
        let last =
            message["events"].as_array().unwrap().iter().rfind(|event| event["recipient"] == "eures-vdab").cloned();
        last.map(|event| (event["step"].as_str().unwrap().to_owned(), event["code"].as_str().unwrap_or("-").to_owned()))
    };
    let active = async || {
        let all =
            gateway.http.get(gateway.url("/input/api/jv/v0.1/getAll")).bearer_auth(PULLER_TOKEN).send().await.unwrap();
        all.json::<Value>().await.unwrap()["allReferences"].as_array().unwrap().len()
    };
    for (country, step, code, shown) in
        [("MA", "refused", "no_country", 0), ("BE", "delivered", "-", 1), ("MA", "refused", "no_country", 0)]
    {
        let message = push(country).await;
        until("it is settled", async || outcome(&message).await.is_some()).await;
        assert_eq!(outcome(&message).await, Some((step.to_owned(), code.to_owned())), "{country}");
        assert_eq!(active().await, shown, "an exported vacancy that stops qualifying is closed");
    }
}

#[tokio::test]
async fn events_carry_the_hashes_that_were_in_force() {
    let scene = Scene::start("by_key").await;
    let message = scene.push("R1", 1).await;
    scene.until_step(&message, "delivered").await;
    let message = scene.gateway.get(&format!("/v1/messages/{message}")).await;
    for event in message["events"].as_array().unwrap() {
        for name in ["schema", "codes", "configuration"] {
            assert_eq!(event["versions"][name].as_str().map(str::len), Some(64), "{name} of {}", event["step"]);
        }
    }
}
