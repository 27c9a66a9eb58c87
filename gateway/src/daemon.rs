//! Puts the parts of the gateway together and runs them.

use std::{
    fs::{self, File, TryLockError},
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use connectors::ExtraCertificates;
use metrics_exporter_prometheus::PrometheusHandle;
use schemas::Hash;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
};
use tracing::info;

use crate::{
    attachments::{self, Addresses, Fetching, Lending, Returns, Upkeep},
    backbone::{Backbone, embedded::EmbeddedBackbone, kafka::KafkaBackbone, wire::Wire},
    clock::Clock,
    cluster::Cluster,
    config::{BackboneEngine, Configuration, Settings, StoreEngine},
    delivery::{Delivery, Limits, MediaLinks, Teller, Wakes},
    door::{Admission, Door, KeyLimits, new_secret},
    files::Files,
    health::Health,
    in_force::{InForce, Rules},
    inbox::Inboxes,
    intake::Intake,
    journal::{self, Journaler},
    owner_only,
    poller::{Candidates, Polling},
    recalls,
    reload::Reloader,
    reviews::{self, Reviewer},
    router::{self, Router},
    store,
    supervisor::Supervisor,
    vault::{Bodies, KeysInForce, Vault},
};

/// The file in the data directory that holds the operator's token.
pub const OPERATOR_TOKEN: &str = "operator.token";
/// How long the parts get to stop, over what delivery needs for itself.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// A running gateway.
pub struct Daemon {
    /// Where it listens.
    pub address: SocketAddr,
    supervisor: Supervisor,
    stop_within: Duration,
    _lock: File,
}

/// The parts that work on messages, already started.
struct Parts {
    intake: Intake,
    wakes: Wakes,
    teller: Teller,
    sync_wanted: Arc<watch::Sender<()>>,
    candidates: Candidates,
    /// None where nothing about persons is kept.
    lending: Option<Lending>,
}

impl Daemon {
    /// Starts every part. Returns once it listens.
    ///
    /// # Errors
    /// If the configuration is wrong, the data directory is in use, or an engine does not start.
    pub async fn start(configuration: Configuration, metrics: PrometheusHandle) -> Result<Self> {
        let settings = configuration.settings.clone();
        let lock = take_data_dir(&settings.data_dir)?;
        require_not_moved(&settings)?;
        let file = configuration.file.clone();
        let (replace, in_force) = InForce::begin(Rules::of(configuration)?);
        let listener = TcpListener::bind(settings.listen)
            .await
            .with_context(|| format!("cannot listen on `{}`; is another gateway running?", settings.listen))?;
        let address = listener.local_addr()?;
        let operator_token = write_operator_token(&settings.data_dir)?;

        let (supervisor, health) = (Supervisor::default(), Health::default());
        let backbone = open_backbone(&in_force.now().configuration, (&supervisor, &health)).await?;
        let store = store::open(&in_force.now().configuration, &supervisor, Clock::system()).await?;
        let cluster = Cluster::new(store.clone(), &settings.data_dir)?;
        supervisor.spawn("cluster", cluster.clone().run(in_force.clone(), supervisor.stop_token()));
        let bodies = Bodies::with(open_vault(&in_force, &supervisor).await?);
        let intake = Intake { in_force, backbone, store, bodies, clock: Clock::system() };
        let addresses = Addresses::listening_at(address);
        let parts = Parts::start(intake, cluster, addresses.clone(), &supervisor, &health)?;
        let reloader = Reloader::new(file, replace, Clock::system());
        supervisor.spawn("reloader", reloader.clone().run(supervisor.stop_token()));
        let door = Door {
            limits: KeyLimits::new(parts.intake.in_force.clone()),
            intake: parts.intake,
            health,
            wakes: parts.wakes,
            teller: parts.teller,
            metrics,
            operator_token: Arc::new(operator_token),
            reloader,
            sync_wanted: parts.sync_wanted,
            candidates: parts.candidates,
            lending: parts.lending,
            addresses,
            admission: Admission::new(settings.memory_bytes, settings.queue, settings.batches),
            stop: supervisor.stop_token(),
        };
        supervisor.spawn("door", door.serve(listener));
        info!(listen = %address, data.dir = %settings.data_dir.display(), "ready");
        Ok(Self { address, supervisor, stop_within: settings.drain + STOP_WITHIN, _lock: lock })
    }

    /// Ends when a part has failed for good.
    pub async fn failed(&self) {
        self.supervisor.stop_token().cancelled().await;
    }

