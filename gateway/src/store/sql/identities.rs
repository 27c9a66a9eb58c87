//! Who is the same person as whom: what was said, and what holds.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use schemas::{EntityKey, PartnerId};
use sqlx::Row as _;
use uuid::Uuid;

use super::{Connection, Database, Engine, Row, dialect, lengths::padded, replays, subjects, versions::parsed};
use crate::store::{
    Confirmation, Evidence, Identified, Identities, IdentityEvent, Pair, Replay, Said, Shares, Standing, SubjectVersion,
};

/// Persons, each with the partner that knows it.
type Persons = BTreeMap<Uuid, PartnerId>;

/// Persons of one statement.
const LOOK_UP: usize = 256;

const SELECT: &str = "SELECT e.event_id, e.one, e.other, e.one_source, e.other_source, e.event, e.evidence, e.scheme, e.confirmed_by, e.method, e.reference, \
     e.said_by, e.code, e.effective_at, e.recorded_at FROM identity_events AS e";

/// The newest thing that was said of two.
const NEWEST: &str = " WHERE e.one = $1 AND e.other = $2 ORDER BY e.sequence DESC LIMIT 1";

/// The event that the link of two rests on, if they are linked.
const IN_FORCE: &str = " JOIN identity_links AS l ON l.sequence = e.sequence WHERE l.subject = $1 AND l.linked = $2";

#[async_trait]
impl Identities for Engine {
    async fn identify(&self, event: IdentityEvent, shares: Shares) -> Result<Identified> {
        self.write((event, shares), |connection, (event, shares)| {
            Box::pin(async move {
                // Nobody else links or splits anybody, or restricts a person, until this transaction ends.
                dialect::lock_identities(connection).await?;
                let found = match event.said {
                    Said::Linked => link(connection, event).await?,
                    Said::Split => split(connection, event).await?,
                };
                if let Identified::New(concerned) = &found {
                    follow(connection, event, concerned, shares).await?;
                }
                Ok(found)
            })
        })
        .await
    }

    async fn same_person(&self, subject: Uuid) -> Result<BTreeSet<Uuid>> {
        self.read(subject, |connection, subject| Box::pin(same_person(connection, *subject))).await
    }

    async fn links_of(&self, subjects: &BTreeSet<Uuid>) -> Result<Vec<IdentityEvent>> {
        self.read(subjects.clone(), |connection, subjects| Box::pin(links_of(connection, subjects))).await
    }

    async fn identity_events(&self, subject: Uuid) -> Result<Vec<IdentityEvent>> {
        self.read(subject, |connection, subject| {
            Box::pin(async move {
                let sql = format!("{SELECT} WHERE e.one = $1 OR e.other = $1 ORDER BY e.sequence");
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(*subject).fetch_all(connection).await?;
                rows.iter().map(event_of).collect()
            })
        })
        .await
    }
}

async fn link(connection: &mut Connection, event: &IdentityEvent) -> Result<Identified> {
    let [one, other] = event.pair.both();
    if let Some(known) = of_pair(connection, IN_FORCE, event.pair).await? {
        let (rank, known_rank) = (event.evidence.rank(), known.evidence.rank());
        let is_said_anew = matches!(event.evidence, Evidence::Confirmation(_))
            && (&event.evidence, event.effective_at) != (&known.evidence, known.effective_at);
        if rank < known_rank || (rank == known_rank && !is_said_anew) {
            return Ok(Identified::Known(known));
        }
    }
    let [one_source, other_source] = &event.sources;
    let ours = together(connection, (one, one_source), None).await?;
    let theirs = together(connection, (other, other_source), None).await?;
    if !ours.contains_key(&other) {
        let is_meant = |pair: &Pair| *pair == event.pair && matches!(event.evidence, Evidence::Confirmation(_));
        let split = split_between(connection, &ours, &theirs).await?;
        if let Some(pair) = split.into_iter().find(|pair| !is_meant(pair)) {
            return Ok(Identified::SplitBefore(pair));
        }
        let two = two_of_one_source(&ours, &theirs).filter(|_| matches!(event.evidence, Evidence::VerifiedId { .. }));
        if let Some(pair) = two {
            return Ok(Identified::TwoOfOneSource(pair));
        }
    }
    let sequence = keep(connection, event).await?;
    for (subject, linked, source) in [(one, other, other_source), (other, one, one_source)] {
        let sql = "INSERT INTO identity_links (subject, linked, source, sequence) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (subject, linked) DO UPDATE SET sequence = excluded.sequence";
        let insert = sqlx::query(sql).bind(subject).bind(linked).bind(source.as_str()).bind(sequence);
        insert.execute(&mut *connection).await?;
    }
    Ok(Identified::New(ours.into_iter().chain(theirs).collect()))
}

