//! PostgreSQL as the store that an embedded installation moves into.

use anyhow::{Context, Result, bail, ensure};
use futures::TryStreamExt;
use sqlx::{Connection as _, PgConnection, Postgres};

use super::{dialect::storable, migrations, options, sql::rows::values_of};
use crate::{
    config::{PostgresqlSettings, Secret},
    store::tables::{Digest, TABLES, Table, Value},
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
