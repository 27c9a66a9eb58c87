//! Reads the topics that partners push into: one part per partner, each record accepted before its offset is committed.
//!
//! **Invariant:** records of one key are taken in one after the other. What a node reads again that another had read
//! before it is known by its place, and taken in once.

mod take;

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::Result;
use connectors::kafka::{Inbox, InboxError, InboxSettings, Received};
use futures::{TryStreamExt, stream};
use metrics::counter;
use schemas::{DialectName, Kind, PartnerId};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    backbone::wire::Bodies,
    cluster::Cluster,
    config::{Configuration, Partner, TopicFormat, brokers_of, inbound_topic},
    health::Health,
    in_force::{InForce, Rules},
    intake::Intake,
    partner_parts,
    supervisor::Supervisor,
};

/// Records that are taken in before their offsets are committed.
const BATCH: usize = 256;
/// How long a batch waits for company.
const LINGER: Duration = Duration::from_millis(5);
/// Keys whose records are on their way to the log at once.
const AT_ONCE: usize = 64;
/// How long to wait after brokers, or the schema registry, did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// What reading topics needs.
#[derive(Clone)]
pub struct Inboxes {
    pub in_force: InForce,
    pub intake: Intake,
    pub cluster: Cluster,
}

/// Reads one partner's topic under one set of rules.
struct Reader {
    intake: Intake,
    partner: Arc<Partner>,
    dialect: DialectName,
    topic: String,
    bodies: Option<Bodies>,
    health: Health,
    part: String,
}

impl Inboxes {
    /// Keeps a part going for every partner that pushes into a topic, those that are configured later included.
    pub async fn run(self, supervisor: Supervisor, health: Health) -> Result<()> {
        let (in_force, cluster) = (self.in_force.clone(), self.cluster.clone());
        let wanting = |configuration: &Configuration| {
            let pushing = configuration.partners.values().filter(|partner| partner.inbox.is_some());
            pushing.map(|partner| partner.id.clone()).collect()
        };
        let told = health.clone();
        let serve = move |partner, stop| self.clone().serve(partner, told.clone(), stop);
        partner_parts::keep(PART, (in_force, supervisor, health), cluster, wanting, serve).await
    }

    /// Reads one partner's topic; begins anew, where it was, when other rules come into force.
    async fn serve(self, partner: PartnerId, health: Health, stop: CancellationToken) -> Result<()> {
        let work = |rules, end| read_under(self.intake.clone(), rules, &partner, health.clone(), end);
        partner_parts::under_rules(self.in_force.clone(), stop, work).await
    }
}

/// What the parts are called.
const PART: &str = "inbox of";

/// How a partner's topic is read; none if it has none.
///
/// # Errors
/// Names the setting or secret that is wrong.
pub fn inbox_of(configuration: &Configuration, partner: &Partner) -> Result<Option<(InboxSettings, Option<Bodies>)>> {
    let Some(inbox) = &partner.inbox else { return Ok(None) };
    let topic = inbound_topic(configuration, &partner.id, inbox.topic.as_deref())?;
    let bodies = match inbox.format {
        TopicFormat::Dialect => None,
        TopicFormat::Avro => Some(Bodies::of(configuration, &topic)?),
    };
    let settings = InboxSettings {
        brokers: brokers_of(configuration, partner, inbox.brokers.as_ref())?,
        group: inbox.group.clone().unwrap_or_else(|| topic.clone()),
        session_time_out: configuration.settings.kafka.session_timeout,
        topic,
    };
    Ok(Some((settings, bodies)))
}

async fn read_under(
    intake: Intake,
    rules: Arc<Rules>,
    partner: &PartnerId,
    health: Health,
    end: CancellationToken,
) -> Result<()> {
    let configured = rules.configuration.partners.get(partner);
    let configured = configured.and_then(|partner| Some((partner, partner.incoming.get(&Kind::Vacancy)?)));
    let opened = configured.map(|(partner, _)| inbox_of(&rules.configuration, partner)).transpose()?.flatten();
    let (Some((partner, incoming)), Some((settings, bodies))) = (configured, opened) else {
        end.cancelled().await;
        return Ok(());
    };
    let inbox = Inbox::open(&settings)?;
    let reader = Reader {
        intake,
        partner: partner.clone(),
        dialect: incoming.dialect.clone(),
        topic: settings.topic,
        bodies,
        health,
        part: format!("{PART} {}", partner.id),
    };
    let outcome = reader.read(&inbox, &end).await;
    inbox.close().await;
    outcome
}

