//! Files of persons as they are kept: in chunks, each sealed under the person's own key for its place in that file.
//!
//! A chunk opens only in its place, of its file, of its person, and only as the last one if it is the last: nothing can be
//! swapped, moved or cut off. Destroying the person's keys makes all of it unreadable at once. **Invariant:** outside of
//! memory there is nothing of a file in the open, neither its bytes nor its type, and no hash but a keyed one.

mod reading;
#[cfg(test)]
mod tests;
mod upkeep;
mod writing;

use std::{fmt::Display, sync::Arc};

use schemas::Hash;
use serde::{Deserialize, Serialize};

pub use self::{reading::OpenFile, upkeep::References};
use crate::{
    clock::Clock,
    store::{BlobId, CHUNK_BYTES, Store},
    vault::{ROW_OVERHEAD_BYTES, Subject, Vault},
};

/// Bytes of a file in one chunk; the last one has fewer, or as many.
const PLAIN_BYTES: usize = CHUNK_BYTES - ROW_OVERHEAD_BYTES;

/// The files of one daemon.
#[derive(Clone)]
pub struct Files {
    vault: Vault,
    store: Arc<dyn Store>,
    clock: Clock,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Its media type, RFC 6838.
    pub media_type: String,
    /// Its length.
    pub size_bytes: u64,
    /// A hash of its bytes under a key of the person's: the same for the same file of the same person, and no other.
    pub hash: Hash,
}

impl Files {
    /// Files in that store, sealed by that vault.
    pub fn new(vault: Vault, store: Arc<dyn Store>, clock: Clock) -> Self {
        Self { vault, store, clock }
    }
}

/// A file, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    subject: Subject,
    blob: BlobId,
}

impl Place {
    /// What the head is sealed for.
    fn of_head(self) -> String {
        self.of("head")
    }

    /// What a chunk is sealed for.
    fn of_chunk(self, number: u64, is_last: bool) -> String {
        self.of(format_args!("{number}/{}", if is_last { "last" } else { "more" }))
    }

    fn of(self, part: impl Display) -> String {
        format!("blob/{}/{}/{part}", self.subject, self.blob.as_uuid())
    }
}

/// How many chunks a file of that length has: at least one, so that an empty file has an end, too.
fn chunks_of(size_bytes: u64) -> u64 {
    size_bytes.div_ceil(PLAIN_BYTES as u64).max(1)
}
