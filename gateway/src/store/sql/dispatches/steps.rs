//! The steps of sends: that one begins, what came of it, that the journal has heard of it.
//!
//! Steps that come while others are being written share the next transaction and its statements: what a commit costs is
//! mostly the disk and the way there, however much it holds. **Invariant:** a step that cannot be written stops no other.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, anyhow};
use schemas::{DispatchId, EntityKey, PartnerId};
use uuid::Uuid;

use super::super::{Writers, recalls, subjects};
use super::{
    Claim, Claimed, Connection, Database, DispatchRow, DispatchState, Settlement, Superseded, dialect, lock_entities,
    rows, waiting,
};
use crate::{
    clock::Clock,
    store::{Decided, Permission, gatherer::Gatherer, resource_of},
    supervisor::Supervisor,
};

/// Rows of one statement.
const ROWS: usize = 64;

/// A step of a send.
#[derive(Debug)]
pub(in crate::store) enum Step {
    /// It begins, unless another owner has taken over or the dispatch is final.
    Claim(Box<Claim>),
    /// What came of it, at a partner that upserts by reference or not.
    Settle(Box<Settlement>, bool),
    /// The journal has heard of these outcomes.
    Told(Vec<(DispatchId, DispatchState, i64)>),
}

/// What a step came to.
#[derive(Debug)]
pub(in crate::store) enum Done {
    Claimed(Claimed),
    Settled(Vec<Superseded>),
    Told,
}

impl Step {
    /// The dispatch that it changes, and what is locked for it.
    fn subject(&self) -> Option<(DispatchId, &PartnerId, EntityKey)> {
        let owed = match self {
            Self::Claim(claim) => &claim.owed,
            Self::Settle(settlement, _) => &settlement.owed,
            Self::Told(_) => return None,
        };
        Some((owed.dispatch_id, &owed.partner, owed.entity_key))
    }

    /// The decision that must still hold.
    fn rests_on(&self) -> Option<Decided> {
        let Self::Claim(claim) = self else { return None };
        match claim.permission {
            Permission::Decided(decided) => Some(decided),
            Permission::NotPersonal | Permission::TakesBack => None,
        }
    }
}

type Queue = Gatherer<Step, Result<Done, String>>;

/// Takes steps in and writes them, those of a partner together: no other partner's steps wait for its locks.
#[derive(Clone)]
pub(in crate::store) struct Steps {
    writers: Writers,
    supervisor: Supervisor,
    clock: Clock,
    /// One for each partner, and one for what locks nothing.
    queues: Arc<Mutex<HashMap<Option<PartnerId>, Queue>>>,
}

impl Steps {
    /// Steps that are written on these connections.
    pub(in crate::store) fn new(writers: &Writers, supervisor: &Supervisor, clock: Clock) -> Self {
        Self { writers: writers.clone(), supervisor: supervisor.clone(), clock, queues: Arc::default() }
    }

    /// Records one step; durable when this returns.
    ///
    /// # Errors
    /// If the store does not take it.
    pub(in crate::store) async fn take(&self, step: Step) -> Result<Done> {
        let queue = self.queue(step.subject().map(|(_, partner, _)| partner.clone()));
        queue.ask(step).await?.map_err(|error| anyhow!(error))
    }

    fn queue(&self, partner: Option<PartnerId>) -> Queue {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.entry(partner).or_insert_with(|| {
            let (writers, clock) = (self.writers.clone(), self.clock.clone());
            Gatherer::start(&self.supervisor, move |steps| write(writers.clone(), clock.clone(), steps))
        });
        queue.clone()
    }
}

