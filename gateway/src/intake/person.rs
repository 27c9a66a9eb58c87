//! Takes in what is about persons: they are known by a pseudonym, and everything else is sealed before anybody keeps it.
//!
//! **Invariant:** no reference and no plain hash of what came in leaves this file.

use anyhow::{Context, Result};
use schemas::{
    Channel, Content, EntityKey, Hash, Idempotency, Kind, MessageId, Operation, ProfileStatus, Record, content_hash,
};
use uuid::Uuid;

use super::{Document, Intake, KeyUse, Opened, Taken, content_of};
use crate::{backbone::Topic, dialects::Read, in_force::Rules, store::Version, vault::Purpose};

/// The place of an entity's newest version in the store, which its bytes are sealed for.
pub fn place_of_version(entity: EntityKey) -> String {
    format!("version/{entity}")
}

/// The place of a parked input in the store.
pub fn place_of_parked(id: Uuid) -> String {
    format!("parked/{id}")
}

impl Intake {
    /// Takes a document about a person in that was read.
    ///
    /// # Errors
    /// If log, store or keys' database do not answer; nothing is known to be accepted then.
    pub(super) async fn accept_person(&self, document: Document<'_>, opened: Opened) -> Result<Taken> {
        let Opened { rules, read, reference } = opened;
        let subject = self.bodies.for_persons()?.subject(&document.partner.id, &reference).await?;
        let entity_key = EntityKey::from(subject);
        let idempotency = match document.idempotency_key {
            Some(key) => Some(self.idempotency_of_person(&rules, &document, entity_key, key).await?),
            None => None,
        };
        if self.key_use(&document, idempotency.as_ref()).await? == KeyUse::Other {
            return Ok(Taken::KeyReused);
        }
        // A vendor numbers its deliveries, not what is new.
        if (idempotency.is_none() || document.channel == Channel::Webhook)
            && let Some(message_id) = self.person_unchanged_since(&rules, entity_key, &document, &read).await?
        {
            return Ok(Taken::Unchanged { message_id, entity_key, reference: entity_key.to_string() });
        }
        let modified_at = read.record.text("modified_at").map(str::to_owned);
        let origin = self.origin(&document, None, idempotency, modified_at);
        let way = (document.kind, document.lane);
        let (content, versions) = content_of(document, read)?;
        // Who is gone at the source has a last version that says so: whatever came before is never needed to end it.
        let message_id = self.append(way, Operation::Upsert, entity_key, origin, versions, content).await?;
        // What the source calls the person is not repeated to anybody, the caller included.
        Ok(Taken::Accepted { message_id, entity_key, reference: entity_key.to_string() })
    }

    /// What its source calls somebody, if that can still be read.
    ///
    /// # Errors
    /// If store or keys' database do not answer.
    pub async fn reference_of_person(&self, person: EntityKey) -> Result<Option<String>> {
        let Some(newest) = self.store.newest_version(person).await? else { return Ok(None) };
        Ok(self.record_of(&newest).await?.and_then(|record| record.text("reference").map(str::to_owned)))
    }

    /// Ends the profile of somebody whom the source does not have any more, and says so in place of the source.
    ///
    /// # Errors
    /// If log, store or keys' database do not answer; nothing is known to be accepted then.
    pub async fn end_person(&self, document: Document<'_>, person: EntityKey) -> Result<()> {
        let Some(newest) = self.store.newest_version(person).await?.filter(|newest| newest.is_open) else {
            return Ok(());
        };
        let Some(mut record) = self.record_of(&newest).await? else { return Ok(()) };
        ProfileStatus::Closed.set_on(&mut record);
        let origin = self.origin(&document, None, None, None);
        let content = Content { canonical: record.to_avro()?, ..Content::default() };
        let versions = self.in_force.now().dialects.versions(None);
        self.append((document.kind, document.lane), Operation::Upsert, person, origin, versions, content).await?;
        Ok(())
    }

    /// The bytes of an input that is parked, as they may be kept: nobody knows yet whom they are about, so that they are
    /// sealed under a key of their own.
    pub(super) async fn parked_bytes(&self, id: Uuid, document: &Document<'_>) -> Result<Vec<u8>> {
        if !document.kind.is_personal() {
            return Ok(document.body.to_vec());
        }
        let vault = self.bodies.for_persons()?;
        // No reference looks like this: it holds a control character.
        let unknown = vault.subject(&document.partner.id, &format!("parked\n{id}")).await?;
        let sealed = vault.seal_row(unknown, &place_of_parked(id), document.body).await?;
        sealed.context("the keys of a parked input were destroyed at this very moment")
    }

    /// The key's use, without anything that could be tried out: the caller's key may name a person too.
    pub(super) async fn idempotency_of_person(
        &self,
        rules: &Rules,
        document: &Document<'_>,
        entity: EntityKey,
        key: &str,
    ) -> Result<Idempotency> {
        let plain = self.idempotency(rules, key, document.body);
        let vault = self.bodies.for_persons()?;
        Ok(Idempotency {
            key_hash: vault.hash_of_use(&document.partner.id, key),
            body_hash: self.hash_of_person(entity, Purpose::Body, plain.body_hash).await?,
            expires_at: plain.expires_at,
        })
    }

    /// The message of the newest version, if the document says just the same and everything accepted before has been routed.
    async fn person_unchanged_since(
        &self,
        rules: &Rules,
        entity: EntityKey,
        document: &Document<'_>,
        read: &Read,
    ) -> Result<Option<MessageId>> {
        let same = async || self.same_person_as_newest(rules, entity, document, read).await;
        if same().await?.is_none() || !self.backbone.is_done("router", &Topic::accepted(), entity).await? {
            return Ok(None);
        }
        same().await
    }

    async fn same_person_as_newest(
        &self,
        rules: &Rules,
        entity: EntityKey,
        document: &Document<'_>,
        read: &Read,
    ) -> Result<Option<MessageId>> {
        let Some(newest) = self.store.newest_version(entity).await? else { return Ok(None) };
        let Some(previous) = self.record_of(&newest).await? else { return Ok(None) };
        let mut record = read.record.clone();
        rules.dialects.carry_over(&document.dialect, read.shape.as_deref(), &previous, &mut record);
        let hash = self.hash_of_person(entity, Purpose::Content, content_hash(&record)).await?;
        Ok((hash == newest.content_hash).then_some(newest.message_id))
    }

    async fn record_of(&self, version: &Version) -> Result<Option<Record>> {
        let place = place_of_version(version.entity_key);
        let canonical = self.bodies.kept(version.kind, &place, &version.canonical).await?;
        Ok(canonical.map(|canonical| Record::from_avro(version.kind, &canonical)).transpose()?)
    }

    async fn hash_of_person(&self, entity: EntityKey, purpose: Purpose, plain: Hash) -> Result<Hash> {
        let hash = self.bodies.hash(Kind::TalentProfile, entity, purpose, plain).await?;
        hash.ok_or_else(|| anyhow::anyhow!("the keys of `{entity}` were destroyed at this very moment"))
    }
}

#[cfg(test)]
mod tests;
