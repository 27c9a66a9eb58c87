//! The rows of persons that claims and changes serialise on.

use std::collections::{BTreeSet, HashMap};

use anyhow::Result;
use sqlx::Row as _;
use uuid::Uuid;

use super::{Connection, Database, dialect, lengths::padded};

/// Persons of one statement.
const LOOK_UP: usize = 256;

/// The versions of persons, who stay as they are until the transaction ends. Nobody has a version before the first change.
pub(super) async fn held(connection: &mut Connection, subjects: BTreeSet<Uuid>) -> Result<HashMap<Uuid, i64>> {
    let subjects: Vec<Uuid> = subjects.into_iter().collect();
    let mut versions = HashMap::with_capacity(subjects.len());
    for subjects in subjects.chunks(LOOK_UP) {
        let mut sql = sqlx::QueryBuilder::<Database>::new("SELECT subject, version FROM subjects WHERE subject IN ");
        sql.push_tuples(padded(subjects), |mut tuple, subject| {
            tuple.push_bind(*subject);
        });
        // In order: two transactions never wait for each other.
        sql.push(" ORDER BY subject").push(dialect::FOR_SHARE);
        for row in sql.build().fetch_all(&mut *connection).await? {
            versions.insert(row.get("subject"), row.get("version"));
        }
    }
    Ok(versions)
}

/// The version of a person, whatever happens next, and since when their data is to be left alone.
pub(super) async fn now(connection: &mut Connection, subject: Uuid) -> Result<(i64, Option<i64>)> {
    let row = sqlx::query("SELECT version, restricted_since FROM subjects WHERE subject = $1").bind(subject);
    let row = row.fetch_optional(connection).await?;
    Ok(row.map_or((0, None), |row| (row.get("version"), row.get("restricted_since"))))
}

/// Notes that a person's data is to be left alone, or no longer. Returns since when.
pub(super) async fn restrict(
    connection: &mut Connection,
    (subject, is_restricted): (Uuid, bool),
    method: &str,
    at: i64,
) -> Result<Option<i64>> {
    // First of all: what is read next is what nobody else changes.
    let version = change(connection, subject).await?;
    let (_, since) = now(connection, subject).await?;
    if since.is_some() == is_restricted {
        return Ok(since);
    }
    let since = is_restricted.then_some(at);
    let update = sqlx::query("UPDATE subjects SET restricted_since = $2 WHERE subject = $1").bind(subject).bind(since);
    update.execute(&mut *connection).await?;
    sqlx::query("INSERT INTO subject_events (subject, version, event, method, at) VALUES ($1, $2, $3, $4, $5)")
        .bind(subject)
        .bind(version)
        .bind(if is_restricted { "restricted" } else { "lifted" })
        .bind(method)
        .bind(at)
        .execute(connection)
        .await?;
    Ok(since)
}

/// Moves a person's version on. Waits until no claim rests on the one before, and keeps new ones waiting until the
/// transaction ends: what is read after this includes every claim that was made before.
pub(super) async fn change(connection: &mut Connection, subject: Uuid) -> Result<i64> {
    let sql = "INSERT INTO subjects (subject, version) VALUES ($1, 1) \
               ON CONFLICT (subject) DO UPDATE SET version = subjects.version + 1 RETURNING version";
    Ok(sqlx::query_scalar(sql).bind(subject).fetch_one(connection).await?)
}
