//! Greenhouse, whose events hold the candidate and are signed with it.

use connectors::{
    BaseUrl,
    candidates::{CandidateAccount, stub::CandidateStub},
    employer::stub::start as start_employer,
    rest::stub::{RestStub, RestStubSettings},
};
use reqwest::{Method, StatusCode};
use schemas::Operation::{Close, Upsert};
use serde_json::json;

use crate::{
    is_routed,
    support::{
        Gateway, PERMITTED, Setup, WEBHOOK_SECRET, employer, grant, greenhouse_event, greenhouse_source, is_settled,
        keep, taken, until, until_taken,
    },
};

const TOKEN: &str = "employer";
/// Nobody is called so.
const MARKER: &str = "Zoubida7391";
/// What the ATS calls somebody.
const CANDIDATE: u64 = 53_001_739;

struct Scene {
    gateway: Gateway,
    acme: RestStub,
}

/// An event with a candidate in it, as it was after so many minutes.
fn event(action: &str, title: &str, minute: u8) -> Vec<u8> {
    let candidate = json!({
        "id": CANDIDATE, "first_name": "Fatima", "last_name": MARKER, "title": title,
        "created_at": "2026-03-22T08:00:00Z", "updated_at": format!("2026-03-22T09:{minute:02}:00Z"),
        "photo_url": null, "attachments": [], "phone_numbers": [], "addresses": [],
        "email_addresses": [{"type": "personal", "value": format!("{MARKER}@example.org")}],
        "website_addresses": [], "social_media_addresses": [], "educations": [], "employments": [],
    });
    let application =
        json!({"id": 1, "status": "active", "candidate": candidate, "jobs": [{"id": 7, "name": "Lasser"}]});
    json!({"action": action, "payload": {"application": application}}).to_string().into_bytes()
}

/// An event that says only who is gone.
fn gone(action: &str) -> Vec<u8> {
    let payload = match action {
        "candidate_anonymized" => json!({"candidate_id": CANDIDATE, "anonymized_fields": ["full_name"]}),
        _ => json!({"person": {"id": CANDIDATE, "first_name": "Fatima", "last_name": MARKER, "title": "Lasser",
            "created_at": "2026-03-22T08:00:00Z", "new_candidate_id": 9}}),
    };
    json!({"action": action, "payload": payload}).to_string().into_bytes()
}

impl Scene {
    async fn start() -> Self {
        let settings = RestStubSettings { token: Some(TOKEN.into()), ..RestStubSettings::default() };
        let acme = start_employer(settings).await.unwrap();
        let (id, file) = greenhouse_source("metal");
        let file = file.replace("[webhook]", "[incoming.talent_profile]\ndialect = \"greenhouse\"\n\n[webhook]");
        let gateway = Setup::new()
            .partner((id, file))
            .partner(employer("acme", PERMITTED, "hropen-json", acme.base_url().as_str()))
            .secret("greenhouse-webhook", WEBHOOK_SECRET)
            .secret("acme-token", TOKEN)
            .with_vault()
            .await
            .start()
            .await;
        Self { gateway, acme }
    }

    async fn tell(&self, event_id: &str, body: &[u8]) {
        let status = greenhouse_event(&self.gateway, "metal", event_id, body).await;
        assert_eq!(status, StatusCode::OK, "{}", self.gateway.log());
    }

    /// The person's pseudonym.
    async fn person(&self) -> String {
        let wanted = json!({"partner": "metal", "foreign_ids": [CANDIDATE.to_string()]});
        let found = self.gateway.ask(Method::POST, "/v1/subjects/lookup", &wanted).await;
        found["subjects"][0].as_str().unwrap().to_owned()
    }

    /// Somebody who applied, and whose profile the employer may have; the pseudonym.
    async fn permitted(&self) -> String {
        self.tell("evt-1", &event("new_candidate_application", "Lasser", 0)).await;
        let person = self.person().await;
        let mut grant = grant(&person);
        grant["parties"][0]["id"] = "metal".into();
        keep(&self.gateway, &grant).await;
        until_taken(&self.gateway, &self.acme, &person, &[Upsert]).await;
        person
    }

    /// How often something was taken in.
    async fn messages(&self) -> usize {
        self.gateway.get("/v1/messages?partner=metal").await["messages"].as_array().unwrap().len()
    }
}

