//! Persons whose profiles change while they take back what they permitted, and employers who get them.

use std::{path::Path, time::Duration};

use connectors::{
    employer::stub::start as start_employer,
    rest::stub::{Injection, RestStub, RestStubSettings},
};

use crate::{
    checker::Known,
    puller::PULLER,
    support::{
        FileServer, Gateway, PERMITTED, Setup, TRANSFERS, database_at, employer, engines, media_source,
        pulling_employer,
    },
};

const TOKEN: &str = "employer";
/// Employers; each gets every version.
pub const EMPLOYERS: usize = 4;
/// How long an employer takes to answer.
const SLOW: Duration = Duration::from_millis(15);

/// How fast everything goes.
#[derive(Clone, Copy)]
pub struct Pace {
    /// How long a person waits for a document to arrive before going on without it: it may have been taken for a newer one.
    pub impatience: Duration,
    /// How long nodes live, in milliseconds.
    pub lives_ms: (u64, u64),
}

/// A node that comes back finds everything as it left it.
const ALONE: Pace = Pace { impatience: Duration::from_millis(700), lives_ms: (400, 2_500) };
/// What a dead node had waits for sessions and leases to end.
const TOGETHER: Pace = Pace { impatience: Duration::from_secs(8), lives_ms: (6_000, 12_000) };

/// Gateways, employers, and where their store is.
pub struct Scene {
    pub pace: Pace,
    pub nodes: Vec<Gateway>,
    pub employers: Vec<(String, RestStub)>,
    pub files: FileServer,
    pub known: Known,
    pub key: String,
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
}
