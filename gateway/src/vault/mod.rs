//! What is about persons is sealed here, under keys that can be destroyed.
//!
//! Every subject has a key, made when something of it is taken in, and one for each recipient of what is dispatched. They
//! lie wrapped in a database of their own; what wraps them is kept elsewhere still. Whoever has log, store and their
//! backups has nothing; a subject whose keys are destroyed is erased from all of them at once.
//!
//! **Invariant:** foreign ids and keys are in no log, no error and no other database.

mod bodies;
mod cache;
mod cipher;
pub mod database;
mod key_ring;
mod rotation;
mod rows;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use anyhow::{Context, Result, bail, ensure};
use hmac::{Hmac, KeyInit, Mac};
use schemas::{Content, EntityKey, Envelope, Hash, PartnerId, Payload, Sealed};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

pub use self::{
    bodies::{Bodies, Purpose},
    database::VerifiedNumber,
    key_ring::{KeyEncryptionKeys, KeyRing, KeysInForce, Wrapped},
    rows::ROW_OVERHEAD_BYTES,
};
use self::{
    cache::Cache,
    cipher::{ALGORITHM, KEY_BYTES, Key},
    database::{KeptKey, KeyDatabase},
};
use crate::{clock::Clock, config::Configuration, supervisor::Supervisor};

/// A person, by pseudonym: a random UUID that says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(Uuid);

/// The subject that is nobody: its key hashes what persons are known by.
const NOBODY: Subject = Subject(Uuid::nil());

/// Seals and opens; knows persons by what partners call them.
#[derive(Clone)]
pub struct Vault {
    wrapping: Arc<dyn KeyEncryptionKeys>,
    database: Arc<dyn KeyDatabase>,
    own: Arc<DataKey>,
    cache: Cache,
    clock: Clock,
}

/// An unwrapped key: one half seals, the other one hashes.
struct DataKey {
    key_id: Uuid,
    subject: Subject,
    recipient: Option<PartnerId>,
    sealing: Key,
    hashing: Key,
}

impl Vault {
    /// Opens the vault that is configured; keys are wrapped by `wrapping`.
    ///
    /// # Errors
    /// If the keys' database cannot be used, or its keys were wrapped by others than are there.
    pub async fn open(
        configuration: &Configuration,
        wrapping: Arc<dyn KeyEncryptionKeys>,
        supervisor: &Supervisor,
    ) -> Result<Self> {
        let database = database::open(configuration, supervisor).await?;
        let cache = Cache::new(configuration.settings.vault.remember);
        supervisor.spawn("vault cache", cache.clone().sweep(supervisor.stop_token()));
        Self::of(wrapping, database, cache, Clock::system()).await
    }

    async fn of(
        wrapping: Arc<dyn KeyEncryptionKeys>,
        database: Arc<dyn KeyDatabase>,
        cache: Cache,
        clock: Clock,
    ) -> Result<Self> {
        let own = if let Some(kept) = database.key_of(NOBODY, None).await? {
            kept
        } else {
            let offered = new_key(&*wrapping, NOBODY, None, clock.now_micros()).await?;
            database.add_key(offered).await?.context("the keys' database has lost its own row")?
        };
        let own = unwrapped(&*wrapping, own).await?.context("the vault's own key was destroyed")?;
        Ok(Self { wrapping, database, own: Arc::new(own), cache, clock })
    }

    /// Whether the keys' database answers.
    ///
    /// # Errors
    /// If it does not.
    pub async fn probe(&self) -> Result<()> {
        self.database.probe().await
    }

    /// The person that a partner calls so, met for the first time or known.
    ///
    /// # Errors
    /// If the keys' database does not answer.
    pub async fn subject(&self, partner: &PartnerId, foreign_id: &str) -> Result<Subject> {
        let id_hash = self.id_hash(partner, foreign_id);
        if let [Some(known)] = self.database.subjects(vec![id_hash]).await?.as_slice() {
            return Ok(*known);
        }
        let offered = new_key(&*self.wrapping, Subject(Uuid::new_v4()), None, self.clock.now_micros()).await?;
        self.database.make_subject(id_hash, offered).await
    }

    /// The persons that a partner calls so, each in its place; nobody is made.
    ///
    /// # Errors
    /// If the keys' database does not answer.
    pub async fn find(&self, partner: &PartnerId, foreign_ids: &[String]) -> Result<Vec<Option<Subject>>> {
        let hashes = foreign_ids.iter().map(|foreign_id| self.id_hash(partner, foreign_id)).collect();
        self.database.subjects(hashes).await
    }

