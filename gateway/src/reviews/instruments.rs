//! Everybody is looked at when other instruments for transfers are in force: after a reload, after a restart, and on the day
//! on which one begins or ends.
//!
//! A page at a time, each person in a transaction of its own; how far it is stands in the store, so that a restart goes on.
//! Where nodes are configured differently for a while, those whose instruments were put in force last do it.

use std::time::Duration;

use anyhow::Result;
use consent::Transfers;
use jiff::Timestamp;
use schemas::{Hash, hash_of};
use tokio::time::Instant;
use tracing::info;

use super::{Cause, Reviewer};
use crate::{in_force::Rules, store::InstrumentReview};

/// Persons of one page.
const PAGE: usize = 64;
/// Dispatches that wait to be made at the most, so that they do not grow faster than they are carried out.
const MOST_WAITING: usize = 1_000;
/// How often the log says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// How this node sees the instruments.
#[derive(Debug, Default)]
pub struct Instruments {
    /// Those that were in force when it looked last.
    seen: Option<Hash>,
    /// When the log was told last how far it is.
    told: Option<Instant>,
}

impl Instruments {
    /// Looks at the next persons, if there are any to look at. Returns whether there may be more.
    pub(super) async fn go_on(&mut self, reviewer: &Reviewer, rules: &Rules) -> Result<bool> {
        let now = hash_of_instruments(&rules.configuration.settings.transfers, reviewer.clock.now());
        let mut newest = reviewer.store.instrument_review().await?;
        if self.seen != Some(now) {
            if newest.as_ref().is_none_or(|newest| newest.instruments != now) {
                newest = Some(begin(reviewer, newest.as_ref(), now).await?);
            }
            self.seen = Some(now);
        }
        match newest {
            Some(review) if review.instruments == now && review.finished_at.is_none() => {
                self.look_at_page(reviewer, rules, review).await
            }
            _ => Ok(false),
        }
    }

    async fn look_at_page(&mut self, reviewer: &Reviewer, rules: &Rules, mut review: InstrumentReview) -> Result<bool> {
        if reviewer.store.wanted_replays(MOST_WAITING).await? >= MOST_WAITING {
            return Ok(true);
        }
        let persons = reviewer.store.persons_after(review.after, PAGE).await?;
        for subject in &persons {
            reviewer.look_or_complain(rules, *subject, Cause::Instruments).await?;
        }
        review.after = persons.last().copied().or(review.after);
        review.persons += i64::try_from(persons.len())?;
        let is_done = persons.is_empty();
        review.finished_at = is_done.then(|| reviewer.clock.now_micros());
        reviewer.store.keep_instrument_review(review.clone()).await?;
        if is_done {
            info!(persons = review.persons, "every person was looked at under the instruments in force");
        } else if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            info!(persons = review.persons, "persons are being looked at under the instruments in force");
            self.told = Some(Instant::now());
        }
        Ok(!is_done)
    }
}

async fn begin(reviewer: &Reviewer, before: Option<&InstrumentReview>, instruments: Hash) -> Result<InstrumentReview> {
    let review = InstrumentReview {
        generation: before.map_or(1, |before| before.generation + 1),
        instruments,
        begun_at: reviewer.clock.now_micros(),
        after: None,
        persons: 0,
        finished_at: None,
    };
    info!(review.generation, "other instruments for transfers are in force: every person is looked at again");
    reviewer.store.keep_instrument_review(review.clone()).await?;
    Ok(review)
}

/// The hash of the instruments, and of how many of their beginnings and ends have come.
fn hash_of_instruments(transfers: &Transfers, now: Timestamp) -> Hash {
    let come = transfers.moments().range(..=now).count();
    // As this program spells them: another version may look at everybody once more.
    hash_of(&[format!("{transfers:?}").as_bytes(), &come.to_be_bytes()])
}
