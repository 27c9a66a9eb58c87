//! The embedded log as it is left for another one: every record of every topic, and how far its consumers are.

use std::path::Path;

use anyhow::{Context, Result};
use schemas::Envelope;
use sqlx::{Row, SqlitePool};

use crate::{backbone::Topic, sqlite_file::readers};

/// Records of one look.
const PAGE: i64 = 512;

/// A log that nobody writes any more.
pub struct LeavingLog {
    pool: SqlitePool,
    /// Which log it is.
    pub generation: i64,
}

impl LeavingLog {
    /// Opens the file; the caller has the lock on its folder.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn open(path: &Path) -> Result<Self> {
        let pool = readers(path).await?;
        let generation = sqlx::query_scalar("SELECT generation FROM log_meta").fetch_one(&pool).await;
        Ok(Self { generation: generation.context("cannot read the log")?, pool })
    }

    /// The topics, each with how many records it holds.
    pub async fn topics(&self) -> Result<Vec<(Topic, i64)>> {
        let rows = sqlx::query(
            "SELECT t.topic, COUNT(l.log_offset) AS records FROM topics AS t LEFT JOIN log AS l ON l.topic_id = t.topic_id \
             GROUP BY t.topic ORDER BY t.topic",
        )
        .fetch_all(&self.pool)
        .await
        .context("cannot read the topics")?;
        Ok(rows.iter().map(|row| (Topic(row.get("topic")), row.get("records"))).collect())
    }

    /// How far each consumer of a topic has committed.
    pub async fn consumers(&self, topic: &Topic) -> Result<Vec<(String, i64)>> {
        let rows = sqlx::query("SELECT consumer, log_offset FROM consumers WHERE topic = $1 ORDER BY consumer")
            .bind(topic.as_str())
            .fetch_all(&self.pool)
            .await
            .context("cannot read the consumers")?;
        Ok(rows.iter().map(|row| (row.get("consumer"), row.get("log_offset"))).collect())
    }

    /// The next records of a topic behind an offset; none at its end.
    pub async fn page(&self, topic: &Topic, after: i64) -> Result<Vec<(i64, Envelope)>> {
        let rows = sqlx::query(
            "SELECT log_offset, envelope FROM log WHERE topic_id = (SELECT topic_id FROM topics WHERE topic = $1) \
             AND log_offset > $2 ORDER BY log_offset LIMIT $3",
        )
        .bind(topic.as_str())
        .bind(after)
        .bind(PAGE)
        .fetch_all(&self.pool)
        .await
        .with_context(|| format!("cannot read `{topic}`"))?;
        let record = |row: &sqlx::sqlite::SqliteRow| {
            let offset: i64 = row.get("log_offset");
            let envelope = Envelope::from_avro(row.get("envelope"));
            Ok((offset, envelope.with_context(|| format!("cannot read `{topic}` at offset {offset}"))?))
        };
        rows.iter().map(record).collect()
    }
}
