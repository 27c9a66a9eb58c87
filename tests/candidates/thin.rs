//! Teamtailor, SmartRecruiters, Recruitee and Lever, whose events say too little, or do not prove it.

use connectors::{
    BaseUrl,
    candidates::{CandidateAccount, stub::CandidateStub},
    employer::stub::start as start_employer,
    rest::stub::{Injection, RestStub, RestStubSettings},
};
use reqwest::{Method, StatusCode};
use schemas::Operation::{Close, Upsert};
use serde_json::json;

use crate::{
    is_routed,
    support::{
        Gateway, PATIENCE, PERMITTED, Setup, comes_true, employer, grant, is_settled, keep, taken, until, until_taken,
    },
};

const TOKEN: &str = "employer";
const KEY: &str = "an-invented-key";
const SIGNING: &str = "an-invented-signing-secret";
/// Longer than any test: only the run at the start.
const ONCE: &str = "3600";

/// A vendor: its name, what its settings say beside the address, and its events for new, changed and gone.
struct Vendor {
    name: &'static str,
    settings: &'static str,
    events: [&'static str; 3],
}

const VENDORS: [Vendor; 4] = [
    Vendor {
        name: "teamtailor",
        settings: "api_key = \"ats\"",
        events: ["candidate.create", "candidate.update", "candidate.destroy"],
    },
    Vendor {
        name: "smartrecruiters",
        settings: "token = \"ats\"",
        events: ["candidate.created", "candidate.updated", "candidate.deleted"],
    },
    Vendor {
        name: "recruitee",
        settings: "company = \"123\", token = \"ats\"",
        events: ["candidate_created", "candidate_moved", "candidate_deleted"],
    },
    Vendor {
        name: "lever",
        settings: "api_key = \"ats\"",
        events: ["applicationCreated", "candidateStageChange", "candidateDeleted"],
    },
];

struct Scene {
    vendor: &'static Vendor,
    ats: CandidateStub,
    gateway: Gateway,
    acme: RestStub,
}

impl Vendor {
    fn account(&self) -> CandidateAccount {
        let key = || KEY.into();
        match self.name {
            "teamtailor" => CandidateAccount::Teamtailor { api_key: key(), api_version: "20240404".to_owned() },
            "smartrecruiters" => CandidateAccount::SmartRecruiters { token: key() },
            "recruitee" => CandidateAccount::Recruitee { company: "123".to_owned(), token: key() },
            _ => CandidateAccount::Lever { api_key: key() },
        }
    }

    async fn start(&'static self, every_seconds: &str) -> Scene {
        let ats = CandidateStub::start(&self.account(), 7).await.unwrap();
        let settings = RestStubSettings { token: Some(TOKEN.into()), ..RestStubSettings::default() };
        let acme = start_employer(settings).await.unwrap();
        let Self { name, settings, .. } = self;
        let file = format!(
            "name = \"Metaalbouw (invented)\"\ncountry = \"BE\"\nrole = \"employer\"\n\
             [incoming.talent_profile]\ndialect = \"{name}\"\n\
             [webhook]\nvendor = \"{name}\"\nsecret = \"ats-webhook\"\n\
             [poll]\nevery_seconds = {every_seconds}\n\
             source = {{ kind = \"{name}\", base_url = \"{}\", {settings} }}\n",
            ats.base_url()
        );
        let gateway = Setup::new()
            .partner(("metal", file))
            .partner(employer("acme", PERMITTED, "hropen-json", acme.base_url().as_str()))
            .secret("ats", KEY)
            .secret("ats-webhook", SIGNING)
            .secret("acme-token", TOKEN)
            .with_vault()
            .await
            .start()
            .await;
        let read = async || gateway.metric("passerelle_pages_polled_total", "metal").await >= 1.0;
        until("everything was read once", read).await;
        Scene { vendor: self, ats, gateway, acme }
    }
}

impl Scene {
    fn hook(&self) -> BaseUrl {
        self.gateway.url("/v1/metal/webhook").parse().unwrap()
    }

    async fn tell(&self, event: usize, id: &str) {
        let event = self.vendor.events[event];
        let status = self.ats.tell(&self.hook(), &SIGNING.into(), event, id).await;
        assert_eq!(status, Some(200), "{} {event}\n{}", self.vendor.name, self.gateway.log());
    }

    async fn person(&self, id: &str) -> Option<String> {
        let wanted = json!({"partner": "metal", "foreign_ids": [self.ats.reference(id).unwrap()]});
        let found = self.gateway.ask(Method::POST, "/v1/subjects/lookup", &wanted).await;
        found["subjects"][0].as_str().map(str::to_owned)
    }

