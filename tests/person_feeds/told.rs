//! What one party says happened, told to every other party: in order, by permission or by the task of services, and never more
//! than stages and dates.

use connectors::rest::stub::{Received, RestStub, RestStubSettings};
use reqwest::Method;
use schemas::{EntityKey, Kind, Operation};
use serde_json::{Value, json};

use crate::{
    scene::{MORE_TRANSFERS, MUCH, Scene, profile},
    support::{Setup, TRANSFERS, grant_to, platform, profile_source, pull_until, until},
};

/// By what an employment service in Belgium may tell the one in Morocco, without a consent.
const BETWEEN_SERVICES: &str = r#"
[[transfers]]
from = { kind = "public_service", country = "BE" }
to = { kind = "public_service", country = "MA" }
instrument = "eu-gdpr:A46-2-a"
reference = "an invented agreement"
since = "2026-01-01"
"#;

/// A scene in which everybody may be told: the service that brought the persons, one in Belgium that is sent them, and both
/// platforms.
struct Telling {
    scene: Scene,
    anapec: RestStub,
    vdab: RestStub,
    belgium: RestStub,
    morocco: RestStub,
}

async fn receiver() -> RestStub {
    let settings = RestStubSettings { token: Some("told".into()), ..RestStubSettings::default() };
    RestStub::start(settings).await.unwrap()
}

/// What the file of a partner has that is told what happens.
fn told(receiver: &RestStub) -> String {
    let base_url = receiver.base_url().to_string();
    format!(
        "[outgoing.placement_status]\ndialect = \"placement-event\"\n\
         connector = {{ kind = \"rest\", base_url = \"{base_url}\", token = \"told\" }}\n\
         [outgoing.placement_status.consent]\npurposes = [\"dpv:RecruitmentApplicantSelection\"]\n"
    )
}

