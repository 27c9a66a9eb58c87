//! PostgreSQL as the store that an embedded installation moves into.

use anyhow::{Context, Result, bail, ensure};
use futures::TryStreamExt;
use sqlx::{Connection as _, PgConnection, Postgres};
use uuid::Uuid;

use super::{dialect::storable, migrations, options, sql::rows::values_of};
use crate::{
    config::{PostgresqlSettings, Secret},
    store::{
        BlobId,
        tables::{Digest, TABLES, Table, Value},
    },
};

/// Bytes that one statement carries, about.
const BATCH_BYTES: usize = 1 << 20;
/// Rows of one statement: each with up to 25 columns, of at most 65,535 altogether.
const BATCH_ROWS: usize = 500;

/// A store that is being moved into; nobody else works on it.
pub struct Arrival {
    /// Its tables.
    pub filling: Filling,
    source: String,
    /// Whether an earlier run has begun.
    pub is_resumed: bool,
}

/// Tables of one database that rows are put into.
pub struct Filling {
    connection: PgConnection,
    batch: Vec<Vec<Value>>,
    batch_bytes: usize,
}

impl Arrival {
    /// Migrates the store and looks whether it may be moved into: empty, or left half-way by the same move.
    ///
    /// # Errors
    /// If it holds anything else, or cannot be reached.
    pub async fn begin(settings: &PostgresqlSettings, password: Option<&Secret>, source: &str) -> Result<Self> {
        let mut filling = Filling::connect(settings, password).await?;
        let connection = &mut filling.connection;
        migrations::migrate(connection).await?;
        let standing: Option<bool> = sqlx::query_scalar("SELECT finished_at IS NULL FROM moves WHERE source = $1")
            .bind(source)
            .fetch_optional(&mut *connection)
            .await?;
        match standing {
            Some(true) => {}
            Some(false) => bail!("this installation was moved there already"),
            None => require_empty(connection).await?,
        }
        let source = source.to_owned();
        Ok(Self { filling, source, is_resumed: standing.is_some() })
    }

    /// Notes that the move has begun: from now on nobody else works here until it is finished.
    pub async fn mark_begun(&mut self) -> Result<()> {
        sqlx::query("INSERT INTO moves (source) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(&self.source)
            .execute(&mut self.filling.connection)
            .await?;
        Ok(())
    }

    /// Notes that everything is there.
    pub async fn finish(mut self) -> Result<()> {
        sqlx::query("UPDATE moves SET finished_at = clock_timestamp() WHERE source = $1")
            .bind(&self.source)
            .execute(&mut self.filling.connection)
            .await?;
        self.filling.close().await
    }
}

impl Filling {
    /// Connects to a database whose tables are there.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub async fn connect(settings: &PostgresqlSettings, password: Option<&Secret>) -> Result<Self> {
        let connection = migrations::connect(&options(settings, password)?, settings).await?;
        Ok(Self { connection, batch: Vec::new(), batch_bytes: 0 })
    }

    /// The row as it can be kept here.
    pub fn as_kept(row: &mut [Value]) {
        for value in row {
            if let Value::Text(Some(text)) = value
                && let std::borrow::Cow::Owned(kept) = storable(text)
            {
                *text = kept;
            }
        }
    }

    /// Puts a row in, unless it is there; written with others once enough have come, or by [`Self::flush`].
    pub async fn put(&mut self, table: &Table, row: Vec<Value>) -> Result<()> {
        self.batch_bytes += row.iter().map(size_bytes).sum::<usize>();
        self.batch.push(row);
        if self.batch.len() >= BATCH_ROWS || self.batch_bytes >= BATCH_BYTES {
            self.flush(table).await?;
        }
        Ok(())
    }

    /// Writes what has gathered.
    pub async fn flush(&mut self, table: &Table) -> Result<()> {
        let rows = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        if rows.is_empty() {
            return Ok(());
        }
        let head = format!("INSERT INTO {} ({}) ", table.name, table.column_names());
        let mut insert = sqlx::QueryBuilder::<Postgres>::new(head);
        insert.push_values(rows, |mut tuple, row| {
            for value in row {
                match value {
                    Value::Id(value) => tuple.push_bind(value),
                    Value::Text(value) => tuple.push_bind(value),
                    Value::Number(value) => tuple.push_bind(value),
                    Value::Flag(value) => tuple.push_bind(value),
                    Value::Bytes(value) => tuple.push_bind(value),
                };
            }
        });
        insert.push(" ON CONFLICT DO NOTHING");
        let written = insert.build().persistent(false).execute(&mut self.connection).await;
        written.with_context(|| format!("cannot write to `{}`", table.name))?;
        Ok(())
    }

