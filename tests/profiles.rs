//! Talent profiles from outside: who gets what of a person, and that there is no other way than by a decision.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};
use connectors::{
    Notice,
    employer::stub::start as start_employer,
    rest::stub::{Injection, Received, RestStub, RestStubSettings},
};
use futures::StreamExt;
use reqwest::{RequestBuilder, Response, StatusCode};
use schemas::Operation;
use serde_json::{Value, json};

use self::support::{
    Gateway, PERMITTED, STRANGER, Setup, TRANSFERS, employer, grant, jobseeker, profile_source, taken, until,
};

const TOKEN: &str = "employer";
/// Nobody is called so.
const MARKER: &str = "Zoubida7391";
const CIN: &str = "ZM739182";

struct Scene {
    gateway: Gateway,
    /// Whom the persons here permit.
    acme: RestStub,
    /// Whom they do not.
    zenith: RestStub,
    key: String,
}

async fn play_employer() -> RestStub {
    start_employer(RestStubSettings { token: Some(TOKEN.into()), ..RestStubSettings::default() }).await.unwrap()
}

impl Scene {
    async fn start() -> Self {
        let (acme, zenith) = (play_employer().await, play_employer().await);
        let gateway = Setup::new()
            .settings(TRANSFERS)
            .partner(profile_source("anapec", "anapec-rest"))
            .partner(employer("acme", PERMITTED, "hropen-json", acme.base_url().as_str()))
            .partner(employer("zenith", STRANGER, "hropen-json", zenith.base_url().as_str()))
            .secret("acme-token", TOKEN)
            .secret("zenith-token", TOKEN)
            .setting("DELIVERY__RETRY_INITIAL_MS", "20")
            .setting("DELIVERY__RETRY_LONGEST_MS", "100")
            .with_vault()
            .await
            .start()
            .await;
        let key = gateway.key("anapec").await;
        Self { gateway, acme, zenith, key }
    }

    fn request(&self, address: &str, document: &Value) -> RequestBuilder {
        self.gateway.http.post(self.gateway.url(address)).bearer_auth(&self.key).json(document)
    }

    /// Pushes a profile; the message and the person's pseudonym.
    async fn push_to(&self, address: &str, document: &Value) -> (String, String) {
        let response = self.request(address, document).send().await.unwrap();
        let (status, receipt) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, StatusCode::ACCEPTED, "{receipt}\n{}", self.gateway.log());
        assert!(!receipt.contains(CIN), "what the source calls the person is not repeated: {receipt}");
        let receipt: Value = serde_json::from_str(&receipt).unwrap();
        let text = |name: &str| receipt[name].as_str().unwrap().to_owned();
        assert_eq!(text("reference"), text("entity_key"));
        (text("message_id"), text("entity_key"))
    }

    async fn push(&self, skills: &str) -> (String, String) {
        self.push_to("/v1/anapec/talent_profile", &jobseeker(CIN, MARKER, skills)).await
    }

    /// Asks the API as an operator.
    async fn operate(&self, address: &str, body: &Value) -> Response {
        let request = self.gateway.http.post(self.gateway.url(address)).bearer_auth(self.gateway.operator_token());
        request.json(body).send().await.unwrap()
    }

    /// Keeps what a person permits, and returns its record.
    async fn permit(&self, person: &str) -> String {
        self.keep(grant(person)).await
    }

    /// Keeps a grant, and returns its record.
    async fn keep(&self, grant: Value) -> String {
        let response = self.operate("/v1/consents", &grant).await;
        let status = response.status();
        assert_eq!(status, StatusCode::CREATED, "{}", response.text().await.unwrap());
        grant["header"]["record_id"].as_str().unwrap().to_owned()
    }

    async fn withdraw(&self, record: &str) {
        let response = self.operate(&format!("/v1/consents/{record}/withdraw"), &json!({"method": "web"})).await;
        assert_eq!(response.status(), StatusCode::OK);
    }

    /// What the journal says of a message: step, partner and code.
    async fn steps(&self, message: &str) -> Vec<String> {
        let message = self.gateway.get(&format!("/v1/messages/{message}")).await;
        let text = |event: &Value, name: &str| event[name].as_str().unwrap_or("-").to_owned();
        let said = |event: &Value| ["step", "recipient", "code"].map(|name| text(event, name)).join(" ");
        message["events"].as_array().unwrap().iter().map(said).collect()
    }

    async fn until_step(&self, message: &str, step: &str) {
        until(step, async || self.steps(message).await.iter().any(|known| known == step)).await;
    }

    /// The candidates that an employer took, oldest first.
    fn taken(&self, person: &str) -> Vec<Received> {
        taken(&self.acme, person)
    }

    /// That an employer without permission was never even called about anybody.
    fn assert_silent_at_zenith(&self) {
        assert_eq!(self.zenith.references(), Vec::<String>::new());
        assert_eq!(self.zenith.requests(), 0);
    }
}

