//! Bodies and rows of every kind: vacancies plain, what is about persons sealed.
//!
//! Whoever reads or writes log and store asks here, and needs not know which kind it is. **Invariant:** without a vault
//! nothing about persons is read or written.

use anyhow::{Context, Result, bail};
use schemas::{Body, Content, EntityKey, Envelope, Hash, Header, Kind, PartnerId, Payload, Plain};

use super::{Subject, Vault};

/// The bodies of one daemon.
#[derive(Clone, Default)]
pub struct Bodies(Option<Vault>);

/// What a hash is about: hashes of one purpose say nothing about another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// What a record says.
    Content,
    /// The bytes that came in.
    Body,
    /// What stands in a feed.
    Feed,
    /// Where a file lies that a profile links to.
    Medium,
}

impl Bodies {
    /// With that vault, or without one.
    pub fn with(vault: Option<Vault>) -> Self {
        Self(vault)
    }

    /// The vault, if there is one.
    pub fn vault(&self) -> Option<&Vault> {
        self.0.as_ref()
    }

    /// The vault, for what is about persons.
    ///
    /// # Errors
    /// If there is none.
    pub fn for_persons(&self) -> Result<&Vault> {
        self.0.as_ref().context("nothing about persons is kept here: `vault.key_file` is not set")
    }

    /// An envelope with a body. None if the keys of whom it is about were destroyed.
    ///
    /// # Errors
    /// If it cannot be sealed.
    pub async fn put(&self, header: Header, kind: Kind, content: &Content) -> Result<Option<Envelope>> {
        match kind {
            Kind::Vacancy => {
                let payload = Payload::Vacancy(Some(Body::Plain(Plain { bytes: content.to_avro()? })));
                Ok(Some(Envelope { header, payload }))
            }
            Kind::TalentProfile => self.seal(header, (kind, Payload::TalentProfile(None)), content).await,
            Kind::PlacementStatus => self.seal(header, (kind, Payload::PlacementStatus(None)), content).await,
        }
    }

    async fn seal(
        &self,
        header: Header,
        (kind, payload): (Kind, Payload),
        content: &Content,
    ) -> Result<Option<Envelope>> {
        let subject = subject_of(kind, header.entity_key)?;
        self.for_persons()?.seal(subject, Envelope { header, payload }, content).await
    }

    /// What an envelope holds. None if the keys of whom it is about were destroyed.
    ///
    /// # Errors
    /// If it has no body, or it does not open.
    pub async fn content(&self, envelope: &Envelope) -> Result<Option<Content>> {
        if envelope.kind().is_personal() {
            return self.for_persons()?.open_body(envelope).await;
        }
        Ok(Some(Content::from_avro(envelope.plain().context("a record without a body")?)?))
    }

    /// Bytes as they may stand in the store, at that place of an entity. None if the keys of whom they are about were
    /// destroyed.
    ///
    /// # Errors
    /// If they cannot be sealed.
    pub async fn keep(&self, kind: Kind, entity: EntityKey, place: &str, bytes: Vec<u8>) -> Result<Option<Vec<u8>>> {
        if !kind.is_personal() {
            return Ok(Some(bytes));
        }
        self.for_persons()?.seal_row(subject_of(kind, entity)?, place, &bytes).await
    }

    /// What is about a person, as it may stand in the store for a recipient. None if the keys of whom it is about were
    /// destroyed.
    ///
    /// # Errors
    /// If it cannot be sealed.
    pub async fn keep_for(
        &self,
        (kind, entity): (Kind, EntityKey),
        recipient: &PartnerId,
        place: &str,
        bytes: &[u8],
    ) -> Result<Option<Vec<u8>>> {
        let subject = subject_of(kind, entity)?;
        self.for_persons()?.seal_row_for(subject, Some(recipient), place, bytes).await
    }

    /// Bytes that [`Self::keep`] or [`Self::keep_for`] gave, read from that place. None if the keys of whom they are about were destroyed.
    ///
    /// # Errors
    /// If they do not open.
    pub async fn kept(&self, kind: Kind, place: &str, bytes: &[u8]) -> Result<Option<Vec<u8>>> {
        if !kind.is_personal() {
            return Ok(Some(bytes.to_vec()));
        }
        self.for_persons()?.open_row(place, bytes).await
    }

    /// The hash of what a record says, or of the bytes it came in: for persons a keyed one. None if the keys of whom it is
    /// about were destroyed.
    ///
    /// # Errors
    /// If the keys' database does not answer.
    pub async fn hash(&self, kind: Kind, entity: EntityKey, purpose: Purpose, plain: Hash) -> Result<Option<Hash>> {
        if !kind.is_personal() {
            return Ok(Some(plain));
        }
        let purpose = match purpose {
            Purpose::Content => "content",
            Purpose::Body => "body",
            Purpose::Feed => "feed",
            Purpose::Medium => "medium",
        };
        self.for_persons()?.hash(subject_of(kind, entity)?, purpose, plain.as_bytes()).await
    }
}

/// Whom an entity is about.
fn subject_of(kind: Kind, entity: EntityKey) -> Result<Subject> {
    match kind {
        Kind::TalentProfile | Kind::PlacementStatus => Ok(Subject::from(entity.person().as_uuid())),
        Kind::Vacancy => bail!("a `{kind}` does not say whom it is about"),
    }
}