/// Two persons of one source, who would become one.
fn two_of_one_source(ours: &Persons, theirs: &Persons) -> Option<Pair> {
    let of_same = |source: &PartnerId| theirs.iter().find(|(_, theirs)| *theirs == source).map(|(subject, _)| *subject);
    ours.iter().find_map(|(subject, source)| Pair::of(*subject, of_same(source)?))
}

async fn split(connection: &mut Connection, event: &IdentityEvent) -> Result<Identified> {
    let ([one, other], [one_source, other_source]) = (event.pair.both(), &event.sources);
    let known = of_pair(connection, IN_FORCE, event.pair).await?;
    let mut concerned = together(connection, (one, one_source), None).await?;
    match (&event.evidence, &known) {
        (Evidence::SourceMerge, _) => bail!("no source splits persons"),
        (Evidence::VerifiedId { .. }, Some(known)) if matches!(known.evidence, Evidence::VerifiedId { .. }) => {}
        (Evidence::VerifiedId { .. }, _) => return Ok(Identified::Nothing),
        (Evidence::Confirmation(_), _) => {
            if together(connection, (one, one_source), Some(event.pair)).await?.contains_key(&other) {
                let through = concerned.into_keys().filter(|subject| ![one, other].contains(subject));
                return Ok(Identified::LinkedThrough(through.collect()));
            }
            let newest = of_pair(connection, NEWEST, event.pair).await?;
            if let Some(newest) = newest.filter(|newest| newest.said == Said::Split && newest.evidence.rank() == 2) {
                return Ok(Identified::Known(newest));
            }
        }
    }
    keep(connection, event).await?;
    for (subject, linked) in [(one, other), (other, one)] {
        let sql = "DELETE FROM identity_links WHERE subject = $1 AND linked = $2";
        sqlx::query(sql).bind(subject).bind(linked).execute(&mut *connection).await?;
    }
    concerned.insert(other, other_source.clone());
    if matches!(event.evidence, Evidence::VerifiedId { .. }) {
        stay_restricted(connection, &concerned, event).await?;
    }
    Ok(Identified::New(concerned))
}

/// Nobody has said that these are not the same person: who was to be left alone because of the link still is.
async fn stay_restricted(connection: &mut Connection, concerned: &Persons, event: &IdentityEvent) -> Result<()> {
    let Some(since) = restricted_since(connection, concerned.keys()).await? else { return Ok(()) };
    for subject in event.pair.both() {
        let together = same_person(connection, subject).await?;
        if restricted_since(connection, together.iter()).await?.is_none() {
            subjects::stay_restricted(connection, subject, since, event.recorded_at).await?;
        }
    }
    Ok(())
}

/// Everybody whom it concerns is decided about anew, and dispatched again.
async fn follow(
    connection: &mut Connection,
    event: &IdentityEvent,
    concerned: &Persons,
    shares: &Shares,
) -> Result<()> {
    let was_left_alone = event.said == Said::Split && restricted_since(connection, concerned.keys()).await?.is_some();
    let sources: BTreeSet<&PartnerId> = concerned.values().collect();
    // In order, as everywhere: two transactions never wait for each other.
    for (subject, own) in concerned {
        subjects::change(connection, *subject).await?;
        let person = EntityKey::from(*subject);
        let others = sources.iter().filter(|source| **source != own).map(|source| Some((*source).clone()));
        // Only what goes to other sources of the person may come out differently now, unless nothing went at all.
        let recipients: Vec<Option<PartnerId>> = if was_left_alone { vec![None] } else { others.collect() };
        for recipient in recipients {
            let name = format!("{subject} {}", recipient.as_ref().map_or("", PartnerId::as_str));
            let replay = Replay {
                replay_id: Uuid::new_v5(&event.event_id, name.as_bytes()),
                entity_key: person,
                share: shares.0(person),
                recipient,
                wanted_at: event.recorded_at,
            };
            replays::want(connection, &replay).await?;
        }
    }
    Ok(())
}

