//! Decides who is owed what: one reader of the log of accepted messages, in log order.
//!
//! Store first: versions and key uses are upserts keyed by position, written before the outputs and the
//! offset are committed to the log in one transaction.

mod decide;
mod entitled;
mod events;
mod identify;
mod outputs;
mod replay;
mod sync;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use schemas::{Content, EntityKey, Hash, Kind, Operation, PartnerId, Record, Status, content_hash};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, Interval},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use self::decide::{Meaning, Past, decide, repeated_key};
pub use self::{
    entitled::{Entitled, entitled},
    outputs::dispatch_id,
};
use crate::{
    attachments,
    backbone::{Backbone, Output, Share, Stored, Topic},
    clock::Clock,
    eligibility::employers,
    health::Health,
    in_force::{InForce, Rules},
    intake::{is_open, place_of_version},
    progress::Progress,
    shares,
    store::{Histories, KeyUse, ParkedInput, Routed, Store, Version},
    vault::{Bodies, Purpose},
};

/// How long live traffic has the router to itself before a replay or an initial sync goes on.
const SYNC_PAUSE: Duration = Duration::from_millis(5);

/// The name of the part in `/health/ready`.
pub const PART: &str = "router";

/// The router of one daemon.
#[derive(Clone)]
pub struct Router {
    pub in_force: InForce,
    pub backbone: Arc<dyn Backbone>,
    pub store: Arc<dyn Store>,
    pub bodies: Bodies,
    pub clock: Clock,
    pub health: Health,
    /// Told when an operator wants a partner to be given everything that is open, or something to be dispatched again.
    pub sync_wanted: Arc<watch::Sender<()>>,
    /// Told when a profile links to files.
    pub media_wanted: Arc<Notify>,
}

/// What a batch has decided so far; later records of the batch are compared with it.
struct Batch {
    rules: Arc<Rules>,
    /// What the store knew before the batch.
    histories: Histories,
    routed: Routed,
    outputs: Vec<Output>,
    parked: Vec<ParkedInput>,
    newest: HashMap<EntityKey, Version>,
    /// How far persons have come by what the batch says.
    progress: HashMap<EntityKey, Progress>,
}

impl Batch {
    /// An empty batch that is decided under these rules, knowing these versions.
    fn under(rules: Arc<Rules>, histories: Histories) -> Self {
        Self {
            rules,
            histories,
            routed: Routed::default(),
            outputs: Vec::new(),
            parked: Vec::new(),
            newest: HashMap::new(),
            progress: HashMap::new(),
        }
    }

    /// The version just before a record in the log.
    fn previous(&self, stored: &Stored) -> Option<Version> {
        let entity = stored.envelope.header.entity_key;
        self.newest.get(&entity).or_else(|| self.histories.before(entity, stored.position)).cloned()
    }
}

impl Router {
    /// Routes until it is asked to stop: every share of what was accepted that this node is given, each for itself.
    ///
    /// # Errors
    /// If the log fails for good. A share that fails is begun again from where it was committed.
    pub async fn run(self, stop: CancellationToken) -> Result<()> {
        let on_share = |share| self.clone().route_share(share, stop.clone());
        shares::work(&*self.backbone, ("router", Topic::accepted()), (PART, &self.health), stop.clone(), on_share).await
    }

