//! How much the door takes in at once: bytes of bodies, and documents on their way to the log.
//!
//! **Invariant:** a single document never waits for room. What there is no room for is turned away with `503` and `Retry-After`, so that
//! neither memory nor the queue of the log grows with the number of callers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use metrics::counter;
use schemas::PartnerId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;
use crate::code::code;

/// Room is given in pieces of so many bytes.
const PIECE: usize = 1_024;
/// Bodies that are inflated at once; each may need a window of 8 MiB.
const INFLATING: usize = 4;
/// When a caller that was turned away may come again, in seconds.
const RETRY_AFTER: u64 = 1;

/// The room of one door.
#[derive(Debug, Clone)]
pub struct Admission {
    pieces: Arc<Semaphore>,
    documents: Arc<Semaphore>,
    inflating: Arc<Semaphore>,
    batches: Arc<Batches>,
}

/// Batches that are open, by partner.
#[derive(Debug)]
struct Batches {
    most: usize,
    open: Mutex<HashMap<PartnerId, usize>>,
}

/// A place for a batch, given back when it is dropped.
#[derive(Debug)]
pub struct BatchPlace {
    batches: Arc<Batches>,
    partner: PartnerId,
}

/// Room for a body, given back when it is dropped.
#[derive(Debug)]
pub struct Room {
    pieces: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    length: usize,
}

impl Admission {
    /// Room for so many bytes, documents and batches.
    pub fn new(bytes: usize, documents: usize, batches: usize) -> Self {
        let most = Semaphore::MAX_PERMITS;
        Self {
            pieces: Arc::new(Semaphore::new(bytes.div_ceil(PIECE).min(most))),
            documents: Arc::new(Semaphore::new(documents.min(most))),
            inflating: Arc::new(Semaphore::new(INFLATING)),
            batches: Arc::new(Batches { most: batches, open: Mutex::default() }),
        }
    }

    /// Room for a body whose length is not known yet.
    pub fn room(&self) -> Room {
        Room { pieces: self.pieces.clone(), held: None, length: 0 }
    }

    /// A place for a document on its way to the log, if there is one.
    pub fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.documents.clone().try_acquire_owned().map_err(|_| busy("documents"))
    }

    /// A turn to inflate a body that has come in as a whole; it takes memory of its own, but not long.
    pub async fn turn_to_inflate(&self) -> OwnedSemaphorePermit {
        self.inflating.clone().acquire_owned().await.expect("the semaphore is never closed")
    }

    /// A place for a batch, if there is one. No partner gets more than a quarter of them.
    pub fn batch(&self, partner: &PartnerId) -> Result<BatchPlace, Problem> {
        let mut open = self.batches.open.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = open.values().sum();
        let own = open.entry(partner.clone()).or_default();
        if all >= self.batches.most || *own >= self.batches.most.div_ceil(4) {
            return Err(busy("batches"));
        }
        *own += 1;
        Ok(BatchPlace { batches: self.batches.clone(), partner: partner.clone() })
    }

    /// A place for a document; waits for it, so that a stream is read no faster than the log takes it.
    pub async fn wait_for_place(&self) -> OwnedSemaphorePermit {
        self.documents.clone().acquire_owned().await.expect("the semaphore is never closed")
    }
}

impl Drop for BatchPlace {
    fn drop(&mut self) {
        let mut open = self.batches.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(&self.partner) {
            *own -= 1;
        }
    }
}

impl Room {
    /// Makes room for so many bytes more.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        self.length += bytes;
        let missing = self.length.div_ceil(PIECE) - held.min(self.length.div_ceil(PIECE));
        if missing == 0 {
            return Ok(());
        }
        let missing = u32::try_from(missing).map_err(|_| busy("bytes"))?;
        let more = self.pieces.clone().try_acquire_many_owned(missing).map_err(|_| busy("bytes"))?;
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }
}

fn busy(what: &'static str) -> Problem {
    counter!("passerelle_turned_away_total", "for_want_of" => what).increment(1);
    Problem::unavailable(const { code("busy") }, "the gateway has no room for this now", RETRY_AFTER)
        .detail(format!("nothing was accepted; send it again in {RETRY_AFTER} s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_back() {
        let admission = Admission::new(3 * PIECE, 1, 1);
        let (mut one, mut other) = (admission.room(), admission.room());
        one.grow(PIECE).unwrap();
        one.grow(1).unwrap();
        other.grow(PIECE).unwrap();
        assert!(other.grow(1).is_err(), "one byte more is one piece more");
        drop(one);
        other.grow(PIECE).unwrap();
    }

    #[test]
    fn a_document_without_a_place_is_turned_away() {
        let admission = Admission::new(PIECE, 1, 1);
        let place = admission.place().unwrap();
        assert!(admission.place().is_err());
        drop(place);
        assert!(admission.place().is_ok());
    }

    #[test]
    fn no_partner_gets_more_than_a_quarter_of_the_batches() {
        let admission = Admission::new(PIECE, 1, 8);
        let (acme, zenith): (PartnerId, PartnerId) = ("acme".parse().unwrap(), "zenith".parse().unwrap());
        let open: Vec<_> = (0..2).map(|_| admission.batch(&acme).unwrap()).collect();
        assert!(admission.batch(&acme).is_err());
        assert!(admission.batch(&zenith).is_ok());
        drop(open);
        assert!(admission.batch(&acme).is_ok());
    }
}
