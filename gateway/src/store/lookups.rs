//! What is looked up for every message that comes in, many at a time.
//!
//! Questions go in as one JSON array, so that the statement is the same however many there are.

use anyhow::Result;
use schemas::{EntityKey, Hash, Kind, PartnerId};
use serde_json::{Value, json};
use sqlx::{Row, SqlitePool, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    api_keys::{ApiKey, key_of},
    gatherer::Gatherer,
    versions::{KeyUse, Version, parsed, position_of, version_of},
};
use crate::supervisor::Supervisor;

const KEYS: &str = "SELECT asked.key AS place, k.key_id, k.partner, k.label, k.created_at, k.revoked_at \
    FROM json_each($1) AS asked CROSS JOIN api_keys AS k ON k.key_hash = asked.value WHERE k.revoked_at IS NULL";
const SENT: &str = "SELECT asked.key AS place, s.entity_key FROM json_each($1) AS asked \
    CROSS JOIN sent AS s ON s.partner = asked.value ->> 0 AND s.foreign_reference = asked.value ->> 1 \
    UNION ALL SELECT asked.key AS place, s.entity_key FROM json_each($1) AS asked \
    CROSS JOIN sent AS s ON s.partner = asked.value ->> 0 AND s.entity_key = unhex(asked.value ->> 2)";
/// Few versions of an entity are kept; the last one counts.
const NEWEST: &str = "SELECT asked.key AS place, v.* FROM json_each($1) AS asked \
    CROSS JOIN versions AS v ON v.entity_key = unhex(asked.value) ORDER BY v.generation, v.log_offset";
const KEY_USES: &str = "SELECT asked.key AS place, i.* FROM json_each($1) AS asked \
    CROSS JOIN idempotency AS i ON i.partner = asked.value ->> 0 AND i.kind = asked.value ->> 1 \
    AND i.key_hash = asked.value ->> 2 AND i.expires_at > asked.value ->> 3 ORDER BY i.generation, i.log_offset";

/// The use of a key that is asked for: whose, for what, its hash, and when it must not have expired.
pub(super) type KeyUseQuestion = (PartnerId, Kind, Hash, i64);

/// The look-ups of one store.
#[derive(Clone)]
pub(super) struct Lookups {
    /// Keys by the hash of their secret.
    pub(super) keys: Gatherer<Hash, Option<ApiKey>>,
    /// Entities by what a partner calls them.
    pub(super) sent: Gatherer<(PartnerId, String), Option<EntityKey>>,
    /// Newest versions.
    pub(super) newest: Gatherer<EntityKey, Option<Version>>,
    /// Uses of idempotency keys, oldest first.
    pub(super) key_uses: Gatherer<KeyUseQuestion, Vec<KeyUse>>,
}

impl Lookups {
    /// Starts them on connections that read.
    pub(super) fn start(pool: &SqlitePool, supervisor: &Supervisor) -> Self {
        let pool = || pool.clone();
        let (for_keys, for_sent, for_newest, for_uses) = (pool(), pool(), pool(), pool());
        Self {
            keys: Gatherer::start(supervisor, move |asked| keys(for_keys.clone(), asked)),
            sent: Gatherer::start(supervisor, move |asked| sent(for_sent.clone(), asked)),
            newest: Gatherer::start(supervisor, move |asked| newest(for_newest.clone(), asked)),
            key_uses: Gatherer::start(supervisor, move |asked| key_uses(for_uses.clone(), asked)),
        }
    }
}

async fn keys(pool: SqlitePool, asked: Vec<Hash>) -> Result<Vec<Option<ApiKey>>> {
    let questions = asked.iter().map(|hash| json!(hash.to_string()));
    let mut answers = vec![None; asked.len()];
    for (place, row) in found(&pool, KEYS, questions).await? {
        answers[place] = Some(key_of(&row)?);
    }
    Ok(answers)
}

async fn sent(pool: SqlitePool, asked: Vec<(PartnerId, String)>) -> Result<Vec<Option<EntityKey>>> {
    let questions = asked.iter().map(|(partner, reference)| {
        let ours = reference.parse::<EntityKey>().ok().map(hexadecimal);
        json!([partner.as_str(), reference, ours])
    });
    let mut answers = vec![None; asked.len()];
    for (place, row) in found(&pool, SENT, questions).await? {
        answers[place] = Some(row.get::<Uuid, _>("entity_key").into());
    }
    Ok(answers)
}

async fn newest(pool: SqlitePool, asked: Vec<EntityKey>) -> Result<Vec<Option<Version>>> {
    let questions = asked.iter().map(|entity| json!(hexadecimal(*entity)));
    let mut answers = vec![None; asked.len()];
    for (place, row) in found(&pool, NEWEST, questions).await? {
        answers[place] = Some(version_of(&row)?);
    }
    Ok(answers)
}

async fn key_uses(pool: SqlitePool, asked: Vec<KeyUseQuestion>) -> Result<Vec<Vec<KeyUse>>> {
    let questions = asked
        .iter()
        .map(|(partner, kind, key_hash, at)| json!([partner.as_str(), kind.as_str(), key_hash.to_string(), at]));
    let mut answers = vec![Vec::new(); asked.len()];
    for (place, row) in found(&pool, KEY_USES, questions).await? {
        let (partner, kind, key_hash, _) = &asked[place];
        answers[place].push(KeyUse {
            partner: partner.clone(),
            kind: *kind,
            key_hash: *key_hash,
            position: position_of(&row),
            body_hash: parsed(&row, "body_hash")?,
            message_id: row.get::<Uuid, _>("message_id").into(),
            expires_at: row.get("expires_at"),
        });
    }
    Ok(answers)
}

/// The rows that answer questions, each with the place of its question.
async fn found(
    pool: &SqlitePool,
    sql: &'static str,
    questions: impl Iterator<Item = Value>,
) -> Result<Vec<(usize, SqliteRow)>> {
    let questions = Value::Array(questions.collect()).to_string();
    let rows = sqlx::query(sql).bind(questions).fetch_all(pool).await?;
    rows.into_iter().map(|row| Ok((usize::try_from(row.get::<i64, _>("place"))?, row))).collect()
}

fn hexadecimal(entity: EntityKey) -> String {
    entity.as_uuid().simple().to_string()
}
