//! Who may read a file: decided when a recipient asks for it, and again whenever bytes of it leave.
//!
//! A recipient that may gets a token for one file, as many bytes as that has, and a while. **Invariant:** no byte is handed out
//! that was not counted off before, and none after anything changed that the decision rests on.

use std::{ops::Range, sync::Arc};

use anyhow::{Result, ensure};
use bytes::Bytes;
use consent::SubjectState;
use futures::{Stream, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use metrics::counter;
use schemas::{Hash, Kind, PartnerId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    disclosure::Disclosure,
    eligibility::linked,
    files::{Files, OpenFile},
    in_force::InForce,
    progress::Progress,
    store::{MediaToken, Medium, MediumId, MediumState, Showing, Store, SubjectVersion},
    vault::{Bodies, Subject},
};

/// Tokens whose unsent bytes wait to be given back; of more they are lost, and their readers ask for another token.
const QUEUE: usize = 1_024;

/// Lends files to those who may read them.
#[derive(Clone)]
pub struct Lending {
    pub in_force: InForce,
    pub store: Arc<dyn Store>,
    pub files: Files,
    pub bodies: Bodies,
    pub clock: Clock,
    pub returns: Returns,
}

/// What a recipient is told who asks for a file.
pub enum MayRead {
    /// The hash of this may be kept as a token: see [`Lending::lend`].
    Now(Loan),
    /// It may read it once it has come.
    NotYet,
    /// It might, but the file cannot be had.
    Failed,
    /// There is none, or none for this recipient.
    No,
}

/// What a token is to be good for.
pub struct Loan {
    medium: MediumId,
    person: SubjectVersion,
    valid_until: Option<i64>,
    rules: Hash,
    size_bytes: u64,
}

/// Takes back what was counted off and not sent.
#[derive(Clone)]
pub struct Returns(mpsc::Sender<(Hash, u64)>);

/// Gives bytes back until it is asked to stop.
pub struct GivesBack {
    queue: mpsc::Receiver<(Hash, u64)>,
    store: Arc<dyn Store>,
}

impl Returns {
    /// Both ends.
    pub fn begin(store: Arc<dyn Store>) -> (Self, GivesBack) {
        let (sender, queue) = mpsc::channel(QUEUE);
        (Self(sender), GivesBack { queue, store })
    }
}

impl GivesBack {
    /// Gives back until nobody lends any more, or it is asked to stop.
    ///
    /// # Errors
    /// Never: what the store does not take is lost, and its reader asks for another token.
    pub async fn run(mut self, stop: CancellationToken) -> Result<()> {
        loop {
            let (hash, bytes) = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                unsent = self.queue.recv() => match unsent {
                    Some(unsent) => unsent,
                    None => return Ok(()),
                },
            };
            if let Err(error) = self.store.give_back_media_bytes(hash, bytes).await {
                tracing::warn!(error = format!("{error:#}"), "bytes of a file that were not sent count as sent");
            }
        }
    }
}

impl Lending {
    /// Decides whether a recipient may read a file now.
    ///
    /// # Errors
    /// If store or vault do not answer.
    pub async fn may_read(&self, recipient: &PartnerId, id: MediumId) -> Result<MayRead> {
        let Some(medium) = self.store.medium(id).await?.filter(|medium| medium.dropped_at.is_none()) else {
            return Ok(MayRead::No);
        };
        let Some(loan) = self.decide(recipient, &medium).await? else { return Ok(MayRead::No) };
        let blob = match (medium.state, medium.blob) {
            (MediumState::Kept, Some(blob)) => blob,
            (MediumState::Failed, _) => return Ok(MayRead::Failed),
            _ => return Ok(MayRead::NotYet),
        };
        let file = self.files.open(Subject::from(loan.person.subject), blob).await?;
        Ok(file.map_or(MayRead::No, |file| MayRead::Now(Loan { size_bytes: file.about().size_bytes, ..loan })))
    }

