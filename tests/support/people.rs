//! The two kinds that are about persons, under traffic: a service brings profiles, changes them and says what happens to the
//! persons, and an employer is sent both, with rules of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use connectors::{
    rest::stub::{Injection, RestStub},
    revision,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use schemas::{EntityKey, Operation};
use serde_json::{Value, json};

use super::{
    Gateway, PERMITTED, RECEIVER_TOKEN, Setup, TRANSFERS, employer, grant, keep, profile_source, receiver, until,
};

/// How many persons there are.
const PERSONS: usize = 6;
/// The employer as a partner.
const DESK: &str = "desk";

/// The employer that is told.
#[derive(Clone)]
pub struct Desk(RestStub);

/// Persons, and who brings them.
pub struct People {
    desk: Desk,
    work: tokio::task::JoinHandle<Vec<Person>>,
    stop: Arc<AtomicBool>,
}

/// One person: what was acknowledged.
struct Person {
    key: String,
    revision: u64,
    /// The messages that said what happened, in their order.
    events: Vec<String>,
}

impl Desk {
    /// Opens it.
    pub async fn open() -> Self {
        Self(receiver().await)
    }

    /// What a gateway needs beside its vault, so that persons may be brought and told of.
    pub fn served_by(&self, setup: Setup) -> Setup {
        let base_url = self.0.base_url().as_str();
        let (id, file) = employer(DESK, PERMITTED, "hropen-json", base_url);
        let told = format!(
            "[outgoing.placement_status]\ndialect = \"placement-event\"\n\
             connector = {{ kind = \"rest\", base_url = \"{base_url}\", token = \"{DESK}-token\" }}\n\
             [outgoing.placement_status.consent]\npurposes = [\"dpv:RecruitmentApplicantSelection\"]\n"
        );
        let (service, brings) = profile_source("anapec", "anapec-rest");
        let tells = "[incoming.placement_status]\ndialect = \"placement-event\"\n";
        setup
            .settings(TRANSFERS)
            .partner((service, format!("{brings}{tells}")))
            .partner((id, format!("{file}{told}")))
            .secret(&format!("{DESK}-token"), RECEIVER_TOKEN)
    }

    /// Makes it slow, so that sends are under way whenever something happens.
    pub fn slow_down(&self, by: Duration) {
        self.0.inject(usize::MAX, &Injection::Slow(by));
    }
}

impl People {
    /// Brings the persons, has them permit everything, and begins.
    pub async fn start(desk: Desk, gateway: &Gateway, door: &str, between: Duration, random: &mut StdRng) -> Self {
        let bringer = Bringer { door: door.to_owned(), key: gateway.key("anapec").await, http: client() };
        let mut persons = Vec::new();
        for number in 0..PERSONS {
            let receipt = bringer.post("talent_profile?dialect=hropen-json", &profile(number, 1)).await;
            let key = receipt["entity_key"].as_str().unwrap().to_owned();
            let mut permitted = grant(&key);
            let categories = permitted["processing"]["provisions"][0]["categories"].as_array_mut().unwrap();
            categories.push("status_feedback".into());
            keep(gateway, &permitted).await;
            persons.push(Person { key, revision: 1, events: Vec::new() });
        }
        until("the profiles are there", async || persons.iter().all(|one| !desk.0.history(&one.key).is_empty())).await;
        let stop = Arc::<AtomicBool>::default();
        let work = tokio::spawn(bringer.go_on(persons, StdRng::seed_from_u64(random.random()), between, stop.clone()));
        Self { desk, work, stop }
    }

    /// Tells whoever brings them that nothing more is to be said. What is under way is repeated until it is answered.
    pub fn quieten(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Waits until everything is answered.
    pub async fn answered(self) -> Said {
        self.quieten();
        Said { desk: self.desk, persons: self.work.await.unwrap() }
    }
}

/// Everything that was acknowledged.
pub struct Said {
    desk: Desk,
    persons: Vec<Person>,
}

impl Said {
    /// Lets the employer be as fast as it can.
    pub fn heal(&self) {
        self.desk.0.heal();
    }