async fn write(writers: Writers, clock: Clock, steps: Vec<Step>) -> Result<Vec<Result<Done, String>>> {
    let steps: Arc<[Step]> = steps.into();
    match write_some((&writers, &clock), &steps, 0..steps.len()).await {
        Ok(done) => Ok(done.into_iter().map(Ok).collect()),
        Err(error) if steps.len() > 1 && is_of_one(&error) => {
            let mut outcomes = Vec::with_capacity(steps.len());
            for place in 0..steps.len() {
                let done = write_some((&writers, &clock), &steps, place..place + 1).await;
                let done = done.and_then(|mut done| done.pop().context("a step without an outcome"));
                outcomes.push(done.map_err(|error| format!("{error:#}")));
            }
            Ok(outcomes)
        }
        Err(error) => Err(error),
    }
}

async fn write_some(
    (writers, clock): (&Writers, &Clock),
    steps: &Arc<[Step]>,
    which: Range<usize>,
) -> Result<Vec<Done>> {
    let job = writers.write((steps.clone(), which, clock.clone()), |connection, (steps, which, clock)| {
        Box::pin(take(connection, &steps[which.clone()], clock))
    });
    job.await
}

/// Whether an error says something of one step, and nothing of a store that is gone, slow or full.
fn is_of_one(error: &anyhow::Error) -> bool {
    match error.chain().find_map(|cause| cause.downcast_ref::<sqlx::Error>()) {
        // Data exceptions and broken constraints (<https://www.postgresql.org/docs/15/errcodes-appendix.html>).
        Some(sqlx::Error::Database(error)) => {
            error.code().is_some_and(|code| code.len() == 5 && (code.starts_with("22") || code.starts_with("23")))
        }
        Some(sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }) | None => true,
        Some(_) => false,
    }
}

async fn take(connection: &mut Connection, steps: &[Step], clock: &Clock) -> Result<Vec<Done>> {
    let entities = steps.iter().filter_map(Step::subject).map(|(_, partner, entity)| (partner, entity));
    lock_entities(connection, entities).await?;
    // All of them before anything is written: whoever withdraws waits for what these steps write, and they for nobody.
    let rested_on = steps.iter().filter_map(Step::rests_on).map(|decided| decided.person.subject).collect();
    let versions = subjects::held(connection, rested_on).await?;
    // Only now: whatever time ends from here on is looked at behind these steps.
    let persons = Held { versions, now: clock.now_micros() };
    let mut done = Vec::with_capacity(steps.len());
    for steps in rounds(steps) {
        done.extend(Round::take(connection, steps, &persons).await?);
    }
    Ok(done)
}

/// Persons who stay as they are, and what time it is.
struct Held {
    versions: HashMap<Uuid, i64>,
    now: i64,
}

impl Held {
    /// Whether a decision still holds.
    fn are_as(&self, Decided { person, valid_until, .. }: Decided) -> bool {
        self.versions.get(&person.subject) == Some(&person.version) && valid_until.is_none_or(|end| self.now < end)
    }
}

/// The steps in their order, none of them twice of the same entity in a round.
fn rounds(mut steps: &[Step]) -> Vec<&[Step]> {
    let mut rounds = Vec::new();
    while !steps.is_empty() {
        let mut seen = HashSet::new();
        let is_again =
            |step: &Step| step.subject().is_some_and(|(_, partner, entity)| !seen.insert((partner.clone(), entity)));
        let (round, rest) = steps.split_at(steps.iter().position(is_again).unwrap_or(steps.len()));
        rounds.push(round);
        steps = rest;
    }
    rounds
}

/// What is to be written of steps of different entities.
#[derive(Default)]
struct Round<'s> {
    puts: Vec<DispatchRow>,
    begun: Vec<&'s Claim>,
    shown: Vec<&'s Settlement>,
    settled: Vec<&'s Settlement>,
    /// What goes to the waiting room, with the place of its step.
    to_wait: Vec<(usize, DispatchRow, bool)>,
    told: Vec<(DispatchId, DispatchState, i64)>,
}