    /// Waits until somebody is known, and keeps what they permit; the pseudonym.
    async fn permitted(&self, id: &str) -> String {
        let is_known = comes_true(PATIENCE, async || self.person(id).await.is_some()).await;
        assert!(is_known, "{}: nobody has heard of the candidate\n{}", self.vendor.name, self.gateway.log());
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

#[tokio::test]
async fn whom_an_event_names_is_read_at_the_vendor() {
    for vendor in &VENDORS {
        let scene = vendor.start(ONCE).await;
        let id = scene.ats.add();
        scene.tell(0, &id).await;
        let person = scene.permitted(&id).await;
        scene.tell(1, &id).await;
        until("it is routed", async || is_settled(&scene.gateway.get("/v1/backlog").await)).await;
        until("the journal has it", async || scene.messages().await >= 1).await;
        assert_eq!(scene.messages().await, 1, "{}: an event without news is no news", vendor.name);
        assert!(scene.ats.change(&id));
        scene.tell(1, &id).await;
        until_taken(&scene.gateway, &scene.acme, &person, &[Upsert; 2]).await;
        assert!(scene.ats.delete(&id));
        scene.tell(2, &id).await;
        if vendor.name == "lever" {
            // Its event names the contact in bytes that nobody signed: the next run over everything finds out.
            assert_eq!(taken(&scene.acme, &person).len(), 2);
        } else {
            until_taken(&scene.gateway, &scene.acme, &person, &[Upsert, Upsert, Close]).await;
        }
        assert_eq!(scene.ats.violations(), [""; 0], "{}", vendor.name);
        assert_eq!(scene.gateway.get("/v1/parked").await["parked"], json!([]), "{}", vendor.name);
    }
}

#[tokio::test]
async fn what_events_do_not_tell_is_found_by_reading_everything() {
    for vendor in &VENDORS {
        let scene = vendor.start("1").await;
        let (id, other) = (scene.ats.add(), scene.ats.add());
        let person = scene.permitted(&id).await;
        assert!(scene.ats.change(&id));
        until_taken(&scene.gateway, &scene.acme, &person, &[Upsert; 2]).await;
        assert!(scene.ats.delete(&id));
        until_taken(&scene.gateway, &scene.acme, &person, &[Upsert, Upsert, Close]).await;
        assert!(scene.person(&other).await.is_some());
        until("the journal has them", async || scene.messages().await >= 4).await;
        assert_eq!(scene.messages().await, 4, "{}: who did not change is taken in once", vendor.name);
        assert_eq!(scene.ats.violations(), [""; 0], "{}", vendor.name);
        let reference = scene.ats.reference(&other).unwrap();
        assert!(!scene.gateway.log().contains(&reference), "what the vendor calls somebody stands in no log");
        // A number of few digits may stand anywhere by chance.
        if reference.len() >= 16 {
            for file in std::fs::read_dir(scene.gateway.data()).unwrap().map(|file| file.unwrap().path()) {
                let holds = file.is_file()
                    && memchr::memmem::find(&std::fs::read(&file).unwrap(), reference.as_bytes()).is_some();
                assert!(!holds, "{}: it stands in {}", vendor.name, file.display());
            }
        }
    }
}

#[tokio::test]
async fn an_event_is_believed_only_as_its_vendor_signs_it_and_tried_again_if_the_vendor_is_away() {
    for vendor in &VENDORS {
        let scene = vendor.start(ONCE).await;
        let id = scene.ats.add();
        let event = vendor.events[0];
        let forged = scene.ats.tell(&scene.hook(), &"another".into(), event, &id).await;
        assert_eq!(forged, Some(401), "{}", vendor.name);
        let unsigned = scene.gateway.http.post(scene.gateway.url("/v1/metal/webhook")).body("{}").send().await.unwrap();
        assert_eq!(unsigned.status(), StatusCode::UNAUTHORIZED, "{}", vendor.name);
        assert_ne!(scene.ats.try_webhook(&scene.hook()).await, Some(false), "{}: setting it up", vendor.name);
        scene.ats.fail_now(Injection::Status { status: 500, retry_after: None });
        assert_eq!(scene.ats.tell(&scene.hook(), &SIGNING.into(), event, &id).await, Some(503), "{}", vendor.name);
        assert_eq!((scene.messages().await, scene.person(&id).await), (0, None), "{}", vendor.name);
        scene.ats.heal();
        scene.tell(0, &id).await;
        scene.permitted(&id).await;
    }
}

#[tokio::test]
async fn events_that_nothing_could_prove_are_refused_with_the_configuration() {
    let file = "name = \"X\"\ncountry = \"BE\"\nrole = \"employer\"\n[incoming.talent_profile]\n\
                dialect = \"lever\"\n[webhook]\nvendor = \"lever\"\nsecret = \"ats-webhook\"\n";
    let setup = Setup::new().partner(("metal", file.to_owned())).secret("ats-webhook", SIGNING).with_vault().await;
    let refused = setup.run(&["check"]).await;
    let said = String::from_utf8_lossy(&[refused.stdout, refused.stderr].concat()).into_owned();
    assert!(!refused.status.success() && said.contains("`[poll]` with `source = { kind = \"lever\""), "{said}");
}
