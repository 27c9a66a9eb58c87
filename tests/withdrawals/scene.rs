//! Persons whose profiles change while they take back what they permitted, and employers who get them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use connectors::{
    employer::stub::start as start_employer,
    rest::stub::{Injection, RestStub, RestStubSettings},
};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    checker::{Known, Verdict, Withdrawn, check, upserts},
    puller::{PULLER, Puller},
    support::{
        FileServer, Gateway, PERMITTED, Setup, TRANSFERS, comes_true, database_at, employer, engines, grant,
        is_settled, media_source, pulling_employer, video_file,
    },
};

const TOKEN: &str = "employer";
/// Employers; each gets every version.
const EMPLOYERS: usize = 4;
/// Versions of each person.
const VERSIONS: usize = 5;
/// Persons who live at the same time.
const AT_ONCE: usize = 24;
/// How long an employer takes to answer.
const SLOW: Duration = Duration::from_millis(15);
/// The length of each person's video-CV, in bytes.
const VIDEO: usize = 70_000;
/// How long a person waits for the very first document.
const FIRST: Duration = Duration::from_secs(10);
/// How long an answer may take: a client now and then does not notice that its connection ended with a gateway.
const ANSWER: Duration = Duration::from_secs(5);
/// How long everything may take to come to rest.
const REST: Duration = Duration::from_mins(5);

/// How many persons; ten thousand sends and withdrawals want 900.
fn persons() -> usize {
    std::env::var("PASSERELLE_TEST_PERSONS").map_or(60, |number| number.parse().unwrap())
}

/// How fast everything goes.
#[derive(Clone, Copy)]
struct Pace {
    /// How long a person waits for a document to arrive before going on without it: it may have been taken for a newer one.
    impatience: Duration,
    /// How long nodes live, in milliseconds.
    lives_ms: (u64, u64),
}

/// A node that comes back finds everything as it left it.
const ALONE: Pace = Pace { impatience: Duration::from_millis(700), lives_ms: (400, 2_500) };
/// What a dead node had waits for sessions and leases to end.
const TOGETHER: Pace = Pace { impatience: Duration::from_secs(8), lives_ms: (6_000, 12_000) };

/// Gateways, employers, and where their store is.
pub struct Scene {
    pace: Pace,
    nodes: Vec<Gateway>,
    employers: Vec<(String, RestStub)>,
    files: FileServer,
    known: Known,
    key: String,
}

/// A door that may close and open again.
#[derive(Clone)]
struct Door {
    http: reqwest::Client,
    url: String,
    data: PathBuf,
}

