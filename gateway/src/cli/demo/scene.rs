//! The demo's gateway and the partners around it.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use connectors::{
    BaseUrl,
    actiris::stub::{ActirisStub, ActirisStubSettings},
    anapec::stub::{AnapecStub, AnapecStubSettings},
    employer,
    eures::stub::{EuresSettings, EuresStub, EuresView},
    greenhouse::stub::{GreenhouseSettings, GreenhouseStub},
    rest::stub::{Inbox, RestStub, RestStubSettings},
    vdab::stub::{VdabStub, VdabStubSettings},
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    desks::{self, Desks},
    number, persons,
};
use crate::{
    config::Configuration,
    daemon::{Daemon, OPERATOR_TOKEN},
    owner_only,
    vault::KeyRing,
};

const WEBHOOK_SECRET: &str = "invented-webhook-secret";
const AGENCY_TOKEN: &str = "invented-agency-token";
const ACTIRIS_TOKEN: &str = "invented-actiris-token";
const VDAB_SECRET: &str = "invented-vdab-secret";
const VDAB_API_KEY: &str = "invented-vdab-api-key";
const STAAL_TOKEN: &str = "invented-staal-token";
const HOUT_TOKEN: &str = "invented-hout-token";
const PULLER_TOKEN: &str = "invented-puller-token";
/// How often something is posted that the gateway has no room for.
const POSTS: usize = 60;
/// What the stubs remember of each entity.
const HISTORY: usize = 50;

/// The demo's files: an employer, the services, a puller. All invented.
const FILES: [(&str, &str); 21] = [
    (
        "passerelle.toml",
        "[gateway]\nid = \"demo\"\n[door]\nlisten = \"127.0.0.1:0\"\n[delivery]\nretry_initial_ms = 100\nbreaker_pause_ms = 200\n\
         [vault]\nkey_file = \"wrapping.keys\"\n\
         [[transfers]]\nfrom = { kind = \"public_service\", country = \"MA\" }\nto = { kind = \"employer\", country = \"BE\" }\n\
         instrument = \"ma:09-08:art44-consent\"\nreference = \"law 09-08, article 44\"\nsince = \"2026-01-01\"\n\
         [[transfers]]\nfrom = { kind = \"public_service\", country = \"MA\" }\nto = { kind = \"platform\", country = \"BE\" }\n\
         instrument = \"ma:09-08:art44-consent\"\nreference = \"law 09-08, article 44\"\nsince = \"2026-01-01\"\n\
         [[transfers]]\nfrom = { kind = \"public_service\", country = \"MA\" }\nto = { kind = \"public_service\", country = \"BE\" }\n\
         instrument = \"ma:09-08:art44-agreement\"\nreference = \"an invented agreement\"\nsince = \"2026-01-01\"\n\
         [[transfers]]\nfrom = { kind = \"public_service\", country = \"BE\" }\nto = { kind = \"public_service\", country = \"MA\" }\n\
         instrument = \"eu-gdpr:A46-2-a\"\nreference = \"an invented agreement\"\nsince = \"2026-01-01\"\n\
         [[transfers]]\nfrom = { kind = \"employer\", country = \"BE\" }\nto = { kind = \"public_service\", country = \"MA\" }\n\
         instrument = \"eu-gdpr:A46-2-c\"\nreference = \"invented clauses\"\nassessment = \"an invented assessment\"\nsince = \"2026-01-01\"\n\
         [[transfers]]\nfrom = { kind = \"platform\", country = \"BE\" }\nto = { kind = \"public_service\", country = \"MA\" }\n\
         instrument = \"eu-gdpr:A46-2-c\"\nreference = \"invented clauses\"\nassessment = \"an invented assessment\"\nsince = \"2026-01-01\"\n",
    ),
    ("partners/metal.toml", include_str!("partners/metal.toml")),
    ("partners/vdab.toml", include_str!("partners/vdab.toml")),
    ("partners/actiris.toml", include_str!("partners/actiris.toml")),
    ("partners/anapec.toml", include_str!("partners/anapec.toml")),
    ("partners/agency.toml", include_str!("partners/agency.toml")),
    ("partners/staal.toml", include_str!("partners/staal.toml")),
    ("partners/beton.toml", include_str!("partners/beton.toml")),
    ("partners/hout.toml", include_str!("partners/hout.toml")),
    ("partners/platform-belgium.toml", include_str!("partners/platform-belgium.toml")),
    ("partners/platform-morocco.toml", include_str!("partners/platform-morocco.toml")),
    ("partners/eures-vdab.toml", include_str!("partners/eures-vdab.toml")),
    ("secrets/metal-webhook", WEBHOOK_SECRET),
    ("secrets/agency", AGENCY_TOKEN),
    ("secrets/actiris", ACTIRIS_TOKEN),
    ("secrets/vdab", VDAB_SECRET),
    ("secrets/vdab-api", VDAB_API_KEY),
    ("secrets/staal", STAAL_TOKEN),
    ("secrets/hout", HOUT_TOKEN),
    ("secrets/desk", desks::TOKEN),
    ("secrets/eures-puller", PULLER_TOKEN),
];

