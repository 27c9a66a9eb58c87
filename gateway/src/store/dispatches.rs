//! Dispatches that were claimed or have to wait, and what came of them.

use std::collections::HashMap;

use anyhow::Result;
use async_trait::async_trait;
use schemas::{
    DispatchId, EntityKey, Hash, Kind, Lane, LossCounts, MessageId, Operation, Origin, PartnerId, Position, Versions,
};

use super::{ParkedFilter, Permission};

/// Where a dispatch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DispatchState {
    /// A send has begun.
    Claimed,
    /// Waits for its time.
    Deferred,
    /// Parked: the partner refused the document.
    Rejected,
    /// Parked: sent, and no answer came.
    Ambiguous,
    /// Final: the partner has it.
    Delivered,
    /// Final: a newer version took its place.
    Superseded,
    /// Final: its validity ended before it could go.
    Expired,
    /// Final: it cannot be said in the partner's dialect.
    Refused,
    /// Final: there was nothing to send, or an operator let it go.
    Dropped,
}

const STATES: [(DispatchState, &str); 9] = [
    (DispatchState::Claimed, "claimed"),
    (DispatchState::Deferred, "deferred"),
    (DispatchState::Rejected, "rejected"),
    (DispatchState::Ambiguous, "ambiguous"),
    (DispatchState::Delivered, "delivered"),
    (DispatchState::Superseded, "superseded"),
    (DispatchState::Expired, "expired"),
    (DispatchState::Refused, "refused"),
    (DispatchState::Dropped, "dropped"),
];

impl DispatchState {
    /// The word in the store, the API and the journal.
    pub fn as_str(self) -> &'static str {
        STATES[self as usize].1
    }

    /// Whether nothing more will come of it.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Claimed | Self::Deferred | Self::Rejected | Self::Ambiguous)
    }
}

impl std::str::FromStr for DispatchState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = STATES.iter().find(|(_, word)| *word == text);
        found.map(|(state, _)| *state).ok_or_else(|| format!("`{text}` is no state of a dispatch"))
    }
}

/// What a dispatch is, whatever came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// The dispatch.
    pub dispatch_id: DispatchId,
    /// Whom it is owed to.
    pub partner: PartnerId,
    /// The entity; order holds per entity.
    pub entity_key: EntityKey,
    /// The version of the entity that it carries.
    pub position: Position,
    /// The accepted message that it follows from.
    pub message_id: MessageId,
    /// What it is about.
    pub kind: Kind,
    /// What it does.
    pub operation: Operation,
    /// How urgent it is.
    pub lane: Lane,
    /// Where the accepted message came from.
    pub origin: Origin,
}

impl Owed {
    /// Whether it only takes back what was sent of a person: nothing takes its place but another one of its sort.
    pub fn takes_back(&self) -> bool {
        self.kind.is_personal() && self.operation == Operation::Close
    }
}

/// A row: what is owed and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct DispatchRow {
    /// What is owed.
    pub owed: Owed,
    /// Where it stands.
    pub state: DispatchState,
    /// When it may go, microseconds since 1970 UTC.
    pub due_at: i64,
    /// Attempts made so far.
    pub attempt: i64,
    /// The owner that made the last claim.
    pub epoch: i64,
    /// The hash of what was last sent.
    pub body_hash: Option<Hash>,
    /// Whether an attempt may have reached the partner without an answer.
    pub in_doubt: bool,
    /// Why it stands there, as a code.
    pub code: Option<String>,
    /// More, in words.
    pub detail: Option<String>,
    /// The partner's faults, as JSON.
    pub faults: Option<String>,
    /// What the translation carried.
    pub losses: LossCounts,
    /// What was in force.
    pub versions: Versions,
    /// When it came to stand there, microseconds since 1970 UTC.
    pub updated_at: i64,
    /// The dispatch record in Avro, while it may still be needed.
    pub envelope: Option<Vec<u8>>,
}

