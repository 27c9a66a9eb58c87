//! Services that send persons, of whom some have verified who they are, and employers that get them.

use std::process::Stdio;

use connectors::{
    employer::stub::start as start_employer,
    rest::stub::{RestStub, RestStubSettings},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::support::{
    Gateway, PERMITTED, Setup, TRANSFERS, employer, grant, is_settled, keep, profile_source, pulling_employer, until,
};

const TOKEN: &str = "employer";
/// The e-mail address of everybody here.
const E_MAIL: &str = "fatima@example.org";

/// A gateway between them.
pub struct Scene {
    pub gateway: Gateway,
    /// An employer that sends nobody.
    pub acme: RestStub,
    /// An employer that sends persons, too.
    pub agency: RestStub,
}

/// A person whom a source has told of.
#[derive(Debug, Clone)]
pub struct Person {
    /// The message.
    pub message: String,
    /// The pseudonym.
    pub subject: String,
}

/// A service whose file says what numbers it has verified.
pub fn verifying<'a>(id: &'a str, dialect: &str, scheme: &str) -> (&'a str, String) {
    let (id, file) = profile_source(id, dialect);
    (id, format!("{file}[incoming.talent_profile.identity]\nverifies = [\"{scheme}\"]\n"))
}

/// A person as `hropen-json` has it, called so by its source, with the number that another service knows it by.
pub fn candidate(reference: &str, number: &str, headline: &str) -> Value {
    json!({
        "documentId": {"value": reference},
        "alternateIds": [{"schemeId": "sigec", "value": number}],
        "person": {
            "name": {"formattedName": "Fatima Exemple", "given": "Fatima", "family": "Exemple"},
            "birthDate": "1997-03-05",
            "communication": {"email": [{"useCode": "private", "address": E_MAIL}]},
        },
        "profiles": [{"languageCode": "en", "profileName": headline}],
    })
}

async fn play_employer() -> RestStub {
    start_employer(RestStubSettings { token: Some(TOKEN.into()), ..RestStubSettings::default() }).await.unwrap()
}

impl Scene {
    pub async fn start() -> Self {
        Self::of(Setup::new()).await
    }

    /// With more partners.
    pub async fn of(setup: Setup) -> Self {
        let (acme, agency) = (play_employer().await, play_employer().await);
        let (agency_id, file) = employer("agency", PERMITTED, "hropen-json", agency.base_url().as_str());
        let file = format!(
            "{file}[incoming.talent_profile]\ndialect = \"hropen-json\"\n\
             [incoming.talent_profile.identity]\nverifies = [\"sigec\"]\n"
        );
        let gateway = setup
            .settings(TRANSFERS)
            .partner(verifying("anapec", "anapec-rest", "ma-cin"))
            .partner(verifying("regional", "anapec-rest", "ma-cin"))
            .partner(verifying("one", "hropen-json", "sigec"))
            .partner(verifying("other", "hropen-json", "sigec"))
            .partner(profile_source("web", "hropen-json"))
            .partner(employer("acme", PERMITTED, "hropen-json", acme.base_url().as_str()))
            .partner((agency_id, file))
            .partner(pulling_employer("platform", PERMITTED))
            .secret("acme-token", TOKEN)
            .secret("agency-token", TOKEN)
            .setting("DELIVERY__RETRY_INITIAL_MS", "20")
            .setting("DELIVERY__RETRY_LONGEST_MS", "100")
            .with_vault()
            .await
            .start()
            .await;
        Self { gateway, acme, agency }
    }

    /// Pushes a profile that is news, and waits until it is routed.
    pub async fn push(&self, partner: &str, document: &Value) -> Person {
        let (status, person) = self.try_push(partner, document).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{}", self.gateway.log());
        person
    }