    /// Routes one share until it is asked to stop, or another node has it.
    async fn route_share(self, share: Share, stop: CancellationToken) -> Result<()> {
        let Share { index, opening, revoked } = share;
        let mut accepted = opening.await?;
        info!(share.index = index, log.offset = accepted.committed().offset, "routing");
        // What it failed for is over, also if there is nothing to route any more.
        self.health.works(PART);
        let mut in_force = self.in_force.clone();
        let mut to_sync = self.to_sync(&in_force.now(), index).await?;
        let (mut to_replay, mut wanted) = (true, self.sync_wanted.subscribe());
        let mut turn = Instant::now();
        let mut others = self.store.look_every().map(tokio::time::interval);
        loop {
            let rules = in_force.now();
            let next = accepted.next(rules.configuration.settings.router_batch);
            let records = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = revoked.cancelled() => {
                    info!(share.index = index, "another node routes a share now");
                    return Ok(());
                }
                records = next => records?,
                _ = in_force.changed() => {
                    to_sync = self.to_sync(&in_force.now(), index).await?;
                    continue;
                }
                () = asked(&mut wanted, &mut others) => {
                    to_sync = self.to_sync(&rules, index).await?;
                    to_replay = true;
                    continue;
                }
                () = tokio::time::sleep_until(turn), if to_replay || !to_sync.is_empty() => {
                    if to_replay {
                        to_replay = self.replay_page(&rules, index).await?;
                    } else if self.sync_page(&rules, &to_sync[0], index).await? {
                        to_sync.remove(0);
                    }
                    turn = Instant::now() + SYNC_PAUSE;
                    continue;
                }
            };
            let Some(last) = records.last().map(|record| record.position) else { continue };
            let mut batch = self.begin(rules, &records).await?;
            batch.routed.committed = Some(accepted.committed());
            for record in &records {
                self.route(record, &mut batch)
                    .await
                    .with_context(|| format!("cannot route the record at {}", record.position))?;
            }
            let outputs = self.keep(batch).await?;
            accepted.commit(last, outputs).await?;
            self.health.works(PART);
            debug!(share.index = index, batch.len = records.len(), log.offset = last.offset, "routed");
        }
    }

    /// Keeps what a batch has decided in the store, and tells whoever has to do something now. Returns what goes to the log.
    async fn keep(&self, batch: Batch) -> Result<Vec<Output>> {
        for input in batch.parked {
            self.store.park_input(input).await?;
        }
        let wants_replay = !batch.routed.replays.is_empty();
        let wants_media = batch.routed.media.iter().any(|referred| !referred.media.is_empty());
        self.store.record_routed(batch.routed).await?;
        if wants_replay {
            self.sync_wanted.send_replace(());
        }
        if wants_media {
            self.media_wanted.notify_one();
        }
        Ok(batch.outputs)
    }

    /// Looks up at once what the records of a batch are compared with.
    async fn begin(&self, rules: Arc<Rules>, records: &[Stored]) -> Result<Batch> {
        let mut entities: Vec<EntityKey> = records.iter().map(|record| record.envelope.header.entity_key).collect();
        entities.sort_unstable();
        entities.dedup();
        Ok(Batch::under(rules, self.store.histories(&entities).await?))
    }

    async fn route(&self, stored: &Stored, batch: &mut Batch) -> Result<()> {
        if stored.envelope.kind() == Kind::PlacementStatus {
            return self.note(stored, batch).await;
        }
        let header = &stored.envelope.header;
        if let Some(version) = batch.histories.at(header.entity_key, stored.position).cloned() {
            // Met again at its own position: the decision stands, its outputs are repeated.
            let previous = batch.previous(stored);
            batch.newest.insert(version.entity_key, version.clone());
            let Some(record) = self.record_of(&version).await? else {
                return self.pass_over(stored, &Meaning::KeysDestroyed, Content::default(), batch).await;
            };
            let whose = (header.entity_key, &header.origin.partner);
            let mut obstacles = self.entitled(&batch.rules, whose, &record).await?.1;
            obstacles.retain(|(partner, _)| !version.recipients.contains(partner));
            return self.announce(stored, &version, previous.as_ref(), &obstacles, batch).await;
        }
        let Some(content) = self.bodies.content(&stored.envelope).await? else {
            return self.pass_over(stored, &Meaning::KeysDestroyed, Content::default(), batch).await;
        };
        let key_uses = self.key_uses(stored, batch).await?;
        if let Some(meaning) = repeated_key(header, stored.position, &key_uses) {
            // Decided before anything is read, since the answer does not depend on it.
            return self.pass_over(stored, &meaning, content, batch).await;
        }
        let previous = batch.previous(stored);
        let before = match &previous {
            Some(previous) => self.record_of(previous).await?,
            None => None,
        };
        let record = whole_record(&batch.rules, stored, &content, before)?;
        let past = Past { previous: previous.as_ref(), key_uses: &key_uses };
        let hash = match &record {
            Some(record) => {
                let (kind, plain) = (stored.envelope.kind(), content_hash(record));
                self.bodies.hash(kind, header.entity_key, Purpose::Content, plain).await?
            }
            None => None,
        };
        let meaning = decide(header, stored.position, &past, hash);
        match record.zip(hash) {
            Some(said) if meaning == Meaning::News => {
                self.adopt(stored, &content, &said, previous.as_ref(), batch).await
            }
            _ => {
                Self::remember_key(stored, batch);
                self.pass_over(stored, &meaning, content, batch).await
            }
        }
    }

    async fn key_uses(&self, stored: &Stored, batch: &Batch) -> Result<Vec<KeyUse>> {
        let origin = &stored.envelope.header.origin;
        let Some(idempotency) = &origin.idempotency else { return Ok(Vec::new()) };
        let kind = stored.envelope.kind();
        let mut uses = self.store.key_uses(&origin.partner, kind, idempotency.key_hash, origin.received_at).await?;
        let same = |key_use: &&KeyUse| {
            key_use.partner == origin.partner && key_use.kind == kind && key_use.key_hash == idempotency.key_hash
        };
        uses.extend(batch.routed.key_uses.iter().filter(same).cloned());
        Ok(uses)
    }

    /// The record of a version. None if the keys of whom it is about were destroyed.
    async fn record_of(&self, version: &Version) -> Result<Option<Record>> {
        let place = place_of_version(version.entity_key);
        let canonical = self.bodies.kept(version.kind, &place, &version.canonical).await?;
        Ok(canonical.map(|canonical| Record::from_avro(version.kind, &canonical)).transpose()?)
    }

    /// Who may have a record now.
    async fn entitled(&self, rules: &Rules, whose: (EntityKey, &PartnerId), record: &Record) -> Result<Entitled> {
        entitled(rules, (&*self.store, &self.bodies, self.clock.now()), whose, record).await
    }

    /// Makes a new version and announces it.
    async fn adopt(
        &self,
        stored: &Stored,
        content: &Content,
        (record, hash): &(Record, Hash),
        previous: Option<&Version>,
        batch: &mut Batch,
    ) -> Result<()> {
        let (header, kind) = (&stored.envelope.header, stored.envelope.kind());
        // The first version is what the document says and nothing else.
        let canonical = previous.map_or_else(|| Ok(content.canonical.clone()), |_| record.to_avro())?;
        let place = place_of_version(header.entity_key);
        let Some(canonical) = self.bodies.keep(kind, header.entity_key, &place, canonical).await? else {
            return self.pass_over(stored, &Meaning::KeysDestroyed, Content::default(), batch).await;
        };
        if kind == Kind::TalentProfile && is_open(record) {
            // Before anything is decided: who is the same person as somebody else may be left alone.
            self.identify(stored, record, batch).await?;
        }
        let whose = (header.entity_key, &header.origin.partner);
        let (recipients, obstacles) = self.entitled(&batch.rules, whose, record).await?;
        let version = Version {
            entity_key: header.entity_key,
            position: stored.position,
            message_id: header.message_id,
            partner: previous.map_or_else(|| header.origin.partner.clone(), |version| version.partner.clone()),
            kind,
            reference: header.origin.reference.clone(),
            content_hash: *hash,
            is_open: is_open(record),
            modified_at: header.origin.modified_at.clone(),
            recipients,
            canonical,
        };
        if !content.complement.is_empty() {
            let dialect = header.origin.dialect.to_string();
            let place = format!("complement/{}/{dialect}", header.entity_key);
            let kept = self.bodies.keep(kind, header.entity_key, &place, content.complement.clone()).await?;
            let complement = kept.map(|complement| (header.entity_key, dialect, stored.position, complement));
            batch.routed.complements.extend(complement);
        }
        if kind == Kind::TalentProfile {
            let said = (record, version.is_open);
            let knowing = (&batch.rules.configuration, &self.bodies);
            let referred = attachments::referred(knowing, stored, said, self.clock.now_micros()).await?;
            // Of one that never linked to anything there is nothing to note.
            batch.routed.media.extend(referred.filter(|one| previous.is_some() || !one.media.is_empty()));
        }
        if kind == Kind::Vacancy {
            batch.routed.employers.extend(employers(record).map(|employer| (employer, header.entity_key)));
        }
        Self::remember_key(stored, batch);
        self.announce(stored, &version, previous, &obstacles, batch).await?;
        batch.newest.insert(version.entity_key, version.clone());
        batch.routed.versions.push(version);
        Ok(())
    }

    /// Notes the use of the record's idempotency key.
    fn remember_key(stored: &Stored, batch: &mut Batch) {
        let header = &stored.envelope.header;
        if let Some(idempotency) = &header.origin.idempotency {
            batch.routed.key_uses.push(KeyUse {
                partner: header.origin.partner.clone(),
                kind: stored.envelope.kind(),
                key_hash: idempotency.key_hash,
                position: stored.position,
                body_hash: idempotency.body_hash,
                message_id: header.message_id,
                expires_at: idempotency.expires_at,
            });
        }
    }
}

