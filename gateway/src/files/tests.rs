//! Files on both engines: whole, in stretches, tampered with, erased, swept.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::Path,
    time::Duration,
};

use anyhow::Result;
use async_trait::async_trait;
use futures::TryStreamExt;

use super::{upkeep::References, *};
use crate::{
    config::{Configuration, Secrets, Settings},
    store::{PostgresStore, SqliteStore, database_of_a_test},
    supervisor::Supervisor,
    vault::KeyRing,
};

/// Nobody is called so.
const MARKER: &[u8] = b"Zoubida Markerova 7391";

const GRACE: Duration = Duration::from_hours(24);

struct Scene {
    files: Files,
    store: Arc<dyn Store>,
    vault: Vault,
    clock: Clock,
    folder: tempfile::TempDir,
}

impl Scene {
    async fn embedded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let store = SqliteStore::open(&path, &Supervisor::default(), Clock::system()).await.unwrap();
        Self::with(Arc::new(store), folder).await
    }

    /// None where there is no server.
    async fn distributed(name: &str) -> Option<Self> {
        let settings = database_of_a_test(name).await?;
        let store = PostgresStore::open(&settings, None, &Supervisor::default(), Clock::system()).await.unwrap();
        Some(Self::with(Arc::new(store), tempfile::tempdir().unwrap()).await)
    }

    async fn with(store: Arc<dyn Store>, folder: tempfile::TempDir) -> Self {
        let mut settings = Settings::load(None).unwrap();
        settings.data_dir = folder.path().to_owned();
        let configuration = Configuration::assemble(settings, BTreeMap::default(), Secrets::default(), &[]).unwrap();
        let ring = Arc::new(KeyRing::parse(&KeyRing::new_line().0).unwrap());
        let vault = Vault::open(&configuration, ring, &Supervisor::default()).await.unwrap();
        let clock = Clock::fixed("2026-11-22T10:00:00Z");
        let files = Files::new(vault.clone(), store.clone(), clock.clone());
        Self { files, store, vault, clock, folder }
    }

    async fn person(&self, name: &str) -> Subject {
        self.vault.subject(&"anapec".parse().unwrap(), name).await.unwrap()
    }

    async fn keep(&self, subject: Subject, file: &[u8]) -> (BlobId, About) {
        let mut writing = self.files.begin(subject);
        // In pieces that fit nowhere.
        for piece in file.chunks(10_007) {
            writing.write(piece).await.unwrap().unwrap();
        }
        writing.finish("application/pdf").await.unwrap().unwrap()
    }

    async fn read(&self, subject: Subject, blob: BlobId, stretch: std::ops::Range<u64>) -> Result<Option<Vec<u8>>> {
        let Some(file) = self.files.open(subject, blob).await? else { return Ok(None) };
        let read: Vec<_> = file.read(stretch).try_collect().await?;
        Ok(Some(read.concat()))
    }

    /// Puts a blob in the place of another one, as whoever has the disk could.
    async fn replace(&self, blob: BlobId, head: &[u8], chunks: &[Vec<u8>]) {
        self.store.remove_blobs(vec![blob]).await.unwrap();
        self.store.put_chunks(blob, 0, chunks.to_vec()).await.unwrap();
        let size_bytes = chunks.iter().map(Vec::len).sum::<usize>() as u64;
        self.store.finish_blob(blob, size_bytes, head.to_vec()).await.unwrap();
    }

    async fn raw(&self, blob: BlobId) -> (Vec<u8>, Vec<Vec<u8>>) {
        let mut chunks = Vec::new();
        while let Some(chunk) = self.store.blob_chunk(blob, chunks.len() as u64).await.unwrap() {
            chunks.push(chunk);
        }
        (self.store.blob_head(blob).await.unwrap().unwrap(), chunks)
    }
}

/// A file in which every stretch differs from every other.
fn file(length: usize) -> Vec<u8> {
    (0..).flat_map(u64::to_be_bytes).take(length).collect()
}

async fn whole_and_in_stretches(scene: &Scene) {
    let amina = scene.person("AB123456").await;
    for length in [0, 1, PLAIN_BYTES - 1, PLAIN_BYTES, PLAIN_BYTES + 1, 20 * PLAIN_BYTES + 7] {
        let file = file(length);
        let (blob, about) = scene.keep(amina, &file).await;
        assert_eq!((about.size_bytes, about.media_type.as_str()), (length as u64, "application/pdf"));
        assert_eq!(scene.files.open(amina, blob).await.unwrap().unwrap().about(), &about);
        assert!(scene.read(amina, blob, 0..u64::MAX).await.unwrap().as_ref() == Some(&file), "{length} bytes");
        let plain = PLAIN_BYTES as u64;
        let backwards = std::ops::Range { start: 5, end: 3 };
        for stretch in
            [0..1, 0..0, backwards, 1..plain, plain - 1..plain + 1, plain..2 * plain, 7 * plain + 3..9 * plain + 5]
        {
            let end = usize::try_from(stretch.end).unwrap().min(length);
            let expected = file.get(usize::try_from(stretch.start).unwrap()..end).unwrap_or_default();
            let read = scene.read(amina, blob, stretch.clone()).await.unwrap().unwrap();
            assert!(read == expected, "{stretch:?} of {length} bytes");
        }
    }
}

