//! Persons whose files are fetched: a service that links to them, and platforms that read them.

use connectors::platform::stub::PlatformStub;
use reqwest::{Client, Method, Response, StatusCode, redirect::Policy};
use serde_json::{Value, json};

use crate::support::{
    FileServer, Gateway, PATIENCE, Setup, TRANSFERS, comes_true, grant_to, media_source, platform, pull_until, puller,
    until,
};

/// What the tests permit to the platform in Morocco, and what more to the other one.
pub const LITTLE: [&str; 4] = ["profile", "skills", "picture", "video"];
pub const MORE: [&str; 5] = ["profile", "skills", "picture", "video", "attachments"];

/// A gateway, where the files lie, and who reads them.
pub struct Scene {
    pub gateway: Gateway,
    pub files: FileServer,
    /// Permitted little.
    pub morocco: PlatformStub,
    /// Permitted more.
    pub rabat: PlatformStub,
    /// Follows no redirects.
    pub http: Client,
    pub key: String,
    source: String,
}

impl Scene {
    pub async fn start() -> Self {
        Self::with(|setup| setup).await
    }

    pub async fn with(change: impl FnOnce(Setup) -> Setup) -> Self {
        let files = FileServer::start().await;
        let setup = Setup::new()
            .settings(TRANSFERS)
            .partner(media_source("anapec", "anapec-rest", &files.origin))
            .partner(platform("morocco", "MA"))
            .partner(platform("rabat", "MA"))
            .setting("DELIVERY__RETRY_INITIAL_MS", "20")
            .setting("DELIVERY__RETRY_LONGEST_MS", "100")
            .setting("MEDIA__RETRY_INITIAL_MS", "20")
            .setting("MEDIA__RETRY_LONGEST_MS", "100");
        let gateway = change(setup).with_vault().await.start().await;
        let (key, source) = (gateway.key("morocco").await, gateway.key("anapec").await);
        let (morocco, rabat) = (puller(&gateway, "morocco", 100).await, puller(&gateway, "rabat", 100).await);
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { gateway, files, morocco, rabat, http, key, source }
    }

    /// Pushes a profile; the message and the person's pseudonym.
    pub async fn push(&self, attachments: &Value) -> (String, String) {
        let document = json!({
            "documentId": {"value": "P-1"},
            "person": {"name": {"given": "Amina", "family": "Voorbeeld"}},
            "profiles": [{"languageCode": "fr", "objective": "Soudeuse", "attachments": attachments}],
        });
        let address = self.gateway.url("/v1/anapec/talent_profile?dialect=matching-platform");
        let response = self.http.post(address).bearer_auth(&self.source).json(&document).send().await.unwrap();
        let (status, receipt) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, StatusCode::ACCEPTED, "{receipt}\n{}", self.gateway.log());
        let receipt: Value = serde_json::from_str(&receipt).unwrap();
        let text = |name: &str| receipt[name].as_str().unwrap().to_owned();
        (text("message_id"), text("entity_key"))
    }

    /// Permits little to the platform in Morocco, and returns the record.
    pub async fn permit(&self, person: &str) -> String {
        self.grant(person, "morocco", &LITTLE).await
    }

    pub async fn grant(&self, person: &str, platform: &str, categories: &[&str]) -> String {
        let grant = grant_to(person, platform, "MA", categories);
        self.gateway.ask(Method::POST, "/v1/consents", &grant).await;
        grant["header"]["record_id"].as_str().unwrap().to_owned()
    }

    pub async fn withdraw(&self, record: &str) {
        self.gateway.ask(Method::POST, &format!("/v1/consents/{record}/withdraw"), &json!({"method": "web"})).await;
    }

    /// Pushes and permits, and returns message, person and record once the platform shows the profile.
    pub async fn shown(&mut self, attachments: &Value) -> (String, String, String) {
        let (message, person) = self.push(attachments).await;
        let record = self.permit(&person).await;
        pull_until(&mut self.morocco, &person, true).await;
        (message, person, record)
    }

    /// Where the platform in Morocco is told that a file of a profile is.
    pub fn address(&self, person: &str, purpose: &str) -> String {
        address_in(&self.morocco, person, purpose).unwrap_or_else(|| panic!("no {purpose}"))
    }

    /// Asks for a file with the platform's key.
    pub async fn ask(&self, address: &str) -> Response {
        self.http.get(address).bearer_auth(&self.key).send().await.unwrap()
    }

    /// The address of a file that may be read, once it has come.
    pub async fn token(&self, address: &str) -> String {
        let mut found = None;
        until("the file may be read", async || {
            let response = self.ask(address).await;
            found = response.headers().get("location").map(|location| location.to_str().unwrap().to_owned());
            assert!(found.is_some() == (response.status() == StatusCode::SEE_OTHER));
            found.is_some()
        })
        .await;
        found.unwrap()
    }

    /// Reads what a token is good for.
    pub async fn read(&self, token: &str) -> Response {
        self.http.get(token).send().await.unwrap()
    }

    /// Waits until the journal says a step of a message, with code and detail.
    pub async fn until_step(&self, message: &str, step: &str) {
        let mut steps = Vec::new();
        let is_so = comes_true(PATIENCE, async || {
            let message = self.gateway.get(&format!("/v1/messages/{message}")).await;
            let text = |event: &Value, name: &str| event[name].as_str().unwrap_or("-").to_owned();
            let said = |event: &Value| ["step", "code", "detail"].map(|name| text(event, name)).join(" ");
            steps = message["events"].as_array().unwrap().iter().map(said).collect();
            steps.iter().any(|one| one == step)
        });
        assert!(is_so.await, "waited in vain for {step}: {steps:?}\n{}", self.gateway.log());
    }
}

/// Where a platform is told that a file of a profile is.
pub fn address_in(platform: &PlatformStub, person: &str, purpose: &str) -> Option<String> {
    let document = &platform.shown().get(person)?.document;
    let mut attachments = document["profiles"][0]["attachments"].as_array()?.iter();
    let found = attachments.find(|one| one["purpose"] == purpose)?;
    Some(found["url"].as_str().unwrap().to_owned())
}

/// An attachment of a profile.
pub fn attachment(purpose: &str, link: &str) -> Value {
    json!({"purpose": purpose, "url": link})
}

/// The code of a problem.
pub async fn code(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let problem: Value = response.json().await.unwrap_or_default();
    (status, problem["code"].as_str().unwrap_or("-").to_owned())
}
