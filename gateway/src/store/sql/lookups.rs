//! What is looked up for every message that comes in, many at a time.
//!
//! Questions go in as one JSON array, so that the statement is the same however many there are. How an array becomes
//! rows is the engine's: see its `dialect`.

use anyhow::Result;
use schemas::{EntityKey, Hash, Kind, PartnerId};
use serde_json::{Value, json};
use sqlx::Row as _;
use uuid::Uuid;

use super::{
    Readers, Row,
    api_keys::key_of,
    dialect::{KEY_USES, KEYS, NEWEST, SENT, SHOWN, storable},
    versions::{parsed, position_of, version_of},
};
use crate::{
    store::{ApiKey, KeyUse, Sent, Version, gatherer::Gatherer},
    supervisor::Supervisor,
};

/// The use of a key that is asked for: whose, for what, its hash, and when it must not have expired.
pub(in crate::store) type KeyUseQuestion = (PartnerId, Kind, Hash, i64);

/// The look-ups of one store.
#[derive(Clone)]
pub(in crate::store) struct Lookups {
    /// Keys by the hash of their secret.
    pub(in crate::store) keys: Gatherer<Hash, Option<ApiKey>>,
    /// Entities by what a partner calls them.
    pub(in crate::store) sent: Gatherer<(PartnerId, String), Option<EntityKey>>,
    /// What partners have been sent of entities.
    pub(in crate::store) shown: Gatherer<(PartnerId, EntityKey), Option<Sent>>,
    /// Newest versions.
    pub(in crate::store) newest: Gatherer<EntityKey, Option<Version>>,
    /// Uses of idempotency keys, oldest first.
    pub(in crate::store) key_uses: Gatherer<KeyUseQuestion, Vec<KeyUse>>,
}

impl Lookups {
    /// Starts them on connections that read.
    pub(in crate::store) fn start(readers: &Readers, supervisor: &Supervisor) -> Self {
        let readers = || readers.clone();
        let (for_keys, for_sent, for_shown) = (readers(), readers(), readers());
        let (for_newest, for_uses) = (readers(), readers());
        Self {
            keys: Gatherer::start(supervisor, move |asked| keys(for_keys.clone(), asked)),
            sent: Gatherer::start(supervisor, move |asked| sent(for_sent.clone(), asked)),
            shown: Gatherer::start(supervisor, move |asked| shown(for_shown.clone(), asked)),
            newest: Gatherer::start(supervisor, move |asked| newest(for_newest.clone(), asked)),
            key_uses: Gatherer::start(supervisor, move |asked| key_uses(for_uses.clone(), asked)),
        }
    }
}

async fn keys(readers: Readers, asked: Vec<Hash>) -> Result<Vec<Option<ApiKey>>> {
    let questions = asked.iter().map(|hash| json!(hash.to_string()));
    let mut answers = vec![None; asked.len()];
    for (place, row) in found(&readers, KEYS, questions).await? {
        answers[place] = Some(key_of(&row)?);
    }
    Ok(answers)
}

async fn sent(readers: Readers, asked: Vec<(PartnerId, String)>) -> Result<Vec<Option<EntityKey>>> {
    let questions = asked.iter().map(|(partner, reference)| {
        let ours = reference.parse::<EntityKey>().ok().map(hexadecimal);
        json!([partner.as_str(), storable(reference), ours])
    });
    let mut answers = vec![None; asked.len()];
    for (place, row) in found(&readers, SENT, questions).await? {
        answers[place] = Some(row.get::<Uuid, _>("entity_key").into());
    }
    Ok(answers)
}

async fn shown(readers: Readers, asked: Vec<(PartnerId, EntityKey)>) -> Result<Vec<Option<Sent>>> {
    let questions = asked.iter().map(|(partner, entity)| json!([partner.as_str(), hexadecimal(*entity)]));
    let mut answers = vec![None; asked.len()];
    for (place, row) in found(&readers, SHOWN, questions).await? {
        answers[place] = Some(Sent {
            position: position_of(&row),
            is_active: row.get("is_active"),
            foreign_reference: row.get("foreign_reference"),
        });
    }
    Ok(answers)
}

async fn newest(readers: Readers, asked: Vec<EntityKey>) -> Result<Vec<Option<Version>>> {
    let questions = asked.iter().map(|entity| json!(hexadecimal(*entity)));
    let mut answers = vec![None; asked.len()];
    for (place, row) in found(&readers, NEWEST, questions).await? {
        answers[place] = Some(version_of(&row)?);
    }
    Ok(answers)
}

async fn key_uses(readers: Readers, asked: Vec<KeyUseQuestion>) -> Result<Vec<Vec<KeyUse>>> {
    let questions = asked
        .iter()
        .map(|(partner, kind, key_hash, at)| json!([partner.as_str(), kind.as_str(), key_hash.to_string(), at]));
    let mut answers = vec![Vec::new(); asked.len()];
    for (place, row) in found(&readers, KEY_USES, questions).await? {
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
    readers: &Readers,
    sql: &'static str,
    questions: impl Iterator<Item = Value>,
) -> Result<Vec<(usize, Row)>> {
    let questions = Value::Array(questions.collect()).to_string();
    let rows = readers
        .read((sql, questions), |connection, (sql, questions)| {
            Box::pin(async move { Ok(sqlx::query(*sql).bind(questions).fetch_all(connection).await?) })
        })
        .await?;
    rows.into_iter().map(|row| Ok((usize::try_from(row.get::<i64, _>("place"))?, row))).collect()
}

fn hexadecimal(entity: EntityKey) -> String {
    entity.as_uuid().simple().to_string()
}