fn candidate(received: &Received) -> Value {
    serde_json::from_slice(&received.body).unwrap()
}

/// The files below a folder that hold a text, in UTF-8, UTF-16 or base64 at any offset.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    let utf_16 = |bytes_of: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes_of).collect::<Vec<u8>>();
    let mut forms = vec![text.as_bytes().to_vec(), utf_16(u16::to_le_bytes), utf_16(u16::to_be_bytes)];
    forms.extend((0..3).map(|offset| {
        let encoded = STANDARD.encode([&vec![b'x'; offset], text.as_bytes()].concat());
        // The first and last characters hold bits of what stands beside it.
        encoded.as_bytes()[4..encoded.len() - 4].to_vec()
    }));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, text));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        if forms.iter().any(|form| memchr::memmem::find(&bytes, form).is_some()) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[tokio::test]
async fn a_profile_reaches_whom_the_person_permits_without_its_picture_and_nobody_else() {
    let mut scene = Scene::start().await;
    let (message, person) = scene.push("Java").await;
    for employer in ["acme", "zenith"] {
        scene.until_step(&message, &format!("not_entitled {employer} no_grant")).await;
    }
    assert_eq!(scene.acme.requests(), 0, "nobody gets anything before the person has permitted it");

    scene.permit(&person).await;
    scene.until_step(&message, "delivered acme -").await;
    let taken = scene.taken(&person);
    let shown = candidate(&taken[0]);
    assert_eq!(shown["documentId"]["value"], person.as_str());
    assert_eq!(shown["person"]["name"]["family"], format!("EXEMPLE {MARKER}"), "the profile presents the person");
    assert_eq!(shown["person"].get("birthDate"), None);
    assert_eq!(shown["person"].get("nationality"), None);
    let Some(Notice { withheld, obligations }) = &taken[0].notice else { panic!("there is no notice") };
    for one in ["picture;reason=category_excepted", "birth_date;reason=category_not_permitted", "service_file;reason="]
    {
        assert!(withheld.contains(one), "{withheld}");
    }
    assert_eq!(obligations, "retention=\"P6M\", onward=deny, notify-on-change");

    let (next, again) = scene.push("Java, Rust").await;
    assert_eq!(again, person, "the person is known again");
    scene.until_step(&next, "delivered acme -").await;
    assert!(scene.steps(&next).await.contains(&"not_entitled zenith recipient_not_named".to_owned()));
    let skills = candidate(scene.taken(&person).last().unwrap())["profiles"][0]["qualifications"].to_string();
    assert!(skills.contains("Java, Rust"), "{skills}");
    assert_eq!(scene.acme.violations(), []);
    scene.assert_silent_at_zenith();

    assert!(scene.gateway.stop().await);
    for text in [MARKER, CIN] {
        assert_eq!(holding(scene.gateway.data(), text), Vec::<String>::new());
        assert!(!scene.gateway.log().contains(text));
    }
    std::fs::write(scene.gateway.data().join("leak"), STANDARD.encode(format!("x{MARKER}"))).unwrap();
    assert_eq!(holding(scene.gateway.data(), MARKER).len(), 1, "the search finds what lies open");
}

