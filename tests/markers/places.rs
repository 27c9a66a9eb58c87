//! Everywhere that something may lie: files, files without a name, topics, tables, and the folders of the engines.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use futures::TryStreamExt;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::Headers,
};
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::{
    needles::{Found, Needles},
    support::{Gateway, PATIENCE},
};

/// The description of the engines that run, where `tests/engines/engines` has started them.
const ENGINES: &str = "PASSERELLE_TEST_ENGINES";

/// Where something is to be found.
#[derive(Debug)]
pub enum Place {
    /// In the place of this name.
    Just(String),
    /// In any whose name has all of these parts: where exactly is the engine's affair.
    Any(Vec<String>),
}

impl Place {
    pub fn file(path: &Path) -> Self {
        Self::Just(path.display().to_string())
    }

    pub fn any<const N: usize>(parts: [&str; N]) -> Self {
        Self::Any(parts.map(str::to_owned).to_vec())
    }
}

/// What a search has looked at, and what it found there.
pub struct Search<'a> {
    needles: &'a Needles,
    places: BTreeMap<String, BTreeSet<Found>>,
    size_bytes: usize,
}

impl<'a> Search<'a> {
    pub fn for_any_of(needles: &'a Needles) -> Self {
        Self { needles, places: BTreeMap::new(), size_bytes: 0 }
    }

    pub fn look(&mut self, place: &str, bytes: &[u8]) {
        self.size_bytes += bytes.len();
        self.places.entry(place.to_owned()).or_default().extend(self.needles.search(bytes));
    }

    /// Looks at every file of a folder and of those in it, and at their names.
    pub fn files(&mut self, folder: &Path) {
        self.files_but(folder, &|_| false);
    }