impl<'s> Round<'s> {
    async fn take(connection: &mut Connection, steps: &'s [Step], persons: &Held) -> Result<Vec<Done>> {
        let epochs = epochs(connection, steps).await?;
        let ids: Vec<DispatchId> = steps.iter().filter_map(Step::subject).map(|(id, ..)| id).collect();
        let mut before = rows::of(connection, &ids).await?;
        let mut round = Self::default();
        let mut done = Vec::with_capacity(steps.len());
        for (place, step) in steps.iter().enumerate() {
            done.push(match step {
                Step::Claim(claim) => {
                    let is_owner = epochs.get(&claim.owed.partner) == Some(&claim.epoch);
                    let holds = step.rests_on().is_none_or(|decided| persons.are_as(decided));
                    let before = before.remove(&claim.owed.dispatch_id);
                    Done::Claimed(round.claim(claim, is_owner, holds, before))
                }
                Step::Settle(settlement, by_reference) => {
                    round.settle(place, settlement, *by_reference, before.remove(&settlement.owed.dispatch_id));
                    Done::Settled(Vec::new())
                }
                Step::Told(outcomes) => {
                    round.told.extend(outcomes);
                    Done::Told
                }
            });
        }
        mark_journaled(connection, &round.told).await?;
        rows::put_all(connection, &round.puts).await?;
        note_begun(connection, &round.begun).await?;
        recalls::note_begun(connection, &round.begun).await?;
        note_shown(connection, &round.shown).await?;
        recalls::note_answers(connection, &round.settled).await?;
        for (place, row, by_reference) in round.to_wait {
            done[place] = Done::Settled(waiting::defer(connection, row, by_reference).await?);
        }
        Ok(done)
    }

    fn claim(&mut self, claim: &'s Claim, is_owner: bool, holds: bool, before: Option<DispatchRow>) -> Claimed {
        if !is_owner {
            return Claimed::Lost;
        }
        if before.as_ref().is_some_and(|row| row.state.is_final()) {
            return Claimed::Final;
        }
        if !holds {
            return Claimed::Undecided;
        }
        self.puts.push(DispatchRow {
            state: DispatchState::Claimed,
            due_at: claim.deadline,
            attempt: claim.attempt,
            epoch: claim.epoch,
            body_hash: Some(claim.body_hash),
            in_doubt: before.as_ref().is_some_and(|row| row.in_doubt),
            code: None,
            detail: None,
            faults: None,
            losses: schemas::LossCounts::default(),
            versions: schemas::Versions::default(),
            updated_at: claim.at,
            envelope: before.and_then(|row| row.envelope),
            owed: claim.owed.clone(),
        });
        self.begun.push(claim);
        Claimed::Yes
    }

    fn settle(&mut self, place: usize, settlement: &'s Settlement, by_reference: bool, before: Option<DispatchRow>) {
        if before.as_ref().is_some_and(|row| row.state.is_final()) {
            return;
        }
        if !settlement.state.is_final() && before.as_ref().is_some_and(|row| row.attempt > settlement.attempt) {
            // An owner that was replaced hears late of an attempt that has been made again since: no news but a final one.
            return;
        }
        if settlement.foreign_reference.is_some() || settlement.is_active.is_some() {
            self.shown.push(settlement);
        }
        self.settled.push(settlement);
        let row = DispatchRow {
            state: settlement.state,
            due_at: settlement.due_at,
            attempt: settlement.attempt,
            epoch: before.as_ref().map_or(0, |row| row.epoch),
            body_hash: None,
            in_doubt: settlement.in_doubt,
            code: settlement.code.clone(),
            detail: settlement.detail.clone(),
            faults: settlement.faults.clone(),
            losses: settlement.losses,
            versions: settlement.versions.clone(),
            updated_at: settlement.at,
            envelope: if settlement.state.is_final() {
                None
            } else {
                settlement.envelope.clone().or(before.and_then(|row| row.envelope))
            },
            owed: settlement.owed.clone(),
        };
        if row.state.is_final() {
            self.puts.push(row);
        } else {
            self.to_wait.push((place, row, by_reference));
        }
    }
}