#[tokio::test]
async fn a_candidate_goes_on_as_it_changes_and_no_delivery_counts_twice() {
    let scene = Scene::start().await;
    let person = scene.permitted().await;
    scene.tell("evt-2", &event("candidate_stage_change", "Lasser", 0)).await;
    until("it is routed", async || is_settled(&scene.gateway.get("/v1/backlog").await)).await;
    until("the journal has it", async || scene.messages().await >= 1).await;
    assert_eq!(scene.messages().await, 1, "another step of the way of hiring is nothing new of the person");
    let second = event("application_updated", "Voorman", 5);
    scene.tell("evt-3", &second).await;
    until_taken(&scene.gateway, &scene.acme, &person, &[Upsert; 2]).await;
    // The vendor did not hear the answer to the first one, and it is not the newest any more.
    scene.tell("evt-1", &event("new_candidate_application", "Lasser", 0)).await;
    scene.tell("evt-4", &event("new_candidate_application", "Lasser", 0)).await;
    scene.tell("evt-3", &second).await;
    scene.tell("evt-5", &event("update_candidate", "Werfleider", 9)).await;
    until_taken(&scene.gateway, &scene.acme, &person, &[Upsert; 3]).await;
    let titles: Vec<_> =
        taken(&scene.acme, &person).iter().map(|one| String::from_utf8_lossy(&one.body).into_owned()).collect();
    for (title, body) in ["Lasser", "Voorman", "Werfleider"].iter().zip(&titles) {
        assert!(body.contains(title), "{title}: {body}");
    }
    assert_eq!(scene.acme.violations(), []);
    assert!(!scene.gateway.log().contains(MARKER));
}

#[tokio::test]
async fn who_is_deleted_merged_or_anonymised_at_the_ats_is_gone_everywhere() {
    for action in ["delete_candidate", "merge_candidate", "candidate_anonymized"] {
        let scene = Scene::start().await;
        let person = scene.permitted().await;
        scene.tell("evt-2", &gone(action)).await;
        until_taken(&scene.gateway, &scene.acme, &person, &[Upsert, Close]).await;
        assert_eq!(scene.gateway.get("/v1/parked").await["parked"], json!([]), "{action}");
    }
}

