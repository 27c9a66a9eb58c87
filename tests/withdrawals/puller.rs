//! A platform that pulls all the time: everything anew, to see what any pull shows, and by its cursor, to hold what it may.

use std::{collections::BTreeSet, time::Duration};

use connectors::platform::stub::{PlatformSettings, PlatformStub};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{
    checker::Withdrawn,
    reader::{Read, Reader},
    support::Gateway,
};

/// What the platform is called.
pub const PULLER: &str = "puller";
/// How long it waits between two pulls.
const PACE: Duration = Duration::from_millis(10);

/// Pulls from every node in turn.
pub struct Puller {
    /// By its cursor.
    mirrors: Vec<PlatformStub>,
    /// What a pull needs.
    settings: Vec<PlatformSettings>,
    /// Where the nodes are, and who reads files there.
    bases: Vec<String>,
    reader: Reader,
}

/// What was seen by pulling.
#[derive(Default)]
pub struct Seen {
    /// Each pull of everything: when it began, and whom it showed.
    pulls: Vec<(Timestamp, BTreeSet<String>)>,
    /// Files that were read.
    reads: Vec<Read>,
    /// Whom the platform still shows.
    pub held: BTreeSet<String>,
    /// The rules that were broken.
    pub violations: Vec<String>,
}

impl Puller {
    pub async fn of(nodes: &[Gateway]) -> Self {
        let mut settings = Vec::new();
        for node in nodes {
            settings.push(PlatformSettings {
                feed: node.url(&format!("/v1/{PULLER}/feed/talent_profile")).parse().unwrap(),
                key: nodes[0].key(PULLER).await.into(),
                limit: 50,
                time_out: Duration::from_secs(5),
            });
        }
        let bases = nodes.iter().map(|node| node.url("")).collect();
        let mirrors = settings.iter().cloned().map(PlatformStub::new).collect();
        Self { mirrors, settings, bases, reader: Reader::of(&nodes[0]).await }
    }

    /// Pulls until it is told to stop; a node that does not answer is asked again later.
    pub async fn pull(mut self, stop: CancellationToken) -> Seen {
        let mut seen = Seen::default();
        for turn in 0.. {
            if stop.is_cancelled() {
                break;
            }
            let node = turn % self.settings.len();
            let (began, mut fresh) = (Timestamp::now(), PlatformStub::new(self.settings[node].clone()));
            let is_whole = fresh.pull().await.is_ok();
            if is_whole || !fresh.shown().is_empty() {
                // What was pulled before a node died was shown, too.
                seen.pulls.push((began, fresh.shown().keys().cloned().collect()));
            }
            seen.note(&fresh);
            let shown = fresh.shown().iter().map(|(person, profile)| (person, &profile.document)).collect::<Vec<_>>();
            self.reader.go_on(&self.bases[node], turn, &shown).await;
            let _ = self.mirrors[node].pull().await;
            tokio::time::sleep(PACE).await;
        }
        self.reader.finish(&self.bases[0]).await;
        seen.reads = self.reader.read;
        for mirror in &mut self.mirrors {
            mirror.pull().await.unwrap();
            seen.note(mirror);
            seen.held.extend(mirror.shown().keys().cloned());
        }
        seen
    }
}

impl Seen {
    fn note(&mut self, stub: &PlatformStub) {
        self.violations.extend(stub.violations().iter().map(|violation| format!("{violation:?}")));
    }

    /// How often somebody was shown.
    pub fn showings(&self) -> usize {
        self.pulls.iter().map(|(_, shown)| shown.len()).sum()
    }

    /// How often a file was read.
    pub fn reads(&self) -> usize {
        self.reads.iter().filter(|read| read.bytes > 0).count()
    }

    /// Pulls that showed a person, and reads of the person's files, that began after the withdrawal was acknowledged.
    pub fn late(&self, withdrawn: &Withdrawn) -> Vec<String> {
        let is_late = |(began, shown): &&(Timestamp, BTreeSet<String>)| {
            *began > withdrawn.acknowledged_at && shown.contains(&withdrawn.person)
        };
        let late = self.pulls.iter().filter(is_late);
        let late = late.map(|(began, _)| format!("{} was shown by a pull that began at {began}", withdrawn.person));
        let read_late = self
            .reads
            .iter()
            .filter(|read| read.bytes > 0 && read.began > withdrawn.acknowledged_at && read.person == withdrawn.person);
        let read_late =
            read_late.map(|read| format!("{} bytes of {} were read, begun at {}", read.bytes, read.person, read.began));
        late.chain(read_late).collect()
    }
}