    /// Stops every part; returns whether all ended in time and none had failed.
    pub async fn stop(self) -> bool {
        self.supervisor.stop(self.stop_within).await
    }
}

impl Parts {
    fn start(
        intake: Intake,
        cluster: Cluster,
        addresses: Addresses,
        supervisor: &Supervisor,
        health: &Health,
    ) -> Result<Self> {
        let (backbone, store) = (intake.backbone.clone(), intake.store.clone());
        let sync_wanted = Arc::new(watch::channel(()).0);
        let media = MediaLinks { addresses, wanted: Arc::new(Notify::new()) };
        let router = Router {
            in_force: intake.in_force.clone(),
            backbone: backbone.clone(),
            store: store.clone(),
            bodies: intake.bodies.clone(),
            clock: intake.clock.clone(),
            health: health.clone(),
            sync_wanted: sync_wanted.clone(),
            media_wanted: media.wanted.clone(),
        };
        let token = supervisor.stop_token();
        supervisor.spawn_part(router::PART.to_owned(), health, move || router.clone().run(token.clone()));
        start_journal(&intake, supervisor, health);
        let teller = Teller { backbone: backbone.clone(), store: store.clone() };
        let watch = recalls::Watch {
            in_force: intake.in_force.clone(),
            store: store.clone(),
            teller: teller.clone(),
            clock: intake.clock.clone(),
            health: health.clone(),
        };
        let token = supervisor.stop_token();
        supervisor.spawn_part(recalls::PART.to_owned(), health, move || watch.clone().run(token.clone()));
        let (wakes, limits) = (Wakes::default(), Limits::default());
        let reviewer = Reviewer {
            in_force: intake.in_force.clone(),
            backbone: backbone.clone(),
            store: store.clone(),
            bodies: intake.bodies.clone(),
            clock: intake.clock.clone(),
            health: health.clone(),
            wakes: wakes.clone(),
            sync_wanted: sync_wanted.clone(),
        };
        let token = supervisor.stop_token();
        supervisor.spawn_part(reviews::PART.to_owned(), health, move || reviewer.clone().run(token.clone()));
        let lending = start_media(&intake, (&media, &teller), supervisor, health)?;
        let delivery = Delivery {
            in_force: intake.in_force.clone(),
            backbone,
            store,
            bodies: intake.bodies.clone(),
            clock: intake.clock.clone(),
            wakes: wakes.clone(),
            limits: limits.clone(),
            cluster: cluster.clone(),
            media,
        };
        supervisor.spawn("delivery", delivery.run(supervisor.clone(), health.clone()));
        let candidates = Candidates { intake: intake.clone(), limits: limits.clone() };
        let polling =
            Polling { in_force: intake.in_force.clone(), intake: intake.clone(), limits, cluster: cluster.clone() };
        supervisor.spawn("polling", polling.run(supervisor.clone(), health.clone()));
        let inboxes = Inboxes { in_force: intake.in_force.clone(), intake: intake.clone(), cluster };
        supervisor.spawn("inboxes", inboxes.run(supervisor.clone(), health.clone()));
        Ok(Self { intake, wakes, teller, sync_wanted, candidates, lending })
    }
}

fn start_journal(Intake { backbone, store, .. }: &Intake, supervisor: &Supervisor, health: &Health) {
    let journaler = Journaler { backbone: backbone.clone(), store: store.clone(), health: health.clone() };
    let (messages, token) = (journaler.clone(), supervisor.stop_token());
    let keep_messages = move || messages.clone().keep_messages(token.clone());
    supervisor.spawn_part(journal::MESSAGES.to_owned(), health, keep_messages);
    let token = supervisor.stop_token();
    let keep_events = move || journaler.clone().keep_events(token.clone());
    supervisor.spawn_part(journal::EVENTS.to_owned(), health, keep_events);
}

