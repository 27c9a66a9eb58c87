//! Blobs of the embedded store: a file for each, in a folder beside the database.
//!
//! A file holds the chunks, the head, and the length of the head. It has another name until all of it is on disk.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use tokio::task;

use super::SqliteStore;
use crate::store::blobs::{BlobId, Blobs, CHUNK_BYTES};

/// Follows the name of a file that is not finished.
const UNFINISHED: &str = "new";
/// The length of the length of the head.
const TRAILER_BYTES: u64 = 4;

/// The folder with the files.
#[derive(Debug, Clone)]
pub(super) struct BlobFolder(PathBuf);

impl BlobFolder {
    /// The one beside that database; it is made when something is put there.
    pub(super) fn beside(database: &Path) -> Self {
        Self(database.with_file_name("blobs"))
    }

    /// Blobs that are finished, after one, each with its head; none if there are no more.
    pub(super) fn finished_after(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<(BlobId, Vec<u8>)>> {
        let mut after = after;
        loop {
            let page = self.below(BlobId::from(uuid::Uuid::max()), after, limit)?;
            let Some(last) = page.last() else { return Ok(Vec::new()) };
            after = Some(*last);
            let heads = page.into_iter().map(|blob| Ok((blob, self.head(blob)?)));
            let found: Vec<_> = heads.collect::<Result<_>>()?;
            let found: Vec<_> = found.into_iter().filter_map(|(blob, head)| Some((blob, head?))).collect();
            if !found.is_empty() {
                return Ok(found);
            }
        }
    }

    fn finished(&self, blob: BlobId) -> PathBuf {
        self.0.join(blob.as_uuid().to_string())
    }

    fn unfinished(&self, blob: BlobId) -> PathBuf {
        self.finished(blob).with_added_extension(UNFINISHED)
    }

    fn put(&self, blob: BlobId, first: u64, chunks: &[Vec<u8>]) -> Result<()> {
        match DirBuilder::new().mode(0o700).create(&self.0) {
            Ok(()) => sync_folder(self.0.parent().context("a folder of data stands in another one")?)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).context("cannot make the folder of blobs"),
        }
        if fs::exists(self.finished(blob))? {
            return Ok(());
        }
        let mut options = File::options();
        let options = options.write(true).create(first == 0).truncate(false).mode(0o600);
        let file = options.open(self.unfinished(blob)).context("the chunks before it are not there")?;
        // What was removed meanwhile would come back with a hole.
        ensure!(file.metadata()?.len() >= first * CHUNK_BYTES as u64, "the chunks before it are not there");
        for (place, chunk) in (first..).zip(chunks) {
            ensure!(chunk.len() <= CHUNK_BYTES, "a chunk is too long");
            file.write_all_at(chunk, place * CHUNK_BYTES as u64)?;
        }
        Ok(())
    }

    fn finish(&self, blob: BlobId, size_bytes: u64, head: &[u8]) -> Result<()> {
        if fs::exists(self.finished(blob))? {
            return Ok(());
        }
        let file = File::options().write(true).open(self.unfinished(blob)).context("nothing of the blob is there")?;
        ensure!(file.metadata()?.len() == size_bytes, "other bytes have come than the blob has");
        let length = u32::try_from(head.len()).context("the head is too long")?;
        file.write_all_at(&[head, &length.to_be_bytes()].concat(), size_bytes)?;
        file.sync_all()?;
        fs::rename(self.unfinished(blob), self.finished(blob))?;
        sync_folder(&self.0)
    }

    /// The file of a blob, the length of its chunks, and of its head.
    fn open(&self, blob: BlobId) -> Result<Option<(File, u64, u64)>> {
        let Some(file) = if_there(File::open(self.finished(blob)))? else { return Ok(None) };
        let end = file.metadata()?.len().checked_sub(TRAILER_BYTES).context("the file is cut off")?;
        let mut length = [0; 4];
        file.read_exact_at(&mut length, end)?;
        let head = u64::from(u32::from_be_bytes(length));
        let chunks = end.checked_sub(head).context("the file is damaged")?;
        Ok(Some((file, chunks, head)))
    }

