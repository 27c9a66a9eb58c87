//! The negative control: leaks in each place, which the search must find before it counts that it finds nothing.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer},
};
use sqlx::{
    Connection, PgConnection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

use crate::{places::partitions, support::PATIENCE};

/// So often a leak is planted where it may be cut in two, such as by the header of a page of `pg_wal`.
const REPEATS: usize = 3;

/// Leaks in a file that is there already, or in a new one.
pub fn in_file(path: &Path, leaks: &[Vec<u8>]) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(&leaks.concat()).unwrap();
}

/// Leaks in a file that has no name; it is there as long as it is held.
pub fn in_nameless_file(leaks: &[Vec<u8>]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&leaks.concat()).unwrap();
    file
}

/// The files of SQLite in a folder.
pub fn databases(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "db")).collect()
}

/// Leaks in a database of SQLite itself, then in its write-ahead log: there as long as the connection is held.
pub async fn in_sqlite(path: &Path, leaks: &[Vec<u8>]) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).journal_mode(SqliteJournalMode::Wal);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    for statements in
        ["CREATE TABLE leaked (note BLOB)", "PRAGMA wal_autocheckpoint = 0", "CREATE TABLE leaked_later (note BLOB)"]
    {
        sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
    }
    for (insert, then) in [
        ("INSERT INTO leaked VALUES (?)", "PRAGMA wal_checkpoint(TRUNCATE)"),
        ("INSERT INTO leaked_later VALUES (?)", "SELECT 1"),
    ] {
        let mut transaction = connection.begin().await.unwrap();
        for leak in leaks {
            sqlx::query(insert).bind(leak).execute(&mut *transaction).await.unwrap();
        }
        transaction.commit().await.unwrap();
        sqlx::raw_sql(then).execute(&mut connection).await.unwrap();
    }
    connection
}

/// Leaks in a table of PostgreSQL, and so in its files and its write-ahead log.
pub async fn in_postgresql(url: &str, leaks: &[Vec<u8>]) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql("CREATE TABLE leaked (note BYTEA)").execute(&mut connection).await.unwrap();
    for leak in std::iter::repeat_n(leaks, REPEATS).flatten() {
        sqlx::query("INSERT INTO leaked VALUES ($1)").bind(leak).execute(&mut connection).await.unwrap();
    }
}

/// Leaks in key, headers and value of a record of each topic, in a transaction that is never committed.
pub fn in_topics(brokers: &str, prefix: &str, leaks: &[Vec<u8>]) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("transactional.id", format!("{prefix}leak"))
        .create()
        .unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    let all = leaks.concat();
    for (topic, partition) in partitions(brokers, prefix) {
        let headers = OwnedHeaders::new().insert(Header { key: "leaked", value: Some(&all) });
        let record = BaseRecord::to(&topic).partition(partition).key(&all).payload(&all).headers(headers);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    producer.abort_transaction(PATIENCE).unwrap();
}