impl Reader {
    async fn read(&self, inbox: &Inbox, end: &CancellationToken) -> Result<()> {
        loop {
            let batch = tokio::select! {
                () = end.cancelled() => return Ok(()),
                batch = batch(inbox) => batch,
            };
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => {
                    self.complain(&error).await;
                    continue;
                }
            };
            let done = ends(&batch);
            if !self.take_all(batch, end).await? {
                return Ok(());
            }
            self.health.works(&self.part);
            if let Err(error) = inbox.commit(&done) {
                self.complain(&error).await;
            }
        }
    }

    /// Takes a batch in, many keys at once, the records of each in order. Returns whether it was done to its end.
    async fn take_all(&self, batch: Vec<Received>, end: &CancellationToken) -> Result<bool> {
        let count = batch.len() as u64;
        let lines = by_key(batch);
        let taking = stream::iter(lines.into_iter().map(Ok::<_, anyhow::Error>));
        let taking = taking.try_for_each_concurrent(AT_ONCE, async |line| {
            for record in line {
                while !end.is_cancelled() && !self.take(&record).await? {
                    tokio::time::sleep(PAUSE).await;
                }
            }
            Ok(())
        });
        taking.await?;
        let partner = self.partner.id.to_string();
        counter!("passerelle_topic_records_total", "partner" => partner).increment(count);
        Ok(!end.is_cancelled())
    }

    /// Says that brokers do not answer, and waits; the client goes on trying by itself.
    async fn complain(&self, error: &InboxError) {
        let partner = self.partner.id.to_string();
        warn!(partner.name = partner, code = error.code(), error = %error, "a topic could not be read");
        counter!("passerelle_topics_failed_total", "partner" => partner, "code" => error.code()).increment(1);
        self.health.limps(&self.part, &format!("nothing comes: {error}"));
        tokio::time::sleep(PAUSE).await;
    }
}

/// The next records, at least one.
async fn batch(inbox: &Inbox) -> Result<Vec<Received>, InboxError> {
    let mut batch = vec![inbox.next().await?];
    while batch.len() < BATCH {
        match tokio::time::timeout(LINGER, inbox.next()).await {
            Ok(Ok(record)) => batch.push(record),
            // An error is met again by whoever comes next.
            Ok(Err(_)) | Err(_) => break,
        }
    }
    Ok(batch)
}

/// The last offset of each partition.
fn ends(batch: &[Received]) -> Vec<(i32, i64)> {
    let mut ends = HashMap::new();
    for record in batch {
        ends.insert(record.partition, record.offset);
    }
    ends.into_iter().collect()
}

/// The records of each key, in order; those without one are in order among themselves.
fn by_key(batch: Vec<Received>) -> Vec<Vec<Received>> {
    let (mut lines, mut places) = (Vec::new(), HashMap::new());
    for record in batch {
        let place = *places.entry((record.partition, record.key.clone())).or_insert_with(|| {
            lines.push(Vec::new());
            lines.len() - 1
        });
        lines[place].push(record);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(partition: i32, offset: i64, key: Option<&str>) -> Received {
        Received {
            partition,
            offset,
            timestamp: None,
            key: key.map(str::to_owned),
            value: None,
            operation: None,
            content_type: None,
            idempotency_key: None,
            reason: None,
        }
    }

    #[test]
    fn the_records_of_a_key_stay_in_order() {
        let batch = vec![
            record(0, 7, Some("a")),
            record(0, 8, Some("b")),
            record(1, 3, None),
            record(0, 9, Some("a")),
            record(1, 4, None),
        ];
        let mut done = ends(&batch);
        done.sort_unstable();
        assert_eq!(done, [(0, 9), (1, 4)]);
        let offsets = |line: &Vec<Received>| line.iter().map(|record| record.offset).collect::<Vec<_>>();
        assert_eq!(by_key(batch).iter().map(offsets).collect::<Vec<_>>(), [vec![7, 9], vec![8], vec![3, 4]]);
    }
}
