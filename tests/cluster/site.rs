//! Two gateways of one group under traffic through both doors, and what must hold in the end.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use connectors::{
    eures::stub::EuresStub,
    rest::stub::{Injection, RestStub},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    machinery::Machinery,
    support::{
        Balancer, Desk, Gateway, People, RECEIVER_TOKEN, Said, Sending, Setup, SmallDisk, Sources, arrivals_at,
        check_order, comes_true, database_at, eures, is_settled, missing_at_eures, missing_at_receiver, most_within,
        receiver, rest_receiver, under_traffic,
    },
};

/// How long everything may take to be well again.
const HEALING: Duration = Duration::from_mins(4);
/// What one partner allows in a second.
const ALLOWED: usize = 40;
/// How long a partner takes for a request: sends are under way whenever something happens.
const SLOW: Duration = Duration::from_millis(25);
/// The size of the file system of a gateway's data, where it is small.
const DISK_MIB: usize = 16;

/// A node that is silent for so long gives its partitions to the other.
pub const SESSION: Duration = Duration::from_secs(3);
/// A node that reads nothing for so long does, too.
pub const POLL_INTERVAL: Duration = Duration::from_secs(6);
/// A node that is silent for so long gives its partners to the other.
pub const LEASE: Duration = Duration::from_secs(3);

/// What stands behind a site: settings that differ, by their names.
pub type Differences<'a> = &'a [(&'a str, &'a str)];

/// The gateways, their partners, and the traffic.
pub struct Site {
    pub machinery: Machinery,
    pub nodes: Vec<Gateway>,
    pub disks: Vec<Option<SmallDisk>>,
    pub agency: RestStub,
    pub random: StdRng,
    pub database: String,
    limited: RestStub,
    arrivals: Arc<Mutex<Vec<Instant>>>,
    prefix: String,
    began: Instant,
    sources: Sources,
    people: Option<People>,
    balancer: Balancer,
    pulling: JoinHandle<EuresStub>,
    stop: CancellationToken,
}

/// How it ended; every line is a breach of what is promised.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What was acknowledged and does not stand at a partner as it should.
    pub missing: Vec<String>,
    /// What partners complain about.
    pub complaints: Vec<String>,
    /// The most requests within a second at the partner that allows [`ALLOWED`].
    pub most: usize,
    /// Sends with a key that was seen before.
    pub repeats: usize,
}

impl Verdict {
    /// Checks that every promise was kept.
    pub fn assert_clean(&self) {
        assert_eq!((&self.missing, &self.complaints), (&Vec::new(), &Vec::new()));
        assert!(self.most <= ALLOWED, "{} requests within a second, {ALLOWED} are allowed", self.most);
    }
}

/// A gateway of a group: the same log and store as the others, a folder of its own.
pub fn node(setup: Setup, machinery: &Machinery, prefix: &str, database: &str) -> Setup {
    let milliseconds = |duration: Duration| duration.as_millis().to_string();
    setup
        .setting("ENGINES__BACKBONE", "kafka")
        .setting("ENGINES__STORE", "postgresql")
        .setting("KAFKA__BOOTSTRAP_SERVERS", &machinery.kafka)
        .setting("KAFKA__PREFIX", prefix)
        .setting("KAFKA__PARTITIONS", "4")
        .setting("KAFKA__REPLICATION_FACTOR", &machinery.brokers.len().to_string())
        .setting("KAFKA__MIN_INSYNC_REPLICAS", &machinery.brokers.len().div_ceil(2).to_string())
        .setting("KAFKA__SESSION_TIMEOUT_MS", &milliseconds(SESSION))
        .setting("KAFKA__MAX_POLL_INTERVAL_MS", &milliseconds(POLL_INTERVAL))
        .setting("KAFKA__DELIVERY_TIMEOUT_MS", "5000")
        .setting("REGISTRY__URL", &machinery.registry)
        .setting("POSTGRESQL__URL", database)
        .setting("POSTGRESQL__CONNECT_TIMEOUT_MS", "3000")
        .setting("POSTGRESQL__STATEMENT_TIMEOUT_MS", "3000")
        .setting("POSTGRESQL__LOCK_TIMEOUT_MS", "1500")
        .setting("CLUSTER__LEASE_MS", &milliseconds(LEASE))
        .setting("DELIVERY__SEND_TIMEOUT_MS", "2000")
        .setting("DELIVERY__DRAIN_MS", "3000")
}

