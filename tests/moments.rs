//! What time alone changes, and what other instruments change, from outside: what was sent and may not be any more is owed
//! back, what changed goes again under its new mask, what may go now goes by itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use connectors::{
    employer::stub::start as start_employer,
    rest::stub::{Injection, Received, RestStub, RestStubSettings},
};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use schemas::Operation;
use serde_json::{Value, json};

use self::support::{
    Gateway, PERMITTED, Setup, TRANSFERS, employer, grant, jobseeker, keep, profile_source, recalls, taken, until,
    until_recalled, until_taken,
};

const TOKEN: &str = "employer";
const CIN: &str = "ZM739182";
const SKILLS: &str = "soudure";
const UPSERT: Operation = Operation::Upsert;
const CLOSE: Operation = Operation::Close;
/// How far away moments are: long enough for a profile to get there before.
const AHEAD: SignedDuration = SignedDuration::from_secs(10);
/// What the log says once everybody was looked at.
const LOOKED: &str = "every person was looked at under the instruments in force";

struct Scene {
    gateway: Gateway,
    acme: RestStub,
    person: String,
}

impl Scene {
    /// A person whose profile was pushed, and who has permitted nothing.
    async fn start() -> Self {
        let settings = RestStubSettings { token: Some(TOKEN.into()), ..RestStubSettings::default() };
        let acme = start_employer(settings).await.unwrap();
        let gateway = Setup::new()
            .settings(TRANSFERS)
            .partner(profile_source("anapec", "anapec-rest"))
            .partner(employer("acme", PERMITTED, "hropen-json", acme.base_url().as_str()))
            .secret("acme-token", TOKEN)
            .setting("DELIVERY__RETRY_INITIAL_MS", "20")
            .setting("DELIVERY__RETRY_LONGEST_MS", "100")
            .setting("DELIVERY__BREAKER_PAUSE_MS", "50")
            .setting("DELIVERY__BREAKER_LONGEST_MS", "100")
            .setting("RECALLS__ESCALATE_AFTER_SECONDS", "1")
            .with_vault()
            .await
            .start()
            .await;
        let key = gateway.key("anapec").await;
        let request = gateway.http.post(gateway.url("/v1/anapec/talent_profile")).bearer_auth(&key);
        let response = request.json(&jobseeker(CIN, "Voorbeeld", SKILLS)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED, "{}", gateway.log());
        let receipt: Value = response.json().await.unwrap();
        let person = receipt["entity_key"].as_str().unwrap().to_owned();
        Self { gateway, acme, person }
    }

    /// Keeps what the person permits, changed a bit.
    async fn permit(&self, change: impl FnOnce(&mut Value)) {
        let mut grant = grant(&self.person);
        change(&mut grant);
        keep(&self.gateway, &grant).await;
    }

    /// What the employer has taken, oldest first.
    fn taken(&self) -> Vec<Received> {
        taken(&self.acme, &self.person)
    }

    /// Waits until the employer has taken just these, oldest first.
    async fn until_taken(&self, wanted: &[Operation]) {
        until_taken(&self.gateway, &self.acme, &self.person, wanted).await;
    }

    async fn recalls(&self, query: &str) -> Vec<Value> {
        recalls(&self.gateway, query).await
    }

    async fn until_recalled(&self, state: &str) -> Value {
        until_recalled(&self.gateway, &self.person, state).await
    }

    /// Puts other settings in force.
    async fn reload(&self, settings: &str) {
        std::fs::write(self.gateway.folder.path().join("passerelle.toml"), settings).unwrap();
        self.gateway.ask(Method::POST, "/v1/configuration/reload", &json!({})).await;
    }

    /// Waits until everybody was looked at so often.
    async fn until_looked(&self, times: usize) {
        until("everybody was looked at", async || self.gateway.log().matches(LOOKED).count() >= times).await;
    }
}

/// What a document says, and what was said beside it to be withheld.
fn said(received: &Received) -> (String, String) {
    let withheld = received.notice.as_ref().unwrap().withheld.clone();
    (String::from_utf8(received.body.to_vec()).unwrap(), withheld)
}