impl Telling {
    async fn start() -> Self {
        let (anapec, vdab) = (receiver().await, receiver().await);
        let (belgium, morocco) = (receiver().await, receiver().await);
        let with = |(id, file): (&'static str, String), receiver| (id, format!("{file}{}", told(receiver)));
        let service = format!(
            "name = \"Service (invented)\"\ncountry = \"BE\"\nrole = \"public_service\"\n\
             [incoming.placement_status]\ndialect = \"placement-event\"\n\
             [outgoing.talent_profile]\ndialect = \"hropen-json\"\n\
             connector = {{ kind = \"rest\", base_url = \"{}\", token = \"told\" }}\n\
             [outgoing.talent_profile.consent]\npurposes = [\"dpv:RecruitmentApplicantSelection\"]\npresents = true\n",
            vdab.base_url()
        );
        let partners = [
            with(profile_source("anapec", "anapec-rest"), &anapec),
            with(("vdab", service), &vdab),
            with(platform("belgium", "BE"), &belgium),
            with(platform("morocco", "MA"), &morocco),
        ];
        let scene = Scene::with(|setup| {
            let settings = format!("{TRANSFERS}{MORE_TRANSFERS}{BETWEEN_SERVICES}");
            let setup = setup.settings(&settings).secret("told", "told");
            partners.into_iter().fold(setup, Setup::partner)
        })
        .await;
        Self { scene, anapec, vdab, belgium, morocco }
    }

    /// A person whom the service in Belgium and the platform there were shown, and the record of the platform's permission.
    async fn presented(&mut self) -> (String, String) {
        let (message, person) = self.scene.push_document(&profile(1, "Soudeuse")).await;
        self.scene.permit(grant_to(&person, "vdab", "BE", &MUCH)).await;
        let with_statuses = [&MUCH[..], &["status_feedback"]].concat();
        let record = self.scene.permit(grant_to(&person, "belgium", "BE", &with_statuses)).await;
        pull_until(&mut self.scene.belgium, &person, true).await;
        self.scene.until_step(&message, "delivered vdab -").await;
        (person, record)
    }

    /// Tells an event as a partner; the message.
    async fn tell(&self, partner: &str, event: &Value) -> String {
        let key = self.scene.gateway.key(partner).await;
        let url = self.scene.gateway.url(&format!("/v1/{partner}/placement_status"));
        let answer = self.scene.gateway.http.post(url).bearer_auth(key).json(event).send().await.unwrap();
        let (status, said): (_, Value) = (answer.status(), answer.json().await.unwrap());
        assert_eq!(status, 202, "{said}");
        said["message_id"].as_str().unwrap().to_owned()
    }

    async fn until_told(&self, receiver: &RestStub, person: &str, number: usize) -> Vec<Value> {
        until(&format!("{number} are told"), async || events_at(receiver, person).len() == number).await;
        let bodies = events_at(receiver, person).into_iter().map(|one| serde_json::from_slice(&one.body).unwrap());
        bodies.collect()
    }
}

/// The requests by which a partner was told about somebody.
fn events_at(receiver: &RestStub, person: &str) -> Vec<Received> {
    let person: EntityKey = person.parse().unwrap();
    receiver.history(&EntityKey::of_placements(person).to_string())
}

fn event(id: &str, happened: &str, person: &str, more: &Value) -> Value {
    let mut data = json!({"employer": {"name": "Zonnedauw Software"}});
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({
        "specversion": "1.0", "id": id, "source": "/vdab", "type": format!("org.passerelle.placement.{happened}"),
        "subject": person, "time": "2026-11-20T14:05:00Z", "data": data,
    })
}

#[tokio::test]
async fn what_a_service_says_every_other_party_is_told_in_order() {
    let mut telling = Telling::start().await;
    let (person, _) = telling.presented().await;
    let reason = "Prive-redenen van Amina";
    let mut messages = Vec::new();
    for (id, happened) in [("1", "sourced"), ("2", "preselected"), ("3", "presented"), ("4", "rejected")] {
        let more = json!({"reasonText": reason, "status": {"label": "Tweede ronde"}});
        messages.push(telling.tell("vdab", &event(id, happened, &person, &more)).await);
    }
    let types =
        ["sourced", "preselected", "presented", "rejected"].map(|word| format!("org.passerelle.placement.{word}"));
    for (receiver, candidate) in [(&telling.anapec, json!("P-1")), (&telling.belgium, Value::Null)] {
        let told = telling.until_told(receiver, &person, 4).await;
        assert!(told.iter().map(|one| &one["type"]).eq(&types), "{told:?}");
        for (one, message) in told.iter().zip(&messages) {
            assert_eq!((&one["id"], &one["subject"]), (&json!(message), &json!(person)));
            assert_eq!(one["data"]["candidate"], candidate, "what its source calls the person, told to nobody else");
            assert_eq!(one["data"]["status"]["label"], "Tweede ronde");
            assert!(!one.to_string().contains(reason), "{one}");
        }
        let requests = events_at(receiver, &person);
        let notice = requests[0].notice.clone().unwrap();
        assert!(notice.withheld.contains("service_file"), "{notice:?}");
        assert!(requests.iter().all(|one| (one.kind, one.operation) == (Kind::PlacementStatus, Operation::Event)));
        assert_eq!(receiver.violations(), []);
    }
    for message in &messages {
        telling.scene.until_step(message, "delivered anapec -").await;
        telling.scene.until_step(message, "delivered belgium -").await;
    }
    assert_eq!(events_at(&telling.vdab, &person), [], "nobody is told what they said");
    assert_eq!(events_at(&telling.morocco, &person), [], "who was sent nothing of the person is told nothing");
}

#[tokio::test]
async fn what_a_platform_says_goes_only_where_the_person_permits_it() {
    let mut telling = Telling::start().await;
    let (person, record) = telling.presented().await;
    let message = telling.tell("belgium", &event("1", "selected", &person, &json!({}))).await;
    telling.scene.until_step(&message, "refused vdab nothing_permitted").await;
    telling.scene.until_step(&message, "refused anapec no_transfer_instrument").await;

    let said = telling.tell("vdab", &event("1", "sourced", &person, &json!({}))).await;
    telling.scene.until_step(&said, "delivered belgium -").await;
    telling.scene.withdraw(&record).await;
    until("the statuses are taken back", async || {
        events_at(&telling.belgium, &person).iter().any(|one| one.operation == Operation::Close)
    })
    .await;
    let later = telling.tell("vdab", &event("2", "preselected", &person, &json!({}))).await;
    telling.scene.until_step(&later, "refused belgium recipient_not_named").await;
    telling.scene.until_step(&later, "delivered anapec -").await;

    telling.scene.restrict(Method::PUT, &person).await;
    let restricted = telling.tell("vdab", &event("3", "presented", &person, &json!({}))).await;
    telling.scene.until_step(&restricted, "refused anapec subject_restricted").await;
}

#[tokio::test]
async fn the_person_hears_it_first_and_a_correction_names_what_it_corrects() {
    let mut telling = Telling::start().await;
    let (person, _) = telling.presented().await;
    let first = telling.tell("vdab", &event("1", "sourced", &person, &json!({}))).await;
    let past = json!({"supersedes": "1", "notifyNotBefore": "2026-01-01T00:00:00Z"});
    telling.tell("vdab", &event("2", "applied", &person, &past)).await;
    let told = telling.until_told(&telling.anapec, &person, 2).await;
    assert_eq!(told[1]["data"]["supersedes"], json!(first), "by the name under which it was told");
    let embargo = json!({"notifyNotBefore": "2999-01-01T00:00:00Z"});
    let held = telling.tell("vdab", &event("3", "rejected", &person, &embargo)).await;
    telling.scene.until_step(&held, "deferred anapec embargo").await;
    let behind = telling.tell("vdab", &event("4", "applied", &person, &json!({}))).await;
    telling.scene.until_step(&behind, "noted - -").await;
    assert_eq!(events_at(&telling.anapec, &person).len(), 2, "nothing is told before, and nothing overtakes it");
}
