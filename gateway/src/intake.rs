//! Takes documents in: reads them, finds their entity, appends one `accepted` record.
//!
//! **Invariant:** nothing is accepted before its record is durable, and nothing unreadable is stored here:
//! whoever pushes is told, and who cannot be told has it parked by the caller.

mod carrier;
mod person;
mod reading;
mod status;

use std::sync::Arc;

use anyhow::{Context, Result};
use mappings::Fault;
use metrics::counter;
use schemas::{
    Channel, Close, Content, DialectName, EntityKey, Hash, Header, Hop, Idempotency, Kind, Lane, MessageId, Operation,
    Origin, ProfileStatus, Record, Status, TalentProfile, Vacancy, Versions, content_hash,
};
use tracing::warn;
use uuid::Uuid;

use self::reading::unusable;
pub use self::{
    carrier::Carrier,
    person::{place_of_parked, place_of_version},
    reading::Opened,
    status::place_of_event,
};
use crate::{
    backbone::{Backbone, Output, Topic},
    clock::Clock,
    config::Partner,
    dialects::Read,
    in_force::{InForce, Rules},
    store::{ParkedInput, Store},
    vault::Bodies,
};

/// A document that somebody brought.
#[derive(Clone)]
pub struct Document<'a> {
    /// Who brought it.
    pub partner: &'a Partner,
    /// What it is about.
    pub kind: Kind,
    /// The format it is in.
    pub dialect: DialectName,
    /// How it came.
    pub channel: Channel,
    /// How urgent it is to pass it on.
    pub lane: Lane,
    /// Its media type, if said.
    pub media_type: Option<String>,
    /// The caller's idempotency key, if there is one.
    pub idempotency_key: Option<&'a str>,
    /// The document.
    pub body: &'a [u8],
}

/// What came of a document.
#[derive(Debug)]
pub enum Taken {
    /// It is durable and will be routed.
    Accepted {
        /// The message.
        message_id: MessageId,
        /// The reference that it goes out under.
        entity_key: EntityKey,
        /// The source's reference.
        reference: String,
    },
    /// It says what the newest version says; nothing was appended.
    Unchanged {
        /// The message that said it first.
        message_id: MessageId,
        /// The reference that it goes out under.
        entity_key: EntityKey,
        /// The source's reference.
        reference: String,
    },
    /// It cannot be read.
    Unreadable(Vec<Fault>),
    /// Its idempotency key was used with another body.
    KeyReused,
    /// It is what we sent to that partner ourselves.
    Echo(EntityKey),
    /// It was pushed, and comes in another way already.
    Carried {
        /// The source's reference.
        reference: String,
        /// By which way.
        carrier: Carrier,
    },
}

/// How an idempotency key was used before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyUse {
    /// Not at all, or there is none.
    First,
    /// With this body.
    Same,
    /// With another body.
    Other,
}

/// The intake of one daemon.
#[derive(Clone)]
pub struct Intake {
    pub in_force: InForce,
    pub backbone: Arc<dyn Backbone>,
    pub store: Arc<dyn Store>,
    /// Seals what is about persons.
    pub bodies: Bodies,
    pub clock: Clock,
}

impl Intake {
    /// Takes a document in.
    ///
    /// # Errors
    /// If log or store do not answer; nothing is known to be accepted then.
    pub async fn take(&self, document: Document<'_>) -> Result<Taken> {
        match self.open(&document).await {
            Ok(opened) => self.accept(document, opened).await,
            Err(faults) => Ok(Taken::Unreadable(faults)),
        }
    }

    /// Takes a document in that was read.
    ///
    /// # Errors
    /// If log or store do not answer; nothing is known to be accepted then.
    pub async fn accept(&self, document: Document<'_>, opened: Opened) -> Result<Taken> {
        match document.kind {
            Kind::Vacancy => {}
            Kind::TalentProfile => return self.accept_person(document, opened).await,
            Kind::PlacementStatus => return self.accept_status(document, opened).await,
        }
        let Opened { rules, read, reference } = opened;
        let echo = self.echo_of(document.partner, &reference).await?;
        let entity_key = match echo {
            Some(entity) if document.partner.is_co_owner => entity,
            Some(entity) => return Ok(Taken::Echo(entity)),
            None => EntityKey::of_vacancy(&document.partner.id, &reference),
        };
        let idempotency = document.idempotency_key.map(|key| self.idempotency(&rules, key, document.body));
        let key_use = self.key_use(&document, idempotency.as_ref()).await?;
        if key_use == KeyUse::Other {
            return Ok(Taken::KeyReused);
        }
        if idempotency.is_none()
            && let Some(message_id) = self.unchanged_since(&rules, entity_key, &document.dialect, &read).await?
        {
            return Ok(Taken::Unchanged { message_id, entity_key, reference });
        }
        let may_be_carried = document.channel == Channel::Push && read.operation == Operation::Upsert && echo.is_none();
        if may_be_carried
            && key_use == KeyUse::First
            && let Some(carrier) = self.carrier(&rules, &document, &reference, &read.record).await?
        {
            return Ok(Taken::Carried { reference, carrier });
        }
        let modified_at = read.record.text("modified_at").map(str::to_owned);
        let origin = self.origin(&document, Some(reference.clone()), idempotency, modified_at);
        let (way, operation) = ((document.kind, document.lane), read.operation);
        let close = (operation == Operation::Close).then(|| closing_notice(&read.record));
        let (content, versions) = content_of(document, read)?;
        let content = Content { close, ..content };
        let message_id = self.append(way, operation, entity_key, origin, versions, content).await?;
        Ok(Taken::Accepted { message_id, entity_key, reference })
    }

