//! Blobs in PostgreSQL: a row for each, which has a head once it is finished, and one for every chunk.

use anyhow::{Result, ensure};
use async_trait::async_trait;
use uuid::Uuid;

use super::PostgresStore;
use crate::store::blobs::{BlobId, Blobs, CHUNK_BYTES};

#[async_trait]
impl Blobs for PostgresStore {
    async fn put_chunks(&self, blob: BlobId, first: u64, chunks: Vec<Vec<u8>>) -> Result<()> {
        ensure!(chunks.iter().all(|chunk| chunk.len() <= CHUNK_BYTES), "a chunk is too long");
        self.write((blob.as_uuid(), i64::try_from(first)?, chunks), |connection, (blob, first, chunks)| {
            Box::pin(async move {
                let sql = "INSERT INTO blobs (blob_id) VALUES ($1) ON CONFLICT DO NOTHING";
                sqlx::query(sql).bind(blob).execute(&mut *connection).await?;
                let sql = "INSERT INTO blob_chunks (blob_id, place, sealed) \
                    SELECT b.blob_id, $2 + c.place - 1, c.sealed FROM unnest($3::BYTEA[]) WITH ORDINALITY AS c (sealed, place) \
                    JOIN blobs AS b ON b.blob_id = $1 AND b.head IS NULL \
                    ON CONFLICT (blob_id, place) DO UPDATE SET sealed = excluded.sealed";
                sqlx::query(sql).bind(blob).bind(first).bind(chunks).execute(&mut *connection).await?;
                Ok(())
            })
        })
        .await
    }

    async fn finish_blob(&self, blob: BlobId, size_bytes: u64, head: Vec<u8>) -> Result<()> {
        let chunks = i64::try_from(size_bytes.div_ceil(CHUNK_BYTES as u64))?;
        let args = (blob.as_uuid(), i64::try_from(size_bytes)?, chunks, head);
        self.write(args, |connection, (blob, size_bytes, chunks, head)| {
            Box::pin(async move {
                let sql = "SELECT COUNT(*), COALESCE(SUM(octet_length(sealed)), 0)::BIGINT, COALESCE(MAX(place), -1) \
                    FROM blob_chunks WHERE blob_id = $1";
                let come: (i64, i64, i64) = sqlx::query_as(sql).bind(blob).fetch_one(&mut *connection).await?;
                ensure!(come == (*chunks, *size_bytes, chunks - 1), "other bytes have come than the blob has");
                let sql = "UPDATE blobs SET head = COALESCE(head, $2) WHERE blob_id = $1";
                let done = sqlx::query(sql).bind(blob).bind(head).execute(&mut *connection).await?;
                ensure!(done.rows_affected() == 1, "nothing of the blob is there");
                Ok(())
            })
        })
        .await
    }

    async fn blob_head(&self, blob: BlobId) -> Result<Option<Vec<u8>>> {
        self.read(blob.as_uuid(), |connection, blob| {
            Box::pin(async move {
                let sql = "SELECT head FROM blobs WHERE blob_id = $1 AND head IS NOT NULL";
                Ok(sqlx::query_scalar(sql).bind(blob).fetch_optional(connection).await?)
            })
        })
        .await
    }

    async fn blob_chunk(&self, blob: BlobId, place: u64) -> Result<Option<Vec<u8>>> {
        let Ok(place) = i64::try_from(place) else { return Ok(None) };
        self.read((blob.as_uuid(), place), |connection, (blob, place)| {
            Box::pin(async move {
                let sql = "SELECT c.sealed FROM blob_chunks AS c JOIN blobs AS b USING (blob_id) \
                    WHERE c.blob_id = $1 AND c.place = $2 AND b.head IS NOT NULL";
                Ok(sqlx::query_scalar(sql).bind(blob).bind(place).fetch_optional(connection).await?)
            })
        })
        .await
    }

    async fn blobs_below(&self, bound: BlobId, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobId>> {
        let args = (bound.as_uuid(), after.map(BlobId::as_uuid), i64::try_from(limit)?);
        self.read(args, |connection, (bound, after, limit)| {
            Box::pin(async move {
                let sql = "SELECT blob_id FROM blobs WHERE blob_id < $1 AND ($2::UUID IS NULL OR blob_id > $2) \
                    ORDER BY blob_id LIMIT $3";
                let found: Vec<Uuid> =
                    sqlx::query_scalar(sql).bind(bound).bind(after).bind(limit).fetch_all(connection).await?;
                Ok(found.into_iter().map(BlobId::from).collect())
            })
        })
        .await
    }

    async fn remove_blobs(&self, blobs: Vec<BlobId>) -> Result<u64> {
        let blobs: Vec<Uuid> = blobs.into_iter().map(BlobId::as_uuid).collect();
        self.write(blobs, |connection, blobs| {
            Box::pin(async move {
                // The chunks go with their blob.
                let sql = "DELETE FROM blobs WHERE blob_id = ANY($1)";
                Ok(sqlx::query(sql).bind(blobs).execute(connection).await?.rows_affected())
            })
        })
        .await
    }
}
