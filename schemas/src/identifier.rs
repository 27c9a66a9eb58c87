//! Typed identifiers: parsed at the edge, trusted inside.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use uuid::{Builder, Uuid, Version};

use crate::{Hash, Kind};

/// Partner ids that would hide a path of the HTTP contract.
pub const RESERVED_PARTNER_IDS: [&str; 11] = [
    "messages",
    "consents",
    "subjects",
    "approvals",
    "placements",
    "backlog",
    "configuration",
    "keys",
    "media",
    "parked",
    "partners",
];

/// Why a text is not an identifier.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{text}` is not {what}: {remedy}")]
pub struct IdentifierError {
    text: String,
    what: &'static str,
    remedy: &'static str,
}

/// Makes a text type that is checked once, where it is parsed.
macro_rules! text_identifier {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdentifierError;

            fn from_str(text: &str) -> Result<Self, IdentifierError> {
                $check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdentifierError;

            fn try_from(text: String) -> Result<Self, IdentifierError> {
                $check(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(identifier: $name) -> Self {
                identifier.0
            }
        }
    };
}

text_identifier!(
    /// A partner: 1 to 40 of `a-z 0-9 -`, beginning with a letter, none of the reserved words.
    PartnerId,
    check_partner_id
);
text_identifier!(
    /// A payload format of the outside world, such as `vdab-json`.
    DialectName,
    check_dialect_name
);

fn is_slug(text: &str) -> bool {
    let starts_well = text.starts_with(|first: char| first.is_ascii_lowercase());
    starts_well
        && text.len() <= 40
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
}

fn check_partner_id(text: &str) -> Result<(), IdentifierError> {
    let error = |remedy| IdentifierError { text: text.to_owned(), what: "a partner id", remedy };
    if !is_slug(text) || text.contains('.') {
        return Err(error("use 1 to 40 of a-z, 0-9 and -, beginning with a letter"));
    }
    if RESERVED_PARTNER_IDS.contains(&text) {
        return Err(error("the word is a path of the API; choose another"));
    }
    Ok(())
}

fn check_dialect_name(text: &str) -> Result<(), IdentifierError> {
    if is_slug(text) {
        return Ok(());
    }
    let remedy = "use 1 to 40 of a-z, 0-9, - and ., beginning with a letter";
    Err(IdentifierError { text: text.to_owned(), what: "a dialect name", remedy })
}

/// Makes a UUID type.
macro_rules! uuid_identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The UUID inside.
            pub fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    };
}

uuid_identifier!(
    /// A message taken in.
    MessageId
);
uuid_identifier!(
    /// The entity that messages are about; order holds per entity.
    EntityKey
);
uuid_identifier!(
    /// A message owed to one partner.
    DispatchId
);

/// The namespace of our name-based UUIDs (RFC 9562 §6.5).
const NAMESPACE: Uuid = Uuid::from_u128(0x8f0f_5cc1_3d57_4e5c_9a83_6f0c_52d1_7a10);

impl MessageId {
    /// Mints an id for a message that came without an idempotency key (UUIDv7).
    pub fn mint() -> Self {
        Self(Uuid::now_v7())
    }

    /// Derives the id of a message that came with an idempotency key: the same key and body give the same id.
    pub fn derive(partner: &PartnerId, kind: Kind, key_hash: Hash, body_hash: Hash) -> Self {
        Self(derived_uuid(&[
            b"message",
            partner.as_str().as_bytes(),
            kind.as_str().as_bytes(),
            key_hash.as_bytes(),
            body_hash.as_bytes(),
        ]))
    }
}

impl DispatchId {
    /// Derives the id of what one record of the log owes to one partner.
    ///
    /// The position belongs to it: a key that is used anew after its validity gives the same message again.
    pub fn derive(message: MessageId, position: Position, recipient: &PartnerId) -> Self {
        let (generation, offset) = (position.generation.to_be_bytes(), position.offset.to_be_bytes());
        let parts = [b"dispatch".as_slice(), message.0.as_bytes(), &generation, &offset, recipient.as_str().as_bytes()];
        Self(derived_uuid(&parts))
    }
}

impl EntityKey {
    /// The key of a vacancy: UUIDv5 of partner, kind and reference. Never used for persons.
    pub fn of_vacancy(partner: &PartnerId, reference: &str) -> Self {
        let name = format!("{partner}\n{}\n{reference}", Kind::Vacancy);
        Self(Uuid::new_v5(&NAMESPACE, name.as_bytes()))
    }

    /// The key under which recipients are told what happens to a person: the person's own, marked as a UUID of version 8
    /// (RFC 9562 §5.8). What happens keeps an order of its own, and neither waits for the profile nor takes its place.
    pub fn of_placements(person: Self) -> Self {
        Self(Builder::from_bytes(person.0.into_bytes()).with_version(Version::Custom).into_uuid())
    }

    /// Whom a key of a personal kind is about: the person's own key, from that or from [`Self::of_placements`].
    pub fn person(self) -> Self {
        if self.0.get_version() != Some(Version::Custom) {
            return self;
        }
        Self(Builder::from_bytes(self.0.into_bytes()).with_version(Version::Random).into_uuid())
    }
}

/// A UUIDv8 of the SHA-256 of length-prefixed parts.
fn derived_uuid(parts: &[&[u8]]) -> Uuid {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    let first_half: [u8; 16] = std::array::from_fn(|index| digest[index]);
    Uuid::new_v8(first_half)
}

/// A place in the log. Every new log (a move, a restore) raises the generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Which log.
    pub generation: i64,
    /// Where in it.
    pub offset: i64,
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.generation, self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_no_partner_ids() {
        for word in RESERVED_PARTNER_IDS {
            assert!(word.parse::<PartnerId>().is_err(), "{word}");
        }
        assert!("acme-be".parse::<PartnerId>().is_ok());
        assert!("Acme".parse::<PartnerId>().is_err());
    }

    #[test]
    fn the_same_key_and_body_give_the_same_message_id() {
        let partner: PartnerId = "acme".parse().unwrap();
        let id = |key: &str, body: &str| {
            MessageId::derive(&partner, Kind::Vacancy, Hash::of(key.as_bytes()), Hash::of(body.as_bytes()))
        };
        assert_eq!(id("k", "b"), id("k", "b"));
        assert_ne!(id("k", "b"), id("k", "c"));
        assert_ne!(id("k", "b"), id("l", "b"));
    }

    #[test]
    fn two_employers_may_both_have_a_req_50() {
        let key = |partner: &str| EntityKey::of_vacancy(&partner.parse().unwrap(), "REQ-50");
        assert_ne!(key("acme"), key("zenith"));
    }
}