async fn hashes_are_a_persons_own(scene: &Scene) {
    let (amina, bilal) = (scene.person("AB123456").await, scene.person("CD654321").await);
    let (_, one) = scene.keep(amina, MARKER).await;
    let (_, same) = scene.keep(amina, MARKER).await;
    let (_, others) = scene.keep(bilal, MARKER).await;
    let (_, different) = scene.keep(amina, b"something else").await;
    assert_eq!(one.hash, same.hash);
    assert_ne!(one.hash, others.hash);
    assert_ne!(one.hash, different.hash);
    assert_ne!(one.hash, Hash::of(MARKER));
}

async fn nothing_can_be_swapped_or_cut_off(scene: &Scene) {
    let (amina, bilal) = (scene.person("AB123456").await, scene.person("CD654321").await);
    let (blob, _) = scene.keep(amina, &file(3 * PLAIN_BYTES)).await;
    let (other, _) = scene.keep(amina, &[&[1; 100], &*file(3 * PLAIN_BYTES)].concat()[..3 * PLAIN_BYTES]).await;
    let (shorter, _) = scene.keep(amina, &file(2 * PLAIN_BYTES)).await;
    let (head, chunks) = scene.raw(blob).await;
    let ((other_head, others), (shorter_head, _)) = (scene.raw(other).await, scene.raw(shorter).await);
    // Nobody without the key can make such a head; that chunks cannot be cut off does not rest on it alone.
    let place = Place { subject: amina, blob };
    let about = About {
        size_bytes: 2 * PLAIN_BYTES as u64,
        ..scene.files.open(amina, blob).await.unwrap().unwrap().about().clone()
    };
    let short_head = serde_json::to_vec(&about).unwrap();
    let short_head = scene.vault.seal_row(amina, &place.of_head(), &short_head).await.unwrap().unwrap();
    let with = |place: usize, chunk: &[u8]| {
        let mut chunks = chunks.clone();
        chunks[place] = chunk.to_vec();
        chunks
    };
    let flipped = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    let rows = [
        ("two chunks change places", &head, vec![chunks[1].clone(), chunks[0].clone(), chunks[2].clone()]),
        ("one stands twice", &head, with(1, &chunks[0])),
        ("one is another file's", &head, with(1, &others[1])),
        ("the last is another file's", &head, with(2, &others[2])),
        ("the last is gone", &head, chunks[..2].to_vec()),
        ("the last is gone, and another head says so", &shorter_head, chunks[..2].to_vec()),
        ("the last is gone, and the head says so", &short_head, chunks[..2].to_vec()),
        ("the head is another file's", &other_head, chunks.clone()),
        ("a bit of a chunk", &head, with(0, &flipped(&chunks[0], 1000))),
        ("a bit of a tag", &head, with(2, &flipped(&chunks[2], chunks[2].len() - 1))),
        ("a bit of the head", &flipped(&head, head.len() - 20), chunks.clone()),
    ];
    for (change, head, chunks) in &rows {
        scene.replace(blob, head, chunks).await;
        assert!(scene.read(amina, blob, 0..u64::MAX).await.is_err(), "{change}");
    }
    scene.replace(blob, &head, &chunks).await;
    assert!(scene.read(amina, blob, 0..u64::MAX).await.unwrap().unwrap() == file(3 * PLAIN_BYTES));
    assert!(scene.read(bilal, blob, 0..u64::MAX).await.is_err(), "it is not about this person");
}

async fn destroyed_keys_take_files_with_them(scene: &Scene) {
    let (doomed, spared) = (scene.person("EF111111").await, scene.person("GH222222").await);
    let (blob, _) = scene.keep(doomed, &file(2 * PLAIN_BYTES)).await;
    let (kept, _) = scene.keep(spared, &file(100)).await;
    let half_read = scene.files.open(doomed, blob).await.unwrap().unwrap();
    let mut half_written = scene.files.begin(doomed);
    half_written.write(&file(2 * PLAIN_BYTES)).await.unwrap().unwrap();
    scene.vault.destroy(doomed).await.unwrap();
    assert!(scene.files.open(doomed, blob).await.unwrap().is_none());
    assert!(half_read.read(0..10).try_collect::<Vec<_>>().await.is_err());
    assert_eq!(half_written.finish("application/pdf").await.unwrap(), None);
    assert!(scene.read(spared, kept, 0..u64::MAX).await.unwrap().is_some());
}

