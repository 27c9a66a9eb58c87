//! Recalls from outside: whoever was sent something that a person took back is asked to delete it until there is an answer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use connectors::{
    employer::stub::start as start_employer,
    rest::stub::{Injection, RestStub, RestStubSettings},
};
use reqwest::{Method, StatusCode};
use schemas::Operation;
use serde_json::{Value, json};

use self::support::{
    Gateway, PERMITTED, Setup, TRANSFERS, employer, grant, jobseeker, keep, profile_source, recalls, until,
    until_recalled, until_taken,
};

const TOKEN: &str = "employer";
const HOOK: &str = "an-invented-secret-for-events";
const CIN: &str = "ZM739182";

struct Scene {
    gateway: Gateway,
    acme: RestStub,
    key: String,
}

impl Scene {
    async fn start(escalate_after_seconds: &str) -> Self {
        Self::told(escalate_after_seconds, "\"delete\"").await
    }

    /// An employer that understands closings in this form.
    async fn told(escalate_after_seconds: &str, closings: &str) -> Self {
        let (token, hook_secret) = (Some(TOKEN.into()), Some(HOOK.into()));
        let acme =
            start_employer(RestStubSettings { token, hook_secret, ..RestStubSettings::default() }).await.unwrap();
        let (id, file) = employer("acme", PERMITTED, "hropen-json", acme.base_url().as_str());
        let closings = closings.replace("HOST", acme.base_url().as_str());
        let file = file.replace("token = ", &format!("closings = {closings}, token = "));
        let gateway = Setup::new()
            .settings(TRANSFERS)
            .partner(profile_source("anapec", "anapec-rest"))
            .partner((id, file))
            .secret("acme-token", TOKEN)
            .secret("acme-hook", HOOK)
            .setting("DELIVERY__RETRY_INITIAL_MS", "20")
            .setting("DELIVERY__RETRY_LONGEST_MS", "100")
            .setting("DELIVERY__BREAKER_PAUSE_MS", "50")
            .setting("DELIVERY__BREAKER_LONGEST_MS", "100")
            .setting("RECALLS__ESCALATE_AFTER_SECONDS", escalate_after_seconds)
            .with_vault()
            .await
            .start()
            .await;
        let key = gateway.key("anapec").await;
        Self { gateway, acme, key }
    }

    /// Pushes a profile; the message and the person's pseudonym.
    async fn push(&self, skills: &str) -> (String, String) {
        let document = jobseeker(CIN, "Voorbeeld", skills);
        let request = self.gateway.http.post(self.gateway.url("/v1/anapec/talent_profile")).bearer_auth(&self.key);
        let response = request.json(&document).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED, "{}", self.gateway.log());
        let receipt: Value = response.json().await.unwrap();
        let text = |name: &str| receipt[name].as_str().unwrap().to_owned();
        (text("message_id"), text("entity_key"))
    }

    /// Keeps what a person permits, and returns its record.
    async fn permit(&self, person: &str) -> String {
        keep(&self.gateway, &grant(person)).await
    }

    async fn withdraw(&self, record: &str) -> Value {
        self.gateway.ask(Method::POST, &format!("/v1/consents/{record}/withdraw"), &json!({"method": "web"})).await
    }

    /// A person whose profile the employer has; its message, the person, and the record of the grant.
    async fn delivered(&self) -> (String, String, String) {
        let (message, person) = self.push("Java").await;
        let record = self.permit(&person).await;
        self.until_taken(&person, &[Operation::Upsert]).await;
        (message, person, record)
    }

    /// Waits until the employer has taken just these, oldest first.
    async fn until_taken(&self, person: &str, wanted: &[Operation]) {
        until_taken(&self.gateway, &self.acme, person, wanted).await;
    }

    async fn recalls(&self, query: &str) -> Vec<Value> {
        recalls(&self.gateway, query).await
    }

    async fn until_recalled(&self, person: &str, state: &str) -> Value {
        until_recalled(&self.gateway, person, state).await
    }
}

#[tokio::test]
async fn the_answer_to_a_withdrawal_says_what_is_recalled_and_the_recall_is_acknowledged() {
    let scene = Scene::start("3600").await;
    let (_, person, record) = scene.delivered().await;
    let withdrawn = scene.withdraw(&record).await;
    let recall = &withdrawn["recalls"][0];
    assert_eq!((&recall["partner"], &recall["code"]), (&json!("acme"), &json!("consent_withdrawn")), "{withdrawn}");
    scene.until_taken(&person, &[Operation::Upsert, Operation::Close]).await;
    let recall = scene.until_recalled(&person, "acknowledged").await;
    assert_eq!((&recall["attempts"], recall["settled_at"].is_string()), (&json!(1), true));
    assert_eq!(scene.recalls("").await, [""; 0], "everything has its answer");
    assert_eq!(scene.acme.violations(), []);
}

