//! The demo's gateway and the partners around it.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use connectors::{
    eures::stub::{EuresSettings, EuresStub, EuresView},
    greenhouse::stub::{GreenhouseSettings, GreenhouseStub},
    rest::stub::{RestStub, RestStubSettings},
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{number, sent::Sent};
use crate::{
    config::Configuration,
    daemon::{Daemon, OPERATOR_TOKEN},
};

const WEBHOOK_SECRET: &str = "invented-webhook-secret";
const AGENCY_TOKEN: &str = "invented-agency-token";
const PULLER_TOKEN: &str = "invented-puller-token";
/// What the stubs remember of each entity.
const HISTORY: usize = 50;

/// The demo's files: an employer, two services, a puller. All invented.
const FILES: [(&str, &str); 8] = [
    (
        "passerelle.toml",
        "[gateway]\nid = \"demo\"\n[door]\nlisten = \"127.0.0.1:0\"\n[delivery]\nretry_initial_ms = 100\n",
    ),
    ("partners/metal.toml", include_str!("partners/metal.toml")),
    ("partners/vdab.toml", include_str!("partners/vdab.toml")),
    ("partners/agency.toml", include_str!("partners/agency.toml")),
    ("partners/eures-vdab.toml", include_str!("partners/eures-vdab.toml")),
    ("secrets/metal-webhook", WEBHOOK_SECRET),
    ("secrets/agency", AGENCY_TOKEN),
    ("secrets/eures-puller", PULLER_TOKEN),
];

/// The gateway and its partners.
pub struct Scene {
    pub url: String,
    pub operator_token: String,
    pub ats: GreenhouseStub,
    pub agency: RestStub,
    pub eures: EuresView,
    pub vdab_key: String,
    pub http: reqwest::Client,
    puller: tokio::sync::Mutex<EuresStub>,
    daemon: Daemon,
    _folder: TempDir,
}

impl Scene {
    /// Starts everything.
    pub async fn start(metrics: PrometheusHandle) -> Result<Self> {
        let settings = RestStubSettings {
            token: Some(AGENCY_TOKEN.into()),
            history_limit: HISTORY,
            ..RestStubSettings::default()
        };
        let agency = RestStub::start(settings).await.context("cannot play the agency")?;
        let folder = write_files(agency.base_url().as_str())?;
        let configuration = Configuration::load(Some(&folder.path().join("passerelle.toml")))?;
        let operator_token_file = configuration.settings.data_dir.join(OPERATOR_TOKEN);
        let daemon = Daemon::start(configuration, metrics).await?;
        let url = format!("http://{}", daemon.address);
        let operator_token = fs::read_to_string(operator_token_file)?;
        let webhook = format!("{url}/v1/metal/webhook").parse()?;
        let ats =
            GreenhouseSettings { history_limit: HISTORY, ..GreenhouseSettings::new(webhook, WEBHOOK_SECRET.into(), 1) };
        let feed = format!("{url}/input/api/jv/v0.1").parse()?;
        let puller = EuresStub::new(EuresSettings {
            source: Some("VDAB".to_owned()),
            ..EuresSettings::new(feed, Some(PULLER_TOKEN.into()))
        });
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?;
        let vdab_key = make_key(&http, &url, &operator_token, "vdab").await?;
        Ok(Self {
            url,
            operator_token,
            ats: GreenhouseStub::new(ats),
            agency,
            eures: puller.view(),
            vdab_key,
            http,
            puller: tokio::sync::Mutex::new(puller),
            daemon,
            _folder: folder,
        })
    }

    /// Pulls once, as EURES does.
    pub async fn pull(&self) -> Result<()> {
        self.puller.lock().await.pull().await.context("EURES cannot pull")?;
        Ok(())
    }

    /// Waits until every dispatch owed is final, or waits for a person.
    pub async fn settle(&self, patience: Duration) -> Result<()> {
        let settled = async {
            loop {
                let backlog = self.ask("/v1/backlog").await?;
                let mut open = number(&backlog, "unrouted")?;
                for owing in backlog["partners"].as_object().into_iter().flat_map(|partners| partners.values()) {
                    open += number(owing, "unsettled")? + number(owing, "claimed")? + number(owing, "deferred")?;
                }
                if open == 0 {
                    return self.pull().await;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(patience, settled).await.context("something owed did not become final in time")?
    }

    /// What the partners say about it all.
    pub async fn verdict(&self, sent: &Sent) -> Result<()> {
        let parked = self.ask("/v1/parked").await?;
        ensure!(parked["parked"] == json!([]), "something is parked that the demo did not plan: {}", parked["parked"]);
        ensure!(self.agency.violation_count() == 0, "the agency complains: {:?}", self.agency.violations());
        let breaches = self.eures.breaches();
        ensure!(breaches.is_empty(), "EURES complains: {breaches:?}");
        ensure!(sent.refused == 0, "{} documents were refused at the door", sent.refused);
        ensure!(sent.accepted() > 0, "nothing was accepted");
        Ok(())
    }

    /// What happened, in a few lines.
    pub async fn summary(&self, sent: &Sent) -> Vec<String> {
        let active = self.eures.mirror().values().filter(|vacancy| vacancy.content.is_some()).count();
        let received: usize =
            self.agency.references().iter().map(|reference| self.agency.history(reference).len()).sum();
        let mut lines = vec![
            String::new(),
            format!("accepted   {} webhooks from the ATS, {} documents from VDAB", sent.webhooks, sent.pushed),
            format!("delivered  {received} documents to the agency"),
            format!("EURES      pulled {} times, mirrors {active} active vacancies", self.eures.pulls()),
        ];
        if let Ok(parked) = self.ask("/v1/parked").await {
            lines.push(format!("parked     {}", parked["parked"].as_array().map_or(0, Vec::len)));
        }
        lines
    }

    /// Stops the gateway; returns whether it stopped cleanly.
    pub async fn stop(self) -> bool {
        self.daemon.stop().await
    }

    async fn ask(&self, path: &str) -> Result<Value> {
        let response = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.operator_token).send().await?;
        Ok(response.error_for_status()?.json().await?)
    }
}

fn write_files(agency: &str) -> Result<TempDir> {
    let folder =
        tempfile::Builder::new().prefix("passerelle-demo-").tempdir().context("cannot make a temporary folder")?;
    for (name, text) in FILES {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
        fs::write(path, text.replace("{agency}", agency))?;
    }
    Ok(folder)
}

async fn make_key(http: &reqwest::Client, url: &str, operator_token: &str, partner: &str) -> Result<String> {
    let request = http
        .post(format!("{url}/v1/keys"))
        .bearer_auth(operator_token)
        .json(&json!({"partner": partner, "label": "demo"}));
    let made: Value = request.send().await?.error_for_status()?.json().await?;
    Ok(made["key"].as_str().context("the answer has no key")?.to_owned())
}