#[tokio::test]
async fn what_cannot_be_believed_or_read_is_not_taken_and_lost_only_where_nobody_signed_it() {
    let scene = Scene::start().await;
    let forged = scene.gateway.http.post(scene.gateway.url("/v1/metal/webhook")).header("Signature", "sha256 00");
    let forged = forged.body(event("update_candidate", "Lasser", 0)).send().await.unwrap();
    assert_eq!(forged.status(), StatusCode::UNAUTHORIZED);
    let offer = br#"{"action":"offer_created","payload":{"id":1,"application_id":2,"notes":"Zoubida7391"}}"#;
    assert_eq!(greenhouse_event(&scene.gateway, "metal", "evt-1", offer).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(scene.messages().await, 0);

    let unreadable = json!({"action": "update_candidate", "payload": {"candidate": {"id": null, "last_name": MARKER}}});
    scene.tell("evt-2", unreadable.to_string().as_bytes()).await;
    // The id of a delivery stands for one body.
    scene.tell("evt-3", &event("update_candidate", "Lasser", 0)).await;
    until("it is routed", async || is_settled(&scene.gateway.get("/v1/backlog").await)).await;
    scene.tell("evt-3", &event("update_candidate", "Voorman", 1)).await;
    let parked = scene.gateway.get("/v1/parked").await;
    let mut codes: Vec<&str> =
        parked["parked"].as_array().unwrap().iter().filter_map(|one| one["code"].as_str()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["idempotency_key_reused", "unreadable"]);
    assert!(!parked.to_string().contains(MARKER), "sealed: {parked}");
    until("the journal has it", async || scene.messages().await == 1).await;
    assert!(!scene.gateway.get("/v1/messages?partner=metal").await.to_string().contains(MARKER));
}

/// An account whose events may be lost, with what reads everybody behind them.
struct Reconciled {
    gateway: Gateway,
    acme: RestStub,
    ats: CandidateStub,
}

impl Reconciled {
    /// With somebody in the account, and a run over everybody as often.
    async fn start(every_seconds: &str) -> (Self, String) {
        let settings = RestStubSettings { token: Some(TOKEN.into()), ..RestStubSettings::default() };
        let acme = start_employer(settings).await.unwrap();
        let ats = CandidateStub::start(&CandidateAccount::Greenhouse { api_key: KEY.into() }, 7).await.unwrap();
        let id = ats.add();
        let (_, file) = greenhouse_source("metal");
        let file = file.replace("[webhook]", "[incoming.talent_profile]\ndialect = \"greenhouse\"\n\n[webhook]");
        let source = format!(
            "[poll]\nevery_seconds = {every_seconds}\n\
             source = {{ kind = \"greenhouse-candidates\", base_url = \"{}\", api_key = \"ats\" }}\n",
            ats.base_url()
        );
        let gateway = Setup::new()
            .partner(("metal", format!("{file}\n{source}")))
            .partner(employer("acme", PERMITTED, "hropen-json", acme.base_url().as_str()))
            .secret("greenhouse-webhook", WEBHOOK_SECRET)
            .secret("ats", KEY)
            .secret("acme-token", TOKEN)
            .with_vault()
            .await
            .start()
            .await;
        (Self { gateway, acme, ats }, id)
    }

    async fn tell(&self, event: &str, id: &str) {
        let hook: BaseUrl = self.gateway.url("/v1/metal/webhook").parse().unwrap();
        let status = self.ats.tell(&hook, &WEBHOOK_SECRET.into(), event, id).await;
        assert_eq!(status, Some(200), "{event}\n{}", self.gateway.log());
    }

    async fn person(&self, id: &str) -> Option<String> {
        let wanted = json!({"partner": "metal", "foreign_ids": [id]});
        let found = self.gateway.ask(Method::POST, "/v1/subjects/lookup", &wanted).await;
        found["subjects"][0].as_str().map(str::to_owned)
    }

    /// Waits until somebody is known, and keeps what they permit; the pseudonym.
    async fn permitted(&self, id: &str) -> String {
        until("the candidate is known", async || self.person(id).await.is_some()).await;
        let person = self.person(id).await.unwrap();
        // A grant that comes before the profile is routed has it sent twice.
        until("the profile is routed", async || is_routed(&self.gateway, &person).await).await;
        let mut grant = grant(&person);
        grant["parties"][0]["id"] = "metal".into();
        keep(&self.gateway, &grant).await;
        until_taken(&self.gateway, &self.acme, &person, &[Upsert]).await;
        person
    }

    async fn messages(&self) -> usize {
        self.gateway.get("/v1/messages?partner=metal").await["messages"].as_array().unwrap().len()
    }
}

const KEY: &str = "an-invented-key";

#[tokio::test]
async fn whom_no_event_told_of_is_found_by_a_run_over_everybody() {
    let (scene, id) = Reconciled::start("1").await;
    let person = scene.permitted(&id).await;
    assert!(scene.ats.change(&id));
    until_taken(&scene.gateway, &scene.acme, &person, &[Upsert; 2]).await;
    let other = scene.ats.add();
    until("the other one is known", async || scene.person(&other).await.is_some()).await;
    assert!(scene.ats.delete(&id));
    until_taken(&scene.gateway, &scene.acme, &person, &[Upsert, Upsert, Close]).await;
    until("the journal has them", async || scene.messages().await >= 4).await;
    assert_eq!(scene.messages().await, 4, "who did not change is taken in once, and nobody else is closed");
    assert_eq!(scene.ats.violations(), [""; 0]);
    assert_eq!(scene.gateway.get("/v1/parked").await["parked"], json!([]));
    assert!(!scene.gateway.log().contains(&other), "what the vendor calls somebody stands in no log");
}

#[tokio::test]
async fn what_an_event_says_needs_no_reading_and_is_no_news_to_a_run() {
    let (scene, id) = Reconciled::start("1").await;
    let person = scene.permitted(&id).await;
    let pages = async || scene.gateway.metric("passerelle_pages_polled_total", "metal").await;
    assert!(scene.ats.change(&id));
    scene.tell("update_candidate", &id).await;
    until_taken(&scene.gateway, &scene.acme, &person, &[Upsert; 2]).await;
    let before = pages().await;
    until("everybody was read again", async || pages().await >= before + 2.0).await;
    until("it is routed", async || is_settled(&scene.gateway.get("/v1/backlog").await)).await;
    assert_eq!(taken(&scene.acme, &person).len(), 2, "what the event and Harvest say is the same");
    scene.tell("delete_candidate", &id).await;
    until_taken(&scene.gateway, &scene.acme, &person, &[Upsert, Upsert, Close]).await;
    let (_, details) = scene.ats.answered();
    assert_eq!(details, 0, "nobody was asked for one by one");
    assert_eq!(scene.ats.violations(), [""; 0]);
}

#[tokio::test]
async fn a_run_that_breaks_off_closes_nobody() {
    let (scene, id) = Reconciled::start("1").await;
    let person = scene.permitted(&id).await;
    let unreadable = scene.ats.add();
    assert!(scene.ats.spoil(&unreadable) && scene.ats.delete(&id));
    let pages = async || scene.gateway.metric("passerelle_pages_polled_total", "metal").await;
    let before = pages().await;
    until("everybody was read again", async || pages().await >= before + 2.0).await;
    until("it is routed", async || is_settled(&scene.gateway.get("/v1/backlog").await)).await;
    assert_eq!(taken(&scene.acme, &person).len(), 1, "somebody could not be read: it may have been this one");
    assert!(scene.ats.unspoil(&unreadable));
    until_taken(&scene.gateway, &scene.acme, &person, &[Upsert, Close]).await;
}
