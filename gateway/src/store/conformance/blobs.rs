//! Blobs: seen when they are finished, never changed, gone when they are removed.

use std::time::Duration;

use jiff::Timestamp;

use crate::store::{
    Store,
    blobs::{BlobId, CHUNK_BYTES},
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Chunks of which the last is shorter, and their length.
fn chunks(count: u8) -> (Vec<Vec<u8>>, u64) {
    let mut chunks: Vec<_> = (0..count).map(|number| vec![number; CHUNK_BYTES]).collect();
    chunks.last_mut().unwrap().truncate(100);
    let size_bytes = chunks.iter().map(Vec::len).sum::<usize>() as u64;
    (chunks, size_bytes)
}

/// Runs it on a store; leaves two blobs, of which one is not finished.
pub async fn run(store: &dyn Store) {
    let (chunks, size_bytes) = chunks(4);
    let [early, late] = ["2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z"].map(|time| BlobId::mint(at(time)));
    let unknown = BlobId::mint(at("2026-11-22T12:00:00Z"));
    assert_eq!(store.blob_head(unknown).await.unwrap(), None);
    assert_eq!(store.blob_chunk(unknown, 0).await.unwrap(), None);
    assert!(store.finish_blob(unknown, 0, vec![1]).await.is_err(), "nothing of it has come");

    store.put_chunks(early, 0, chunks[..3].to_vec()).await.unwrap();
    store.put_chunks(early, 2, chunks[2..].to_vec()).await.unwrap();
    assert_eq!(store.blob_head(early).await.unwrap(), None, "it is not finished");
    assert_eq!(store.blob_chunk(early, 0).await.unwrap(), None, "it is not finished");
    for wrong in [size_bytes - 1, size_bytes + 1, size_bytes - 100, size_bytes + CHUNK_BYTES as u64] {
        assert!(store.finish_blob(early, wrong, b"head".to_vec()).await.is_err(), "{wrong}");
    }
    store.finish_blob(early, size_bytes, b"head".to_vec()).await.unwrap();
    store.finish_blob(early, size_bytes, b"other".to_vec()).await.unwrap();
    store.put_chunks(early, 0, vec![b"changed".to_vec()]).await.unwrap();
    is_whole(store, early, &chunks).await;

    assert!(store.put_chunks(late, 0, vec![vec![0; CHUNK_BYTES + 1]]).await.is_err(), "longer than a chunk may be");
    store.put_chunks(late, 0, chunks[..1].to_vec()).await.unwrap();
    let (bound, after) = (BlobId::bound(at("2026-11-22T11:30:00Z")), Some(early));
    assert_eq!(store.blobs_below(bound, None, 10).await.unwrap(), [early, late]);
    assert_eq!(store.blobs_below(bound, None, 1).await.unwrap(), [early]);
    assert_eq!(store.blobs_below(bound, after, 10).await.unwrap(), [late]);
    assert_eq!(store.blobs_below(BlobId::bound(at("2026-11-22T11:00:00Z")), None, 10).await.unwrap(), [early]);
    assert_eq!(store.blobs_below(BlobId::bound(at("2026-11-22T10:00:00Z")), None, 10).await.unwrap(), []);

    let holed = BlobId::mint(at("2026-11-22T10:30:00Z"));
    let put = store.put_chunks(holed, 1, chunks[1..].to_vec()).await;
    let finished = store.finish_blob(holed, size_bytes, b"head".to_vec()).await;
    assert!(put.is_err() || finished.is_err(), "the first chunk has not come");
    assert_eq!(store.blob_head(holed).await.unwrap(), None);
    store.remove_blobs(vec![holed]).await.unwrap();

    let doomed = BlobId::mint(at("2026-11-22T10:30:00Z"));
    store.put_chunks(doomed, 0, chunks.clone()).await.unwrap();
    store.finish_blob(doomed, size_bytes, b"head".to_vec()).await.unwrap();
    assert_eq!(store.remove_blobs(vec![doomed, unknown]).await.unwrap(), 1);
    assert_eq!(store.remove_blobs(vec![doomed]).await.unwrap(), 0);
    assert_eq!(store.blob_head(doomed).await.unwrap(), None);
    assert_eq!(store.blob_chunk(doomed, 0).await.unwrap(), None);
    is_whole(store, early, &chunks).await;
}

/// What was left is there, and what was not finished can be told by when it was begun.
pub async fn after_restart(store: &dyn Store) {
    let bound = BlobId::bound(at("2026-11-22T11:30:00Z"));
    let left = store.blobs_below(bound, None, 10).await.unwrap();
    let [early, late] = left[..] else { panic!("two were left: {left:?}") };
    is_whole(store, early, &chunks(4).0).await;
    assert_eq!(store.blob_head(late).await.unwrap(), None);
    assert_eq!(store.remove_blobs(left).await.unwrap(), 2);
    assert_eq!(store.blobs_below(bound, None, 10).await.unwrap(), []);
    let soon = at("2026-11-22T10:00:00Z") + Duration::from_millis(1);
    assert!(BlobId::mint(at("2026-11-22T10:00:00Z")) < BlobId::bound(soon), "ids sort by time");
}

async fn is_whole(store: &dyn Store, blob: BlobId, chunks: &[Vec<u8>]) {
    assert_eq!(store.blob_head(blob).await.unwrap(), Some(b"head".to_vec()));
    for (place, chunk) in (0..).zip(chunks) {
        assert!(store.blob_chunk(blob, place).await.unwrap().as_ref() == Some(chunk), "chunk {place}");
    }
    assert_eq!(store.blob_chunk(blob, chunks.len() as u64).await.unwrap(), None);
    assert_eq!(store.blob_chunk(blob, u64::MAX).await.unwrap(), None);
}