/// What is certain of the owner before, once another has taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldOwner {
    /// It has ended: the lock on the data directory proves it.
    IsDead,
    /// It may still be sending what it has claimed, until the deadline of each claim.
    MayLive,
}

/// The resource whose epoch guards a partner's dispatches.
pub fn resource_of(partner: &PartnerId) -> String {
    format!("dispatch.{partner}")
}

/// The stored fact that a send begins.
#[derive(Debug, Clone)]
pub struct Claim {
    /// What is sent.
    pub owed: Owed,
    /// Which attempt, from 1.
    pub attempt: i64,
    /// The owner that sends.
    pub epoch: i64,
    /// The hash of what is sent.
    pub body_hash: Hash,
    /// Why it may be sent.
    pub permission: Permission,
    /// When the send is given up, microseconds since 1970 UTC.
    pub deadline: i64,
    /// Now.
    pub at: i64,
}

/// What came of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// The send may begin.
    Yes,
    /// Another owner has taken over: stop.
    Lost,
    /// The dispatch is final already.
    Final,
    /// What the decision about the person rested on has changed: decide again.
    Undecided,
}

/// What came of a dispatch.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// Which.
    pub owed: Owed,
    /// Where it stands now.
    pub state: DispatchState,
    /// Attempts made so far.
    pub attempt: i64,
    /// When it may go, if deferred; microseconds since 1970 UTC.
    pub due_at: i64,
    /// Whether an attempt may have reached the partner without an answer.
    pub in_doubt: bool,
    /// Why, as a code.
    pub code: Option<String>,
    /// More, in words.
    pub detail: Option<String>,
    /// The partner's faults, as JSON.
    pub faults: Option<String>,
    /// What the translation carried.
    pub losses: LossCounts,
    /// What was in force.
    pub versions: Versions,
    /// What the partner calls the entity, if it said so.
    pub foreign_reference: Option<String>,
    /// Whether the partner now shows the entity; unchanged if not said.
    pub is_active: Option<bool>,
    /// Whether the partner has yet to pull that it shows nothing any more: until then nothing is acknowledged.
    pub awaits_pull: bool,
    /// Until when the partner may show it, and why not longer.
    pub end: Option<End>,
    /// The dispatch record in Avro, if it has to wait.
    pub envelope: Option<Vec<u8>>,
    /// Now.
    pub at: i64,
}

/// The end of a publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// When, microseconds since 1970 UTC.
    pub at: i64,
    /// Why, as a code.
    pub code: String,
}

/// Something that a partner shows and may not show any longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The dispatch that brought it, at the newest version that the partner was sent.
    pub owed: Owed,
    /// The attempts that it took.
    pub attempt: i64,
    /// The end that was set.
    pub end: End,
}

/// A dispatch that a newer version took the place of.
pub type Superseded = DispatchRow;

/// An entity that has something open with a partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The entity.
    pub entity_key: EntityKey,
    /// The version that is open.
    pub position: Position,
    /// Where it stands.
    pub state: DispatchState,
}

/// What a partner has been sent of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The newest version whose send has begun.
    pub position: Position,
    /// Whether the partner shows the entity, as far as we know.
    pub is_active: bool,
    /// What the partner calls it.
    pub foreign_reference: Option<String>,
}

/// Dispatches that were claimed or have to wait.
#[async_trait]
pub trait Dispatches: Send + Sync {
    /// The rows of those dispatches that have one.
    async fn dispatch_rows(&self, ids: &[DispatchId]) -> Result<HashMap<DispatchId, DispatchRow>>;

    /// What those entities have open with a partner.
    async fn waiting(&self, partner: &PartnerId, entities: &[EntityKey]) -> Result<Vec<Waiting>>;

    /// Puts dispatches into the waiting room, newer versions superseding what they correct (design §2, coalescing).
    ///
    /// With `by_reference` the partner upserts by reference, so that an ambiguous version is superseded as well.
    /// Returns every row that was superseded, be it an older one or the new one itself. What is final, or claimed by an
    /// owner of a higher epoch than the row's, stays as it is.
    async fn defer(&self, rows: Vec<DispatchRow>, by_reference: bool) -> Result<Vec<Superseded>>;

