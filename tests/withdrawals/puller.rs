//! A platform that pulls all the time: everything anew, to see what any pull shows, and by its cursor, to hold what it may.

use std::{collections::BTreeSet, time::Duration};

use connectors::platform::stub::{PlatformSettings, PlatformStub};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{checker::Withdrawn, support::Gateway};

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
}

/// What was seen by pulling.
#[derive(Default)]
pub struct Seen {
    /// Each pull of everything: when it began, and whom it showed.
    pulls: Vec<(Timestamp, BTreeSet<String>)>,
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
        Self { mirrors: settings.iter().cloned().map(PlatformStub::new).collect(), settings }
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
            let _ = self.mirrors[node].pull().await;
            tokio::time::sleep(PACE).await;
        }
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

    /// Pulls that showed a person and began after the withdrawal was acknowledged.
    pub fn late(&self, withdrawn: &Withdrawn) -> Vec<String> {
        let is_late = |(began, shown): &&(Timestamp, BTreeSet<String>)| {
            *began > withdrawn.acknowledged_at && shown.contains(&withdrawn.person)
        };
        let late = self.pulls.iter().filter(is_late);
        late.map(|(began, _)| format!("{} was shown by a pull that began at {began}", withdrawn.person)).collect()
    }
}