    fn files_but(&mut self, folder: &Path, is_foreign: &dyn Fn(&Path) -> bool) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            self.look("names of files", path.as_os_str().as_encoded_bytes());
            if path.is_symlink() || is_foreign(&path) {
                continue;
            }
            if path.is_dir() {
                self.files_but(&path, is_foreign);
            } else if let Ok(bytes) = fs::read(&path) {
                // An engine that runs may have removed it since.
                self.look(&path.display().to_string(), &bytes);
            }
        }
    }

    /// Looks at every file that a process has open, also those that have no name any more.
    pub fn open_files(&mut self, pid: u32) {
        for entry in fs::read_dir(format!("/proc/{pid}/fd")).unwrap() {
            let link = entry.unwrap().path();
            let (Ok(target), Ok(about)) = (fs::read_link(&link), fs::metadata(&link)) else { continue };
            if about.is_file() {
                self.look(&format!("open: {}", target.display()), &fs::read(&link).unwrap());
            }
        }
    }

    /// Looks at keys, headers and values of every record of every topic of a prefix, also those never committed.
    pub fn topics(&mut self, brokers: &str, prefix: &str) {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", format!("{prefix}search"))
            .set("isolation.level", "read_uncommitted")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .create()
            .unwrap();
        for (topic, partition) in partitions(brokers, prefix) {
            let mut place = TopicPartitionList::new();
            place.add_partition_offset(&topic, partition, Offset::Beginning).unwrap();
            consumer.assign(&place).unwrap();
            loop {
                match consumer.poll(PATIENCE).expect("the brokers answer") {
                    Err(KafkaError::PartitionEOF(_)) => break,
                    Err(error) => panic!("{topic}: {error}"),
                    Ok(record) => {
                        self.look(&format!("topic {topic}: keys"), record.key().unwrap_or_default());
                        self.look(&format!("topic {topic}: values"), record.payload().unwrap_or_default());
                        for header in record.headers().into_iter().flat_map(Headers::iter) {
                            let said = [header.key.as_bytes(), b"\n", header.value.unwrap_or_default()].concat();
                            self.look(&format!("topic {topic}: headers"), &said);
                        }
                    }
                }
            }
        }
    }

    /// Looks at a dump of every table of a database.
    pub async fn tables(&mut self, name: &str, url: &str) {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
             WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        assert_ne!(tables, [""; 0]);
        for table in tables {
            // The binary form has the bytes as they are.
            let statement = format!("COPY {table} TO STDOUT (FORMAT binary)");
            let dump = connection.copy_out_raw(&statement).await.unwrap();
            let dump: Vec<u8> = dump.map_ok(|bytes| bytes.to_vec()).try_concat().await.unwrap();
            self.look(&format!("{name}: table {table}"), &dump);
        }
    }

    /// Looks at the folders of the engines, where they can be reached: what is of our topics and databases, their logs,
    /// and what they share, such as `pg_wal`.
    pub async fn engines(&mut self, prefix: &str, urls: &[&str]) {
        let Some(folders) = engine_folders() else {
            println!("skipped: the folders of the engines cannot be reached; {ENGINES} names none");
            return;
        };
        let mut ours = BTreeSet::new();
        for url in urls {
            let mut connection = PgConnection::connect(url).await.unwrap();
            // What is in memory goes to the disk.
            sqlx::raw_sql("CHECKPOINT").execute(&mut connection).await.unwrap();
            let oid = "SELECT oid::text FROM pg_database WHERE datname = current_database()";
            ours.insert(sqlx::query_scalar::<_, String>(oid).fetch_one(&mut connection).await.unwrap());
        }
        let is_foreign = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let parent = path.parent().and_then(Path::file_name).unwrap_or_default();
            match parent.to_str() {
                Some("base") => name.parse::<u32>().is_ok() && !ours.contains(&*name),
                // The folders of partitions, beside those of the brokers' own.
                Some("data") => {
                    path.join("partition.metadata").exists() && !name.starts_with(prefix) && !name.starts_with("__")
                }
                _ => false,
            }
        };
        for folder in folders {
            self.files_but(Path::new(&folder), &is_foreign);
        }
    }

    /// What was found in one or several places together.
    pub fn found_at(&self, meant: &Place) -> BTreeSet<Found> {
        let is_meant = |place: &str| match meant {
            Place::Just(name) => place == name,
            Place::Any(parts) => parts.iter().all(|part| place.contains(part)),
        };
        self.places.iter().filter(|(place, _)| is_meant(place)).flat_map(|(_, found)| found.clone()).collect()
    }

    /// Where any of some markers was found, and in which form.
    pub fn leaks_of(&self, markers: &[String]) -> Vec<String> {
        let of = |found: &BTreeSet<Found>| {
            found.iter().filter(|(marker, _)| markers.contains(marker)).cloned().collect::<Vec<_>>()
        };
        let leaks = self.places.iter().map(|(place, found)| (place, of(found)));
        leaks.filter(|(_, found)| !found.is_empty()).map(|(place, found)| format!("{place}: {found:?}")).collect()
    }

    /// How much was looked at.
    pub fn extent(&self) -> String {
        format!("{} places, {} MiB", self.places.len(), self.size_bytes >> 20)
    }
}

/// Where the gateway keeps what it keeps on engines.
pub struct OnEngines {
    pub brokers: String,
    pub prefix: String,
    pub store: String,
    pub keys: String,
}

impl OnEngines {
    /// None where everything is in files.
    pub fn of(gateway: &Gateway) -> Option<Self> {
        let setting = |name: &str| gateway.setting(name).map(str::to_owned);
        Some(Self {
            brokers: setting("KAFKA__BOOTSTRAP_SERVERS")?,
            prefix: setting("KAFKA__PREFIX")?,
            store: setting("POSTGRESQL__URL")?,
            keys: setting("VAULT__URL")?,
        })
    }
}

/// Every partition of every topic of a prefix.
pub fn partitions(brokers: &str, prefix: &str) -> Vec<(String, i32)> {
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    let metadata = consumer.fetch_metadata(None, Duration::from_secs(20)).unwrap();
    let ours = metadata.topics().iter().filter(|topic| topic.name().starts_with(prefix));
    let each = ours.flat_map(|topic| topic.partitions().iter().map(|one| (topic.name().to_owned(), one.id())));
    each.collect()
}

/// The folders of the engines that run here, if this process may read them.
pub fn engine_folders() -> Option<Vec<String>> {
    let description: Value = serde_json::from_slice(&fs::read(std::env::var_os(ENGINES)?).ok()?).ok()?;
    let folders = description["engines"].as_array()?.iter().filter_map(|engine| engine["folder"].as_str());
    let folders: Vec<String> = folders.map(str::to_owned).collect();
    folders.iter().all(|folder| fs::read_dir(folder).is_ok()).then_some(folders)
}