    /// Deferred dispatches whose time has come and that nothing older of their entity holds back, most urgent first.
    async fn due(&self, partner: &PartnerId, now: i64, limit: usize) -> Result<Vec<DispatchRow>>;

    /// When the next deferred dispatch of a partner comes due.
    async fn next_due_at(&self, partner: &PartnerId) -> Result<Option<i64>>;

    /// Mends waiting times after the clock went back: what was put off in a future that is no more waits as long as
    /// it was meant to, from now.
    async fn rewind(&self, partner: &PartnerId, now: i64) -> Result<()>;

    /// Lets everything that waits after a failed attempt go now: the partner answers again.
    async fn hasten(&self, partner: &PartnerId, now: i64) -> Result<()>;

    /// Makes due now what waits for its publication window: the rules may have changed.
    async fn reconsider(&self, partner: &PartnerId, now: i64) -> Result<()>;

    /// What a partner shows although its publication has ended, the longest ended first.
    async fn ended(&self, partner: &PartnerId, now: i64, limit: usize) -> Result<Vec<Ended>>;

    /// Puts the closings of what has ended into the waiting room, and forgets those ends, in one transaction.
    /// Returns what that superseded.
    async fn defer_closings(&self, closings: Vec<(DispatchRow, End)>, by_reference: bool) -> Result<Vec<Superseded>>;

    /// When the next publication at a partner ends.
    async fn next_end_at(&self, partner: &PartnerId) -> Result<Option<i64>>;

    /// Records that a send begins; it may begin when this says so.
    ///
    /// # Errors
    /// Also if it is about a person and says that it is not, or the other way round.
    async fn claim(&self, claim: Claim) -> Result<Claimed>;

    /// Records what came of a dispatch. What is not final goes to the waiting room, as [`Self::defer`] does it.
    async fn settle(&self, settlement: Settlement, by_reference: bool) -> Result<Vec<Superseded>>;

    /// Takes over the open claims of former owners that stand with their record: again with the same key if the
    /// partner may be sent to again, but not before the deadline of an owner that may live; else quarantined as
    /// ambiguous. Returns the rows as they now stand.
    async fn adopt_claims(
        &self,
        partner: &PartnerId,
        epoch: i64,
        old_owner: OldOwner,
        may_repeat: bool,
        now: i64,
    ) -> Result<Vec<DispatchRow>>;

    /// Outcomes whose journal record may not have been written.
    async fn unjournaled(&self, partner: &PartnerId) -> Result<Vec<DispatchRow>>;

    /// Records that outcomes are in the journal, unless they have moved on since.
    async fn mark_journaled(&self, outcomes: Vec<(DispatchId, DispatchState, i64)>) -> Result<()>;

    /// What a partner has been sent of an entity.
    async fn sent(&self, partner: &PartnerId, entity: EntityKey) -> Result<Option<Sent>>;

    /// The entity that a partner was sent and now calls by that reference, ours or its own: an echo.
    async fn entity_sent_as(&self, partner: &PartnerId, reference: &str) -> Result<Option<EntityKey>>;

    /// Parked dispatches, newest first.
    async fn parked_dispatches(&self, filter: &ParkedFilter, limit: i64) -> Result<Vec<DispatchRow>>;

    /// Lets a parked dispatch go again; nothing if it is not parked.
    async fn release_dispatch(&self, id: DispatchId, now: i64) -> Result<Option<DispatchRow>>;

    /// Gives a parked dispatch up; nothing if it is not parked.
    async fn drop_dispatch(&self, id: DispatchId, now: i64) -> Result<Option<DispatchRow>>;

    /// How many dispatches of a partner stand in each open state.
    async fn open_counts(&self, partner: &PartnerId) -> Result<HashMap<DispatchState, i64>>;
}
