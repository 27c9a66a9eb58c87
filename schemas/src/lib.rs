//! Canonical records, envelope and loss report: what travels through Passerelle.
//!
//! The Avro files under `schemas/avro/` are the only list of fields there is; everything here is
//! driven by them. **Invariant:** no I/O, no clock, no async.

mod avro;
mod category;
mod content;
mod decimal;
mod envelope;
mod hash;
mod identifier;
mod json;
mod kind;
mod loss;
mod mask;
mod model;
mod partial_date_time;
mod path;
mod placement_status;
mod record;
mod talent_profile;
mod vacancy;
mod value;

pub use avro::{CodecError, Learned, Subject, check_full, learn, published_versions};
pub use category::Category;
pub use content::{Close, Content};
pub use decimal::Decimal;
pub use envelope::{Body, Cause, Envelope, Event, Header, Hop, Idempotency, Origin, Payload, Plain, Sealed, Versions};
pub use hash::{Hash, content_hash, hash_of};
pub use identifier::{
    DialectName, DispatchId, EntityKey, IdentifierError, MessageId, PartnerId, Position, RESERVED_PARTNER_IDS,
};
pub use json::JsonError;
pub use kind::{Channel, Kind, Lane, Operation};
pub use loss::{LossCounts, LossEntry, LossReport, Outcome};
pub use mask::{Mask, Withheld};
pub use model::{Field, Format, RecordType, Type};
pub use partial_date_time::{PartialDateTime, Precision};
pub use path::{Path, PathError, Step};
pub use placement_status::{Permit, PlacementStatus, permit_regions, set_person, set_reference};
pub use record::Record;
pub use talent_profile::{ProfileStatus, TalentProfile};
pub use vacancy::{Status, Vacancy};
pub use value::Value;