    /// Seals a content into an envelope that has no body yet: under the subject's own key, or under that for the
    /// recipient whom the header names. None if the subject's keys were destroyed.
    ///
    /// # Errors
    /// If the subject is unknown, or the keys' database does not answer.
    pub async fn seal(&self, subject: Subject, envelope: Envelope, content: &Content) -> Result<Option<Envelope>> {
        let Some(key) = self.key_for(subject, envelope.header.recipient.as_ref()).await? else { return Ok(None) };
        let plain = Zeroizing::new(content.to_avro()?);
        let (nonce, bytes) = cipher::encrypt(&key.sealing, &envelope.associated_data()?, &plain)?;
        let sealed =
            Sealed { algorithm: ALGORITHM.to_owned(), key_id: key.key_id.to_string(), nonce: nonce.to_vec(), bytes };
        let payload = match envelope.payload {
            Payload::TalentProfile(None) => Payload::TalentProfile(Some(sealed)),
            Payload::PlacementStatus(None) => Payload::PlacementStatus(Some(sealed)),
            _ => bail!("only a personal kind without a body is sealed"),
        };
        Ok(Some(Envelope { payload, ..envelope }))
    }

    /// Opens what was sealed with this very header. None if the subject's keys were destroyed.
    ///
    /// # Errors
    /// If the key is unknown, header or body are not what was sealed, or the keys' database does not answer.
    pub async fn open_body(&self, envelope: &Envelope) -> Result<Option<Content>> {
        let (Payload::TalentProfile(Some(sealed)) | Payload::PlacementStatus(Some(sealed))) = &envelope.payload else {
            bail!("there is no sealed body")
        };
        ensure!(sealed.algorithm == ALGORITHM, "sealed by `{}`, which is not known here", sealed.algorithm);
        let key_id: Uuid = sealed.key_id.parse().context("the id of the key is damaged")?;
        let Some(key) = self.key(key_id).await? else { return Ok(None) };
        ensure!(key.recipient == envelope.header.recipient, "sealed under a key for somebody else");
        let plain = cipher::decrypt(&key.sealing, &envelope.associated_data()?, &sealed.nonce, &sealed.bytes)?;
        Ok(Some(Content::from_avro(&plain)?))
    }

    /// A keyed hash of something that is about a subject; without its key nobody can try what gives it. None if the
    /// subject's keys were destroyed.
    ///
    /// # Errors
    /// If the subject is unknown, or the keys' database does not answer.
    pub async fn hash(&self, subject: Subject, purpose: &str, bytes: &[u8]) -> Result<Option<Hash>> {
        let key = self.key_for(subject, None).await?;
        Ok(key.map(|key| mac(key.hashing.expose(), purpose, &[bytes])))
    }

    /// A keyed hash of an idempotency key: callers make them of what they call a person, too.
    pub fn hash_of_use(&self, partner: &PartnerId, key: &str) -> Hash {
        mac(self.own.hashing.expose(), "idempotency key", &[partner.as_str().as_bytes(), key.as_bytes()])
    }

    /// What is kept of the name of a programme, by which its events are found.
    pub fn hash_of_programme(&self, name: &str) -> Hash {
        mac(self.own.hashing.expose(), "programme", &[name.trim().as_bytes()])
    }

    /// What may be kept of a mark by which a document of that partner is known again.
    pub fn hash_of_mark(&self, partner: &PartnerId, mark: &[u8]) -> Hash {
        mac(self.own.hashing.expose(), "mark", &[partner.as_str().as_bytes(), mark])
    }

    /// What is kept of a number that a partner has verified: two that are exactly the same give the same.
    pub fn verified_number(&self, scheme: &str, number: &str) -> VerifiedNumber {
        let parts = [scheme.as_bytes(), number.as_bytes()];
        VerifiedNumber { scheme: scheme.to_owned(), number: mac(self.own.hashing.expose(), "verified number", &parts) }
    }

    /// Keeps what numbers of a subject its partner has verified, in place of those before. Returns those that are not among
    /// them any more.
    ///
    /// # Errors
    /// If the keys' database does not answer.
    pub async fn keep_numbers(
        &self,
        subject: Subject,
        partner: &PartnerId,
        mut numbers: Vec<VerifiedNumber>,
    ) -> Result<Vec<VerifiedNumber>> {
        numbers.sort_unstable();
        numbers.dedup();
        let mut before = self.database.numbers_of(subject).await?;
        if before != numbers {
            self.database.keep_numbers(subject, partner, numbers.clone()).await?;
        }
        before.retain(|number| !numbers.contains(number));
        Ok(before)
    }

    /// Whose number it is, and by whom it was verified.
    ///
    /// # Errors
    /// If the keys' database does not answer.
    pub async fn holders(&self, number: &VerifiedNumber) -> Result<Vec<(Subject, PartnerId)>> {
        self.database.holders(number.number).await
    }