/// Waits until somebody wants a sync or a replay, or until it is time to look what other nodes were asked for.
async fn asked(wanted: &mut watch::Receiver<()>, others: &mut Option<Interval>) {
    let look = async {
        match others {
            Some(others) => others.tick().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        Ok(()) = wanted.changed() => {}
        _ = look => {}
    }
}

/// The whole record: what the document says, over what its shape does not speak of. None for a closing of the unknown.
fn whole_record(rules: &Rules, stored: &Stored, content: &Content, before: Option<Record>) -> Result<Option<Record>> {
    let header = &stored.envelope.header;
    let kind = stored.envelope.kind();
    if header.operation == Operation::Close {
        let Some(mut record) = before else { return Ok(None) };
        Status::Closed.set_on(&mut record);
        let close = content.close.clone().unwrap_or_default();
        set_text(&mut record, "status_reason.label", close.reason);
        set_text(&mut record, "closed_at", close.closed_at);
        return Ok(Some(record));
    }
    let mut record = Record::from_avro(kind, &content.canonical)?;
    if let Some(before) = before {
        rules.dialects.carry_over(&header.origin.dialect, content.shape.as_deref(), &before, &mut record);
    }
    Ok(Some(record))
}

fn set_text(record: &mut Record, path: &str, text: Option<String>) {
    if let Some(text) = text {
        let path = schemas::Path::resolve(record.model(), path).expect("the schema has closing fields");
        *path.slot(record.root_mut()) = schemas::Value::text(text);
    }
}
