//! Sources that are polled: nothing is lost over a kill, nothing is closed by a run that did not end.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use connectors::{
    rest::stub::{RestStub, RestStubSettings},
    stub::{Injection, Moment},
    vdab::stub::{VdabPart, VdabStub, VdabStubSettings},
};
use jiff::{SignedDuration, Timestamp};
use schemas::{EntityKey, Operation};

use self::support::{Gateway, Setup, rest_receiver, until};

const SECRET: &str = "an-invented-client-secret";
const API_KEY: &str = "an-invented-api-key";

struct Scene {
    gateway: Gateway,
    vdab: VdabStub,
    receiver: RestStub,
}

impl Scene {
    async fn start(settings: VdabStubSettings, vacancies: usize, limits: &str) -> Self {
        let vdab = VdabStub::start(settings).await.unwrap();
        for _ in 0..vacancies {
            vdab.publish(Timestamp::now() - SignedDuration::from_hours(30));
        }
        let receiver =
            RestStub::start(RestStubSettings { token: Some("receiver".into()), ..RestStubSettings::default() });
        let receiver = receiver.await.unwrap();
        let source = format!(
            "name = \"VDAB (invented)\"\ncountry = \"BE\"\nrole = \"public_service\"\n[incoming.vacancy]\ndialect = \"vdab-json\"\n\
             [poll]\nevery_seconds = 1\n[poll.source]\nkind = \"vdab\"\nbase_url = \"{}\"\neverything_every_seconds = 3\nbatch = 7\n\
             account = {{ token_url = \"{}\", client_id = \"client\", client_secret = \"vdab-secret\", api_key = \"vdab-key\" }}\n{limits}",
            vdab.reading_url(),
            vdab.token_url()
        );
        let gateway = Setup::new()
            .partner(("vdab", source))
            .partner(rest_receiver("agency", "canonical", receiver.base_url().as_str(), "by_key"))
            .secret("vdab-secret", SECRET)
            .secret("vdab-key", API_KEY)
            .secret("agency-token", "receiver")
            .start()
            .await;
        Self { gateway, vdab, receiver }
    }

    /// The vacancies that stand at the receiver, by outgoing reference.
    fn shown(&self) -> Vec<String> {
        let is_open = |reference: &String| {
            self.receiver.history(reference).last().is_some_and(|last| last.operation == Operation::Upsert)
        };
        self.receiver.references().into_iter().filter(is_open).collect()
    }

    /// Those that VDAB has, by outgoing reference.
    fn published(&self) -> Vec<String> {
        let vacancies = self.vdab.vacancies();
        let open = vacancies.iter().filter(|vacancy| vacancy.is_published);
        let partner = "vdab".parse().unwrap();
        let mut references: Vec<String> =
            open.map(|vacancy| EntityKey::of_vacancy(&partner, &vacancy.reference).to_string()).collect();
        references.sort();
        references
    }

    async fn until_alike(&self) {
        until("the receiver shows what VDAB has", async || {
            let mut shown = self.shown();
            shown.sort();
            shown == self.published()
        })
        .await;
        assert_eq!(self.vdab.violations(), []);
    }
}

fn settings() -> VdabStubSettings {
    VdabStubSettings::new("client".to_owned(), SECRET.into(), API_KEY.into())
}

#[tokio::test]
async fn what_vdab_publishes_changes_and_loses_is_followed() {
    let scene = Scene::start(settings(), 23, "").await;
    scene.until_alike().await;
    let references: Vec<String> = scene.vdab.vacancies().into_iter().map(|vacancy| vacancy.reference).collect();
    scene.vdab.withdraw(&references[0], Timestamp::now());
    scene.vdab.lose(&references[1]);
    scene.vdab.change(&references[2], Timestamp::now());
    scene.vdab.publish(Timestamp::now());
    scene.until_alike().await;
    assert_eq!(scene.gateway.get("/v1/parked").await["parked"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_run_that_breaks_off_closes_nothing_and_goes_on_after_a_kill() {
    let mut scene = Scene::start(settings(), 40, "").await;
    scene.until_alike().await;
    for fault in [
        Injection::Status { status: 500, retry_after: None },
        Injection::Reset(Moment::BeforeTaking),
        Injection::Garbage(Moment::BeforeTaking),
    ] {
        scene.vdab.inject(VdabPart::Reading, 3, &fault);
        scene.gateway.kill().await;
        scene.gateway.start().await;
        let reference = scene.vdab.publish(Timestamp::now());
        let outgoing = EntityKey::of_vacancy(&"vdab".parse().unwrap(), &reference).to_string();
        scene.receiver.until(|receiver| receiver.references().contains(&outgoing)).await;
    }
    scene.until_alike().await;
    let closings =
        |reference: &String| scene.receiver.history(reference).iter().any(|one| one.operation == Operation::Close);
    assert!(!scene.receiver.references().iter().any(closings), "nothing was closed");
}