    /// Destroys every key of a subject, and what it is known by: all that was ever sealed of it is unreadable, for good.
    /// Other nodes forget what they hold within `vault.remember_seconds`. Returns how many keys there were; none for an
    /// unknown subject.
    ///
    /// # Errors
    /// If the keys' database does not answer.
    pub async fn destroy(&self, subject: Subject) -> Result<Option<u64>> {
        if subject == NOBODY {
            return Ok(None);
        }
        let destroyed = self.database.destroy(subject, self.clock.now_micros()).await;
        self.cache.forget(subject);
        destroyed
    }

    /// How many keys each version has wrapped, and how many were destroyed (no version).
    ///
    /// # Errors
    /// If the keys' database does not answer.
    pub async fn counts(&self) -> Result<Vec<(Option<String>, i64)>> {
        self.database.counts().await
    }

    fn id_hash(&self, partner: &PartnerId, foreign_id: &str) -> Hash {
        mac(self.own.hashing.expose(), "foreign id", &[partner.as_str().as_bytes(), foreign_id.as_bytes()])
    }

    /// A subject's key for a recipient, made if need be; its own is made with the subject.
    async fn key_for(&self, subject: Subject, recipient: Option<&PartnerId>) -> Result<Option<Arc<DataKey>>> {
        if let Some(key) = self.cache.get_for(subject, recipient) {
            return Ok(Some(key));
        }
        let kept = match self.database.key_of(subject, recipient).await? {
            Some(kept) => kept,
            None if recipient.is_none() => bail!("the keys' database does not know the subject `{subject}`"),
            None => {
                let offered = new_key(&*self.wrapping, subject, recipient.cloned(), self.clock.now_micros()).await?;
                let Some(kept) = self.database.add_key(offered).await? else { return Ok(None) };
                kept
            }
        };
        self.hold(kept).await
    }

    async fn key(&self, key_id: Uuid) -> Result<Option<Arc<DataKey>>> {
        if let Some(key) = self.cache.get(key_id) {
            return Ok(Some(key));
        }
        let kept = self.database.key(key_id).await?;
        let kept = kept.with_context(|| {
            format!("the keys' database does not know the key `{key_id}`: is it an older copy, or another one?")
        })?;
        self.hold(kept).await
    }

    async fn hold(&self, kept: KeptKey) -> Result<Option<Arc<DataKey>>> {
        let Some(key) = unwrapped(&*self.wrapping, kept).await?.map(Arc::new) else { return Ok(None) };
        self.cache.put(key.clone());
        Ok(Some(key))
    }
}

/// Makes a key and wraps it.
async fn new_key(
    wrapping: &dyn KeyEncryptionKeys,
    subject: Subject,
    recipient: Option<PartnerId>,
    now: i64,
) -> Result<KeptKey> {
    let mut key = KeptKey { key_id: Uuid::new_v4(), subject, recipient, wrapped: None, created_at: now };
    let halves = Zeroizing::new([Key::generate().expose(), Key::generate().expose()].concat());
    key.wrapped = Some(wrapping.wrap(&associated_with(&key), &halves).await?);
    Ok(key)
}

/// Unwraps a key; none if it is destroyed.
async fn unwrapped(wrapping: &dyn KeyEncryptionKeys, kept: KeptKey) -> Result<Option<DataKey>> {
    let Some(wrapped) = &kept.wrapped else { return Ok(None) };
    let halves = wrapping.unwrap(&associated_with(&kept), wrapped).await?;
    let (sealing, hashing) = halves.split_at_checked(KEY_BYTES).context("a key is too short")?;
    Ok(Some(DataKey {
        key_id: kept.key_id,
        subject: kept.subject,
        sealing: Key::of(sealing).context("a key has the wrong length")?,
        hashing: Key::of(hashing).context("a key has the wrong length")?,
        recipient: kept.recipient,
    }))
}

/// What a wrapped key is bound to: moved to another row, it does not open.
fn associated_with(key: &KeptKey) -> Vec<u8> {
    let recipient = key.recipient.as_ref().map_or("", PartnerId::as_str);
    [key.key_id.as_bytes().as_slice(), key.subject.0.as_bytes(), recipient.as_bytes()].concat()
}

/// HMAC-SHA-256 (RFC 2104) of a purpose and parts, each with its length before it.
fn mac(key: &[u8], purpose: &str, parts: &[&[u8]]) -> Hash {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in [purpose.as_bytes()].iter().chain(parts) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    Hash::from(<[u8; 32]>::from(mac.finalize().into_bytes()))
}

impl Subject {
    /// The pseudonym.
    pub fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for Subject {
    fn from(pseudonym: Uuid) -> Self {
        Self(pseudonym)
    }
}

impl From<Subject> for EntityKey {
    /// The key of what is said about a person as a whole: its profile.
    fn from(subject: Subject) -> Self {
        subject.0.into()
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
