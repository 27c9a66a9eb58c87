//! Persons whose profiles are pulled: a service that pushes them, two platforms and EURES that pull.

use connectors::platform::stub::PlatformStub;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    Gateway, PULLER_TOKEN, Setup, TRANSFERS, eures_cvs, grant_to, platform, profile_source, puller, until,
};

/// What the tests permit to the platform in Belgium: much, but not the picture before there is an interview.
pub const MUCH: [&str; 8] =
    ["profile", "skills", "languages", "education", "employment", "picture", "contact", "identity"];
/// What they permit to the one in Morocco.
pub const LITTLE: [&str; 3] = ["profile", "skills", "picture"];

/// By what personal data may leave Morocco for those who pull.
pub const MORE_TRANSFERS: &str = r#"
[[transfers]]
from = { kind = "public_service", country = "MA" }
to = { kind = "platform", country = "BE" }
instrument = "ma:09-08:art44-consent"
reference = "law 09-08, article 44"
since = "2026-01-01"

[[transfers]]
from = { kind = "public_service", country = "MA" }
to = { kind = "public_service", country = "BE" }
instrument = "ma:09-08:art44-consent"
reference = "law 09-08, article 44"
since = "2026-01-01"
"#;

/// A gateway, and who pulls from it.
pub struct Scene {
    pub gateway: Gateway,
    /// Employers in Belgium.
    pub belgium: PlatformStub,
    /// Employers in Morocco.
    pub morocco: PlatformStub,
    key: String,
}

impl Scene {
    pub async fn start() -> Self {
        Self::with(|setup| setup).await
    }

    pub async fn with(change: impl FnOnce(Setup) -> Setup) -> Self {
        let setup = Setup::new()
            .settings(&format!("{TRANSFERS}{MORE_TRANSFERS}"))
            .partner(profile_source("anapec", "anapec-rest"))
            .partner(platform("belgium", "BE"))
            .partner(platform("morocco", "MA"))
            .partner(eures_cvs("eures", "VDAB"))
            .secret("puller-token", PULLER_TOKEN)
            .setting("DELIVERY__RETRY_INITIAL_MS", "20")
            .setting("DELIVERY__RETRY_LONGEST_MS", "100");
        let gateway = change(setup).with_vault().await.start().await;
        let key = gateway.key("anapec").await;
        let (belgium, morocco) = (puller(&gateway, "belgium", 100).await, puller(&gateway, "morocco", 100).await);
        Self { gateway, belgium, morocco, key }
    }

    /// Pushes a profile; the message and the person's pseudonym.
    pub async fn push(&self, number: usize, objective: &str) -> (String, String) {
        self.push_document(&profile(number, objective)).await
    }

    pub async fn push_document(&self, document: &Value) -> (String, String) {
        let address = "/v1/anapec/talent_profile?dialect=matching-platform";
        let request = self.gateway.http.post(self.gateway.url(address)).bearer_auth(&self.key).json(document);
        let response = request.send().await.unwrap();
        let (status, receipt) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, StatusCode::ACCEPTED, "{receipt}\n{}", self.gateway.log());
        let receipt: Value = serde_json::from_str(&receipt).unwrap();
        let text = |name: &str| receipt[name].as_str().unwrap().to_owned();
        (text("message_id"), text("entity_key"))
    }

    /// Asks as an operator.
    pub async fn ask(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = self.gateway.http.request(method, self.gateway.url(path));
        let response = request.bearer_auth(self.gateway.operator_token()).json(body).send().await.unwrap();
        let (status, said) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {said}");
        serde_json::from_str(&said).unwrap()
    }

    /// Keeps a grant, and returns its record.
    pub async fn permit(&self, grant: Value) -> String {
        self.ask(Method::POST, "/v1/consents", &grant).await;
        grant["header"]["record_id"].as_str().unwrap().to_owned()
    }

    /// What a person permits to the platform in Belgium.
    pub async fn permit_belgium(&self, person: &str) -> String {
        self.permit(grant_to(person, "belgium", "BE", &MUCH)).await
    }

    pub async fn withdraw(&self, record: &str) {
        self.ask(Method::POST, &format!("/v1/consents/{record}/withdraw"), &json!({"method": "web"})).await;
    }

    pub async fn restrict(&self, method: Method, person: &str) {
        self.ask(method, &format!("/v1/subjects/{person}/restriction?method=web"), &Value::Null).await;
    }

    /// Where the recalls of a person stand: partner, state and what the last attempt came to.
    pub async fn recalls(&self, person: &str) -> Vec<String> {
        let found = self.gateway.get(&format!("/v1/recalls?subject={person}")).await;
        let said = |one: &Value| {
            ["partner", "code", "state", "detail"].map(|name| one[name].as_str().unwrap_or("-")).join(" ")
        };
        found["recalls"].as_array().unwrap().iter().map(said).collect()
    }

    pub async fn until_recalls(&self, person: &str, expected: &[&str]) {
        until(&format!("recalls are {expected:?}"), async || self.recalls(person).await == expected).await;
    }

    /// Waits until the journal says a step of a message: step, partner and code.
    pub async fn until_step(&self, message: &str, step: &str) {
        until(step, async || {
            let message = self.gateway.get(&format!("/v1/messages/{message}")).await;
            let text = |event: &Value, name: &str| event[name].as_str().unwrap_or("-").to_owned();
            let said = |event: &Value| ["step", "recipient", "code"].map(|name| text(event, name)).join(" ");
            message["events"].as_array().unwrap().iter().any(|event| said(event) == step)
        })
        .await;
    }
}

/// An invented person with a picture and a date of birth.
pub fn profile(number: usize, objective: &str) -> Value {
    json!({
        "documentId": {"value": format!("P-{number}")},
        "person": {
            "name": {"given": "Amina", "family": format!("Voorbeeld {number}")},
            "birthDate": "1990-04-05",
            "communication": {"email": [{"useCode": "private", "address": format!("p{number}@example.org")}]},
        },
        "profiles": [{
            "languageCode": "fr",
            "objective": objective,
            "attachments": [{"purpose": "picture", "url": "https://media.example/2.jpg", "mediaType": "image/jpeg"}],
        }],
        "introductions": [{"language": "fr", "text": "<p>Je soude.</p>"}],
    })
}
