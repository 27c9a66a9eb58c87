//! Envelopes as Kafka carries them: Avro in the Confluent wire format, each under a schema that a registry knows by an id.
//!
//! Whoever has the registry can read the log with stock tools: the envelope under the subject of its topic, the bodies
//! inside under the subjects that are called like their records. **Invariant:** what was read once can be read again
//! without the registry, also after a restart; nothing is written before the registry has taken our schema.

mod bodies;
mod cache;
mod known;
mod registry;
#[cfg(test)]
mod stub;
mod subject;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use schemas::{Content, Envelope, Subject};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

pub use self::bodies::{Bodies, Unframed, is_out_of_reach};
use self::{cache::SchemaCache, known::Known, registry::Registry, subject::is_unreachable};
use crate::{config::Configuration, health::Health, supervisor::Supervisor};

/// The name of the part in `/health/ready`.
const PART: &str = "schema registry";
/// The folder in the data directory.
const FOLDER: &str = "schemas";
/// The first byte of the wire format.
const MAGIC: u8 = 0;
/// The magic byte and the id.
const HEADER_BYTES: usize = 5;
/// No registry gives this id: ours is not known yet.
const NO_ID: u32 = 0;

/// Writes and reads envelopes; a handle, cheap to clone.
#[derive(Clone)]
pub struct Wire(Arc<Inner>);

struct Inner {
    registry: Registry,
    may_register: bool,
    look_every: Duration,
    cache: SchemaCache,
    known: Known,
    /// The id that our newest envelope schema is written under.
    own: AtomicU32,
    /// Every subject that has to be in order, and whether it was found so.
    subjects: Mutex<BTreeMap<String, (Subject, bool)>>,
    /// One look-up of an unknown id at a time.
    fetching: tokio::sync::Mutex<()>,
    health: Health,
}

impl Wire {
    /// Brings the subjects of these topics and of the bodies in order, and goes on looking after them. With the registry
    /// out of reach the ids that were kept serve.
    ///
    /// # Errors
    /// If the registry refuses our schemas or holds others under the same names, or is out of reach and nothing was kept.
    pub async fn start(
        configuration: &Configuration,
        topics: &[&str],
        (supervisor, health): (&Supervisor, &Health),
    ) -> Result<Self> {
        let registry = Registry::of(configuration)?;
        let settings = &configuration.settings;
        let cache = SchemaCache::open(settings.data_dir.join(FOLDER), registry.address()).await?;
        let bodies = Subject::ALL.map(|subject| (subject.record_name().to_owned(), (subject, false)));
        let wire = Self(Arc::new(Inner {
            registry,
            may_register: settings.registry.register,
            look_every: settings.registry.look_every,
            cache,
            known: Known::new(),
            own: AtomicU32::new(NO_ID),
            subjects: Mutex::new(bodies.into()),
            fetching: tokio::sync::Mutex::default(),
            health: health.clone(),
        }));
        health.expect(PART);
        wire.recall().await?;
        for topic in topics {
            wire.want(topic);
        }
        if let Err(error) = wire.look().await {
            wire.serve_without(error)?;
        }
        supervisor.spawn(PART, wire.clone().look_after(supervisor.stop_token()));
        Ok(wire)
    }