    /// Whether a document says just what is known. For whoever gives every document a key of its own.
    ///
    /// # Errors
    /// If log or store do not answer.
    pub async fn says_nothing_new(&self, document: &Document<'_>, opened: &Opened) -> Result<bool> {
        let entity = EntityKey::of_vacancy(&document.partner.id, &opened.reference);
        let unchanged = self.unchanged_since(&opened.rules, entity, &document.dialect, &opened.read);
        Ok(unchanged.await?.is_some())
    }

    /// Takes a closing in.
    ///
    /// # Errors
    /// If log or store do not answer.
    pub async fn close(&self, document: Document<'_>, reference: &str, reason: Option<String>) -> Result<Taken> {
        if let Some(fault) = unusable(reference) {
            return Ok(Taken::Unreadable(vec![fault]));
        }
        let rules = self.in_force.now();
        let entity_key = EntityKey::of_vacancy(&document.partner.id, reference);
        let idempotency = document.idempotency_key.map(|key| self.idempotency(&rules, key, reference.as_bytes()));
        if self.key_use(&document, idempotency.as_ref()).await? == KeyUse::Other {
            return Ok(Taken::KeyReused);
        }
        let origin = self.origin(&document, Some(reference.to_owned()), idempotency, None);
        let content = Content { close: Some(Close { reason, closed_at: None }), ..Content::default() };
        let versions = rules.dialects.versions(None);
        let message_id = self
            .append((document.kind, document.lane), Operation::Close, entity_key, origin, versions, content)
            .await?;
        Ok(Taken::Accepted { message_id, entity_key, reference: reference.to_owned() })
    }

    /// Parks a document that cannot be taken and that nobody can be told about; the same id again changes nothing.
    ///
    /// # Errors
    /// If the store does not answer; the document is not parked then.
    pub async fn park(&self, id: Uuid, document: &Document<'_>, code: &str, faults: &[Fault]) -> Result<()> {
        let partner = document.partner.id.to_string();
        let is_personal = document.kind.is_personal();
        let faults: Vec<_> = faults
            .iter()
            // In words a fault may repeat what the document says.
            .map(|fault| (&fault.pointer, &fault.code, if is_personal { "" } else { fault.problem.as_str() }))
            .map(|(pointer, code, problem)| serde_json::json!({"pointer": pointer, "code": code, "problem": problem}))
            .collect();
        let input = ParkedInput {
            parked_id: id,
            partner: partner.clone(),
            kind: document.kind.to_string(),
            dialect: document.dialect.to_string(),
            channel: document.channel.to_string(),
            code: code.to_owned(),
            faults: serde_json::Value::from(faults).to_string(),
            media_type: document.media_type.clone(),
            raw: self.parked_bytes(id, document).await?,
            received_at: self.clock.now_micros(),
            state: "parked".to_owned(),
        };
        self.store.park_input(input).await?;
        warn!(partner.name = partner, parked.id = %id, code, channel = %document.channel, "an input was parked");
        counter!("passerelle_inputs_parked_total", "partner" => partner, "code" => code.to_owned()).increment(1);
        Ok(())
    }

    /// The entity that we sent to this partner and that it now calls by that reference: ours, or its own.
    async fn echo_of(&self, partner: &Partner, reference: &str) -> Result<Option<EntityKey>> {
        self.store.entity_sent_as(&partner.id, reference).await
    }

    fn idempotency(&self, rules: &Rules, key: &str, body: &[u8]) -> Idempotency {
        let lifetime = i64::try_from(rules.configuration.settings.idempotency.as_micros()).unwrap_or(i64::MAX);
        Idempotency {
            key_hash: Hash::of(key.as_bytes()),
            body_hash: Hash::of(body),
            expires_at: self.clock.now_micros().saturating_add(lifetime),
        }
    }

