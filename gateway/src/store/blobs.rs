//! Blobs: large, sealed, never changed. The store knows nothing of what they are.
//!
//! A blob comes in chunks of one length, of which only the last may be shorter, and has a head. **Invariant:** nobody sees
//! anything of a blob before all of it is on disk.

use anyhow::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

/// The length of a chunk as it is kept, in bytes; the last one may be shorter.
pub const CHUNK_BYTES: usize = 64 << 10;

/// A blob. Ids sort by when they were made, and say nothing else (UUIDv7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(Uuid);

impl BlobId {
    /// A new id, made at that time.
    pub fn mint(at: Timestamp) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(millis(at), &rand::random()).into_uuid())
    }

    /// Below every id that was made at that time or later.
    pub fn bound(at: Timestamp) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(millis(at), &[0; 10]).into_uuid())
    }

    /// The id.
    pub fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for BlobId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

/// Milliseconds since 1970 UTC; nothing was made before.
fn millis(at: Timestamp) -> u64 {
    u64::try_from(at.as_millisecond()).unwrap_or_default()
}

/// Blobs.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Puts chunks of a blob in their places, from the first one on; again is as good as once, and of a blob that is finished
    /// nothing changes.
    ///
    /// # Errors
    /// If a chunk is longer than [`CHUNK_BYTES`], or cannot be written.
    async fn put_chunks(&self, blob: BlobId, first: u64, chunks: Vec<Vec<u8>>) -> Result<()>;

    /// Says that a blob has come, with so many bytes of chunks: from now on it can be read, and never changes.
    ///
    /// # Errors
    /// If there are other bytes than that, or they cannot be made durable.
    async fn finish_blob(&self, blob: BlobId, size_bytes: u64, head: Vec<u8>) -> Result<()>;

    /// The head of a blob that is finished.
    async fn blob_head(&self, blob: BlobId) -> Result<Option<Vec<u8>>>;

    /// A chunk of a blob that is finished.
    async fn blob_chunk(&self, blob: BlobId, place: u64) -> Result<Option<Vec<u8>>>;

    /// The first blobs below `bound` and above `after`, in order, finished or not.
    async fn blobs_below(&self, bound: BlobId, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobId>>;

    /// Removes blobs, finished or not, and returns how many there were.
    async fn remove_blobs(&self, blobs: Vec<BlobId>) -> Result<u64>;
}