/// Gives a node the partners that are sent to: one of them allows [`ALLOWED`] requests in a second.
fn with_receivers(setup: Setup, agency: &RestStub, limited: &RestStub) -> Setup {
    let (name, file) = rest_receiver("agency", "canonical", agency.base_url().as_str(), "by_key");
    let (slow, slow_file) = rest_receiver("limited", "canonical", limited.base_url().as_str(), "by_key");
    let limits = format!("\n[limits]\nwindows = [{{ requests = {ALLOWED}, seconds = 1 }}]\n");
    setup.partner((name, file)).partner((slow, slow_file + &limits)).secret("limited-token", RECEIVER_TOKEN)
}

/// Gives a node what it needs where persons are told of: a desk, and the key that wraps those of persons, that of the first.
async fn with_people(setup: Setup, desk: Option<&Desk>, wrapping: &mut Option<PathBuf>, keys: &str) -> Setup {
    let Some(desk) = desk else { return setup };
    let setup = desk.served_by(setup);
    let setup = if let Some(file) = wrapping {
        setup.setting("VAULT__KEY_FILE", &file.to_string_lossy())
    } else {
        *wrapping = Some(setup.config().with_file_name("wrapping.keys"));
        setup.with_vault().await
    };
    setup.setting("VAULT__URL", keys)
}

/// Whether every node answers, and so.
async fn both_say(nodes: &[Gateway], path: &str, holds: fn(&serde_json::Value) -> bool) -> bool {
    for node in nodes {
        let asked = node.http.get(node.url(path)).bearer_auth(node.operator_token()).send().await;
        let Ok(response) = asked else { return false };
        if !response.status().is_success() || !response.json().await.is_ok_and(|answer| holds(&answer)) {
            return false;
        }
    }
    true
}

impl Site {
    /// Starts two nodes and the traffic.
    pub async fn start(seed: u64, differences: Differences<'_>) -> Self {
        Self::start_as(seed, differences, Path::new(env!("CARGO_BIN_EXE_passerelle"))).await
    }

    /// Starts two nodes and the traffic of all three kinds.
    pub async fn start_with_people(seed: u64) -> Self {
        let desk = Desk::open().await;
        let program = Path::new(env!("CARGO_BIN_EXE_passerelle"));
        let mut site = Self::start_serving(seed, &[], program, Some(&desk)).await;
        let door = format!("http://{}", site.balancer.address);
        let between = Duration::from_millis(100);
        site.people = Some(People::start(desk.clone(), &site.nodes[0], &door, between, &mut site.random).await);
        desk.slow_down(SLOW);
        site
    }

    /// Starts two nodes of some version and the traffic.
    pub async fn start_as(seed: u64, differences: Differences<'_>, program: &Path) -> Self {
        Self::start_serving(seed, differences, program, None).await
    }

    /// The same, with an employer to whom persons are told of.
    async fn start_serving(seed: u64, differences: Differences<'_>, program: &Path, desk: Option<&Desk>) -> Self {
        println!("seed {seed}");
        let machinery = Machinery::found();
        machinery.heal().await;
        let mut random = StdRng::seed_from_u64(seed);
        let prefix = format!("faults-{}.", uuid::Uuid::new_v4().simple());
        let database = database_at(&machinery.postgresql).await;
        let (agency, limited) = (receiver().await, receiver().await);
        let (mut nodes, mut disks) = (Vec::new(), Vec::new());
        let keys = database_at(&machinery.postgresql).await;
        let mut wrapping: Option<PathBuf> = None;
        for _ in 0..2 {
            let disk = SmallDisk::mount(DISK_MIB);
            let setup = node(under_traffic(Setup::new()).program(program), &machinery, &prefix, &database);
            let setup = with_receivers(setup, &agency, &limited);
            let setup = disk.iter().fold(setup, |setup, disk| setup.data_dir(&disk.path().join("data")));
            let setup = with_people(setup, desk, &mut wrapping, &keys).await;
            let setup = differences.iter().fold(setup, |setup, (name, value)| setup.setting(name, value));
            nodes.push(setup.start().await);
            disks.push(disk);
        }
        let balancer = Balancer::start(nodes.iter().map(Gateway::address).collect()).await;
        let door = format!("http://{}", balancer.address);
        let sending = Sending {
            between_pushes: Duration::from_millis(60),
            between_tries: Duration::from_millis(100),
            idle_connections: 0,
            posts_a_second: 10,
        };
        let sources = Sources::start(&door, &nodes[0].key("acme").await, &sending, &mut random);
        let (mut puller, stop) = (eures(&door), CancellationToken::new());
        let pulling = tokio::spawn({
            let (ats, pace, stop) = (sources.ats.clone(), sending.pace(), stop.clone());
            async move {
                tokio::join!(ats.steady(&pace, &stop), puller.run(Duration::from_millis(200), &stop, |_| {}));
                puller
            }
        });
        let (arrivals, began) = (arrivals_at(&limited), Instant::now());
        let site = Self {
            machinery,
            nodes,
            disks,
            agency,
            random,
            database,
            limited,
            arrivals,
            prefix,
            began,
            sources,
            people: None,
            balancer,
            pulling,
            stop,
        };
        site.slow_down(SLOW);
        site
    }

