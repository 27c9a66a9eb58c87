//! The keys' database in one SQLite file. What is destroyed is overwritten, in the file and in its write-ahead log.

#[expect(clippy::duplicate_mod, reason = "one text of the statements, compiled for each engine")]
#[path = "sql.rs"]
mod sql;

use std::{
    fs::File,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use crate::{
    sqlite_file::{Job, Readers, WriteConnection},
    store::Writer,
    supervisor::Supervisor,
};

type Connection = sqlx::SqliteConnection;
type Engine = SqliteKeys;
type Row = sqlx::sqlite::SqliteRow;

/// Nobody changes what the one writer has read.
const FOR_SHARE: &str = "";

/// The migrations of this version.
static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("src/vault/migrations/sqlite");

/// The keys of the embedded engine: many readers, one writer.
#[derive(Clone)]
pub struct SqliteKeys {
    path: PathBuf,
    readers: Readers,
    writer: Writer,
}

impl SqliteKeys {
    /// Opens the file, making or migrating it if need be. Only its owner may read it.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub async fn open(path: &Path, supervisor: &Supervisor) -> Result<Self> {
        let made = File::options().create(true).append(true).mode(0o600).open(path);
        made.with_context(|| format!("cannot open `{}`", path.display()))?;
        let mut connection = WriteConnection::open_overwriting(path).await?;
        MIGRATIONS.run(connection.get().await?).await.context("cannot migrate the keys' database")?;
        let writer = Writer::start(connection, supervisor);
        Ok(Self { path: path.to_owned(), readers: Readers::open(path).await?, writer })
    }

    async fn read<A: Send + Sync + 'static, T: Send + 'static>(&self, asked: A, job: Job<A, T>) -> Result<T> {
        self.readers.read(asked, job).await
    }

    async fn write<A: Send + Sync + 'static, T: Send + 'static>(&self, args: A, job: Job<A, T>) -> Result<T> {
        self.writer.write(args, job).await
    }

    /// Empties the write-ahead log, which has what the pages were before.
    async fn wipe(&self) -> Result<()> {
        let mut connection = WriteConnection::open_overwriting(&self.path).await?;
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let (busy, _, _): (i64, i64, i64) = sqlx::query_as(sql).fetch_one(connection.get().await?).await?;
        connection.close().await?;
        ensure!(busy == 0, "the file is in use for too long; try again");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use schemas::Hash;

    use super::*;
    use crate::vault::database::{KeyDatabase, conformance};

    #[tokio::test]
    async fn embedded_keys_pass_the_conformance_suite() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.db");
        conformance::run(async || {
            let supervisor = Supervisor::default();
            let keys = SqliteKeys::open(&path, &supervisor).await.unwrap();
            (Box::new(keys) as Box<dyn KeyDatabase>, supervisor)
        })
        .await;
    }

    #[tokio::test]
    async fn a_destroyed_key_is_in_no_file_any_more() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.db");
        let supervisor = Supervisor::default();
        let keys = SqliteKeys::open(&path, &supervisor).await.unwrap();
        let offered = conformance::offered("acme's");
        let marker = offered.wrapped.clone().unwrap().bytes;
        let id_hash = Hash::of(b"somebody");
        keys.make_subject(id_hash, offered.clone()).await.unwrap();
        let found = |marker: &[u8]| {
            let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
            files.filter(|file| memchr::memmem::find(&std::fs::read(file).unwrap(), marker).is_some()).count()
        };
        assert!(found(&marker) > 0 && found(id_hash.to_string().as_bytes()) > 0, "the search finds what is there");
        keys.destroy(offered.subject, 2).await.unwrap();
        assert_eq!((found(&marker), found(id_hash.to_string().as_bytes())), (0, 0));
        for file in std::fs::read_dir(folder.path()).unwrap() {
            assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o077, 0);
        }
        drop(keys);
        assert!(supervisor.stop(Duration::from_secs(10)).await);
    }
}
