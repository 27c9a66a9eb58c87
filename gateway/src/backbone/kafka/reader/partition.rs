//! One partition on the polling thread, and the feed through which its records reach who reads it.

use std::{sync::Arc, time::Duration};

use rdkafka::{consumer::base_consumer::PartitionQueue, error::KafkaError, message::Message};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::Slot;
use crate::backbone::kafka::client::Watcher;

/// Records that a feed holds.
const RECORDS: usize = 512;
/// KiB that a feed holds.
const KIB: usize = 8_192;

/// What a reader is handed.
#[derive(Debug)]
pub enum Fed {
    /// A record, with the room that it takes until it is taken up.
    Record { offset: i64, payload: Vec<u8>, _room: OwnedSemaphorePermit },
    /// There was nothing more when this was handed over.
    End,
}

/// What one reader of a partition gets.
pub struct Feed {
    /// Tells this feed from one before of the same partition.
    pub id: u64,
    /// Whose records.
    pub slot: Slot,
    /// The records.
    pub records: mpsc::Receiver<Fed>,
}

/// A partition as the polling thread knows it.
pub struct Partition {
    /// Tells its feed from one before.
    pub id: u64,
    /// Whether it was assigned by us and not by a group.
    pub is_own: bool,
    /// Cancelled when another node reads it.
    pub revoked: CancellationToken,
    queue: Arc<PartitionQueue<Watcher>>,
    feed: mpsc::Sender<Fed>,
    room: Arc<Semaphore>,
    /// What did not fit.
    held: Option<(i64, Vec<u8>)>,
    end_is_to_tell: bool,
}

impl Partition {
    /// A partition with a new feed.
    pub fn new(
        id: u64,
        slot: Slot,
        is_own: bool,
        revoked: CancellationToken,
        queue: Arc<PartitionQueue<Watcher>>,
    ) -> (Self, Feed) {
        let (feed, records) = mpsc::channel(RECORDS);
        let room = Arc::new(Semaphore::new(KIB));
        let partition = Self { id, is_own, revoked, queue, feed, room, held: None, end_is_to_tell: false };
        (partition, Feed { id, slot, records })
    }

    /// Hands over what has come, as far as there is room; returns whether there was anything.
    pub fn hand_over(&mut self) -> bool {
        let mut was_any = false;
        while self.go_on() {
            match self.queue.poll(Duration::ZERO) {
                Some(Ok(record)) => {
                    self.held = Some((record.offset(), record.payload().unwrap_or_default().to_vec()));
                    was_any = true;
                }
                Some(Err(KafkaError::PartitionEOF(_))) => self.end_is_to_tell = true,
                Some(Err(error)) => warn!(error = %error, "a partition cannot be read; trying again"),
                None => break,
            }
        }
        was_any
    }

    /// Hands over what did not fit before; returns whether there is nothing left of it.
    fn go_on(&mut self) -> bool {
        if let Some((offset, payload)) = self.held.take() {
            let permits = u32::try_from((payload.len() / 1_024 + 1).min(KIB)).unwrap_or(1);
            let room = self.room.clone().try_acquire_many_owned(permits);
            let (Ok(room), Ok(place)) = (room, self.feed.try_reserve()) else {
                self.held = Some((offset, payload));
                return false;
            };
            place.send(Fed::Record { offset, payload, _room: room });
        }
        if self.end_is_to_tell {
            let Ok(place) = self.feed.try_reserve() else { return false };
            place.send(Fed::End);
            self.end_is_to_tell = false;
        }
        true
    }
}
