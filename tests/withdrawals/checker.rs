//! What must hold of sends and withdrawals, by what employers received and what the store says.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use connectors::rest::stub::{Received, RestStub, Verdict as Judged};
use jiff::Timestamp;
use schemas::Operation;
use sqlx::{Connection, PgConnection, Row, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::puller::{PULLER, Seen};

/// Where the store is.
pub enum Known {
    /// In a file.
    Sqlite(PathBuf),
    /// In a database.
    Postgresql(String),
}

/// A person who has taken back what was permitted.
pub struct Withdrawn {
    /// The pseudonym.
    pub person: String,
    /// When the answer was there.
    pub acknowledged_at: Timestamp,
    /// How many documents each employer had been sent by then.
    pub seen: Vec<usize>,
}

/// How it ended.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Sends that began after the withdrawal was acknowledged.
    pub late: Vec<String>,
    /// What was sent and not recalled.
    pub unrecalled: Vec<String>,
    /// Rules of feeds that were broken.
    pub violations: Vec<String>,
    /// Documents that employers were sent, repeats included.
    pub sends: usize,
    /// Profiles that pulls have shown.
    pub showings: usize,
    /// Files that were read.
    pub reads: usize,
    /// Withdrawals.
    pub withdrawals: usize,
    /// Recalls that were acknowledged.
    pub recalls: usize,
    /// Persons of whom something was sent, and something was not.
    pub torn: usize,
}

impl Verdict {
    /// Checks that every promise was kept, and that there was something to keep.
    pub fn assert_clean(&self) {
        assert_eq!((&self.late, &self.unrecalled, &self.violations), (&Vec::new(), &Vec::new(), &Vec::new()));
        assert!(self.sends * 2 > self.withdrawals && self.recalls > 0 && self.showings > 0 && self.reads > 0, "{self}");
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} sends, {} profiles shown by pulls, {} files read, {} withdrawals, {} recalls acknowledged, {} persons withdrew in between; {} late, {} not recalled",
            self.sends,
            self.showings,
            self.reads,
            self.withdrawals,
            self.recalls,
            self.torn,
            self.late.len(),
            self.unrecalled.len()
        )
    }
}

/// A disclosure as the store has it, with its recall.
struct Disclosed {
    version: i64,
    sent_at: i64,
    recall: Option<(i64, String)>,
}

/// The newest claim about each person at each recipient, and the first recall that follows from a change of the person's.
const LOOK: &str = "SELECT d.subject, d.partner, d.version, d.sent_at, r.version AS recalled, r.state FROM disclosures AS d \
     LEFT JOIN recalls AS r ON r.subject = d.subject AND r.partner = d.partner AND r.entity_key = d.entity_key";

impl Known {
    async fn disclosures(&self) -> BTreeMap<(String, String), Disclosed> {
        /// The rows of either engine.
        macro_rules! rows {
            ($connection:expr) => {
                sqlx::query(LOOK)
                    .fetch_all(&mut $connection)
                    .await
                    .unwrap()
                    .iter()
                    .map(|row| {
                        let state = row.get::<Option<String>, _>("state");
                        let recall = row.get::<Option<i64>, _>("recalled").zip(state);
                        let person = row.get::<uuid::Uuid, _>("subject").to_string();
                        let disclosed = Disclosed { version: row.get("version"), sent_at: row.get("sent_at"), recall };
                        ((person, row.get("partner")), disclosed)
                    })
                    .collect()
            };
        }
        match self {
            Self::Sqlite(path) => {
                let options = SqliteConnectOptions::new().filename(path).read_only(true);
                rows!(SqliteConnection::connect_with(&options).await.unwrap())
            }
            Self::Postgresql(url) => rows!(PgConnection::connect(url).await.unwrap()),
        }
    }
}

/// The documents that an employer was sent about a person.
pub fn upserts(employer: &RestStub, person: &str) -> Vec<Received> {
    let mut received = employer.history(person);
    received.retain(|received| received.operation == Operation::Upsert);
    received
}

/// Compares what employers received with what they may have.
pub async fn check(withdrawn: &[Withdrawn], employers: &[(String, RestStub)], seen: &Seen, known: &Known) -> Verdict {
    let disclosures = known.disclosures().await;
    let mut verdict =
        Verdict { withdrawals: withdrawn.len(), showings: seen.showings(), reads: seen.reads(), ..Verdict::default() };
    verdict.violations.clone_from(&seen.violations);
    for one in withdrawn {
        verdict.late.extend(seen.late(one));
        if seen.held.contains(&one.person) {
            verdict.unrecalled.push(format!("{} is still shown by the platform", one.person));
        }
        let disclosed = disclosures.get(&(one.person.clone(), PULLER.to_owned()));
        match recalled(&[], &[], disclosed) {
            Ok(is_recalled) => verdict.recalls += usize::from(is_recalled),
            Err(why) => verdict.unrecalled.push(format!("{} at {PULLER}: {why}", one.person)),
        }
        let mut reached = 0;
        for ((id, employer), seen) in employers.iter().zip(&one.seen) {
            let sent = upserts(employer, &one.person);
            verdict.sends += sent.len();
            let disclosed = disclosures.get(&(one.person.clone(), id.clone()));
            reached += usize::from(disclosed.is_some());
            let who = format!("{} at {id}", one.person);
            verdict.late.extend(late(one, &sent[*seen..], disclosed).map(|why| format!("{who}: {why}")));
            match recalled(&employer.history(&one.person), &sent, disclosed) {
                Ok(is_recalled) => verdict.recalls += usize::from(is_recalled),
                Err(why) => verdict.unrecalled.push(format!("{who}: {why}")),
            }
        }
        verdict.torn += usize::from(reached > 0 && reached < employers.len());
    }
    verdict
}

/// Why a send began after the withdrawal was acknowledged, if one did.
fn late(one: &Withdrawn, after: &[Received], disclosed: Option<&Disclosed>) -> Option<String> {
    let mut keys: Vec<_> = after.iter().map(|received| &received.idempotency_key).collect();
    keys.dedup();
    if keys.len() > 1 {
        return Some(format!("{} documents arrived later; one may have been on its way", keys.len()));
    }
    let disclosed = disclosed?;
    if disclosed.sent_at > one.acknowledged_at.as_microsecond() {
        return Some("a claim was made later".to_owned());
    }
    match &disclosed.recall {
        Some((version, _)) if disclosed.version >= *version => {
            Some(format!("a claim under version {}, withdrawn was version {version}", disclosed.version))
        }
        _ => None,
    }
}

/// Whether something was recalled that was sent, or why not.
fn recalled(history: &[Received], sent: &[Received], disclosed: Option<&Disclosed>) -> Result<bool, String> {
    match disclosed {
        None if sent.is_empty() => return Ok(false),
        None => return Err("it was sent something, and the store does not know".to_owned()),
        Some(Disclosed { recall: None, .. }) => return Err("no recall is owed".to_owned()),
        Some(Disclosed { recall: Some((_, state)), .. }) if state != "acknowledged" => {
            return Err(format!("the recall is {state}"));
        }
        Some(_) => {}
    }
    let last = history.iter().rev().find(|received| matches!(received.verdict, Judged::Taken | Judged::Repeated));
    match last.map(|received| received.operation) {
        Some(Operation::Close) => Ok(true),
        // A claim whose send never left us.
        None if sent.is_empty() => Ok(true),
        other => Err(format!("what it took last is {other:?}")),
    }
}