    /// What is not at the employer as it was acknowledged: the last profile of everybody, and every event, once and in order.
    pub fn breaches(&self) -> Vec<String> {
        let Desk(desk) = &self.desk;
        let mut breaches: Vec<_> = desk.violations().iter().map(|violation| format!("{violation:?}")).collect();
        breaches.extend(desk.overlaps().iter().map(|reference| format!("{reference}: two at once")));
        for person in &self.persons {
            let shown = desk.history(&person.key).pop().and_then(|last| last.revision);
            if shown != Some(person.revision) {
                breaches.push(format!("revision {shown:?} of {}, and not {}", person.key, person.revision));
            }
            let told = self.told(person);
            if told != person.events {
                let missing = person.events.iter().filter(|event| !told.contains(event)).count();
                breaches.push(format!(
                    "{} of {} events of {} in another order, or not: {missing} are missing",
                    told.len(),
                    person.events.len(),
                    person.key
                ));
            }
        }
        let events: usize = self.persons.iter().map(|person| person.events.len()).sum();
        let revisions: u64 = self.persons.iter().map(|person| person.revision).sum();
        println!("{events} events, {revisions} versions of {PERSONS} profiles, {} breaches", breaches.len());
        assert!(events > PERSONS && revisions > PERSONS as u64, "traffic ran");
        breaches
    }

    /// The events that the employer was told of a person, repeats left out.
    fn told(&self, person: &Person) -> Vec<String> {
        let key: EntityKey = person.key.parse().unwrap();
        let (mut keys, mut told) = (BTreeSet::new(), Vec::new());
        for received in self.desk.0.history(&EntityKey::of_placements(key).to_string()) {
            assert_eq!(received.operation, Operation::Event);
            if keys.insert(received.idempotency_key.clone()) {
                let event: Value = serde_json::from_slice(&received.body).unwrap();
                told.push(event["id"].as_str().unwrap().to_owned());
            }
        }
        told
    }
}

/// Who brings them: repeats until it is answered.
struct Bringer {
    door: String,
    key: String,
    http: reqwest::Client,
}

impl Bringer {
    async fn go_on(
        self,
        mut persons: Vec<Person>,
        mut random: StdRng,
        between: Duration,
        stop: Arc<AtomicBool>,
    ) -> Vec<Person> {
        let mut said: BTreeMap<usize, u64> = BTreeMap::new();
        while !stop.load(Ordering::SeqCst) {
            let number = random.random_range(0..PERSONS);
            let person = &mut persons[number];
            if random.random_bool(0.4) {
                person.revision += 1;
                self.post("talent_profile?dialect=hropen-json", &profile(number, person.revision)).await;
            } else {
                let count = said.entry(number).or_default();
                *count += 1;
                let receipt = self.post("placement_status", &event(&person.key, number, *count)).await;
                person.events.push(receipt["message_id"].as_str().unwrap().to_owned());
            }
            tokio::time::sleep(between).await;
        }
        persons
    }

    async fn post(&self, path: &str, document: &Value) -> Value {
        loop {
            let request = self.http.post(format!("{}/v1/anapec/{path}", self.door)).bearer_auth(&self.key);
            match request.json(document).send().await {
                Ok(response) if response.status().is_success() => {
                    // An answer that breaks off says nothing.
                    if let Ok(receipt) = response.json().await {
                        return receipt;
                    }
                }
                Ok(response) if response.status() == 503 => {}
                Ok(response) => {
                    panic!("refused with {}: {}", response.status(), response.text().await.unwrap_or_default())
                }
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn client() -> reqwest::Client {
    // A new connection each time, so that every door behind the address is knocked at.
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).pool_max_idle_per_host(0);
    http.build().unwrap()
}

fn profile(number: usize, revision: u64) -> Value {
    json!({
        "documentId": {"value": format!("T-{number}")},
        "person": {"name": {"given": "Amina", "family": format!("Voorbeeld {number}")}},
        "profiles": [{"languageCode": "nl", "objective": format!("Lasser {}", revision::mark(revision))}],
    })
}

fn event(person: &str, number: usize, count: u64) -> Value {
    json!({
        "specversion": "1.0", "id": format!("{number}-{count}"), "source": "/anapec",
        "type": "org.passerelle.placement.viewed", "subject": person, "time": "2026-11-20T14:05:00Z", "sequence": count,
    })
}
