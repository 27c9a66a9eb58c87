//! The rows of persons that claims and changes serialise on.

use std::collections::{BTreeSet, HashMap};

use anyhow::Result;
use sqlx::Row as _;
use uuid::Uuid;

use super::{Connection, Database, dialect, identities, lengths::padded};

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

/// A person's row.
#[derive(Default)]
pub(super) struct Now {
    /// The version, whatever happens next.
    pub(super) version: i64,
    /// Since when their data is to be left alone.
    pub(super) restricted_since: Option<i64>,
    /// How far the person has come, sealed.
    pub(super) progress: Option<Vec<u8>>,
}

/// The row of a person; of whom nothing was ever kept, that of nobody.
pub(super) async fn now(connection: &mut Connection, subject: Uuid) -> Result<Now> {
    let row = sqlx::query("SELECT version, restricted_since, progress FROM subjects WHERE subject = $1").bind(subject);
    let row = row.fetch_optional(connection).await?;
    Ok(row.map_or_else(Now::default, |row| Now {
        version: row.get("version"),
        restricted_since: row.get("restricted_since"),
        progress: row.get("progress"),
    }))
}

/// Keeps how far a person has come, as a change of the person.
pub(super) async fn keep_progress(connection: &mut Connection, subject: Uuid, progress: &[u8]) -> Result<()> {
    change(connection, subject).await?;
    let update = sqlx::query("UPDATE subjects SET progress = $2 WHERE subject = $1").bind(subject).bind(progress);
    update.execute(connection).await?;
    Ok(())
}

/// Notes that a person's data is to be left alone, or no longer. Returns since when, whichever source it was said of.
pub(super) async fn restrict(
    connection: &mut Connection,
    (subject, is_restricted): (Uuid, bool),
    method: &str,
    at: i64,
) -> Result<Option<i64>> {
    // First of all: who is the same person stays as it is, and what is read next is what nobody else changes.
    dialect::lock_identities(connection).await?;
    let together = identities::same_person(connection, subject).await?;
    for one in &together {
        change(connection, *one).await?;
    }
    let since = now(connection, subject).await?.restricted_since;
    if since.is_some() != is_restricted {
        note_restricted(connection, subject, is_restricted.then_some(at), (method, at)).await?;
    }
    identities::restricted_since(connection, together.iter()).await
}

/// Notes that a person's data stays alone, who was linked with somebody who wanted that.
pub(super) async fn stay_restricted(connection: &mut Connection, subject: Uuid, since: i64, at: i64) -> Result<()> {
    change(connection, subject).await?;
    note_restricted(connection, subject, Some(since), (consent::Method::Automatic.as_str(), at)).await
}

async fn note_restricted(
    connection: &mut Connection,
    subject: Uuid,
    since: Option<i64>,
    (method, at): (&str, i64),
) -> Result<()> {
    let update = sqlx::query("UPDATE subjects SET restricted_since = $2 WHERE subject = $1").bind(subject).bind(since);
    update.execute(&mut *connection).await?;
    let version = now(connection, subject).await?.version;
    sqlx::query("INSERT INTO subject_events (subject, version, event, method, at) VALUES ($1, $2, $3, $4, $5)")
        .bind(subject)
        .bind(version)
        .bind(if since.is_some() { "restricted" } else { "lifted" })
        .bind(method)
        .bind(at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Moves a person's version on. Waits until no claim rests on the one before, and keeps new ones waiting until the
/// transaction ends: what is read after this includes every claim that was made before.
pub(super) async fn change(connection: &mut Connection, subject: Uuid) -> Result<i64> {
    let sql = "INSERT INTO subjects (subject, version) VALUES ($1, 1) \
               ON CONFLICT (subject) DO UPDATE SET version = subjects.version + 1 RETURNING version";
    Ok(sqlx::query_scalar(sql).bind(subject).fetch_one(connection).await?)
}