#[tokio::test]
async fn a_recall_goes_in_the_form_that_the_receiver_understands() {
    let hook = r#"{ webhook = { url = "HOST/hooks", secret = "acme-hook" } }"#;
    for (closings, said) in [("\"close\"", "{\"reason\":\"consent_withdrawn\"}"), (hook, "talent_profile.closed")] {
        let scene = Scene::told("3600", closings).await;
        let (_, person, record) = scene.delivered().await;
        scene.withdraw(&record).await;
        scene.until_taken(&person, &[Operation::Upsert, Operation::Close]).await;
        let recall = scene.until_recalled(&person, "acknowledged").await;
        assert_eq!(recall["attempts"], 1, "{closings}");
        let told = scene.acme.history(&person).pop().unwrap();
        assert!(String::from_utf8_lossy(&told.body).contains(said), "{closings}: {told:?}");
        assert_eq!(scene.acme.violations(), [], "{closings}");
    }
}

#[tokio::test]
async fn a_recall_is_chased_through_failures_and_kills_and_a_person_is_called() {
    let mut scene = Scene::start("1").await;
    let (message, person, record) = scene.delivered().await;
    scene.acme.fail_now(Injection::Status { status: 503, retry_after: None });
    scene.withdraw(&record).await;
    scene.gateway.kill().await;
    scene.gateway.start().await;
    until("a person is called", async || scene.recalls("escalated=true").await.len() == 1).await;
    scene.until_recalled(&person, "sent").await;
    assert_eq!(scene.recalls("partner=acme").await.len(), 1);
    until("the journal tells", async || {
        let message = scene.gateway.get(&format!("/v1/messages/{message}")).await;
        message["events"].as_array().unwrap().iter().any(|event| event["step"] == "recall_escalated")
    })
    .await;
    let called = async || scene.gateway.metric("passerelle_recalls_open", "escalated=\"true\"").await >= 1.0;
    until("it is counted", called).await;
    let listed = scene.gateway.run(&["consent", "recalls", "--escalated"]).await;
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains(&person) && listed.contains("a person is wanted"), "{listed}");

    scene.acme.heal();
    let recall = scene.until_recalled(&person, "acknowledged").await;
    assert!(recall["attempts"].as_i64().unwrap() > 1 && recall["escalated_at"].is_string(), "{recall}");
    assert_eq!(scene.recalls("escalated=true").await, [""; 0]);
}

#[tokio::test]
async fn a_recall_that_is_refused_calls_a_person_at_once() {
    let scene = Scene::start("3600").await;
    let (_, person, record) = scene.delivered().await;
    scene.acme.inject(1, &Injection::Status { status: 422, retry_after: None });
    scene.withdraw(&record).await;
    scene.until_recalled(&person, "refused").await;
    until("a person is called", async || scene.recalls("escalated=true").await.len() == 1).await;
    let parked = scene.gateway.get("/v1/parked").await;
    let id = parked["parked"][0]["id"].as_str().unwrap();
    scene.gateway.ask(Method::POST, &format!("/v1/parked/{id}/release"), &json!({})).await;
    scene.until_recalled(&person, "acknowledged").await;
    scene.until_taken(&person, &[Operation::Upsert, Operation::Close]).await;
}

#[tokio::test]
async fn what_another_grant_permits_goes_again_behind_the_recall() {
    let scene = Scene::start("3600").await;
    let (_, person, record) = scene.delivered().await;
    scene.permit(&person).await;
    scene.until_taken(&person, &[Operation::Upsert; 2]).await;
    scene.withdraw(&record).await;
    let (upsert, close) = (Operation::Upsert, Operation::Close);
    scene.until_taken(&person, &[upsert, upsert, close, upsert]).await;
    let recall = scene.until_recalled(&person, "acknowledged").await;
    assert_eq!(recall["code"], "consent_withdrawn");
    assert_eq!(scene.acme.violations(), []);
}

#[tokio::test]
async fn who_is_erased_is_recalled_from_everybody() {
    let scene = Scene::start("3600").await;
    let (_, person, _) = scene.delivered().await;
    let erased = scene.gateway.ask(Method::DELETE, &format!("/v1/subjects/{person}/keys"), &json!({})).await;
    assert_eq!(erased["recalls"][0]["code"], "subject_erased", "{erased}");
    scene.until_taken(&person, &[Operation::Upsert, Operation::Close]).await;
    scene.until_recalled(&person, "acknowledged").await;
}

#[tokio::test]
async fn who_may_not_have_the_corrected_profile_any_more_loses_the_one_before() {
    let scene = Scene::start("3600").await;
    let (_, person, record) = scene.delivered().await;
    scene.withdraw(&record).await;
    scene.push("Java, corrected").await;
    scene.until_taken(&person, &[Operation::Upsert, Operation::Close]).await;
    scene.permit(&person).await;
    scene.until_taken(&person, &[Operation::Upsert, Operation::Close, Operation::Upsert]).await;
    let shown = scene.acme.history(&person).pop().unwrap();
    assert!(
        String::from_utf8_lossy(&shown.body).contains("Java, corrected"),
        "the corrected one, once it is permitted"
    );
}