    /// Pushes a profile, and waits until it is routed.
    pub async fn try_push(&self, partner: &str, document: &Value) -> (StatusCode, Person) {
        let key = self.gateway.key(partner).await;
        let request = self.gateway.http.post(self.gateway.url(&format!("/v1/{partner}/talent_profile")));
        let response = request.bearer_auth(key).json(document).send().await.unwrap();
        let status = response.status();
        let receipt: Value = response.json().await.unwrap();
        let text = |name: &str| receipt[name].as_str().unwrap_or_default().to_owned();
        self.settled().await;
        (status, Person { message: text("message_id"), subject: text("entity_key") })
    }

    /// Waits until nothing is under way.
    pub async fn settled(&self) {
        until("everything is routed", async || is_settled(&self.gateway.get("/v1/backlog").await)).await;
    }

    /// Keeps what somebody permits to the employers here, of what one source says; the record.
    pub async fn permit(&self, person: &Person) -> String {
        keep(&self.gateway, &grant(&person.subject)).await
    }

    /// Who else somebody is, and why.
    pub async fn links(&self, person: &Person) -> Value {
        self.gateway.get(&format!("/v1/subjects/{}/links", person.subject)).await
    }

    /// Whether two are the same person, as both say.
    pub async fn are_one(&self, one: &Person, other: &Person) -> bool {
        let names = async |person: &Person, of: &Person| {
            let linked = self.links(person).await["linked"].clone();
            linked.as_array().unwrap().contains(&json!(of.subject))
        };
        let mut are_one = false;
        // Of two questions one may be asked before something changes.
        until("a link is one of both", async || {
            are_one = names(one, other).await;
            are_one == names(other, one).await
        })
        .await;
        are_one
    }

    /// What the journal says of who somebody is, to an operator: steps, codes and details.
    pub async fn told(&self, person: &Person) -> Vec<String> {
        self.told_to(&self.gateway.operator_token(), person, "identity_").await
    }

    /// What the journal says to whoever has that key, of steps or codes that begin so.
    pub async fn told_to(&self, key: &str, person: &Person, beginning: &str) -> Vec<String> {
        let request = self.gateway.http.get(self.gateway.url(&format!("/v1/messages/{}", person.message)));
        let message: Value = request.bearer_auth(key).send().await.unwrap().json().await.unwrap();
        let text = |event: &Value, name: &str| event[name].as_str().unwrap_or("-").to_owned();
        let said = |event: &Value| ["step", "code", "detail"].map(|name| text(event, name)).join(" ");
        let events = message["events"].as_array().unwrap().iter();
        events.map(said).filter(|said| said.split(' ').any(|word| word.starts_with(beginning))).collect()
    }

    /// Waits until the journal says so of somebody.
    pub async fn until_told(&self, person: &Person, beginning: &str) {
        until(beginning, async || self.told(person).await.iter().any(|said| said.starts_with(beginning))).await;
    }

    /// Asks as an operator, whatever comes of it.
    pub async fn operate(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.gateway.http.request(method, self.gateway.url(path)).json(body);
        let response = request.bearer_auth(self.gateway.operator_token()).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    /// Restricts or lifts, for what one source says of somebody.
    pub async fn restrict(&self, method: Method, person: &Person) -> Value {
        let path = format!("/v1/subjects/{}/restriction?method=phone", person.subject);
        self.gateway.ask(method, &path, &json!({})).await
    }

    /// Runs a verb of `passerelle subject` with a document on its standard input; whether it succeeded, and what it said.
    pub async fn subject(&self, arguments: &[&str], document: &Value) -> (bool, String) {
        let mut command = self.gateway.command(&[&["subject"], arguments].concat());
        command.env("PASSERELLE_TOKEN", self.gateway.operator_token());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(document.to_string().as_bytes()).await.unwrap();
        let output = child.wait_with_output().await.unwrap();
        (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    }
}

/// Two persons by what their partners call them, with what somebody has confirmed.
pub fn confirmed(one: (&str, &str), other: (&str, &str), reference: &str) -> Value {
    let called = |(partner, foreign_id): (&str, &str)| json!({"partner": partner, "foreign_id": foreign_id});
    json!({
        "one": called(one), "other": called(other),
        "evidence": {"by": "subject", "at": "2026-01-05T09:00:00Z", "method": "in_person", "reference": reference},
    })
}