/// Starts what fetches, lends and removes the files of persons, if anything is kept of them.
fn start_media(
    intake: &Intake,
    (media, teller): (&MediaLinks, &Teller),
    supervisor: &Supervisor,
    health: &Health,
) -> Result<Option<Lending>> {
    let Some(vault) = intake.bodies.vault() else { return Ok(None) };
    let Intake { in_force, store, bodies, clock, .. } = intake;
    let files = Files::new(vault.clone(), store.clone(), clock.clone());
    let tls = ExtraCertificates::default().client_config().context("cannot read the certificates of this host")?;
    let fetching = Fetching {
        in_force: in_force.clone(),
        store: store.clone(),
        bodies: bodies.clone(),
        files: files.clone(),
        teller: teller.clone(),
        clock: clock.clone(),
        health: health.clone(),
        tls,
        wanted: media.wanted.clone(),
    };
    let token = supervisor.stop_token();
    supervisor.spawn_part(attachments::FETCHING.to_owned(), health, move || fetching.clone().run(token.clone()));
    let upkeep = Upkeep {
        in_force: in_force.clone(),
        store: store.clone(),
        files: files.clone(),
        clock: clock.clone(),
        health: health.clone(),
    };
    let token = supervisor.stop_token();
    supervisor.spawn_part(attachments::UPKEEP.to_owned(), health, move || upkeep.clone().run(token.clone()));
    let (returns, gives_back) = Returns::begin(store.clone());
    supervisor.spawn("returned bytes", gives_back.run(supervisor.stop_token()));
    let (in_force, store, clock) = (in_force.clone(), store.clone(), clock.clone());
    Ok(Some(Lending { in_force, store, files, bodies: bodies.clone(), clock, returns }))
}

async fn open_backbone(
    configuration: &Configuration,
    (supervisor, health): (&Supervisor, &Health),
) -> Result<Arc<dyn Backbone>> {
    let settings = &configuration.settings;
    Ok(match settings.backbone {
        BackboneEngine::Embedded => Arc::new(EmbeddedBackbone::open(&settings.data_dir.join(LOG), supervisor).await?),
        BackboneEngine::Kafka => {
            let wire = Wire::start(configuration, &[], (supervisor, health)).await?;
            Arc::new(KafkaBackbone::open(configuration, wire, supervisor).await?)
        }
    })
}

/// Opens the vault, if there is something that wraps its keys.
async fn open_vault(in_force: &InForce, supervisor: &Supervisor) -> Result<Option<Vault>> {
    let rules = in_force.now();
    if rules.configuration.key_ring.is_none() {
        return Ok(None);
    }
    let wrapping = Arc::new(KeysInForce(in_force.clone()));
    let vault = Vault::open(&rules.configuration, wrapping, supervisor).await.context("cannot open the vault")?;
    Ok(Some(vault))
}

/// Makes the data directory if need be and locks it, for as long as the file is kept open.
///
/// # Errors
/// If another process has it.
pub fn take_data_dir(data_dir: &Path) -> Result<File> {
    make_data_dir(data_dir).with_context(|| format!("cannot make the data directory `{}`", data_dir.display()))?;
    lock(data_dir)
}

/// The file of the embedded log.
pub const LOG: &str = "log.db";
/// The file of the embedded store.
pub const STORE: &str = "store.db";
/// The file of the keys that go with the embedded store; never backed up with it.
pub const KEYS: &str = "keys.db";

/// Notes that a file of the data directory has been moved to another engine.
///
/// # Errors
/// If the note cannot be written.
pub fn mark_moved(data_dir: &Path, file: &str) -> Result<()> {
    let path = data_dir.join(format!("{file}.moved"));
    File::create(&path).and_then(|note| note.sync_all()).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Refuses to work on what has been moved: it would be sent twice.
fn require_not_moved(settings: &Settings) -> Result<()> {
    let log = (settings.backbone == BackboneEngine::Embedded).then_some(LOG);
    let store = (settings.store == StoreEngine::Embedded).then_some(STORE);
    for file in log.into_iter().chain(store) {
        let note = settings.data_dir.join(format!("{file}.moved"));
        ensure!(
            !note.exists(),
            "`{file}` was moved to another engine; start with the configuration it was moved to, or remove `{}` to go on with \
             what stood here before",
            note.display()
        );
    }
    Ok(())
}

/// Makes the data directory, if there is none, for its owner only: it holds everything that was accepted.
fn make_data_dir(data_dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir)
}

/// Locks the data directory: whoever holds the lock proves that the owner before is dead.
fn lock(data_dir: &Path) -> Result<File> {
    let path = data_dir.join("lock");
    let file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("cannot open `{}`", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("the data directory `{}` is in use by another process", data_dir.display())
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock `{}`", path.display())),
    }
}

/// Makes a new operator token at every start, readable by its owner only, and returns its hash.
fn write_operator_token(data_dir: &Path) -> Result<Hash> {
    let token = new_secret();
    owner_only::replace(&data_dir.join(OPERATOR_TOKEN), token.as_bytes())?;
    Ok(Hash::of(token.as_bytes()))
}
