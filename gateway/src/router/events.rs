//! What happened to persons: kept as it was said, one after another, and never compared with what came before; owed to every
//! other party that is told of it.
//!
//! **Invariant:** nobody is told of a person who neither brought that person nor was ever sent anything about them.

use anyhow::Result;
use schemas::{Content, EntityKey, Hash, Header, Kind, Lane, Operation, PartnerId, Record};

use uuid::Uuid;

use super::{
    Batch, Router,
    decide::{Meaning, repeated_key},
    outputs::cause_of,
};
use crate::{
    backbone::{Output, Stored, Topic},
    eligibility::between,
    intake::place_of_event,
    progress::Progress,
    said::Said,
    store::{PlacementEvent, Replay},
};

/// Events of one person that its progress follows from.
const EVENTS: usize = 1_000;

impl Router {
    /// Keeps an event about a person. Met again at its own position it is kept once.
    pub(super) async fn note(&self, stored: &Stored, batch: &mut Batch) -> Result<()> {
        let (header, kind) = (&stored.envelope.header, stored.envelope.kind());
        let Some(content) = self.bodies.content(&stored.envelope).await? else {
            return self.pass_over(stored, &Meaning::KeysDestroyed, Content::default(), batch).await;
        };
        let key_uses = self.key_uses(stored, batch).await?;
        if let Some(meaning) = repeated_key(header, stored.position, &key_uses) {
            return self.pass_over(stored, &meaning, content, batch).await;
        }
        let record = Record::from_avro(kind, &content.canonical)?;
        let programme = self.programme_of(&record)?;
        let place = place_of_event(header.message_id);
        let said = Content { canonical: content.canonical.clone(), ..Content::default() };
        let Some(canonical) = self.bodies.keep(kind, header.entity_key, &place, content.canonical).await? else {
            return self.pass_over(stored, &Meaning::KeysDestroyed, Content::default(), batch).await;
        };
        batch.routed.events.push(PlacementEvent {
            message_id: header.message_id,
            entity_key: header.entity_key,
            partner: header.origin.partner.clone(),
            position: stored.position,
            received_at: header.origin.received_at,
            canonical,
            programme,
        });
        self.come_so_far(stored, batch).await?;
        Self::remember_key(stored, batch);
        // What happened is about the person: the journal says that something did.
        let parties = self.parties(stored, batch).await?;
        let mut told = Vec::with_capacity(parties.len());
        for party in parties {
            let header = Header {
                operation: Operation::Event,
                entity_key: EntityKey::of_placements(header.entity_key),
                cause: Some(cause_of(stored)),
                recipient: Some(party.clone()),
                lane: Some(header.lane.unwrap_or(Lane::Live)),
                ..header.clone()
            };
            if let Some(envelope) = self.bodies.put(header, kind, &said).await? {
                batch.outputs.push(Output { topic: Topic::dispatch(&party), envelope });
                told.push(party.to_string());
            }
        }
        let detail = if told.is_empty() { "owed to nobody".to_owned() } else { format!("owed to {}", told.join(", ")) };
        batch.outputs.push(self.told(stored, "noted", None, Some(detail)));
        Ok(())
    }

    /// Notes how far the person has come by now. Whoever takes part in it may be shown more or less since: the profile goes
    /// again.
    async fn come_so_far(&self, stored: &Stored, batch: &mut Batch) -> Result<()> {
        let (person, rules) = (stored.envelope.header.entity_key, batch.rules.clone());
        let in_store = self.store.placement_events(person, EVENTS).await?;
        let is_new = |event: &&PlacementEvent| {
            event.entity_key == person && in_store.iter().all(|known| known.message_id != event.message_id)
        };
        let new: Vec<_> = batch.routed.events.iter().filter(is_new).cloned().collect();
        let mut said = Vec::with_capacity(in_store.len() + new.len());
        for event in in_store.into_iter().chain(new) {
            said.extend(Said::open(&self.bodies, event).await?);
        }
        let before = match batch.progress.get(&person) {
            Some(progress) => progress.clone(),
            None => Progress::open(&self.bodies, &self.store.standing_of(person.as_uuid()).await?).await?,
        };
        let now = Progress::of(&said, &rules.configuration);
        if now == before {
            return Ok(());
        }
        let Some(sealed) = now.seal(&self.bodies, person).await? else { return Ok(()) };
        batch.routed.progress.push((person, sealed));
        for (receiver, _) in rules.configuration.receivers(Kind::TalentProfile) {
            if now.with(receiver) != before.with(receiver) {
                let name = format!("progress {} {}", stored.position, receiver.id);
                batch.routed.replays.push(Replay {
                    replay_id: Uuid::new_v5(&person.as_uuid(), name.as_bytes()),
                    entity_key: person,
                    share: self.backbone.share_of(person),
                    recipient: Some(receiver.id.clone()),
                    wanted_at: self.clock.now_micros(),
                });
            }
        }
        batch.progress.insert(person, now);
        Ok(())
    }

    /// Who is told what somebody says happened: who brought the person, and whoever was ever sent anything about them; never
    /// whoever said it. Whether it may go is decided by delivery.
    async fn parties(&self, stored: &Stored, batch: &Batch) -> Result<Vec<PartnerId>> {
        let header = &stored.envelope.header;
        let configuration = &batch.rules.configuration;
        let Some(source) = configuration.partners.get(&header.origin.partner) else { return Ok(Vec::new()) };
        let home = batch.previous(stored).map(|version| version.partner);
        let mut parties = Vec::new();
        for (receiver, outgoing) in configuration.receivers(Kind::PlacementStatus) {
            if source.id == receiver.id || between(source, receiver, outgoing).is_some() {
                continue;
            }
            let is_party = home.as_ref() == Some(&receiver.id)
                || self.store.was_disclosed(header.entity_key.as_uuid(), &receiver.id).await?;
            if is_party {
                parties.push(receiver.id.clone());
            }
        }
        Ok(parties)
    }

    /// By what the events of a programme are found; none if it is of none.
    fn programme_of(&self, record: &Record) -> Result<Option<Hash>> {
        let name = record.text("programme.name").filter(|name| !name.trim().is_empty());
        name.map(|name| Ok(self.bodies.for_persons()?.hash_of_programme(name))).transpose()
    }
}