    /// What a table holds.
    pub async fn digest(&mut self, table: &Table) -> Result<Digest> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT {} FROM {}", table.column_names(), table.name));
        let mut rows = sqlx::query(sql).fetch(&mut self.connection);
        let mut digest = Digest::default();
        while let Some(row) = rows.try_next().await? {
            digest.add(&values_of(table, &row)?);
        }
        Ok(digest)
    }

    /// Whether a blob is there, whole.
    pub async fn has_blob(&mut self, blob: BlobId) -> Result<bool> {
        let sql = "SELECT COUNT(*) FROM blobs WHERE blob_id = $1 AND head IS NOT NULL";
        let found: i64 = sqlx::query_scalar(sql).bind(blob.as_uuid()).fetch_one(&mut self.connection).await?;
        Ok(found > 0)
    }

    /// Puts a chunk of a blob in its place.
    pub async fn put_chunk(&mut self, blob: BlobId, place: u64, sealed: &[u8]) -> Result<()> {
        let sql = "INSERT INTO blobs (blob_id) VALUES ($1) ON CONFLICT DO NOTHING";
        sqlx::query(sql).bind(blob.as_uuid()).execute(&mut self.connection).await?;
        let sql = "INSERT INTO blob_chunks (blob_id, place, sealed) VALUES ($1, $2, $3) \
                   ON CONFLICT (blob_id, place) DO UPDATE SET sealed = excluded.sealed";
        let put = sqlx::query(sql).bind(blob.as_uuid()).bind(i64::try_from(place)?).bind(sealed);
        put.execute(&mut self.connection).await.context("cannot write a blob")?;
        Ok(())
    }

    /// Says that all of a blob is there.
    pub async fn finish_blob(&mut self, blob: BlobId, head: &[u8]) -> Result<()> {
        let sql = "UPDATE blobs SET head = $2 WHERE blob_id = $1";
        let done = sqlx::query(sql).bind(blob.as_uuid()).bind(head).execute(&mut self.connection).await?;
        ensure!(done.rows_affected() == 1, "nothing of a blob is there");
        Ok(())
    }

    /// What the blobs hold: their heads, and their chunks.
    pub async fn digest_of_blobs(&mut self) -> Result<(Digest, Digest)> {
        let (mut heads, mut chunks) = (Digest::default(), Digest::default());
        let mut rows = sqlx::query_as::<_, (Uuid, Vec<u8>)>("SELECT blob_id, head FROM blobs WHERE head IS NOT NULL")
            .fetch(&mut self.connection);
        while let Some((blob, head)) = rows.try_next().await? {
            heads.add(&[Value::Id(Some(blob)), Value::Bytes(Some(head))]);
        }
        drop(rows);
        let mut rows = sqlx::query_as::<_, (Uuid, i64, Vec<u8>)>("SELECT blob_id, place, sealed FROM blob_chunks")
            .fetch(&mut self.connection);
        while let Some((blob, place, sealed)) = rows.try_next().await? {
            chunks.add(&[Value::Id(Some(blob)), Value::Number(Some(place)), Value::Bytes(Some(sealed))]);
        }
        Ok((heads, chunks))
    }

    /// Ends the connection in good order.
    pub async fn close(self) -> Result<()> {
        self.connection.close().await.context("cannot leave PostgreSQL")
    }
}

async fn require_empty(connection: &mut PgConnection) -> Result<()> {
    let others: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM moves").fetch_one(&mut *connection).await?;
    ensure!(others == 0, "another installation was moved there before");
    for table in &TABLES {
        let sql = sqlx::AssertSqlSafe(format!("SELECT EXISTS (SELECT 1 FROM {})", table.name));
        let has_rows: bool = sqlx::query_scalar(sql).fetch_one(&mut *connection).await?;
        ensure!(!has_rows, "the store there is in use: `{}` holds rows", table.name);
    }
    Ok(())
}

/// Refuses a store that is being moved into.
pub(super) async fn require_finished(connection: &mut PgConnection) -> Result<()> {
    let is_open: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM moves WHERE finished_at IS NULL)")
        .fetch_one(connection)
        .await
        .context("cannot read the moves")?;
    ensure!(!is_open, "a move into this store is not finished; run `passerelle move` again");
    Ok(())
}

fn size_bytes(value: &Value) -> usize {
    match value {
        Value::Text(Some(text)) => text.len(),
        Value::Bytes(Some(bytes)) => bytes.len(),
        _ => size_of::<Value>(),
    }
}