#[tokio::test]
async fn a_grant_that_ends_by_time_is_recalled_also_by_a_gateway_that_was_killed_meanwhile() {
    let mut scene = Scene::start().await;
    let end = Timestamp::now() + AHEAD;
    scene.permit(|grant| grant["events"][1]["duration"] = end.to_string().into()).await;
    scene.until_taken(&[UPSERT]).await;
    assert_eq!(scene.recalls("").await, [""; 0]);
    scene.acme.fail_now(Injection::Status { status: 503, retry_after: None });
    scene.gateway.kill().await;
    scene.gateway.start().await;

    let recall = scene.until_recalled("sent").await;
    assert!(Timestamp::now() >= end, "not before its time");
    assert_eq!((&recall["partner"], &recall["code"]), (&json!("acme"), &json!("consent_expired")));
    assert_eq!(scene.recalls("partner=acme").await.len(), 1, "it is listed");
    until("a person is called", async || scene.recalls("escalated=true").await.len() == 1).await;
    scene.acme.heal();
    let recall = scene.until_recalled("acknowledged").await;
    assert!(recall["attempts"].as_i64().unwrap() > 1, "it was chased: {recall}");
    scene.until_taken(&[UPSERT, CLOSE]).await;
    assert_eq!(scene.acme.violations(), []);
}

#[tokio::test]
async fn a_category_that_ends_by_time_is_taken_out_of_what_the_recipient_shows() {
    let scene = Scene::start().await;
    let end = Timestamp::now() + AHEAD;
    scene
        .permit(|grant| {
            let provisions = grant["processing"]["provisions"].as_array_mut().unwrap();
            let mut for_a_time = provisions[0].clone();
            for_a_time["categories"] = json!(["skills"]);
            for_a_time["valid"] = json!({"until": end.to_string()});
            provisions[0]["categories"].as_array_mut().unwrap().retain(|category| category != "skills");
            provisions.push(for_a_time);
        })
        .await;
    scene.until_taken(&[UPSERT]).await;
    let (document, withheld) = said(&scene.taken()[0]);
    assert!(document.contains(SKILLS) && !withheld.contains("skills"), "{withheld}\n{document}");

    scene.until_taken(&[UPSERT, UPSERT]).await;
    assert!(Timestamp::now() >= end, "not before its time");
    let (document, withheld) = said(&scene.taken()[1]);
    assert!(!document.contains(SKILLS) && document.contains("EXEMPLE Voorbeeld"), "{document}");
    assert!(withheld.contains("skills;reason=category_not_permitted"), "{withheld}");
    assert_eq!(scene.recalls(&format!("subject={}", scene.person)).await, [""; 0], "the rest stays");
}

#[tokio::test]
async fn what_is_permitted_from_a_moment_on_goes_at_that_moment() {
    let scene = Scene::start().await;
    let (first, then) = (Timestamp::now() + AHEAD / 2, Timestamp::now() + AHEAD);
    scene
        .permit(|grant| {
            let provisions = grant["processing"]["provisions"].as_array_mut().unwrap();
            let mut later = provisions[0].clone();
            later["categories"] = json!(["skills"]);
            later["valid"] = json!({"from": then.to_string()});
            provisions[0]["categories"].as_array_mut().unwrap().retain(|category| category != "skills");
            provisions[0]["valid"] = json!({"from": first.to_string()});
            provisions.push(later);
        })
        .await;
    scene.until_taken(&[UPSERT]).await;
    assert!(Timestamp::now() >= first, "not before its time");
    assert!(!said(&scene.taken()[0]).0.contains(SKILLS));
    scene.until_taken(&[UPSERT, UPSERT]).await;
    assert!(Timestamp::now() >= then, "not before its time");
    assert!(said(&scene.taken()[1]).0.contains(SKILLS), "the wider mask goes by itself");
}

#[tokio::test]
async fn whoever_has_something_by_an_instrument_that_is_gone_is_asked_to_delete_it_and_gets_it_again_by_another() {
    let mut scene = Scene::start().await;
    scene.permit(|_| {}).await;
    scene.until_taken(&[UPSERT]).await;
    scene.until_looked(1).await;
    scene.reload(&format!("{TRANSFERS}\n{}", TRANSFERS.replace("country = \"BE\"", "country = \"CA\""))).await;
    scene.until_looked(2).await;
    assert_eq!(scene.taken().len(), 1, "what is about others is nothing to this one");

    scene.reload("").await;
    scene.until_taken(&[UPSERT, CLOSE]).await;
    let recall = scene.until_recalled("acknowledged").await;
    assert_eq!((&recall["partner"], &recall["code"]), (&json!("acme"), &json!("no_transfer_instrument")));

    scene.gateway.kill().await;
    std::fs::write(scene.gateway.folder.path().join("passerelle.toml"), TRANSFERS).unwrap();
    scene.gateway.start().await;
    scene.until_taken(&[UPSERT, CLOSE, UPSERT]).await;
    assert_eq!(scene.acme.violations(), []);
}