impl Door {
    /// Asks until there is an answer that says something.
    async fn ask(doors: &[Self], path: &str, key: Option<&str>, body: &Value) -> Value {
        for turn in 0.. {
            let door = &doors[turn % doors.len()];
            // It is another one after every start.
            let token = std::fs::read_to_string(door.data.join("operator.token")).unwrap_or_default();
            let request = door
                .http
                .post(format!("{}{path}", door.url))
                .bearer_auth(key.unwrap_or(&token))
                .json(body)
                .timeout(ANSWER);
            if let Ok(response) = request.send().await
                && (response.status().is_success() || response.status() == StatusCode::CONFLICT)
                && let Ok(answer) = response.json().await
            {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        unreachable!("it asks until it is answered")
    }
}

async fn employers() -> Vec<(String, RestStub)> {
    let mut employers = Vec::new();
    for number in 0..EMPLOYERS {
        let settings = RestStubSettings { token: Some(TOKEN.into()), ..RestStubSettings::default() };
        let stub = start_employer(settings).await.unwrap();
        stub.inject(usize::MAX, &Injection::Slow(SLOW));
        employers.push((format!("employer-{number}"), stub));
    }
    employers
}

fn setup(employers: &[(String, RestStub)], files: &FileServer, program: Option<&Path>) -> Setup {
    let setup = Setup::new()
        .settings(TRANSFERS)
        .partner(media_source("anapec", "anapec-rest", &files.origin))
        .partner(pulling_employer(PULLER, PERMITTED))
        .setting("DELIVERY__RETRY_INITIAL_MS", "20")
        .setting("DELIVERY__RETRY_LONGEST_MS", "500")
        .setting("DELIVERY__SEND_TIMEOUT_MS", "3000")
        .setting("DELIVERY__CONNECT_TIMEOUT_MS", "1000")
        .setting("DELIVERY__DRAIN_MS", "3000")
        // The same from every node, and after every start: else what is sent again would have other bytes.
        .setting("MEDIA__PUBLIC_URL", "http://gateway.example")
        .setting("MEDIA__AT_ONCE", "16");
    let setup = program.into_iter().fold(setup, Setup::program);
    employers.iter().fold(setup, |setup, (id, stub)| {
        setup
            .partner(employer(id, PERMITTED, "hropen-json", stub.base_url().as_str()))
            .secret(&format!("{id}-token"), TOKEN)
    })
}

impl Scene {
    /// One node on files.
    pub async fn embedded(program: Option<&Path>) -> Self {
        let (employers, files) = (employers().await, FileServer::start().await);
        let node = setup(&employers, &files, program).with_vault().await.start().await;
        let known = Known::Sqlite(node.data().join("store.db"));
        Self::of(ALONE, vec![node], (employers, files), known).await
    }

    /// Two nodes on Kafka and PostgreSQL, where those were started.
    pub async fn on_engines(program: Option<&Path>) -> Option<Self> {
        let (engines, server) = (engines()?, std::env::var("PASSERELLE_TEST_POSTGRESQL").ok()?);
        let (employers, files) = (employers().await, FileServer::start().await);
        let prefix = format!("withdrawals-{}.", uuid::Uuid::new_v4().simple());
        let (database, keys) = (database_at(&server).await, database_at(&server).await);
        let mut wrapping: Option<String> = None;
        let mut nodes = Vec::new();
        for _ in 0..2 {
            let setup = setup(&employers, &files, program)
                .on_kafka(&engines, &prefix)
                .setting("KAFKA__PARTITIONS", "4")
                .setting("KAFKA__SESSION_TIMEOUT_MS", "3000")
                .setting("KAFKA__MAX_POLL_INTERVAL_MS", "6000")
                .setting("CLUSTER__LEASE_MS", "3000")
                .setting("ENGINES__STORE", "postgresql")
                .setting("POSTGRESQL__URL", &database)
                .setting("VAULT__URL", &keys);
            let setup = if let Some(file) = &wrapping {
                setup.setting("VAULT__KEY_FILE", file)
            } else {
                wrapping = Some(setup.config().with_file_name("wrapping.keys").to_string_lossy().into_owned());
                setup.with_vault().await.setting("VAULT__URL", &keys)
            };
            nodes.push(setup.start().await);
        }
        Some(Self::of(TOGETHER, nodes, (employers, files), Known::Postgresql(database)).await)
    }

    async fn of(
        pace: Pace,
        nodes: Vec<Gateway>,
        (employers, files): (Vec<(String, RestStub)>, FileServer),
        known: Known,
    ) -> Self {
        let key = nodes[0].key("anapec").await;
        Self { pace, nodes, employers, files, known, key }
    }

    /// Lets everybody live, and kills so many nodes meanwhile; then waits until everything has come to rest.
    pub async fn run(mut self, kills: usize) -> Verdict {
        let (seed, began, persons) = (rand::rng().random(), Instant::now(), persons());
        println!("seed {seed}");
        let doors: Vec<Door> = self
            .nodes
            .iter()
            .map(|node| Door { http: node.http.clone(), url: node.url(""), data: node.data().to_owned() })
            .collect();
        let (doors, employers, key) = (Arc::new(doors), Arc::new(self.employers.clone()), self.key.clone());
        let Pace { impatience, lives_ms: (shortest, longest) } = self.pace;
        // One who takes nothing back, so that there is always a file to read.
        let (nodes, to, from) = (doors.clone(), employers.clone(), self.files.clone());
        let steady = Life { doors: nodes, employers: to, files: from, key: key.clone(), number: persons, impatience };
        steady.permit().await;
        let pulling = CancellationToken::new();
        let puller = tokio::spawn(Puller::of(&self.nodes).await.pull(pulling.clone()));
        let done = CancellationToken::new();
        let living = {
            let (doors, employers, files, done) = (doors.clone(), employers.clone(), self.files.clone(), done.clone());
            tokio::spawn(async move {
                let lives = (0..persons).map(|number| {
                    let random = StdRng::seed_from_u64(seed ^ u64::try_from(number).unwrap());
                    let (doors, employers, files) = (doors.clone(), employers.clone(), files.clone());
                    let life = Life { doors, employers, files, key: key.clone(), number, impatience };
                    tokio::spawn(life.live(random))
                });
                // Spawned only when their turn comes: `lives` is lazy.
                let lived: Vec<Withdrawn> =
                    stream::iter(lives).buffer_unordered(AT_ONCE).map(|lived| lived.unwrap()).collect().await;
                done.cancel();
                lived
            })
        };
        let mut random = StdRng::seed_from_u64(seed);
        for kill in 0..kills {
            let pause = Duration::from_millis(random.random_range(shortest..longest));
            if tokio::time::timeout(pause, done.cancelled()).await.is_ok() {
                println!("only {kill} of {kills} kills: everybody has lived");
                break;
            }
            let turn = kill % self.nodes.len();
            self.nodes[turn].kill().await;
            self.nodes[turn].start().await;
        }
        let withdrawn = living.await.unwrap();
        let is_at_rest = comes_true(REST, async || {
            is_settled(&self.nodes[0].get("/v1/backlog").await)
                && self.nodes[0].get("/v1/recalls").await["recalls"] == json!([])
        })
        .await;
        // It pulls as long as recalls wait for it.
        pulling.cancel();
        let seen = puller.await.unwrap();
        let mut verdict = check(&withdrawn, &self.employers, &seen, &self.known).await;
        if !is_at_rest {
            let open = self.nodes[0].get("/v1/recalls").await;
            verdict.unrecalled.push(format!("no rest: {open}\n{}", self.nodes[0].log()));
        }
        println!("{verdict} in {:.1} s", began.elapsed().as_secs_f32());
        verdict
    }
}

/// A person whose profile changes, and who takes back what was permitted at some moment meanwhile.
struct Life {
    doors: Arc<Vec<Door>>,
    employers: Arc<Vec<(String, RestStub)>>,
    files: FileServer,
    key: String,
    number: usize,
    impatience: Duration,
}

impl Life {
    async fn live(self, mut random: StdRng) -> Withdrawn {
        let (person, record) = self.permit().await;
        let enough = random.random_range(0..EMPLOYERS * VERSIONS);
        let changes = async {
            for version in 1..VERSIONS {
                let wanted = version * EMPLOYERS - random.random_range(0..EMPLOYERS);
                self.arrived(&person, wanted, self.impatience).await;
                self.push(version).await;
            }
        };
        let withdrawal = async {
            for number in 0..=enough {
                // The first one is worth waiting for, however slow everything is.
                let patience = if number == 1 { FIRST } else { self.impatience };
                if !self.arrived(&person, number, patience).await {
                    break;
                }
            }
            let path = format!("/v1/consents/{record}/withdraw");
            let answer = Door::ask(&self.doors, &path, None, &json!({"method": "web"})).await;
            let acknowledged_at = Timestamp::now();
            assert_eq!(answer["events"][2]["state"], "dpv:ConsentWithdrawn", "{answer}");
            let seen = self.employers.iter().map(|(_, stub)| upserts(stub, &person).len()).collect();
            (acknowledged_at, seen)
        };
        let ((), (acknowledged_at, seen)) = tokio::join!(changes, withdrawal);
        Withdrawn { person, acknowledged_at, seen }
    }

    /// Pushes the first version, and permits it: the person's pseudonym, and the record.
    async fn permit(&self) -> (String, String) {
        let person = self.push(0).await;
        let mut grant = grant(&person);
        grant["processing"]["provisions"][0]["categories"].as_array_mut().unwrap().push("video".into());
        Door::ask(&self.doors, "/v1/consents", None, &grant).await;
        (person, grant["header"]["record_id"].as_str().unwrap().to_owned())
    }

    /// Waits until so many documents about a person have arrived; not for too long. Says whether they have.
    async fn arrived(&self, person: &str, wanted: usize, patience: Duration) -> bool {
        let arrived = || self.employers.iter().map(|(_, stub)| upserts(stub, person).len()).sum::<usize>();
        let give_up_at = Instant::now() + patience;
        while arrived() < wanted {
            if Instant::now() >= give_up_at {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }

    /// Pushes a version; the person's pseudonym.
    async fn push(&self, version: usize) -> String {
        let video = self.files.says(&format!("/{}.mp4", self.number), video_file(VIDEO));
        let document = json!({
            "documentId": {"value": format!("P-{}", self.number)},
            "person": {"name": {"given": "Amina", "family": "Voorbeeld"}},
            "profiles": [{
                "languageCode": "fr", "objective": format!("soudure {version}"),
                "attachments": [{"purpose": "video_cv", "url": video}],
            }],
        });
        let path = "/v1/anapec/talent_profile?dialect=matching-platform";
        let receipt = Door::ask(&self.doors, path, Some(&self.key), &document).await;
        receipt["entity_key"].as_str().unwrap_or_else(|| panic!("{receipt}")).to_owned()
    }
}
