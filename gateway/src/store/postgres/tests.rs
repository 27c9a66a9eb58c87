//! The conformance suite against a PostgreSQL that runs, and what only PostgreSQL can do.

use std::time::Duration;

use sqlx::{Connection as _, Executor as _};

use super::*;
use crate::backbone::conformance::given;
use crate::store::{ApiKeys, DispatchState, Dispatches, Leases, Routed, Versions, conformance};

/// Names a server, such as `postgresql://postgres@127.0.0.1:5432/postgres`; its user may make databases.
const SERVER: &str = "PASSERELLE_TEST_POSTGRESQL";

/// A database of the test's own.
///
/// # Panics
/// If there is no server where there has to be one.
pub async fn database(name: &str) -> Option<PostgresqlSettings> {
    let Some(server) = given(SERVER) else {
        eprintln!("skipped: {SERVER} does not say where PostgreSQL is");
        return None;
    };
    let name = format!("store_{name}_{}", uuid::Uuid::new_v4().simple());
    let mut connection = Connection::connect(&server).await.unwrap();
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let mut url = reqwest::Url::parse(&server).unwrap();
    url.set_path(&name);
    Some(PostgresqlSettings {
        url: url.to_string(),
        password: None,
        max_connections: 8,
        connect_timeout: Duration::from_secs(5),
        statement_timeout: Duration::from_secs(10),
        lock_timeout: Duration::from_secs(5),
        migrate: true,
    })
}

async fn connection(settings: &PostgresqlSettings) -> Connection {
    Connection::connect(&settings.url).await.unwrap()
}

async fn open(settings: &PostgresqlSettings) -> Result<PostgresStore> {
    PostgresStore::open(settings, None, &Supervisor::default(), Clock::system()).await
}

#[tokio::test]
async fn postgres_passes_the_conformance_suite() {
    let Some(settings) = database("conformance").await else { return };
    conformance::run(async || {
        let supervisor = Supervisor::default();
        let store = PostgresStore::open(&settings, None, &supervisor, Clock::system()).await.unwrap();
        (Box::new(store) as Box<dyn Store>, supervisor)
    })
    .await;
}

#[tokio::test]
async fn postgres_of_a_newer_version_is_taken_and_of_an_older_migrated_if_it_may_be() {
    let Some(mut settings) = database("migrations").await else { return };
    settings.migrate = false;
    let refusal = open(&settings).await.err().expect("it lacks everything").to_string();
    assert!(refusal.contains("passerelle store migrate"), "{refusal}");
    settings.migrate = true;
    // Two nodes that start at once.
    let (first, second) = tokio::join!(open(&settings), open(&settings));
    first.unwrap();
    second.unwrap();
    settings.migrate = false;
    open(&settings).await.unwrap();

    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'of a newer version', TRUE, '', 0)";
    let mut newer_version = connection(&settings).await;
    newer_version.execute(newer).await.unwrap();
    let store = open(&settings).await.unwrap();
    store.probe().await.unwrap();
    // The running version has prepared its statements when a column comes.
    store.keys().await.unwrap();
    newer_version.execute("ALTER TABLE api_keys ADD COLUMN colour TEXT").await.unwrap();
    store.keys().await.unwrap();
}

#[tokio::test]
async fn postgres_lets_no_claim_slip_past_a_new_owner() {
    let Some(settings) = database("owners").await else { return };
    let (old, new) = (open(&settings).await.unwrap(), open(&settings).await.unwrap());
    for round in 0..20 {
        let epoch = conformance::own(&old, "contested").await;
        let claims = (0..20).map(|number| {
            let owed = conformance::owed("contested", &format!("{round}/{number}"), number + 1);
            let old = &old;
            async move { old.claim(conformance::claim_of(&owed, epoch)).await.unwrap() }
        });
        let seen = async {
            conformance::own(&new, "contested").await;
            new.open_counts(&"contested".parse().unwrap()).await.unwrap()
        };
        let (claimed, seen) = tokio::join!(futures::future::join_all(claims), seen);
        let now = new.open_counts(&"contested".parse().unwrap()).await.unwrap();
        assert_eq!(seen, now, "what is claimed once the new owner has its epoch: {claimed:?}");
    }
}

#[tokio::test]
async fn postgres_keeps_text_that_holds_nul() {
    let Some(settings) = database("text").await else { return };
    let store = open(&settings).await.unwrap();
    let owed = conformance::owed("odd", "R1", 1);
    let mut settlement = conformance::outcome(&owed, DispatchState::Rejected);
    settlement.detail = Some("a\0b".to_owned());
    store.settle(settlement, false).await.unwrap();
    let rows = store.dispatch_rows(&[owed.dispatch_id]).await.unwrap();
    assert_eq!(rows[&owed.dispatch_id].detail.as_deref(), Some("a\u{FFFD}b"));
    assert_eq!(store.entity_sent_as(&owed.partner, "a\0b").await.unwrap(), None);
    let routed = Routed { employers: vec![("Bouw\0".repeat(2_000), owed.entity_key)], ..Routed::default() };
    store.record_routed(routed).await.unwrap();
}

