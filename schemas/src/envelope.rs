//! The envelope: a header without personal data, and a body that is plain or sealed.
//!
//! **Invariant:** a personal kind has no plain form. [`Payload`] has no way to say it:
//!
//! ```compile_fail
//! use schemas::{Body, Payload, Plain};
//! let exposed = Payload::TalentProfile(Some(Body::Plain(Plain { bytes: vec![] })));
//! ```

use apache_avro::serde::bytes;
use serde::{Deserialize, Serialize};

use crate::{
    Channel, DialectName, EntityKey, Hash, Kind, Lane, LossCounts, MessageId, Operation, PartnerId, Position,
    avro::{CodecError, ENVELOPE},
};

/// One record of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Who, what and whence; never personal.
    pub header: Header,
    /// What it is about, with the body if there is one.
    pub payload: Payload,
}

/// The kind and the body that this kind may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// Vacancies may travel plain.
    Vacancy(Option<Body>),
    /// Talent profiles exist only sealed.
    TalentProfile(Option<Sealed>),
    /// Placement statuses exist only sealed.
    PlacementStatus(Option<Sealed>),
}

/// A body: a [`crate::Content`] in Avro, plain or sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Open to whoever reads the log.
    Plain(Plain),
    /// Encrypted, with the header as associated data.
    Sealed(Sealed),
}

/// An open body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// The content.
    pub bytes: Vec<u8>,
}

/// An encrypted body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The AEAD algorithm.
    pub algorithm: String,
    /// The key that opens it.
    pub key_id: String,
    /// The nonce.
    pub nonce: Vec<u8>,
    /// The content, encrypted and authenticated.
    pub bytes: Vec<u8>,
}

/// What is known of a record without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The message.
    pub message_id: MessageId,
    /// What it does to its entity.
    pub operation: Operation,
    /// The entity; order holds per entity.
    pub entity_key: EntityKey,
    /// Where it came from.
    pub origin: Origin,
    /// Gateways passed, oldest first.
    pub hops: Vec<Hop>,
    /// What was in force when it was made.
    pub versions: Versions,
    /// The accepted record that this one follows from.
    pub cause: Option<Cause>,
    /// The partner that a dispatch is owed to.
    pub recipient: Option<PartnerId>,
    /// How urgent a dispatch is.
    pub lane: Option<Lane>,
    /// What happened, in the journal.
    pub event: Option<Event>,
}

/// Where a message came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Who sent it.
    pub partner: PartnerId,
    /// In which format.
    pub dialect: DialectName,
    /// How it came in.
    pub channel: Channel,
    /// The source's reference; vacancies only.
    pub reference: Option<String>,
    /// The caller's idempotency key.
    pub idempotency: Option<Idempotency>,
    /// When it was taken in, microseconds since 1970 UTC.
    pub received_at: i64,
    /// The source's own time of change.
    pub modified_at: Option<String>,
}

/// An idempotency key, hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// Of the key.
    pub key_hash: Hash,
    /// Of the body as it came in.
    pub body_hash: Hash,
    /// When the key may be used anew, microseconds since 1970 UTC.
    pub expires_at: i64,
}

/// A gateway that the message has passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// Which.
    pub gateway: String,
    /// When, microseconds since 1970 UTC.
    pub received_at: i64,
}

/// What was in force when a record was made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Versions {
    /// The canonical schema.
    pub schema: String,
    /// The mapping file.
    pub mapping: String,
    /// The code lists and crosswalks.
    pub codes: String,
    /// The configuration.
    pub configuration: String,
}

/// The accepted record that another follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// The accepted message.
    pub message_id: MessageId,
    /// Where it stands in the log: the version of its entity.
    pub position: Position,
}

/// What happened, in a record of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The step of the way, such as `routed` or `delivered`.
    pub step: String,
    /// Why, as a code.
    pub code: Option<String>,
    /// More, in words without personal data.
    pub detail: Option<String>,
    /// When, microseconds since 1970 UTC.
    pub at: i64,
    /// The attempt to send, from 1; 0 where none was made.
    pub attempt: i64,
    /// What the translation carried.
    pub losses: LossCounts,
}

impl Envelope {
    /// What the record is about.
    pub fn kind(&self) -> Kind {
        match self.payload {
            Payload::Vacancy(_) => Kind::Vacancy,
            Payload::TalentProfile(_) => Kind::TalentProfile,
            Payload::PlacementStatus(_) => Kind::PlacementStatus,
        }
    }

    /// The plain body, if the kind has one.
    pub fn plain(&self) -> Option<&[u8]> {
        match &self.payload {
            Payload::Vacancy(Some(Body::Plain(plain))) => Some(&plain.bytes),
            _ => None,
        }
    }

    /// The envelope in Avro.
    ///
    /// # Errors
    /// [`CodecError::Encode`].
    pub fn to_avro(&self) -> Result<Vec<u8>, CodecError> {
        ENVELOPE.encode(&EnvelopeWire::from(self))
    }

    /// Reads an envelope from Avro.
    ///
    /// # Errors
    /// Every variant of [`CodecError`] but `Encode`; `Forbidden` for a personal kind in a plain body.
    pub fn from_avro(bytes: &[u8]) -> Result<Self, CodecError> {
        ENVELOPE.decode::<EnvelopeWire>(bytes)?.try_into()
    }

    /// Writes the envelope behind what is there already, as a bare datum: the schema is named elsewhere.
    ///
    /// # Errors
    /// [`CodecError::Encode`].
    pub fn write_datum(&self, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
        ENVELOPE.encode_bare(&EnvelopeWire::from(self), bytes)
    }