    /// Whether what a file shows may go to a recipient, that was sent the profile and not asked to delete it.
    async fn decide(&self, recipient: &PartnerId, medium: &Medium) -> Result<Option<Loan>> {
        let (kind, person) = (Kind::TalentProfile, medium.entity_key);
        // The standing first: what changes after it ends the token.
        let standing = self.store.standing_of(person.as_uuid()).await?;
        let shown = self.store.shown_of(person.as_uuid()).await?;
        if !shown.iter().any(|one| one.partner == *recipient && one.entity_key == person && !one.is_recalled) {
            return Ok(None);
        }
        let in_force = self.in_force.now();
        let configuration = &in_force.configuration;
        let partner = |id| configuration.partners.get(id);
        let receiver = partner(recipient);
        let outgoing = receiver.and_then(|receiver| receiver.outgoing.get(&kind));
        let (Some(source), Some(receiver), Some(outgoing)) = (partner(&medium.origin.partner), receiver, outgoing)
        else {
            return Ok(None);
        };
        let now = (&configuration.settings, self.clock.now());
        let state = standing.restricted_since.map_or(SubjectState::Known, |_| SubjectState::Restricted);
        let about = (kind, person, state);
        let progress = Progress::open(&self.bodies, &standing).await?;
        let disclosure = Disclosure { source, receiver, outgoing, progress: &progress };
        let Ok(permit) = disclosure.decide(about, &standing.grants, now) else { return Ok(None) };
        if linked(&standing, receiver).is_some() || !permit.mask.permits(medium.category) {
            return Ok(None);
        }
        let valid_until = disclosure.valid_until(about, &standing.grants, now, Some(&permit));
        Ok(Some(Loan {
            medium: medium.id,
            person: standing.version,
            valid_until: valid_until.map(Timestamp::as_microsecond),
            rules: configuration.hash,
            size_bytes: 0,
        }))
    }

    /// Keeps the token with that hash, and returns when it is over.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn lend(&self, recipient: &PartnerId, loan: Loan, hash: Hash) -> Result<Timestamp> {
        let validity = self.in_force.now().configuration.settings.media.token;
        let expires_at = self.clock.now() + SignedDuration::try_from(validity)?;
        let token = MediaToken {
            hash,
            medium: loan.medium,
            recipient: recipient.clone(),
            person: loan.person,
            valid_until: loan.valid_until,
            rules: loan.rules,
            expires_at: expires_at.as_microsecond(),
            size_bytes: loan.size_bytes,
        };
        self.store.keep_media_token(token).await?;
        counter!("passerelle_media_lent_total", "recipient" => recipient.to_string()).increment(1);
        Ok(expires_at)
    }

    /// The file that a token is good for, if it is still good for anything.
    ///
    /// # Errors
    /// If store or vault do not answer.
    pub async fn file(&self, hash: Hash) -> Result<Option<OpenFile>> {
        let Some(lent) = self.store.media_token(self.showing(hash)).await? else { return Ok(None) };
        self.files.open(Subject::from(lent.person.subject), lent.blob).await
    }

    /// Counts off a stretch of a file. None if the token is not good for it.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn count_off(&self, hash: Hash, bytes: u64) -> Result<Option<CountedOff>> {
        let is_good = self.store.use_media_token(self.showing(hash), bytes).await?;
        Ok(is_good.then(|| CountedOff { hash, unsent: bytes, returns: self.returns.clone() }))
    }

    fn showing(&self, hash: Hash) -> Showing {
        Showing { hash, rules: self.in_force.now().configuration.hash, now: self.clock.now_micros() }
    }

    async fn require_holds(&self, hash: Hash) -> Result<()> {
        let holds = self.store.media_token_holds(self.showing(hash)).await?;
        ensure!(holds, "something has changed that a decision rested on: no more of a file leaves");
        Ok(())
    }
}

/// Bytes that were counted off a token. Those that were not sent are given back when it is dropped.
pub struct CountedOff {
    hash: Hash,
    unsent: u64,
    returns: Returns,
}

impl Drop for CountedOff {
    fn drop(&mut self) {
        if self.unsent > 0 {
            // Lost where nobody can take them: the reader asks for another token.
            let _ = self.returns.0.try_send((self.hash, self.unsent));
        }
    }
}

/// A stretch of a file, as far as it was counted off. Every piece is looked at once more just before it leaves.
pub fn reading(
    lending: Lending,
    (file, stretch): (OpenFile, Range<u64>),
    counted_off: CountedOff,
) -> impl Stream<Item = Result<Bytes>> + Send {
    let pieces = Box::pin(file.read(stretch));
    stream::try_unfold((pieces, counted_off, lending), |(mut pieces, mut counted_off, lending)| async move {
        let Some(piece) = pieces.try_next().await? else { return Ok(None) };
        lending.require_holds(counted_off.hash).await?;
        counted_off.unsent = counted_off.unsent.saturating_sub(piece.len() as u64);
        counter!("passerelle_media_read_bytes_total").increment(piece.len() as u64);
        Ok(Some((piece, (pieces, counted_off, lending))))
    })
}
