//! `passerelle bench journal`: what a million messages cost that are journaled, and still owed.
//!
//! A gateway takes vacancies in while the one partner that is owed them does not answer. Taking in is measured when few
//! are journaled and again when all are. Then the partner answers, a gateway starts in a process of its own, and its
//! first delivery and its memory are measured.

use std::{
    env,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use connectors::{
    rest::stub::{RestStub, RestStubSettings},
    stub::{Injection, Moment},
};
use indicatif::ProgressBar;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::process::Command;

use super::{
    Row,
    load::{Clients, Measured, memory_mib},
    median,
    ours::{Ours, configuration_of},
};

const CLIENTS: usize = 64;
/// Messages that are few.
const FEW: u64 = 10_000;
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(4);
/// How long what was taken in may take to become what is owed.
const SETTLE_WITHIN: Duration = Duration::from_mins(30);
/// How long the started gateway delivers before its memory is read.
const DELIVER_FOR: Duration = Duration::from_secs(10);
const TOKEN: &str = "invented-agency-token";
/// A small vacancy, invented.
const DOCUMENT: &str = r#"{
    "reference": "", "status": "published", "openings": 1,
    "profiles": [{"language": "nl", "title": "Lasser", "description": "Werk in de werkplaats.", "how_to_apply": "Bel ons."}],
    "employer": {"name": "Lasbedrijf Verzonnen", "legal_ids": [{"scheme": "be-kbo", "value": "0100000169"}]},
    "locations": [{"country": "BE", "city": "Gent", "postcode": "9000"}],
    "occupations": [{"scheme": "isco-08", "code": "7212", "obtained": "source"}]
}"#;

/// Fills a journal with so many messages, and measures before, after, and after a start.
pub async fn run(metrics: PrometheusHandle, messages: u64) -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let settings = RestStubSettings { token: Some(TOKEN.into()), history_limit: 1, ..RestStubSettings::default() };
    let agency = RestStub::start(settings).await.context("cannot play the agency")?;
    agency.fail_now(Injection::Reset(Moment::BeforeTaking));
    let ours = Ours::start(folder.path(), metrics, "canonical", &agency_files(&agency)).await?;
    let clients = Clients::new(&ours.url, &ours.key, (DOCUMENT, "/reference"), CLIENTS)?;
    let progress = ProgressBar::new(messages).with_message("messages");
    let few = measure_at(FEW.min(messages), &clients, &ours, &progress).await?;
    let many = measure_at(messages, &clients, &ours, &progress).await?;
    progress.finish_and_clear();
    ensure!(ours.daemon.stop().await, "the daemon did not stop cleanly");
    agency.heal();
    let (first, memory) = start_with_all_waiting(folder.path(), &agency).await?;
    let row = |name: &str, unit, of: fn(&Measured) -> f64| {
        let (value, floor) = (median(many.iter().map(of)), median(few.iter().map(of)));
        Row::beside(format!("accept with {messages} journaled: {name}"), unit, value, floor)
    };
    Ok(vec![
        row("CPU a message", "µs", |measured| measured.cpu_micros),
        row("accepted a second", "/s", |measured| measured.per_second),
        row("p50", "ms", |measured| measured.p50_ms),
        Row::alone(format!("first delivery after a start with {messages} waiting"), "s", first.as_secs_f64()),
        Row::alone(format!("most memory with {messages} waiting"), "MiB", memory),
    ])
}

fn agency_files(agency: &RestStub) -> [(&'static str, String); 2] {
    let partner = format!(
        "name = \"Agency (invented)\"\ncountry = \"BE\"\nrole = \"public_service\"\n[outgoing.vacancy]\ndialect = \"canonical\"\n\
         connector = {{ kind = \"rest\", base_url = \"{}\", token = \"agency\", repeats = \"by_key\" }}\n",
        agency.base_url()
    );
    [("partners/agency.toml", partner), ("secrets/agency", TOKEN.to_owned())]
}

/// Fills up to so many messages, waits until they are routed, and measures taking more in.
async fn measure_at(messages: u64, clients: &Clients, ours: &Ours, progress: &ProgressBar) -> Result<Vec<Measured>> {
    clients.push_up_to(messages, progress).await?;
    let settled = async {
        loop {
            let backlog = ours.ask("/v1/backlog").await?;
            if backlog["unrouted"] == 0 && backlog["partners"]["agency"]["unsettled"].as_u64() <= Some(1_000) {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(SETTLE_WITHIN, settled).await.context("the router does not keep up")??;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(clients.push_for(ROUND).await?);
    }
    Ok(rounds)
}

/// Starts a gateway on what is there: the time until the partner gets something, and the most memory it took, MiB.
async fn start_with_all_waiting(folder: &Path, agency: &RestStub) -> Result<(Duration, f64)> {
    let mut arrivals = agency.observe();
    let begun = Instant::now();
    let mut gateway = Command::new(env::current_exe()?)
        .args(["serve", "--config"])
        .arg(configuration_of(folder))
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start the gateway")?;
    tokio::time::timeout(SETTLE_WITHIN, arrivals.recv()).await.context("nothing is delivered")??;
    let first = begun.elapsed();
    tokio::time::sleep(DELIVER_FOR).await;
    let process = gateway.id().context("the gateway ended")?.to_string();
    let memory = memory_mib(&process, "VmHWM:")?;
    gateway.kill().await?;
    Ok((first, memory))
}