    /// Reads a bare datum that was written under the schema of that fingerprint.
    ///
    /// # Errors
    /// Every variant of [`CodecError`] but `Encode` and `Header`; `Forbidden` for a personal kind in a plain body.
    pub fn from_datum(fingerprint: [u8; 8], datum: &[u8]) -> Result<Self, CodecError> {
        ENVELOPE.decode_bare::<EnvelopeWire>(fingerprint, datum)?.try_into()
    }

    /// The header in Avro: the associated data of a sealed body.
    ///
    /// # Errors
    /// [`CodecError::Encode`].
    pub fn associated_data(&self) -> Result<Vec<u8>, CodecError> {
        ENVELOPE.encode(&EnvelopeWire { body: BodyWire::Null, ..EnvelopeWire::from(self) })
    }
}

/// The envelope as `envelope.avsc` lays it out.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Envelope")]
struct EnvelopeWire {
    message_id: UuidWire,
    operation: Operation,
    kind: Kind,
    entity_key: UuidWire,
    origin: Origin,
    hops: Vec<Hop>,
    versions: Versions,
    cause: Option<CauseWire>,
    recipient: Option<PartnerId>,
    lane: LaneWire,
    event: Option<Event>,
    body: BodyWire,
}

/// A UUID as text, whatever the serialiser says of readability.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct UuidWire(#[serde(with = "uuid::serde::simple")] uuid::Uuid);

#[derive(Serialize, Deserialize)]
#[serde(rename = "Cause")]
struct CauseWire {
    message_id: UuidWire,
    generation: i64,
    offset: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LaneWire {
    Unknown,
    Closing,
    Live,
    Retry,
    Backfill,
}

#[derive(Serialize, Deserialize)]
enum BodyWire {
    Null,
    Plain {
        #[serde(with = "bytes")]
        bytes: Vec<u8>,
    },
    Sealed {
        algorithm: String,
        key_id: String,
        #[serde(with = "bytes")]
        nonce: Vec<u8>,
        #[serde(with = "bytes")]
        bytes: Vec<u8>,
    },
}

impl From<&Envelope> for EnvelopeWire {
    fn from(envelope: &Envelope) -> Self {
        let header = envelope.header.clone();
        let body = match &envelope.payload {
            Payload::Vacancy(Some(Body::Plain(plain))) => BodyWire::Plain { bytes: plain.bytes.clone() },
            Payload::Vacancy(Some(Body::Sealed(sealed)))
            | Payload::TalentProfile(Some(sealed))
            | Payload::PlacementStatus(Some(sealed)) => sealed.clone().into(),
            Payload::Vacancy(None) | Payload::TalentProfile(None) | Payload::PlacementStatus(None) => BodyWire::Null,
        };
        Self {
            message_id: UuidWire(header.message_id.as_uuid()),
            operation: header.operation,
            kind: envelope.kind(),
            entity_key: UuidWire(header.entity_key.as_uuid()),
            origin: header.origin,
            hops: header.hops,
            versions: header.versions,
            cause: header.cause.map(|cause| CauseWire {
                message_id: UuidWire(cause.message_id.as_uuid()),
                generation: cause.position.generation,
                offset: cause.position.offset,
            }),
            recipient: header.recipient,
            lane: match header.lane {
                None => LaneWire::Unknown,
                Some(Lane::Closing) => LaneWire::Closing,
                Some(Lane::Live) => LaneWire::Live,
                Some(Lane::Retry) => LaneWire::Retry,
                Some(Lane::Backfill) => LaneWire::Backfill,
            },
            event: header.event,
            body,
        }
    }
}

impl From<Sealed> for BodyWire {
    fn from(sealed: Sealed) -> Self {
        Self::Sealed { algorithm: sealed.algorithm, key_id: sealed.key_id, nonce: sealed.nonce, bytes: sealed.bytes }
    }
}

impl TryFrom<EnvelopeWire> for Envelope {
    type Error = CodecError;

    fn try_from(wire: EnvelopeWire) -> Result<Self, CodecError> {
        let payload = match (wire.kind, wire.body.open()) {
            (Kind::Vacancy, body) => Payload::Vacancy(body),
            (Kind::TalentProfile, None) => Payload::TalentProfile(None),
            (Kind::TalentProfile, Some(Body::Sealed(sealed))) => Payload::TalentProfile(Some(sealed)),
            (Kind::PlacementStatus, None) => Payload::PlacementStatus(None),
            (Kind::PlacementStatus, Some(Body::Sealed(sealed))) => Payload::PlacementStatus(Some(sealed)),
            (Kind::TalentProfile | Kind::PlacementStatus, Some(Body::Plain(_))) => {
                return Err(CodecError::Forbidden("a personal kind in a plain body"));
            }
        };
        let header = Header {
            message_id: wire.message_id.0.into(),
            operation: wire.operation,
            entity_key: wire.entity_key.0.into(),
            origin: wire.origin,
            hops: wire.hops,
            versions: wire.versions,
            cause: wire.cause.map(|cause| Cause {
                message_id: cause.message_id.0.into(),
                position: Position { generation: cause.generation, offset: cause.offset },
            }),
            recipient: wire.recipient,
            lane: match wire.lane {
                LaneWire::Unknown => None,
                LaneWire::Closing => Some(Lane::Closing),
                LaneWire::Live => Some(Lane::Live),
                LaneWire::Retry => Some(Lane::Retry),
                LaneWire::Backfill => Some(Lane::Backfill),
            },
            event: wire.event,
        };
        Ok(Self { header, payload })
    }
}

impl BodyWire {
    fn open(self) -> Option<Body> {
        match self {
            Self::Null => None,
            Self::Plain { bytes } => Some(Body::Plain(Plain { bytes })),
            Self::Sealed { algorithm, key_id, nonce, bytes } => {
                Some(Body::Sealed(Sealed { algorithm, key_id, nonce, bytes }))
            }
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::sample;
