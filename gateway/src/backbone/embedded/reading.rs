//! What is read of the file.

use anyhow::Result;
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use crate::backbone::Topic;

/// The offset of the last record of a topic, 0 if it has none.
pub(super) async fn end(connection: &mut SqliteConnection, topic: &Topic) -> Result<i64> {
    let end = sqlx::query_scalar(
        "SELECT COALESCE(MAX(log_offset), 0) FROM log WHERE topic_id = (SELECT topic_id FROM topics WHERE topic = $1)",
    );
    Ok(end.bind(topic.as_str()).fetch_one(connection).await?)
}

/// Up to where a consumer is done with a topic.
pub(super) async fn committed(
    connection: &mut SqliteConnection,
    (consumer, topic): &(String, Topic),
) -> Result<Option<i64>> {
    let committed = sqlx::query_scalar("SELECT log_offset FROM consumers WHERE consumer = $1 AND topic = $2");
    Ok(committed.bind(consumer).bind(topic.as_str()).fetch_optional(connection).await?)
}

/// One record.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    (topic, offset): &(Topic, i64),
) -> Result<Option<Vec<u8>>> {
    let envelope = sqlx::query_scalar(
        "SELECT envelope FROM log WHERE log_offset = $1 AND topic_id = (SELECT topic_id FROM topics WHERE topic = $2)",
    );
    Ok(envelope.bind(offset).bind(topic.as_str()).fetch_optional(connection).await?)
}

/// The records of a topic after an offset, at most so many.
pub(super) async fn records_after(
    connection: &mut SqliteConnection,
    (topic, offset, limit): &(Topic, i64, i64),
) -> Result<Vec<SqliteRow>> {
    let records = sqlx::query(
        "SELECT log_offset, envelope FROM log \
         WHERE topic_id = (SELECT topic_id FROM topics WHERE topic = $1) AND log_offset > $2 \
         ORDER BY log_offset LIMIT $3",
    );
    Ok(records.bind(topic.as_str()).bind(offset).bind(limit).fetch_all(connection).await?)
}

/// How many records a consumer is not done with.
pub(super) async fn lag(connection: &mut SqliteConnection, (consumer, topic): &(String, Topic)) -> Result<i64> {
    let lag = sqlx::query_scalar(
        "SELECT COUNT(*) FROM log WHERE topic_id = (SELECT topic_id FROM topics WHERE topic = $2) AND log_offset > \
         COALESCE((SELECT log_offset FROM consumers WHERE consumer = $1 AND topic = $2), 0)",
    );
    Ok(lag.bind(consumer).bind(topic.as_str()).fetch_one(connection).await?)
}

/// Whether there is no record that a consumer is not done with.
pub(super) async fn is_done(connection: &mut SqliteConnection, (consumer, topic): &(String, Topic)) -> Result<bool> {
    let is_done = sqlx::query_scalar(
        "SELECT NOT EXISTS (SELECT 1 FROM log WHERE topic_id = (SELECT topic_id FROM topics WHERE topic = $2) AND \
         log_offset > COALESCE((SELECT log_offset FROM consumers WHERE consumer = $1 AND topic = $2), 0))",
    );
    Ok(is_done.bind(consumer).bind(topic.as_str()).fetch_one(connection).await?)
}
