//! What PostgreSQL spells differently, and its locks: several nodes write at once.
//!
//! Transactions run at READ COMMITTED. That is enough because whatever is read in order to be written is locked first:
//! rows of an entity by [`lock_entities`], a feed by [`lock_feed`], the epoch of an owner by [`FOR_SHARE`] against the
//! `UPDATE` of the next one; everything else is one statement, which looks again at a row that it had to wait for.

use std::{borrow::Cow, collections::BTreeSet};

use anyhow::Result;
use schemas::{EntityKey, Hash, PartnerId};
use sqlx::PgConnection;

// Questions are few, and the planner takes them for a hundred: `OFFSET 0` lets it answer each by an index, where it would
// read a whole table of some ten thousand rows.

/// Keys by the hash of their secret; asked with a list of hashes.
pub(super) const KEYS: &str = "SELECT asked.place - 1 AS place, k.key_id, k.partner, k.label, k.created_at, k.revoked_at \
    FROM jsonb_array_elements_text($1::JSONB) WITH ORDINALITY AS asked (value, place) CROSS JOIN LATERAL ( \
    SELECT * FROM api_keys WHERE key_hash = asked.value AND revoked_at IS NULL OFFSET 0) AS k";
/// Entities by what a partner calls them, ours counting more than theirs; asked with partner, reference, entity key.
pub(super) const SENT: &str = "SELECT asked.place - 1 AS place, s.entity_key \
    FROM jsonb_array_elements($1::JSONB) WITH ORDINALITY AS asked (value, place) CROSS JOIN LATERAL ( \
    SELECT entity_key, 1 AS weight FROM sent WHERE partner = asked.value ->> 0 AND foreign_reference = asked.value ->> 1 \
    UNION ALL \
    SELECT entity_key, 2 AS weight FROM sent WHERE partner = asked.value ->> 0 AND entity_key = (asked.value ->> 2)::UUID \
    OFFSET 0) AS s ORDER BY s.weight";
/// What partners have been sent of entities; asked with partner, entity key.
pub(super) const SHOWN: &str = "SELECT asked.place - 1 AS place, s.generation, s.log_offset, s.is_active, s.foreign_reference \
    FROM jsonb_array_elements($1::JSONB) WITH ORDINALITY AS asked (value, place) CROSS JOIN LATERAL ( \
    SELECT * FROM sent WHERE partner = asked.value ->> 0 AND entity_key = (asked.value ->> 1)::UUID OFFSET 0) AS s";
/// Versions by entity key, oldest first. Few versions of an entity are kept; the last one counts.
pub(super) const NEWEST: &str = "SELECT asked.place - 1 AS place, v.entity_key, v.generation, v.log_offset, v.message_id, v.partner, \
    v.kind, v.reference, v.content_hash, v.is_open, v.modified_at, v.recipients, v.canonical \
    FROM jsonb_array_elements_text($1::JSONB) WITH ORDINALITY AS asked (value, place) CROSS JOIN LATERAL ( \
    SELECT * FROM versions WHERE entity_key = asked.value::UUID OFFSET 0) AS v ORDER BY v.generation, v.log_offset";
/// Uses of idempotency keys, oldest first; asked with partner, kind, hash of the key, and a time.
pub(super) const KEY_USES: &str = "SELECT asked.place - 1 AS place, i.generation, i.log_offset, i.body_hash, i.message_id, i.expires_at \
    FROM jsonb_array_elements($1::JSONB) WITH ORDINALITY AS asked (value, place) CROSS JOIN LATERAL ( \
    SELECT * FROM idempotency WHERE partner = asked.value ->> 0 AND kind = asked.value ->> 1 \
    AND key_hash = asked.value ->> 2 AND expires_at > (asked.value ->> 3)::BIGINT OFFSET 0) AS i \
    ORDER BY i.generation, i.log_offset";

/// Whoever wants to change the row waits until this transaction has ended, and the other way round.
pub(super) const FOR_SHARE: &str = " FOR SHARE";

/// Rows that somebody else is taking are passed over.
pub(super) const SKIP_LOCKED: &str = " FOR UPDATE SKIP LOCKED";

/// Locks of entities per partner: few enough for one transaction to take all of them, and enough for many entities to
/// go on side by side. Part of what nodes of different versions agree on.
const STRIPES: u8 = 64;
/// The stripe of a partner's feed.
const FEED: i32 = 64;
/// The lock of who is the same person as whom.
const IDENTITIES: (i32, i32) = (0, 65);

/// The text as the engine can keep it: PostgreSQL has no place for NUL.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{FFFD}")) } else { Cow::Borrowed(text) }
}

/// Waits until nobody else has those entities, and keeps them until the transaction ends.
pub(super) async fn lock_entities<'a>(
    connection: &mut PgConnection,
    entities: impl Iterator<Item = (&'a PartnerId, EntityKey)>,
) -> Result<()> {
    let stripe = |entity: EntityKey| i32::from(entity.as_uuid().as_bytes()[15] % STRIPES);
    let stripes = entities.map(|(partner, entity)| (number_of(partner.as_str()), stripe(entity)));
    // Sorted, and taken in that order: two transactions never wait for each other.
    let stripes: BTreeSet<(i32, i32)> = stripes.collect();
    let (partners, stripes): (Vec<i32>, Vec<i32>) = stripes.into_iter().unzip();
    let sql =
        "SELECT pg_advisory_xact_lock(partner, stripe) FROM unnest($1::INT[], $2::INT[]) AS wanted (partner, stripe)";
    sqlx::query(sql).bind(partners).bind(stripes).execute(connection).await?;
    Ok(())
}

/// Waits until nobody else changes a feed, and keeps it until the transaction ends.
pub(super) async fn lock_feed(connection: &mut PgConnection, partner: &str) -> Result<()> {
    let partner = number_of(partner);
    sqlx::query("SELECT pg_advisory_xact_lock($1, $2)").bind(partner).bind(FEED).execute(connection).await?;
    Ok(())
}

/// Waits until nobody else changes who is the same person as whom, and keeps it so until the transaction ends.
pub(super) async fn lock_identities(connection: &mut PgConnection) -> Result<()> {
    let (group, number) = IDENTITIES;
    sqlx::query("SELECT pg_advisory_xact_lock($1, $2)").bind(group).bind(number).execute(connection).await?;
    Ok(())
}

/// A partner as a number; two partners with the same one only wait for each other more often.
fn number_of(partner: &str) -> i32 {
    let hash = Hash::of(partner.as_bytes());
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&hash.as_bytes()[..4]);
    i32::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_everything_but_nul() {
        assert_eq!(storable("Bouw & zn"), "Bouw & zn");
        assert_eq!(storable("a\0b"), "a\u{FFFD}b");
    }
}