#[tokio::test]
async fn postgres_comes_back_after_its_connections_were_cut() {
    let Some(settings) = database("cut").await else { return };
    let store = open(&settings).await.unwrap();
    store.probe().await.unwrap();
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    connection(&settings).await.execute(cut).await.unwrap();
    let mut tries = 0;
    while store.lease("again", "a", Duration::from_secs(1)).await.is_err() {
        tries += 1;
        assert!(tries <= settings.max_connections, "each connection fails once at most");
    }
}

#[tokio::test]
async fn postgres_that_does_not_answer_is_given_up() {
    let Some(mut settings) = database("frozen").await else { return };
    let supervisor = Supervisor::default();
    let server = reqwest::Url::parse(&settings.url).unwrap();
    let server = format!("{}:{}", server.host_str().unwrap(), server.port().unwrap_or(5432));
    let (frozen, way) = frozen::way_to(server, &supervisor).await;
    let mut url = reqwest::Url::parse(&settings.url).unwrap();
    url.set_ip_host(way.ip()).unwrap();
    url.set_port(Some(way.port())).unwrap();
    settings.url = url.to_string();
    settings.connect_timeout = Duration::from_millis(300);
    settings.statement_timeout = Duration::from_millis(300);
    let store = PostgresStore::open(&settings, None, &supervisor, Clock::system()).await.unwrap();
    store.probe().await.unwrap();

    frozen.send_replace(true);
    let begun = tokio::time::Instant::now();
    let calls = (0..20).map(|number| {
        let store = store.clone();
        async move { store.lease(&number.to_string(), "a", Duration::from_secs(1)).await.is_err() }
    });
    assert!(futures::future::join_all(calls).await.into_iter().all(|failed| failed));
    assert!(store.probe().await.is_err() && open(&settings).await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());

    frozen.send_replace(false);
    while store.probe().await.is_err() {
        assert!(begun.elapsed() < Duration::from_mins(1), "it does not come back");
    }
}

/// A way to a server that can be frozen, as by SIGSTOP.
mod frozen {
    use std::net::SocketAddr;

    use tokio::{
        io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        sync::watch,
    };

    use crate::supervisor::Supervisor;

    pub async fn way_to(server: String, supervisor: &Supervisor) -> (watch::Sender<bool>, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (freeze, frozen) = watch::channel(false);
        let tasks = supervisor.clone();
        supervisor.spawn("way", async move {
            loop {
                let (client, _) = listener.accept().await?;
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = TcpStream::connect(&server).await?.into_split();
                tasks.spawn("there", copy(from_client, to_server, frozen.clone()));
                tasks.spawn("back", copy(from_server, to_client, frozen.clone()));
            }
        });
        (freeze, address)
    }

    async fn copy(
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        mut frozen: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let mut buffer = [0; 4_096];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            frozen.wait_for(|frozen| !frozen).await?;
            if to.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

#[tokio::test]
async fn postgres_and_sqlite_have_the_tables_that_are_moved() {
    use std::collections::{BTreeMap, BTreeSet};
    let Some(settings) = database("tables").await else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    open(&settings).await.unwrap();
    crate::store::SqliteStore::open(&path, &Supervisor::default(), Clock::system()).await.unwrap();
    let ours: BTreeMap<String, BTreeSet<String>> = crate::store::TABLES
        .iter()
        .map(|table| (table.name.to_owned(), table.columns.iter().map(|(name, _)| (*name).to_owned()).collect()))
        .collect();
    let gathered = |columns: Vec<(String, String)>| {
        let mut tables = BTreeMap::<String, BTreeSet<String>>::new();
        for (table, column) in columns {
            tables.entry(table).or_default().insert(column);
        }
        tables
    };
    // Blobs are files in the embedded store.
    let sql = "SELECT table_name::TEXT, column_name::TEXT FROM information_schema.columns WHERE table_schema = 'public' \
               AND table_name NOT IN ('_sqlx_migrations', 'leases', 'moves', 'blobs', 'blob_chunks')";
    let postgres = sqlx::query_as(sql).fetch_all(&mut connection(&settings).await).await.unwrap();
    assert_eq!(gathered(postgres), ours);
    let sql = "SELECT t.name, c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c \
               WHERE t.type = 'table' AND t.name <> '_sqlx_migrations'";
    let file = sqlx::SqlitePool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    assert_eq!(gathered(sqlx::query_as(sql).fetch_all(&file).await.unwrap()), ours);
}