#[tokio::test]
async fn what_is_withheld_says_nothing_about_whether_there_is_any() {
    let scene = Scene::start().await;
    let bare = json!({
        "documentId": {"value": "P-1"},
        "person": {"name": {"formattedName": "Amina Voorbeeld"}},
        "profiles": [{"objective": "Lasser"}],
    });
    let mut rich = bare.clone();
    rich["documentId"]["value"] = "P-2".into();
    rich["person"]["birthDate"] = "1990-04-05".into();
    rich["person"]["nationality"] = json!(["MA"]);
    rich["profiles"][0]["attachments"] = json!([
        {"purpose": "picture", "url": "https://media.example/2.jpg"},
        {"purpose": "video_cv", "url": "https://media.example/2.mp4"},
        {"purpose": "diploma", "url": "https://media.example/2.pdf"},
    ]);
    let mut shown = Vec::new();
    for document in [bare, rich] {
        let (message, person) = scene.push_to("/v1/anapec/talent_profile?dialect=hropen-json", &document).await;
        scene.permit(&person).await;
        scene.until_step(&message, "delivered acme -").await;
        let received = scene.taken(&person).remove(0);
        let mut candidate = candidate(&received);
        candidate.as_object_mut().unwrap().remove("documentId");
        shown.push((received.notice.unwrap(), candidate));
    }
    assert_eq!(shown[0], shown[1], "what is withheld follows from what was permitted");
    assert_eq!(scene.acme.violations(), []);
}

#[tokio::test]
async fn what_is_withdrawn_goes_no_more_and_is_ended_where_it_stands() {
    let scene = Scene::start().await;
    let (message, person) = scene.push("Java").await;
    let record = scene.permit(&person).await;
    scene.until_step(&message, "delivered acme -").await;
    scene.withdraw(&record).await;
    until("it is ended", async || scene.taken(&person).last().unwrap().operation == Operation::Close).await;
    let (next, _) = scene.push("Java, Rust").await;
    scene.until_step(&next, "not_entitled acme consent_withdrawn").await;
    let recalls = scene.gateway.get(&format!("/v1/recalls?subject={person}")).await;
    assert_eq!(recalls["recalls"][0]["state"], "acknowledged", "{recalls}");
    assert_eq!(scene.taken(&person).iter().filter(|one| one.operation == Operation::Upsert).count(), 1);
    scene.assert_silent_at_zenith();
}

#[tokio::test]
async fn who_is_deleted_at_the_source_is_ended_where_the_profile_stands() {
    let acme = play_employer().await;
    let gateway = Setup::new()
        .settings(TRANSFERS)
        .partner(profile_source("ats", "greenhouse"))
        .partner(employer("acme", PERMITTED, "hropen-json", acme.base_url().as_str()))
        .secret("acme-token", TOKEN)
        .with_vault()
        .await
        .start()
        .await;
    let (key, zenith) = (gateway.key("ats").await, play_employer().await);
    let scene = Scene { gateway, acme, zenith, key };
    let candidate = json!({"id": 530_001, "first_name": "Jo", "last_name": MARKER, "title": "Baker"});
    let created = json!({"action": "new_candidate_application", "payload": {"application": {"candidate": candidate}}});
    let (_, person) = scene.push_to("/v1/ats/talent_profile", &created).await;
    scene.permit(&person).await;
    until("the employer has it", async || scene.taken(&person).len() == 1).await;

    let deleted = json!({"action": "delete_candidate", "payload": {"person": candidate}});
    let (message, again) = scene.push_to("/v1/ats/talent_profile", &deleted).await;
    assert_eq!(again, person);
    scene.until_step(&message, "delivered acme -").await;
    let operations: Vec<_> = scene.taken(&person).iter().map(|received| received.operation).collect();
    assert_eq!(operations, [Operation::Upsert, Operation::Close]);
    assert_eq!(scene.acme.violations(), []);
}

#[tokio::test]
async fn what_is_permitted_for_a_time_is_ended_by_itself() {
    let scene = Scene::start().await;
    let (message, person) = scene.push("Java").await;
    let mut grant = grant(&person);
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(15);
    grant["events"][1]["duration"] = end.to_string().into();
    scene.keep(grant).await;
    scene.until_step(&message, "delivered acme -").await;
    scene.until_step(&message, "delivered acme consent_expired").await;
    assert!(jiff::Timestamp::now() >= end);
    assert_eq!(scene.taken(&person).last().unwrap().operation, Operation::Close);
}

