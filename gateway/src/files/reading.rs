//! Opens a file, whole or a stretch of it.

use std::ops::Range;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures::{Stream, stream};

use super::{About, Files, PLAIN_BYTES, Place, chunks_of};
use crate::{store::BlobId, vault::Subject};

/// A file that can be read.
pub struct OpenFile {
    files: Files,
    place: Place,
    about: About,
}

impl Files {
    /// Opens a file of a person. None if it is not there, or the person's keys were destroyed.
    ///
    /// # Errors
    /// If it is somebody else's or damaged, or vault or store do not answer.
    pub async fn open(&self, subject: Subject, blob: BlobId) -> Result<Option<OpenFile>> {
        let place = Place { subject, blob };
        let Some(head) = self.store.blob_head(blob).await? else { return Ok(None) };
        let Some(head) = self.vault.open_row(&place.of_head(), &head).await? else { return Ok(None) };
        let about = serde_json::from_slice(&head).context("the head of a file cannot be read")?;
        Ok(Some(OpenFile { files: self.clone(), place, about }))
    }
}

impl OpenFile {
    /// What it is.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The bytes of a stretch, as far as the file has them, a chunk at a time.
    ///
    /// It ends with an error if the file is damaged or the person's keys are destroyed meanwhile: what came before is
    /// then all there is.
    pub fn read(self, stretch: Range<u64>) -> impl Stream<Item = Result<Bytes>> + Send {
        let end = stretch.end.min(self.about.size_bytes);
        stream::try_unfold((self, stretch.start), move |(file, at)| async move {
            if at >= end {
                return Ok(None);
            }
            let bytes = file.from(at, end).await?;
            let next = at + bytes.len() as u64;
            Ok(Some((bytes, (file, next))))
        })
    }

    /// What the chunk at a place of the file has from there on, up to an end.
    async fn from(&self, at: u64, end: u64) -> Result<Bytes> {
        let number = at / PLAIN_BYTES as u64;
        let begin = number * PLAIN_BYTES as u64;
        let chunk = self.chunk(number).await?;
        let inner = usize::try_from(at - begin)?..usize::try_from((end - begin).min(chunk.len() as u64))?;
        ensure!(!inner.is_empty(), "a chunk of a file is too short");
        Ok(chunk.slice(inner))
    }

    async fn chunk(&self, number: u64) -> Result<Bytes> {
        let is_last = number + 1 == chunks_of(self.about.size_bytes);
        let sealed = self.files.store.blob_chunk(self.place.blob, number).await?;
        let sealed = sealed.context("a chunk of a file is not there: it was removed, or cut off")?;
        let opened = self.files.vault.open_row(&self.place.of_chunk(number, is_last), &sealed).await?;
        Ok(opened.context("the keys of whom the file is about were destroyed")?.into())
    }
}
