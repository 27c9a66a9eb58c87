//! The statements of the keys' database: one text, compiled once for each engine.

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use schemas::{Hash, PartnerId};
use sqlx::Row as _;
use uuid::Uuid;

use super::{Connection, Engine, FOR_SHARE, Row};
use crate::vault::{
    Subject, Wrapped,
    database::{KeptKey, KeyDatabase, VerifiedNumber},
};

const SELECT: &str = "SELECT key_id, subject_id, recipient, version, wrapped, created_at FROM data_keys";

#[async_trait]
impl KeyDatabase for Engine {
    async fn probe(&self) -> Result<()> {
        let probe = self.read((), |connection, ()| {
            Box::pin(async move {
                sqlx::query("SELECT 1").execute(connection).await?;
                Ok(())
            })
        });
        probe.await.context("the keys' database does not answer")
    }

    async fn subjects(&self, id_hashes: Vec<Hash>) -> Result<Vec<Option<Subject>>> {
        self.read(id_hashes, |connection, id_hashes| {
            Box::pin(async move {
                let mut subjects = Vec::with_capacity(id_hashes.len());
                for id_hash in id_hashes {
                    subjects.push(subject_of(connection, *id_hash).await?);
                }
                Ok(subjects)
            })
        })
        .await
    }

    async fn make_subject(&self, id_hash: Hash, offered: KeptKey) -> Result<Subject> {
        self.write((id_hash, offered), |connection, (id_hash, offered)| {
            Box::pin(async move {
                let taken =
                    sqlx::query("INSERT INTO foreign_ids (id_hash, subject_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                        .bind(id_hash.to_string())
                        .bind(offered.subject.as_uuid())
                        .execute(&mut *connection)
                        .await?;
                if taken.rows_affected() == 0 {
                    let known = subject_of(connection, *id_hash).await?;
                    return known.context("the subject was destroyed at this very moment; try again");
                }
                sqlx::query("INSERT INTO subjects (subject_id, created_at) VALUES ($1, $2)")
                    .bind(offered.subject.as_uuid())
                    .bind(offered.created_at)
                    .execute(&mut *connection)
                    .await?;
                insert(connection, offered).await?;
                Ok(offered.subject)
            })
        })
        .await
    }

    async fn key(&self, key_id: Uuid) -> Result<Option<KeptKey>> {
        self.read(key_id, |connection, key_id| {
            Box::pin(async move {
                let sql = sqlx::AssertSqlSafe(format!("{SELECT} WHERE key_id = $1"));
                let row = sqlx::query(sql).bind(key_id).fetch_optional(connection).await?;
                row.as_ref().map(key_of).transpose()
            })
        })
        .await
    }

    async fn key_of(&self, subject: Subject, recipient: Option<&PartnerId>) -> Result<Option<KeptKey>> {
        self.read((subject, recipient.cloned()), |connection, (subject, recipient)| {
            Box::pin(async move { key_for(connection, *subject, recipient.as_ref()).await })
        })
        .await
    }

    async fn add_key(&self, offered: KeptKey) -> Result<Option<KeptKey>> {
        self.write(offered, |connection, offered| {
            Box::pin(async move {
                if !is_known(connection, offered.subject).await? {
                    return Ok(None);
                }
                insert(connection, offered).await?;
                key_for(connection, offered.subject, offered.recipient.as_ref()).await
            })
        })
        .await
    }

    async fn destroy(&self, subject: Subject, now: i64) -> Result<Option<u64>> {
        let destroyed = self
            .write((subject, now), |connection, (subject, now)| {
                Box::pin(async move {
                    let sql = "UPDATE subjects SET destroyed_at = COALESCE(destroyed_at, $2) WHERE subject_id = $1";
                    let known = sqlx::query(sql).bind(subject.as_uuid()).bind(now).execute(&mut *connection).await?;
                    if known.rows_affected() == 0 {
                        return Ok(None);
                    }
                    let sql = "UPDATE data_keys SET version = NULL, wrapped = NULL \
                               WHERE subject_id = $1 AND wrapped IS NOT NULL";
                    let keys = sqlx::query(sql).bind(subject.as_uuid()).execute(&mut *connection).await?;
                    for sql in [
                        "DELETE FROM foreign_ids WHERE subject_id = $1",
                        "DELETE FROM verified_numbers WHERE subject_id = $1",
                    ] {
                        sqlx::query(sql).bind(subject.as_uuid()).execute(&mut *connection).await?;
                    }
                    Ok(Some(keys.rows_affected()))
                })
            })
            .await?;
        if destroyed.is_some() {
            self.wipe().await.context("the keys are destroyed, but what was left of them is not overwritten")?;
        }
        Ok(destroyed)
    }

    async fn numbers_of(&self, subject: Subject) -> Result<Vec<VerifiedNumber>> {
        self.read(subject, |connection, subject| {
            Box::pin(async move {
                let sql = "SELECT scheme, number_hash FROM verified_numbers WHERE subject_id = $1 ORDER BY scheme, number_hash";
                let rows = sqlx::query(sql).bind(subject.as_uuid()).fetch_all(connection).await?;
                rows.iter().map(number_of).collect()
            })
        })
        .await
    }

    async fn keep_numbers(&self, subject: Subject, partner: &PartnerId, numbers: Vec<VerifiedNumber>) -> Result<()> {
        self.write((subject, partner.clone(), numbers), |connection, (subject, partner, numbers)| {
            Box::pin(async move {
                let sql = "DELETE FROM verified_numbers WHERE subject_id = $1";
                sqlx::query(sql).bind(subject.as_uuid()).execute(&mut *connection).await?;
                if !is_known(connection, *subject).await? {
                    return Ok(());
                }
                for VerifiedNumber { scheme, number } in numbers {
                    let sql = "INSERT INTO verified_numbers (subject_id, scheme, number_hash, partner) \
                               VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
                    sqlx::query(sql)
                        .bind(subject.as_uuid())
                        .bind(scheme)
                        .bind(number.to_string())
                        .bind(partner.as_str())
                        .execute(&mut *connection)
                        .await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn holders(&self, number: Hash) -> Result<Vec<(Subject, PartnerId)>> {
        self.read(number, |connection, number| {
            Box::pin(async move {
                let sql = "SELECT subject_id, partner FROM verified_numbers WHERE number_hash = $1 ORDER BY subject_id";
                let rows = sqlx::query(sql).bind(number.to_string()).fetch_all(connection).await?;
                let holder = |row: &Row| Ok((Subject::from(row.get::<Uuid, _>("subject_id")), partner_of(row)?));
                rows.iter().map(holder).collect()
            })
        })
        .await
    }

    async fn keys_not_under(&self, version: &str, limit: i64) -> Result<Vec<KeptKey>> {
        self.read((version.to_owned(), limit), |connection, (version, limit)| {
            Box::pin(async move {
                let sql = format!("{SELECT} WHERE version <> $1 ORDER BY key_id LIMIT $2");
                let rows =
                    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(version).bind(limit).fetch_all(connection).await?;
                rows.iter().map(key_of).collect()
            })
        })
        .await
    }

    async fn rewrap(&self, keys: Vec<(KeptKey, Wrapped)>) -> Result<u64> {
        self.write(keys, |connection, keys| {
            Box::pin(async move {
                let mut changed = 0;
                for (key, anew) in keys {
                    let before = key.wrapped.as_ref().context("a destroyed key cannot be wrapped")?;
                    let sql = "UPDATE data_keys SET version = $3, wrapped = $4 WHERE key_id = $1 AND version = $2";
                    let updated = sqlx::query(sql)
                        .bind(key.key_id)
                        .bind(&before.version)
                        .bind(&anew.version)
                        .bind(&anew.bytes)
                        .execute(&mut *connection)
                        .await?;
                    changed += updated.rows_affected();
                }
                Ok(changed)
            })
        })
        .await
    }

    async fn counts(&self) -> Result<Vec<(Option<String>, i64)>> {
        self.read((), |connection, ()| {
            Box::pin(async move {
                let sql = "SELECT version, COUNT(*) AS keys FROM data_keys GROUP BY version ORDER BY version";
                let rows = sqlx::query(sql).fetch_all(connection).await?;
                Ok(rows.iter().map(|row| (row.get("version"), row.get("keys"))).collect())
            })
        })
        .await
    }
}

async fn subject_of(connection: &mut Connection, id_hash: Hash) -> Result<Option<Subject>> {
    let sql = "SELECT subject_id FROM foreign_ids WHERE id_hash = $1";
    let subject: Option<Uuid> = sqlx::query_scalar(sql).bind(id_hash.to_string()).fetch_optional(connection).await?;
    Ok(subject.map(Subject::from))
}

/// Whether a subject is known and has its keys; it keeps them until the transaction ends.
async fn is_known(connection: &mut Connection, subject: Subject) -> Result<bool> {
    let sql = format!("SELECT 1 FROM subjects WHERE subject_id = $1 AND destroyed_at IS NULL{FOR_SHARE}");
    let subject = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(subject.as_uuid());
    Ok(subject.fetch_optional(connection).await?.is_some())
}

fn number_of(row: &Row) -> Result<VerifiedNumber> {
    let number: &str = row.get("number_hash");
    let number = number.parse().map_err(anyhow::Error::msg).context("damaged row in `verified_numbers`")?;
    Ok(VerifiedNumber { scheme: row.get("scheme"), number })
}

fn partner_of(row: &Row) -> Result<PartnerId> {
    row.get::<&str, _>("partner").parse().context("damaged row in `verified_numbers`")
}

async fn key_for(
    connection: &mut Connection,
    subject: Subject,
    recipient: Option<&PartnerId>,
) -> Result<Option<KeptKey>> {
    let sql = sqlx::AssertSqlSafe(format!("{SELECT} WHERE subject_id = $1 AND recipient = $2"));
    let recipient = recipient.map_or("", PartnerId::as_str);
    let row = sqlx::query(sql).bind(subject.as_uuid()).bind(recipient).fetch_optional(connection).await?;
    row.as_ref().map(key_of).transpose()
}

/// Keeps a key, unless there is one for the same subject and recipient.
async fn insert(connection: &mut Connection, key: &KeptKey) -> Result<()> {
    let wrapped = key.wrapped.as_ref().context("a destroyed key is not kept")?;
    sqlx::query(
        "INSERT INTO data_keys (key_id, subject_id, recipient, version, wrapped, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (subject_id, recipient) DO NOTHING",
    )
    .bind(key.key_id)
    .bind(key.subject.as_uuid())
    .bind(key.recipient.as_ref().map_or("", PartnerId::as_str))
    .bind(&wrapped.version)
    .bind(&wrapped.bytes)
    .bind(key.created_at)
    .execute(connection)
    .await?;
    Ok(())
}

fn key_of(row: &Row) -> Result<KeptKey> {
    let recipient: &str = row.get("recipient");
    let (version, bytes): (Option<String>, Option<Vec<u8>>) = (row.get("version"), row.get("wrapped"));
    ensure!(version.is_some() == bytes.is_some(), "damaged row in `data_keys`");
    Ok(KeptKey {
        key_id: row.get("key_id"),
        subject: Subject::from(row.get::<Uuid, _>("subject_id")),
        recipient: (!recipient.is_empty())
            .then(|| recipient.parse())
            .transpose()
            .context("damaged row in `data_keys`")?,
        wrapped: version.zip(bytes).map(|(version, bytes)| Wrapped { version, bytes }),
        created_at: row.get("created_at"),
    })
}