#[tokio::test]
async fn what_is_to_be_left_alone_is_neither_sent_nor_ended() {
    let scene = Scene::start().await;
    let (message, person) = scene.push("Java").await;
    scene.permit(&person).await;
    scene.until_step(&message, "delivered acme -").await;
    let restriction = async |method: reqwest::Method| {
        let address = scene.gateway.url(&format!("/v1/subjects/{person}/restriction?method=web"));
        let request = scene.gateway.http.request(method, address).bearer_auth(scene.gateway.operator_token());
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    };
    restriction(reqwest::Method::PUT).await;
    let (next, _) = scene.push("Java, Rust").await;
    scene.until_step(&next, "refused acme subject_restricted").await;
    assert_eq!(scene.taken(&person).len(), 1, "what stands there stays");
    restriction(reqwest::Method::DELETE).await;
    scene.until_step(&next, "delivered acme -").await;
    assert_eq!(scene.taken(&person).last().unwrap().operation, Operation::Upsert);
}

#[tokio::test]
async fn every_attempt_is_decided_anew() {
    let scene = Scene::start().await;
    scene.acme.fail_now(Injection::Status { status: 503, retry_after: None });
    let (message, person) = scene.push("Java").await;
    let record = scene.permit(&person).await;
    scene.until_step(&message, "deferred acme later").await;
    assert_eq!(holding(scene.gateway.data(), MARKER), Vec::<String>::new(), "what waits is sealed");
    scene.withdraw(&record).await;
    scene.acme.heal();
    scene.until_step(&message, "refused acme consent_withdrawn").await;
    let documents = scene.taken(&person).into_iter().filter(|one| one.operation == Operation::Upsert);
    assert_eq!(documents.count(), 0, "what was owed before is not sent; at most it is ended, in case it arrived");
}

#[tokio::test]
async fn what_a_format_must_have_and_may_not_show_is_refused() {
    let desk = RestStub::start(RestStubSettings { token: Some(TOKEN.into()), ..RestStubSettings::default() });
    let desk = desk.await.unwrap();
    let gateway = Setup::new()
        .settings(TRANSFERS)
        .partner(profile_source("anapec", "anapec-rest"))
        .partner(employer("acme", PERMITTED, "anapec-rest", desk.base_url().as_str()))
        .secret("acme-token", TOKEN)
        .with_vault()
        .await
        .start()
        .await;
    let key = gateway.key("anapec").await;
    let (acme, zenith) = (desk.clone(), desk);
    let scene = Scene { gateway, acme, zenith, key };
    let (message, person) = scene.push("Java").await;
    scene.permit(&person).await;
    scene.until_step(&message, "refused acme consent_missing_required").await;
    assert_eq!(scene.zenith.requests(), 0, "no blank is sent");
}