    /// Looks how the key was used before. The router decides; this only tells the caller in time.
    async fn key_use(&self, document: &Document<'_>, idempotency: Option<&Idempotency>) -> Result<KeyUse> {
        let Some(Idempotency { key_hash, body_hash, .. }) = idempotency else { return Ok(KeyUse::First) };
        let (partner, now) = (&document.partner.id, self.clock.now_micros());
        let uses = self.store.key_uses(partner, document.kind, *key_hash, now).await?;
        if uses.iter().any(|key_use| key_use.body_hash != *body_hash) {
            return Ok(KeyUse::Other);
        }
        Ok(if uses.is_empty() { KeyUse::First } else { KeyUse::Same })
    }

    /// The message of the newest version, if the document says just the same.
    ///
    /// Only if everything accepted before has been routed: else a version that waits in the log would be passed over,
    /// and a document that takes it back would be lost.
    async fn unchanged_since(
        &self,
        rules: &Rules,
        entity: EntityKey,
        dialect: &DialectName,
        read: &Read,
    ) -> Result<Option<MessageId>> {
        let newest = async || self.same_as_newest(rules, entity, dialect, read).await;
        if read.operation != Operation::Upsert || newest().await?.is_none() {
            return Ok(None);
        }
        if !self.backbone.is_done("router", &Topic::accepted(), entity).await? {
            return Ok(None);
        }
        newest().await
    }

    /// The message of the newest version that was routed, if the document says just the same.
    async fn same_as_newest(
        &self,
        rules: &Rules,
        entity: EntityKey,
        dialect: &DialectName,
        read: &Read,
    ) -> Result<Option<MessageId>> {
        let Some(newest) = self.store.newest_version(entity).await? else { return Ok(None) };
        let mut record = read.record.clone();
        let previous = Record::from_avro(newest.kind, &newest.canonical)?;
        rules.dialects.carry_over(dialect, read.shape.as_deref(), &previous, &mut record);
        Ok((content_hash(&record) == newest.content_hash).then_some(newest.message_id))
    }

    fn origin(
        &self,
        document: &Document<'_>,
        reference: Option<String>,
        idempotency: Option<Idempotency>,
        modified_at: Option<String>,
    ) -> Origin {
        Origin {
            partner: document.partner.id.clone(),
            dialect: document.dialect.clone(),
            channel: document.channel,
            reference,
            idempotency,
            received_at: self.clock.now_micros(),
            modified_at,
        }
    }

    async fn append(
        &self,
        (kind, lane): (Kind, Lane),
        operation: Operation,
        entity_key: EntityKey,
        origin: Origin,
        versions: Versions,
        content: Content,
    ) -> Result<MessageId> {
        let message_id = match &origin.idempotency {
            Some(idempotency) => MessageId::derive(&origin.partner, kind, idempotency.key_hash, idempotency.body_hash),
            None => MessageId::mint(),
        };
        let labels = [
            ("partner", origin.partner.to_string()),
            ("kind", kind.to_string()),
            ("channel", origin.channel.to_string()),
        ];
        let hop = Hop {
            gateway: self.in_force.now().configuration.settings.gateway_id.clone(),
            received_at: origin.received_at,
        };
        let header = Header {
            message_id,
            operation,
            entity_key,
            origin,
            hops: vec![hop],
            versions,
            cause: None,
            recipient: None,
            lane: (lane != Lane::Live).then_some(lane),
            event: None,
        };
        let envelope = self.bodies.put(header, kind, &content).await?;
        let envelope =
            envelope.with_context(|| format!("the keys of `{entity_key}` were destroyed at this very moment"))?;
        self.backbone.append(vec![Output { topic: Topic::accepted(), envelope }]).await?;
        counter!("passerelle_accepted_total", &labels).increment(1);
        Ok(message_id)
    }
}

/// What is kept of a document that was read, and the versions of what it was read with.
fn content_of(document: Document<'_>, read: Read) -> Result<(Content, Versions)> {
    let content = Content {
        media_type: document.media_type,
        raw: document.body.to_vec(),
        shape: read.shape,
        canonical: read.record.to_avro()?,
        loss: Some(read.loss),
        complement: read.complement,
        close: None,
    };
    Ok((content, read.versions))
}

/// What a closing document says about the closing.
fn closing_notice(record: &Record) -> Close {
    Close {
        reason: record.text("status_reason.label").or_else(|| record.text("status_reason.code")).map(str::to_owned),
        closed_at: record.text("closed_at").map(str::to_owned),
    }
}

/// Whether a record may be shown: of vacancies only what is published is sent out, of profiles what is active or says
/// nothing of its status, as registrations do.
pub fn is_open(record: &Record) -> bool {
    match record.kind() {
        Kind::Vacancy => Vacancy::of(record).is_some_and(|vacancy| vacancy.status() == Status::Published),
        Kind::TalentProfile => TalentProfile::of(record)
            .is_some_and(|profile| profile.status().is_none_or(|status| status == ProfileStatus::Active)),
        Kind::PlacementStatus => false,
    }
}