/// The epochs of partners that something is claimed for. Shared until the commit: a new owner raises the epoch before
/// these claims are read or after they are committed.
async fn epochs<'s>(connection: &mut Connection, steps: &'s [Step]) -> Result<HashMap<&'s PartnerId, i64>> {
    let claims =
        steps.iter().filter_map(|step| if let Step::Claim(claim) = step { Some(&claim.owed.partner) } else { None });
    // In order: two transactions never wait for each other.
    let resources: BTreeMap<String, &PartnerId> = claims.map(|partner| (resource_of(partner), partner)).collect();
    let mut epochs = HashMap::new();
    for (resource, partner) in resources {
        let sql = format!("SELECT epoch FROM ownership WHERE resource = $1{}", dialect::FOR_SHARE);
        let owner: Option<i64> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(resource).fetch_optional(&mut *connection).await?;
        epochs.extend(owner.map(|epoch| (partner, epoch)));
    }
    Ok(epochs)
}

/// Notes that a partner is being sent these versions.
async fn note_begun(connection: &mut Connection, claims: &[&Claim]) -> Result<()> {
    for claims in claims.chunks(ROWS) {
        let mut insert = sqlx::QueryBuilder::<Database>::new(
            "INSERT INTO sent (partner, entity_key, generation, log_offset, is_active) ",
        );
        insert.push_values(claims, |mut tuple, claim| {
            let owed = &claim.owed;
            tuple
                .push_bind(owed.partner.as_str())
                .push_bind(owed.entity_key.as_uuid())
                .push_bind(owed.position.generation)
                .push_bind(owed.position.offset)
                .push_bind(owed.operation != schemas::Operation::Close);
        });
        insert.push(
            " ON CONFLICT (partner, entity_key) DO UPDATE SET generation = excluded.generation, log_offset = excluded.log_offset, \
             is_active = sent.is_active OR excluded.is_active",
        );
        insert.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Notes what a partner shows now, and what it calls it.
async fn note_shown(connection: &mut Connection, settlements: &[&Settlement]) -> Result<()> {
    for settlements in settlements.chunks(ROWS) {
        let mut update = sqlx::QueryBuilder::<Database>::new(
            "UPDATE sent SET foreign_reference = COALESCE(v.column3, sent.foreign_reference), \
             is_active = COALESCE(v.column4, sent.is_active), \
             dispatch_id = CASE WHEN v.column4 IS NULL THEN sent.dispatch_id ELSE v.column5 END, \
             ends_at = CASE WHEN v.column4 IS NULL THEN sent.ends_at ELSE v.column6 END, \
             ends_code = CASE WHEN v.column4 IS NULL THEN sent.ends_code ELSE v.column7 END FROM (",
        );
        update.push_values(settlements, |mut tuple, settlement| {
            let (owed, end) = (&settlement.owed, settlement.end.as_ref());
            tuple
                .push_bind(owed.partner.as_str())
                .push_bind(owed.entity_key.as_uuid())
                .push_bind(settlement.foreign_reference.as_deref().map(dialect::storable))
                .push_bind(settlement.is_active)
                .push_bind(owed.dispatch_id.as_uuid())
                .push_bind(end.map(|end| end.at))
                .push_bind(end.map(|end| end.code.as_str()));
        });
        update.push(") AS v WHERE sent.partner = v.column1 AND sent.entity_key = v.column2");
        update.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Records that outcomes are in the journal, unless they have moved on since.
async fn mark_journaled(connection: &mut Connection, outcomes: &[(DispatchId, DispatchState, i64)]) -> Result<()> {
    for outcomes in outcomes.chunks(ROWS) {
        let mut update = sqlx::QueryBuilder::<Database>::new("UPDATE dispatches SET journaled = TRUE FROM (");
        update.push_values(outcomes, |mut tuple, (id, state, attempt)| {
            tuple.push_bind(id.as_uuid()).push_bind(state.as_str()).push_bind(*attempt);
        });
        update.push(
            ") AS v WHERE dispatches.dispatch_id = v.column1 AND dispatches.state = v.column2 \
             AND dispatches.attempt = v.column3",
        );
        update.build().execute(&mut *connection).await?;
    }
    Ok(())
}