#[tokio::test]
async fn there_is_no_way_past_the_decision() {
    let scene = Scene::start().await;
    let (message, person) = scene.push("Java").await;
    scene.permit(&person).await;
    scene.until_step(&message, "delivered acme -").await;

    let replayed = scene.operate(&format!("/v1/messages/{message}/replay?to=zenith"), &json!({})).await;
    let replayed: Value = replayed.json().await.unwrap();
    assert_eq!((&replayed["to"], &replayed["not_to"][0]["code"]), (&json!([]), &json!("recipient_not_named")));
    let synced = scene.operate("/v1/partners/zenith/sync", &json!({})).await;
    assert_eq!(synced.status(), StatusCode::ACCEPTED);
    let replayed = scene.operate(&format!("/v1/messages/{message}/replay"), &json!({})).await;
    assert_eq!(replayed.json::<Value>().await.unwrap()["to"], json!(["acme"]));
    until("it went again", async || scene.taken(&person).len() > 1).await;

    let get = async |path: &str, token: String| {
        let response = scene.gateway.http.get(scene.gateway.url(path)).bearer_auth(token).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    };
    let operator = || scene.gateway.operator_token();
    let tap = scene.gateway.http.get(scene.gateway.url("/v1/tap")).bearer_auth(operator()).send().await.unwrap();
    assert_eq!(tap.status(), StatusCode::OK);
    let mut tapped = tap.bytes_stream();
    let lines = format!("{}\n", jobseeker(CIN, MARKER, "Rust"));
    let batch = scene.gateway.http.post(scene.gateway.url("/v1/anapec/talent_profile/batch")).bearer_auth(&scene.key);
    let batch = batch.header("content-type", "application/x-ndjson").body(lines).send().await.unwrap();
    let line = batch.text().await.unwrap();
    assert!(line.contains(&person) && !line.contains(CIN), "{line}");
    let mut seen = String::new();
    until("the tap tells of the delivery", async || {
        let next = tokio::time::timeout(std::time::Duration::from_millis(200), tapped.next()).await;
        if let Ok(Some(Ok(bytes))) = next {
            seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        seen.contains("delivered")
    })
    .await;
    assert!(seen.contains("acme") && !seen.contains(MARKER) && !seen.contains(CIN), "{seen}");

    // What the tap told of may have been the replay.
    until("the batch's version went too", async || scene.taken(&person).len() > 2).await;
    scene.acme.inject(1, &Injection::Status { status: 422, retry_after: None });
    let (refused, _) = scene.push("Java, Kotlin").await;
    scene.until_step(&refused, "rejected acme rejected").await;
    let (_, parked) = get("/v1/parked", operator()).await;
    assert!(parked.contains("rejected") && !parked.contains(MARKER), "{parked}");
    assert_eq!(holding(scene.gateway.data(), MARKER), Vec::<String>::new(), "what is parked is sealed");
    let (status, said) = get(&format!("/v1/messages/{message}/explanation"), operator()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(said.contains("personal_kind"), "{said}");
    let own = scene.gateway.key("zenith").await;
    let (status, _) = get("/v1/zenith/feed/talent_profile", own.clone()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, said) = get(&format!("/v1/messages/{message}"), own).await;
    assert!(status.is_client_error(), "{said}");
    for path in [format!("/v1/messages/{message}"), "/v1/parked".to_owned(), "/metrics".to_owned()] {
        let (_, said) = get(&path, operator()).await;
        assert!(!said.contains(MARKER) && !said.contains(CIN), "{path}: {said}");
    }
    let (status, _) = get(&format!("/v1/messages?reference={CIN}"), operator()).await;
    assert_eq!(status, StatusCode::OK);
    let found = scene.gateway.get(&format!("/v1/messages?reference={CIN}")).await;
    assert_eq!(found["messages"], json!([]), "a person is found through the vault only");
    scene.assert_silent_at_zenith();
}

#[tokio::test]
async fn persons_are_sent_by_ways_only_on_which_every_send_is_decided() {
    let purposes = "purposes = [\"dpv:RecruitmentApplicantSelection\"]";
    let rest = "kind = \"rest\", base_url = \"http://127.0.0.1:1\"";
    for (connector, consent, complaint) in [
        ("kind = \"kafka\"", purposes, "a topic would be read later"),
        ("kind = \"feed\"", "", "wants `[outgoing.talent_profile.consent]`"),
        ("kind = \"eures-feed\", token = \"t\", source = \"VDAB\"", "", "wants `[outgoing.talent_profile.consent]`"),
        ("kind = \"feed\"", "purposes = []", "`outgoing.talent_profile.consent`"),
        (rest, "", "wants `[outgoing.talent_profile.consent]`"),
        (rest, "purposes = []", "`outgoing.talent_profile.consent`"),
        (rest, "purposes = [\"dpv:Marketing\"]", "is no purpose"),
    ] {
        let file = format!(
            "name = \"X\"\ncountry = \"BE\"\nrole = \"employer\"\n[outgoing.talent_profile]\ndialect = \"hropen-json\"\n\
             connector = {{ {connector} }}\n"
        );
        let table = if consent.is_empty() { "" } else { "[outgoing.talent_profile.consent]\n" };
        let file = format!("{file}{table}{consent}\n");
        let setup = Setup::new().partner(("acme", file)).secret("t", "t").with_vault().await;
        let checked = setup.run(&["check"]).await;
        let told = String::from_utf8(checked.stderr).unwrap();
        assert_eq!(checked.status.code(), Some(1), "{connector} {consent}");
        assert!(told.contains(complaint), "{told}");
    }
}
