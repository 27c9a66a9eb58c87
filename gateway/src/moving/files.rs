//! Blobs: the files of persons, as sealed as they lie there.

use anyhow::{Result, ensure};
use indicatif::ProgressBar;

use super::Moved;
use crate::store::{Digest, Filling, LeavingStore, Value};

/// What they are called among what was moved.
pub(super) const NAME: &str = "blobs";
/// Blobs that are listed together.
const PAGE: usize = 100;

/// Copies every blob that is finished, and compares them with what is there then. What was there whole is not copied again.
pub(super) async fn copy(state: &LeavingStore, filling: &mut Filling, progress: &ProgressBar) -> Result<Moved> {
    progress.set_message(NAME);
    let (mut heads, mut chunks) = (Digest::default(), Digest::default());
    let mut after = None;
    loop {
        let page = state.blobs(after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        for (blob, head) in page {
            progress.inc(1);
            let is_there = filling.has_blob(blob).await?;
            let mut place = 0;
            while let Some(chunk) = state.blob_chunk(blob, place).await? {
                if !is_there {
                    filling.put_chunk(blob, place, &chunk).await?;
                }
                let number = Value::Number(Some(i64::try_from(place)?));
                chunks.add(&[Value::Id(Some(blob.as_uuid())), number, Value::Bytes(Some(chunk))]);
                place += 1;
            }
            if !is_there {
                filling.finish_blob(blob, &head).await?;
            }
            heads.add(&[Value::Id(Some(blob.as_uuid())), Value::Bytes(Some(head))]);
        }
    }
    let theirs = filling.digest_of_blobs().await?;
    progress.inc(u64::try_from(theirs.0.rows)?);
    ensure!(theirs == (heads, chunks), "there are other blobs there than here");
    Ok(Moved { name: NAME.to_owned(), count: heads.rows, hash: Some(heads.hash()), made_again: 0 })
}
