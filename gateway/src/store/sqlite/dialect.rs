//! What SQLite spells differently, and what it does not need: it has one writer.

use std::{
    borrow::Cow,
    future::{Ready, ready},
};

use anyhow::Result;
use schemas::{EntityKey, PartnerId};
use sqlx::SqliteConnection;

/// Keys by the hash of their secret; asked with a list of hashes.
pub(super) const KEYS: &str = "SELECT asked.key AS place, k.key_id, k.partner, k.label, k.created_at, k.revoked_at \
    FROM json_each($1) AS asked CROSS JOIN api_keys AS k ON k.key_hash = asked.value WHERE k.revoked_at IS NULL";
/// Entities by what a partner calls them, ours counting more than theirs; asked with partner, reference, entity key.
pub(super) const SENT: &str = "SELECT asked.key AS place, s.entity_key FROM json_each($1) AS asked \
    CROSS JOIN sent AS s ON s.partner = asked.value ->> 0 AND s.foreign_reference = asked.value ->> 1 \
    UNION ALL SELECT asked.key AS place, s.entity_key FROM json_each($1) AS asked \
    CROSS JOIN sent AS s ON s.partner = asked.value ->> 0 AND s.entity_key = unhex(asked.value ->> 2)";
/// What partners have been sent of entities; asked with partner, entity key.
pub(super) const SHOWN: &str = "SELECT asked.key AS place, s.generation, s.log_offset, s.is_active, s.foreign_reference \
    FROM json_each($1) AS asked CROSS JOIN sent AS s ON s.partner = asked.value ->> 0 AND s.entity_key = unhex(asked.value ->> 1)";
/// Versions by entity key, oldest first. Few versions of an entity are kept; the last one counts.
pub(super) const NEWEST: &str = "SELECT asked.key AS place, v.* FROM json_each($1) AS asked \
    CROSS JOIN versions AS v ON v.entity_key = unhex(asked.value) ORDER BY v.generation, v.log_offset";
/// Uses of idempotency keys, oldest first; asked with partner, kind, hash of the key, and a time.
pub(super) const KEY_USES: &str = "SELECT asked.key AS place, i.* FROM json_each($1) AS asked \
    CROSS JOIN idempotency AS i ON i.partner = asked.value ->> 0 AND i.kind = asked.value ->> 1 \
    AND i.key_hash = asked.value ->> 2 AND i.expires_at > asked.value ->> 3 ORDER BY i.generation, i.log_offset";

/// Nobody changes what the one writer has read.
pub(super) const FOR_SHARE: &str = "";

/// Nobody else takes rows: there is one writer.
pub(super) const SKIP_LOCKED: &str = "";

/// The text as the engine can keep it: SQLite keeps every one.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

/// Nothing to wait for: the one writer has every entity to itself.
pub(super) fn lock_entities<'a>(
    _: &mut SqliteConnection,
    _: impl Iterator<Item = (&'a PartnerId, EntityKey)>,
) -> Ready<Result<()>> {
    ready(Ok(()))
}

/// Nothing to wait for: the one writer has all of it to itself.
pub(super) fn lock_identities(_: &mut SqliteConnection) -> Ready<Result<()>> {
    ready(Ok(()))
}

/// Nothing to wait for: the one writer has every feed to itself.
pub(super) fn lock_feed(_: &mut SqliteConnection, _: &str) -> Ready<Result<()>> {
    ready(Ok(()))
}