    /// Brings the subject of one more topic in order. With the registry out of reach that is done later: the id of our
    /// schema is the same under every subject.
    ///
    /// # Errors
    /// If the registry refuses our schema there, or holds others under the same name.
    pub async fn ensure(&self, topic: &str) -> Result<()> {
        self.want(topic);
        match self.settle().await {
            Err(error) if !is_unreachable(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// An envelope in the wire format. No I/O.
    ///
    /// # Errors
    /// If the envelope cannot be encoded: a defect of this program.
    pub fn encode(&self, envelope: &Envelope) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(1_024);
        bytes.push(MAGIC);
        bytes.extend_from_slice(&self.0.own.load(Ordering::Relaxed).to_be_bytes());
        envelope.write_datum(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads an envelope. I/O only if it, or the body in it, was written under a schema that is not known yet.
    ///
    /// # Errors
    /// If the bytes are damaged, or their schema is not known and the registry does not tell it.
    pub async fn decode(&self, bytes: &[u8]) -> Result<Envelope> {
        let (header, datum) = bytes.split_at_checked(HEADER_BYTES).context("no Confluent header: too short")?;
        ensure!(header[0] == MAGIC, "no Confluent header: the first byte is {} and not 0", header[0]);
        let id = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
        let fingerprint = match self.0.known.envelope(id) {
            Some(fingerprint) => fingerprint,
            None => self.fetch(id).await?,
        };
        let envelope = Envelope::from_datum(fingerprint, datum)?;
        self.know_body(&envelope).await?;
        Ok(envelope)
    }

    /// Reads the schemas that were kept.
    async fn recall(&self) -> Result<()> {
        for (id, avsc) in self.0.cache.load().await? {
            if let Err(error) = self.0.known.learn(id, &avsc) {
                warn!(schema.id = id, error = %error, "a kept schema is of no use");
            }
        }
        if let Some(own) = self.0.known.own() {
            self.0.own.store(own, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Notes that a topic has a subject.
    fn want(&self, topic: &str) {
        self.subjects().entry(format!("{topic}-value")).or_insert((Subject::Envelope, false));
    }

    /// Brings every subject in order that was not found so yet.
    async fn settle(&self) -> Result<()> {
        let open: Vec<(String, Subject)> = self
            .subjects()
            .iter()
            .filter(|(_, (_, is_settled))| !is_settled)
            .map(|(name, (subject, _))| (name.clone(), *subject))
            .collect();
        for (name, subject) in open {
            let id = subject::settle(&self.0.registry, &name, subject, self.0.may_register).await?;
            self.check_meaning(id, subject).await?;
            self.remember(id, subject.newest()).await?;
            if subject == Subject::Envelope {
                self.0.own.store(id, Ordering::Relaxed);
            }
            self.subjects().insert(name, (subject, true));
        }
        Ok(())
    }

    /// Refuses a registry that means another schema by an id than it just said.
    async fn check_meaning(&self, id: u32, subject: Subject) -> Result<()> {
        let said = self.0.registry.schema(id).await.context("cannot ask for a schema by its id")?;
        let said = said.with_context(|| format!("the schema registry gave the id {id} and does not know it"))?;
        let learned = schemas::learn(&said).with_context(|| format!("schema {id} of the registry"))?;
        ensure!(
            learned.subject == subject && learned.fingerprint == subject.newest_fingerprint(),
            "the schema registry means another schema than our `{subject}` by the id {id}"
        );
        Ok(())
    }

    /// Refuses a registry that means something else by an id than it did before, as one does that kept its ids in memory.
    async fn check_memory(&self) -> Result<()> {
        for (id, before) in self.0.known.envelopes() {
            let said = self.0.registry.schema(id).await.context("cannot ask for a schema by its id")?;
            let is_same = said.is_some_and(|avsc| schemas::learn(&avsc).is_ok_and(|now| now.fingerprint == before));
            ensure!(
                is_same,
                "the schema registry does not mean by the id {id} what it did: it has lost its memory, and what was \
                 written before could be misread. Give it its storage back; if nothing of before is needed, remove the \
                 folder `{FOLDER}` from the data directory"
            );
        }
        Ok(())
    }

    async fn remember(&self, id: u32, avsc: &str) -> Result<()> {
        self.0.known.learn(id, avsc)?;
        self.0.cache.keep(id, avsc).await
    }

    /// Goes on without the registry, if what was kept is enough to write.
    fn serve_without(&self, error: anyhow::Error) -> Result<()> {
        let is_known = self.0.own.load(Ordering::Relaxed) != NO_ID;
        if !is_unreachable(&error) || !is_known {
            return Err(error.context("the schemas of the log are not in order"));
        }
        let why = format!("{error:#}");
        warn!(error = why, "the schema registry is out of reach; schemas that were kept serve");
        self.0.health.limps(PART, &without_it(&why));
        Ok(())
    }

    /// Looks again and again whether the registry still says the same.
    async fn look_after(self, stop: CancellationToken) -> Result<()> {
        let mut is_well = true;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(self.0.look_every) => {}
            }
            let looked = self.look().await;
            match &looked {
                Ok(()) if !is_well => info!("the schema registry answers again"),
                Ok(()) => {}
                Err(error) if is_unreachable(error) => {
                    if is_well {
                        warn!(error = format!("{error:#}"), "the schema registry does not answer");
                    }
                    self.0.health.limps(PART, &without_it(&format!("{error:#}")));
                }
                Err(error) => {
                    error!(error = format!("{error:#}"), "the schema registry disagrees");
                    self.0.health.fails(PART, &format!("{error:#}"));
                }
            }
            is_well = looked.is_ok();
            if is_well {
                self.0.health.works(PART);
            }
        }
    }

    async fn look(&self) -> Result<()> {
        self.check_memory().await?;
        self.settle().await
    }

    /// Asks for a schema that somebody else writes under.
    async fn fetch(&self, id: u32) -> Result<[u8; 8]> {
        let _turn = self.0.fetching.lock().await;
        if let Some(fingerprint) = self.0.known.envelope(id) {
            return Ok(fingerprint);
        }
        let avsc = self.0.registry.schema(id).await.with_context(|| format!("schema {id} is not known here"))?;
        let avsc = avsc.with_context(|| format!("the schema registry knows no schema {id}"))?;
        self.remember(id, &avsc).await.with_context(|| format!("schema {id} of the registry"))?;
        info!(schema.id = id, "the schema of another version was fetched");
        self.0.known.envelope(id).with_context(|| format!("schema {id} of the registry is no envelope"))
    }

    /// Makes sure that the body of an envelope can be read: another version may have written it.
    async fn know_body(&self, envelope: &Envelope) -> Result<()> {
        let Some(body) = envelope.plain() else { return Ok(()) };
        let canonical = &envelope.header.versions.schema;
        let has_canonical = self.0.known.has_canonical(canonical);
        if Content::is_known(body)? && has_canonical {
            return Ok(());
        }
        let _turn = self.0.fetching.lock().await;
        if Content::is_known(body)? && self.0.known.has_canonical(canonical) {
            return Ok(());
        }
        for subject in [Subject::Content, Subject::Vacancy] {
            let versions = self.0.registry.versions(subject.record_name()).await;
            for (number, id, avsc) in versions.with_context(|| format!("versions of `{subject}` are not known here"))? {
                let remembered = self.remember(id, &avsc).await;
                remembered.with_context(|| format!("subject `{}`, version {number}", subject.record_name()))?;
            }
        }
        self.0.known.give_up(canonical);
        ensure!(Content::is_known(body)?, "the schema registry does not know the schema of a body");
        Ok(())
    }

    fn subjects(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, (Subject, bool)>> {
        self.0.subjects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn without_it(why: &str) -> String {
    format!("with the schemas that were kept: {why}")
}