/// The gateway and its partners.
pub struct Scene {
    pub url: String,
    /// The engines it runs on.
    pub engines: String,
    pub operator_token: String,
    pub ats: GreenhouseStub,
    pub agency: RestStub,
    pub vdab: VdabStub,
    pub actiris: ActirisStub,
    pub anapec: AnapecStub,
    /// The employer that persons permit to have their profiles.
    pub staal: RestStub,
    hout: RestStub,
    /// Who is told what becomes of talents.
    pub desks: Desks,
    pub eures: EuresView,
    http: reqwest::Client,
    puller: tokio::sync::Mutex<EuresStub>,
    daemon: Daemon,
    _folder: TempDir,
}

impl Scene {
    /// Starts everything.
    pub async fn start(metrics: PrometheusHandle, seed: u64) -> Result<Self> {
        let settings = RestStubSettings {
            token: Some(AGENCY_TOKEN.into()),
            history_limit: HISTORY,
            ..RestStubSettings::default()
        };
        let agency = RestStub::start(settings).await.context("cannot play the agency")?;
        let (vdab, actiris, anapec) = services().await?;
        let (staal, hout) = (employer(STAAL_TOKEN).await?, employer(HOUT_TOKEN).await?);
        let desks = Desks::open().await?;
        let mut addresses = desks.addresses();
        let (site, reading) = (anapec.site_url(), vdab.reading_url());
        let (posting, token) = (vdab.posting_url(), vdab.token_url());
        addresses.extend([
            ("{agency}", agency.base_url()),
            ("{actiris}", actiris.base_url()),
            ("{staal}", staal.base_url()),
            ("{hout}", hout.base_url()),
            ("{anapec}", &site),
            ("{vdab-reading}", &reading),
            ("{vdab-posting}", &posting),
            ("{vdab-token}", &token),
        ]);
        let folder = write_files(&addresses)?;
        let configuration = Configuration::load(Some(&folder.path().join("passerelle.toml")))?;
        let engines = format!("log {}, store {}", configuration.settings.backbone, configuration.settings.store);
        let operator_token_file = configuration.settings.data_dir.join(OPERATOR_TOKEN);
        let daemon = Daemon::start(configuration, metrics).await?;
        let url = format!("http://{}", daemon.address);
        let operator_token = fs::read_to_string(operator_token_file)?;
        let webhook = format!("{url}/v1/metal/webhook").parse()?;
        let ats = GreenhouseSettings {
            history_limit: HISTORY,
            ..GreenhouseSettings::new(webhook, WEBHOOK_SECRET.into(), seed)
        };
        let feed = format!("{url}/input/api/jv/v0.1").parse()?;
        let puller = EuresStub::new(EuresSettings {
            source: Some("VDAB".to_owned()),
            ..EuresSettings::new(feed, Some(PULLER_TOKEN.into()))
        });
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?;
        Ok(Self {
            url,
            engines,
            operator_token,
            ats: GreenhouseStub::new(ats),
            agency,
            vdab,
            actiris,
            anapec,
            staal,
            hout,
            desks,
            eures: puller.view(),
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
                let Ok(backlog) = self.ask("/v1/backlog").await else {
                    // Engines that have lost a server may need a while to answer.
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    continue;
                };
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
    pub async fn verdict(&self, webhooks: u64) -> Result<()> {
        let parked = self.ask("/v1/parked").await?;
        ensure!(parked["parked"] == json!([]), "something is parked that the demo did not plan: {}", parked["parked"]);
        for (name, inbox) in self.inboxes() {
            ensure!(inbox.violation_count() == 0, "{name} complains: {:?}", inbox.violations());
        }
        ensure!(self.vdab.violations().is_empty(), "VDAB complains: {:?}", self.vdab.violations());
        let breaches = self.eures.breaches();
        ensure!(breaches.is_empty(), "EURES complains: {breaches:?}");
        ensure!(webhooks > 0, "nothing was posted");
        persons::verdict(&self.staal, &self.hout)
    }

    /// What happened, in a few lines.
    pub async fn summary(&self, webhooks: u64) -> Vec<String> {
        let active = self.eures.mirror().values().filter(|vacancy| vacancy.content.is_some()).count();
        let mut lines = vec![String::new(), format!("accepted   {webhooks} webhooks from the ATS")];
        for (partner, name) in [("vdab", "VDAB"), ("anapec", "ANAPEC")] {
            let polled = self.accepted_from(partner).await.unwrap_or_default();
            lines.push(format!("           {polled} documents polled from {name}"));
        }
        for (name, inbox) in self.inboxes() {
            let received: usize = inbox.references().iter().map(|reference| inbox.history(reference).len()).sum();
            lines.push(format!("delivered  {received} documents to {name}"));
        }
        lines.extend(self.desks.summary());
        lines.push(format!("EURES      pulled {} times, mirrors {active} active vacancies", self.eures.pulls()));
        if let Ok(parked) = self.ask("/v1/parked").await {
            lines.push(format!("parked     {}", parked["parked"].as_array().map_or(0, Vec::len)));
        }
        lines
    }

    fn inboxes(&self) -> [(&'static str, &Inbox); 5] {
        [
            ("the agency", &self.agency),
            ("Actiris", &self.actiris),
            ("VDAB", self.vdab.inbox()),
            ("the employer with permission", &self.staal),
            ("the employer without", &self.hout),
        ]
    }

    /// How many documents of a partner were accepted, as the metrics say.
    async fn accepted_from(&self, partner: &str) -> Result<u64> {
        let metrics = self.http.get(format!("{}/metrics", self.url)).send().await?.text().await?;
        let label = format!("partner=\"{partner}\"");
        let counted =
            metrics.lines().filter(|line| line.starts_with("passerelle_accepted_total") && line.contains(&label));
        Ok(counted.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
    }

    /// Stops the gateway; returns whether it stopped cleanly.
    pub async fn stop(self) -> bool {
        self.daemon.stop().await
    }

    /// A key for a partner of the demo.
    pub async fn partner_key(&self, partner: &str) -> Result<String> {
        let wanted = json!({"partner": partner, "label": "demo"});
        let key = self.post("/v1/keys", &self.operator_token, &wanted).await?;
        key["key"].as_str().map(str::to_owned).context("the answer has no key")
    }

    /// Posts to the gateway; again, if it has no room or its engines have lost a server.
    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Result<Value> {
        for _ in 0..POSTS {
            let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(token).json(body);
            let response = request.send().await?;
            if response.status() != reqwest::StatusCode::SERVICE_UNAVAILABLE {
                return Ok(response.error_for_status()?.json().await?);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        anyhow::bail!("the gateway had no room for `{path}`")
    }

    /// Keeps what a person permits, and returns its record.
    pub async fn keep(&self, grant: &Value) -> Result<String> {
        self.post("/v1/consents", &self.operator_token, grant).await?;
        grant["header"]["record_id"].as_str().map(str::to_owned).context("a grant without a number")
    }

    /// Asks the gateway as an operator.
    pub async fn ask(&self, path: &str) -> Result<Value> {
        self.find(path).await?.with_context(|| format!("the gateway knows nothing of `{path}`"))
    }

    /// Asks the gateway as an operator for what it may not know, or not yet.
    pub async fn find(&self, path: &str) -> Result<Option<Value>> {
        let response = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.operator_token).send().await?;
        if response.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(response.error_for_status()?.json().await?))
    }
}

/// The public employment services, played.
async fn services() -> Result<(VdabStub, ActirisStub, AnapecStub)> {
    let vdab = VdabStubSettings {
        history_limit: HISTORY,
        ..VdabStubSettings::new("passerelle".to_owned(), VDAB_SECRET.into(), VDAB_API_KEY.into())
    };
    let actiris = ActirisStubSettings {
        token: Some(ACTIRIS_TOKEN.into()),
        history_limit: HISTORY,
        ..ActirisStubSettings::default()
    };
    Ok((
        VdabStub::start(vdab).await.context("cannot play VDAB")?,
        ActirisStub::start(actiris).await.context("cannot play Actiris")?,
        AnapecStub::start(AnapecStubSettings::default()).await.context("cannot play ANAPEC")?,
    ))
}

/// An employer that takes talent profiles, played.
async fn employer(token: &str) -> Result<RestStub> {
    let settings =
        RestStubSettings { token: Some(token.into()), history_limit: HISTORY, ..RestStubSettings::default() };
    employer::stub::start(settings).await.context("cannot play an employer")
}

fn write_files(addresses: &[(&str, &BaseUrl)]) -> Result<TempDir> {
    let folder =
        tempfile::Builder::new().prefix("passerelle-demo-").tempdir().context("cannot make a temporary folder")?;
    for (name, text) in FILES {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
        let text = addresses.iter().fold(text.to_owned(), |text, (place, url)| text.replace(place, url.as_str()));
        fs::write(path, text)?;
    }
    owner_only::replace(&folder.path().join("wrapping.keys"), KeyRing::new_line().0.as_bytes())?;
    Ok(folder)
}