    /// Says what happens, and when.
    pub fn say(&self, what: &str) {
        println!("{:6.1} s  {what}", self.began.elapsed().as_secs_f32());
    }

    /// Lets the traffic run for a random while.
    pub async fn run(&mut self, seconds: std::ops::Range<f64>) {
        let seconds = self.random.random_range(seconds);
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    }

    /// The broker that leads a partition of what is accepted.
    pub async fn leader(&self) -> u8 {
        self.machinery.leader(format!("{}accepted", self.prefix)).await
    }

    /// Makes both receivers slow.
    pub fn slow_down(&self, by: Duration) {
        for stub in [&self.agency, &self.limited] {
            stub.heal();
            stub.inject(usize::MAX, &Injection::Slow(by));
        }
    }

    /// What both nodes say, for a failure.
    pub async fn state(&self) -> String {
        let mut said = String::new();
        for node in &self.nodes {
            said += &format!("{}\n{}\n\n", node.state().await, node.log());
        }
        said
    }

    /// Tells everybody to send nothing more, once something was sent at all. What is under way is repeated until it is answered.
    pub async fn quieten(&self) {
        let has_run = comes_true(HEALING, async || self.sources.have_run()).await;
        assert!(has_run, "the traffic runs\n{}", self.state().await);
        self.say("the traffic ends");
        self.stop.cancel();
        self.sources.end();
        self.people.iter().for_each(People::quieten);
    }

    /// Ends the traffic, waits until everything is well and nothing is owed, and compares what was acknowledged with what
    /// arrived.
    pub async fn end(mut self) -> Verdict {
        if !self.stop.is_cancelled() {
            self.quieten().await;
        }
        let is_well = comes_true(HEALING, async || both_say(&self.nodes, "/health/ready", |_| true).await).await;
        assert!(is_well, "both nodes become ready\n{}", self.state().await);
        self.say("both nodes are ready");
        let pulled = tokio::time::timeout(HEALING, &mut self.pulling).await.map(Result::unwrap);
        let stopped = tokio::time::timeout(HEALING, self.sources.stop()).await;
        let (Ok(mut puller), Ok(expected)) = (pulled, stopped) else {
            panic!("what was sent is not answered any more\n{}", self.nodes[0].log())
        };
        let said = match self.people.take() {
            Some(people) => Some(tokio::time::timeout(HEALING, people.answered()).await.expect("persons are answered")),
            None => None,
        };
        self.say("everything is answered");
        said.iter().for_each(Said::heal);
        self.agency.heal();
        self.limited.heal();
        let is_done = comes_true(HEALING, async || both_say(&self.nodes, "/v1/backlog", is_settled).await).await;
        if !is_done {
            let said = self.nodes[0].get("/v1/backlog").await;
            panic!("the backlog does not go down: {said}\n{}\n{}", self.nodes[0].log(), self.nodes[1].log());
        }
        self.say("nothing is owed");
        let mut verdict = Verdict::default();
        for (name, stub) in [("agency", &self.agency), ("limited", &self.limited)] {
            let missing = missing_at_receiver(stub, &expected);
            verdict.missing.extend(missing.into_iter().map(|one| format!("{one} `{name}`")));
            verdict.complaints.extend(stub.violations().iter().map(|violation| format!("{name}: {violation:?}")));
            verdict
                .complaints
                .extend(stub.overlaps().iter().map(|reference| format!("{name}: {reference}: two at once")));
            if stub.violations().is_empty() {
                let (sends, repeats) = check_order(stub, String::new);
                println!("{name}: {sends} sends, {repeats} repeats");
                verdict.repeats += repeats;
            }
        }
        verdict.complaints.extend(said.iter().flat_map(Said::breaches));
        verdict.missing.extend(missing_at_eures(&mut puller, &expected).await);
        verdict.complaints.extend(puller.view().breaches().iter().map(|breach| breach.problem.clone()));
        let parked = self.nodes[0].get("/v1/parked").await;
        if parked["parked"] != json!([]) {
            verdict.complaints.push(format!("parked: {parked}"));
        }
        verdict.most = most_within(Duration::from_secs(1), &self.arrivals.lock().unwrap());
        println!("{} missing, at most {} requests within a second", verdict.missing.len(), verdict.most);
        drop(self.balancer);
        verdict
    }
}