/// Refers to some.
struct Just(HashSet<BlobId>);

#[async_trait]
impl References for Just {
    async fn referred_to(&self, _: &[BlobId]) -> Result<HashSet<BlobId>> {
        Ok(self.0.clone())
    }
}

/// Cannot tell.
struct Unknown;

#[async_trait]
impl References for Unknown {
    async fn referred_to(&self, _: &[BlobId]) -> Result<HashSet<BlobId>> {
        anyhow::bail!("nobody knows")
    }
}

async fn what_nobody_refers_to_is_removed(scene: &Scene) {
    let amina = scene.person("AB123456").await;
    scene.clock.advance(Duration::from_secs(1));
    assert!(scene.files.sweep(&Just(HashSet::new()), Duration::ZERO).await.unwrap() > 10, "what was kept before");
    let (referred, _) = scene.keep(amina, &file(100)).await;
    let (doomed, _) = scene.keep(amina, &file(100)).await;
    let mut broken_off = scene.files.begin(amina);
    broken_off.write(&file(40 * PLAIN_BYTES)).await.unwrap().unwrap();
    let mut given_up = scene.files.begin(amina);
    given_up.write(&file(40 * PLAIN_BYTES)).await.unwrap().unwrap();
    given_up.give_up().await.unwrap();
    scene.clock.advance(GRACE);
    let (young, _) = scene.keep(amina, &file(100)).await;
    scene.clock.advance(Duration::from_secs(1));
    let references = Just(HashSet::from([referred]));
    assert!(scene.files.sweep(&Unknown, GRACE).await.is_err());
    assert_eq!(scene.files.sweep(&references, GRACE).await.unwrap(), 2, "the doomed one and what was broken off");
    assert_eq!(scene.files.sweep(&references, GRACE).await.unwrap(), 0);
    assert!(scene.files.open(amina, doomed).await.unwrap().is_none());
    assert!(broken_off.finish("application/pdf").await.is_err(), "part of it is gone");
    for blob in [referred, young] {
        assert_eq!(scene.read(amina, blob, 0..u64::MAX).await.unwrap(), Some(file(100)));
    }
}

async fn suite(scene: &Scene) {
    whole_and_in_stretches(scene).await;
    hashes_are_a_persons_own(scene).await;
    nothing_can_be_swapped_or_cut_off(scene).await;
    destroyed_keys_take_files_with_them(scene).await;
    what_nobody_refers_to_is_removed(scene).await;
}

#[tokio::test]
async fn files_in_a_folder_pass_the_suite() {
    suite(&Scene::embedded().await).await;
}

#[tokio::test]
async fn files_in_postgresql_pass_the_suite() {
    let Some(scene) = Scene::distributed("files").await else { return };
    suite(&scene).await;
}

/// Files of a folder in which something lies in the open, and how many there are; those who may read them, too.
fn search(folder: &Path, wanted: &[&[u8]]) -> (usize, usize) {
    use std::os::unix::fs::PermissionsExt;
    let (mut found, mut files) = (0, 0);
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0);
            let inner = search(&entry.path(), wanted);
            (found, files) = (found + inner.0, files + inner.1);
            continue;
        }
        let bytes = fs::read(entry.path()).unwrap();
        files += 1;
        found += usize::from(wanted.iter().any(|wanted| memchr::memmem::find(&bytes, wanted).is_some()));
    }
    (found, files)
}

#[tokio::test]
async fn nothing_of_a_file_lies_in_the_open() {
    let scene = Scene::embedded().await;
    let amina = scene.person("AB123456").await;
    // More than is sealed before anything is written.
    let file = MARKER.repeat(PLAIN_BYTES);
    scene.keep(amina, &file).await;
    let mut half_written = scene.files.begin(amina);
    half_written.write(&file).await.unwrap().unwrap();
    let plain_hash = Hash::of(&file);
    let wanted = [MARKER, b"application/pdf", plain_hash.as_bytes(), plain_hash.to_string().leak().as_bytes()];
    let blobs = scene.folder.path().join("blobs");
    assert_eq!(search(&blobs, &wanted), (0, 2), "both were looked at");
    assert_eq!(search(scene.folder.path(), &wanted).0, 0);
    fs::write(blobs.join("leak"), MARKER).unwrap();
    assert_eq!(search(&blobs, &wanted).0, 1, "the search finds what is there");
}