async fn keep(connection: &mut Connection, event: &IdentityEvent) -> Result<i64> {
    let sql = "SELECT COALESCE(MAX(sequence), 0) + 1 FROM identity_events";
    let sequence: i64 = sqlx::query_scalar(sql).fetch_one(&mut *connection).await?;
    let ([one, other], [one_source, other_source]) = (event.pair.both(), &event.sources);
    let confirmation = match &event.evidence {
        Evidence::Confirmation(confirmation) => Some(confirmation),
        Evidence::VerifiedId { .. } | Evidence::SourceMerge => None,
    };
    let scheme = match &event.evidence {
        Evidence::VerifiedId { scheme } => Some(dialect::storable(scheme)),
        Evidence::Confirmation(_) | Evidence::SourceMerge => None,
    };
    sqlx::query(
        "INSERT INTO identity_events (sequence, event_id, one, other, one_source, other_source, event, evidence, scheme, \
         confirmed_by, method, reference, said_by, code, effective_at, recorded_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(sequence)
    .bind(event.event_id)
    .bind(one)
    .bind(other)
    .bind(one_source.as_str())
    .bind(other_source.as_str())
    .bind(event.said.as_str())
    .bind(event.evidence.as_str())
    .bind(scheme)
    .bind(confirmation.map(|said| said.by.to_string()))
    .bind(confirmation.map(|said| said.method.as_str()))
    .bind(confirmation.map(|said| dialect::storable(&said.reference)))
    .bind(event.said_by.as_ref().map(PartnerId::as_str))
    .bind(event.code.as_deref())
    .bind(event.effective_at)
    .bind(event.recorded_at)
    .execute(connection)
    .await?;
    Ok(sequence)
}

/// Everybody who is the same person as a subject, itself included.
pub(super) async fn same_person(connection: &mut Connection, subject: Uuid) -> Result<BTreeSet<Uuid>> {
    let mut together = linked_with(connection, subject, None).await?.into_keys().collect::<BTreeSet<_>>();
    together.insert(subject);
    Ok(together)
}

/// The same with the partners that know them, as if one link were none.
async fn together(
    connection: &mut Connection,
    (subject, source): (Uuid, &PartnerId),
    but: Option<Pair>,
) -> Result<Persons> {
    let mut together = linked_with(connection, subject, but).await?;
    together.insert(subject, source.clone());
    Ok(together)
}

async fn linked_with(connection: &mut Connection, subject: Uuid, but: Option<Pair>) -> Result<Persons> {
    let (mut linked, mut to_ask) = (Persons::new(), vec![subject]);
    while let Some(next) = to_ask.pop() {
        let rows = sqlx::query("SELECT linked, source FROM identity_links WHERE subject = $1").bind(next);
        for row in rows.fetch_all(&mut *connection).await? {
            let other: Uuid = row.get("linked");
            let is_new = Pair::of(next, other) != but && other != subject && !linked.contains_key(&other);
            if is_new {
                linked.insert(other, parsed(&row, "source")?);
                to_ask.push(other);
            }
        }
    }
    Ok(linked)
}

async fn of_pair(connection: &mut Connection, which: &str, pair: Pair) -> Result<Option<IdentityEvent>> {
    let [one, other] = pair.both();
    let sql = format!("{SELECT}{which}");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(one).bind(other).fetch_optional(connection).await?;
    row.as_ref().map(event_of).transpose()
}

/// Pairs between two persons of whom it was confirmed last that they are not one.
async fn split_between(connection: &mut Connection, ours: &Persons, theirs: &Persons) -> Result<Vec<Pair>> {
    let mut split = Vec::new();
    for one in ours.keys() {
        let sql = "SELECT e.one, e.other FROM identity_events AS e WHERE (e.one = $1 OR e.other = $1) AND e.event = 'split' \
                   AND e.evidence = 'confirmation' AND NOT EXISTS (SELECT 1 FROM identity_events AS later \
                   WHERE later.one = e.one AND later.other = e.other AND later.sequence > e.sequence) ORDER BY e.sequence";
        for row in sqlx::query(sql).bind(*one).fetch_all(&mut *connection).await? {
            let pair = Pair::of(row.get("one"), row.get("other")).context("damaged row in `identity_events`")?;
            if theirs.contains_key(&pair.beside(*one)) {
                split.push(pair);
            }
        }
    }
    Ok(split)
}

async fn links_of(connection: &mut Connection, subjects: &BTreeSet<Uuid>) -> Result<Vec<IdentityEvent>> {
    let subjects: Vec<Uuid> = subjects.iter().copied().collect();
    let mut found = Vec::new();
    for subjects in subjects.chunks(LOOK_UP) {
        let mut sql = sqlx::QueryBuilder::<Database>::new(SELECT);
        sql.push(" WHERE e.sequence IN (SELECT l.sequence FROM identity_links AS l WHERE l.subject IN ");
        sql.push_tuples(padded(subjects), |mut tuple, subject| {
            tuple.push_bind(*subject);
        });
        let rows = sql.push(") ORDER BY e.sequence").build().fetch_all(&mut *connection).await?;
        for row in &rows {
            let event = event_of(row)?;
            if !found.contains(&event) {
                found.push(event);
            }
        }
    }
    Ok(found)
}

/// Since when somebody of these is to be left alone.
pub(super) async fn restricted_since(
    connection: &mut Connection,
    subjects: impl Iterator<Item = &Uuid>,
) -> Result<Option<i64>> {
    let mut since: Option<i64> = None;
    for subject in subjects {
        let restricted = subjects::now(connection, *subject).await?.restricted_since;
        since = [since, restricted].into_iter().flatten().min();
    }
    Ok(since)
}

/// Says of a person's standing what follows from who else is the same person.
pub(super) async fn stand_together(connection: &mut Connection, standing: &mut Standing) -> Result<()> {
    let SubjectVersion { subject, .. } = standing.version;
    let linked = linked_with(connection, subject, None).await?;
    let elsewhere = restricted_since(connection, linked.keys()).await?;
    standing.restricted_since = [standing.restricted_since, elsewhere].into_iter().flatten().min();
    standing.linked = linked.keys().copied().collect();
    standing.other_sources = linked.into_values().collect();
    Ok(())
}

fn event_of(row: &Row) -> Result<IdentityEvent> {
    let text = |name: &str| row.get::<Option<String>, _>(name);
    let damaged = || "damaged row in `identity_events`";
    let evidence = match (row.get("evidence"), text("scheme"), text("confirmed_by"), text("method"), text("reference"))
    {
        ("verified_id", Some(scheme), ..) => Evidence::VerifiedId { scheme },
        ("source_merge", ..) => Evidence::SourceMerge,
        ("confirmation", _, Some(by), Some(method), Some(reference)) => {
            Evidence::Confirmation(Confirmation { by: by.parse()?, method: method.parse()?, reference })
        }
        _ => bail!(damaged()),
    };
    Ok(IdentityEvent {
        event_id: row.get("event_id"),
        pair: Pair::of(row.get("one"), row.get("other")).with_context(damaged)?,
        sources: [parsed(row, "one_source")?, parsed(row, "other_source")?],
        said: if row.get::<&str, _>("event") == "linked" { Said::Linked } else { Said::Split },
        evidence,
        said_by: text("said_by").map(|partner| partner.parse()).transpose()?,
        code: text("code"),
        effective_at: row.get("effective_at"),
        recorded_at: row.get("recorded_at"),
    })
}
