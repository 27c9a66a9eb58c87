//! Seals a file while it arrives.

use std::mem;

use anyhow::Result;
use schemas::Hash;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{About, Files, PLAIN_BYTES, Place};
use crate::{
    store::{BlobId, CHUNK_BYTES},
    vault::Subject,
};

/// Sealed chunks that are written at once.
const BATCH: usize = 16;

/// What the hash of a file is for.
const PURPOSE: &str = "file";

/// A file that is being kept. Given up or forgotten, nothing of it is ever seen.
pub struct Writing {
    files: Files,
    place: Place,
    /// What is not sealed yet: whether it is the last chunk is known when more comes, or nothing.
    open: Zeroizing<Vec<u8>>,
    sealed: Vec<Vec<u8>>,
    /// Chunks that were written, and their bytes.
    written: u64,
    written_bytes: u64,
    size_bytes: u64,
    hash: Sha256,
}

impl Files {
    /// Begins to keep a file of a person.
    pub fn begin(&self, subject: Subject) -> Writing {
        Writing {
            files: self.clone(),
            place: Place { subject, blob: BlobId::mint(self.clock.now()) },
            open: Zeroizing::new(Vec::with_capacity(PLAIN_BYTES)),
            sealed: Vec::new(),
            written: 0,
            written_bytes: 0,
            size_bytes: 0,
            hash: Sha256::new(),
        }
    }
}

impl Writing {
    /// Takes the next bytes. None if the person's keys were destroyed: then nothing can be kept any more.
    ///
    /// # Errors
    /// If vault or store do not do their part.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<Option<()>> {
        self.hash.update(bytes);
        self.size_bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            if self.open.len() == PLAIN_BYTES && self.seal(false).await?.is_none() {
                return Ok(None);
            }
            let (taken, rest) = bytes.split_at(bytes.len().min(PLAIN_BYTES - self.open.len()));
            self.open.extend_from_slice(taken);
            bytes = rest;
        }
        Ok(Some(()))
    }

    /// Keeps the file for good: durable when this returns. None if the person's keys were destroyed.
    ///
    /// # Errors
    /// If vault or store do not do their part.
    pub async fn finish(mut self, media_type: &str) -> Result<Option<(BlobId, About)>> {
        let plain = Hash::from(<[u8; 32]>::from(mem::take(&mut self.hash).finalize()));
        let (vault, Place { subject, blob }) = (&self.files.vault, self.place);
        let Some(hash) = vault.hash(subject, PURPOSE, plain.as_bytes()).await? else { return Ok(None) };
        let about = About { media_type: media_type.to_owned(), size_bytes: self.size_bytes, hash };
        let head = serde_json::to_vec(&about)?;
        let Some(head) = vault.seal_row(subject, &self.place.of_head(), &head).await? else { return Ok(None) };
        if self.seal(true).await?.is_none() {
            return Ok(None);
        }
        self.flush().await?;
        self.files.store.finish_blob(blob, self.written_bytes, head).await?;
        Ok(Some((blob, about)))
    }

    /// Removes what was written; what cannot be removed now is removed by the upkeep.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn give_up(self) -> Result<()> {
        self.files.store.remove_blobs(vec![self.place.blob]).await?;
        Ok(())
    }

    /// Seals what is open as the next chunk.
    async fn seal(&mut self, is_last: bool) -> Result<Option<()>> {
        let number = self.written + self.sealed.len() as u64;
        let place = self.place.of_chunk(number, is_last);
        let sealed = self.files.vault.seal_row(self.place.subject, &place, &self.open).await?;
        let Some(sealed) = sealed else { return Ok(None) };
        debug_assert!(sealed.len() <= CHUNK_BYTES, "a chunk is as long as the store takes");
        self.open.clear();
        self.sealed.push(sealed);
        if self.sealed.len() == BATCH {
            self.flush().await?;
        }
        Ok(Some(()))
    }

    async fn flush(&mut self) -> Result<()> {
        let sealed = mem::take(&mut self.sealed);
        let (chunks, bytes) = (sealed.len() as u64, sealed.iter().map(Vec::len).sum::<usize>() as u64);
        if chunks > 0 {
            self.files.store.put_chunks(self.place.blob, self.written, sealed).await?;
        }
        self.written += chunks;
        self.written_bytes += bytes;
        Ok(())
    }
}