    fn head(&self, blob: BlobId) -> Result<Option<Vec<u8>>> {
        let Some((file, chunks, length)) = self.open(blob)? else { return Ok(None) };
        Ok(Some(read(&file, chunks, length)?))
    }

    pub(super) fn chunk(&self, blob: BlobId, place: u64) -> Result<Option<Vec<u8>>> {
        let Some((file, chunks, _)) = self.open(blob)? else { return Ok(None) };
        let begin = place.saturating_mul(CHUNK_BYTES as u64);
        if begin >= chunks {
            return Ok(None);
        }
        Ok(Some(read(&file, begin, (chunks - begin).min(CHUNK_BYTES as u64))?))
    }

    fn below(&self, bound: BlobId, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobId>> {
        let Some(entries) = if_there(fs::read_dir(&self.0))? else { return Ok(Vec::new()) };
        let mut found = BTreeSet::new();
        for entry in entries {
            let name = PathBuf::from(entry?.file_name());
            let id = name.file_stem().and_then(|stem| stem.to_str()?.parse::<uuid::Uuid>().ok()).map(BlobId::from);
            // What is no blob was put there by somebody else, and is left alone.
            found.extend(id.filter(|id| *id < bound && after.is_none_or(|after| *id > after)));
            if found.len() > limit {
                found.pop_last();
            }
        }
        Ok(found.into_iter().collect())
    }

    fn remove(&self, blobs: &[BlobId]) -> Result<u64> {
        let mut removed = 0;
        for blob in blobs {
            let finished = if_there(fs::remove_file(self.finished(*blob)))?;
            let unfinished = if_there(fs::remove_file(self.unfinished(*blob)))?;
            removed += u64::from(finished.or(unfinished).is_some());
        }
        if removed > 0 {
            sync_folder(&self.0)?;
        }
        Ok(removed)
    }
}

fn read(file: &File, begin: u64, length: u64) -> Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length)?];
    file.read_exact_at(&mut bytes, begin)?;
    Ok(bytes)
}

/// None for what is not there.
fn if_there<T>(result: io::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Makes durable which files a folder has.
fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)?.sync_all().context("cannot write the folder of blobs")
}

impl SqliteStore {
    /// Works on the files, where waiting for the disk holds nobody up.
    async fn on_files<T: Send + 'static>(
        &self,
        work: impl FnOnce(&BlobFolder) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let folder = self.blobs.clone();
        task::spawn_blocking(move || work(&folder)).await.context("the work on a blob was broken off")?
    }
}

#[async_trait]
impl Blobs for SqliteStore {
    async fn put_chunks(&self, blob: BlobId, first: u64, chunks: Vec<Vec<u8>>) -> Result<()> {
        self.on_files(move |folder| folder.put(blob, first, &chunks)).await.context("cannot write a blob")
    }

    async fn finish_blob(&self, blob: BlobId, size_bytes: u64, head: Vec<u8>) -> Result<()> {
        self.on_files(move |folder| folder.finish(blob, size_bytes, &head)).await.context("cannot finish a blob")
    }

    async fn blob_head(&self, blob: BlobId) -> Result<Option<Vec<u8>>> {
        self.on_files(move |folder| folder.head(blob)).await.context("cannot read a blob")
    }

    async fn blob_chunk(&self, blob: BlobId, place: u64) -> Result<Option<Vec<u8>>> {
        self.on_files(move |folder| folder.chunk(blob, place)).await.context("cannot read a blob")
    }

    async fn blobs_below(&self, bound: BlobId, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobId>> {
        self.on_files(move |folder| folder.below(bound, after, limit)).await.context("cannot list blobs")
    }

    async fn remove_blobs(&self, blobs: Vec<BlobId>) -> Result<u64> {
        self.on_files(move |folder| folder.remove(&blobs)).await.context("cannot remove blobs")
    }
}
