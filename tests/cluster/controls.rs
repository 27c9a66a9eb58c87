//! Is the checker any good? What breaks a promise must be found out, and the same schedule is clean without it.

use std::{collections::BTreeMap, time::Duration};

use rand::RngExt;
use sqlx::{Connection, Executor, PgConnection};

use crate::{
    site::{Differences, Site, Verdict},
    support::comes_true,
};

/// Schedules that must find out what breaks a promise.
const SCHEDULES: usize = 3;
/// How long a leader is parted from the other brokers: long enough for them to have another.
const PARTED: Duration = Duration::from_secs(12);
/// How often a partner is taken away from the node that looks after it.
const THEFTS: usize = 3;
/// How long the node that lost a partner cannot look at the leases.
const BLIND: Duration = Duration::from_secs(6);
/// Leases in this schedule, in milliseconds: a node that is blind for less goes on as if nothing had happened.
const LEASE_MS: &str = "8000";
/// How long a partner takes to answer, while nodes steal from each other.
const SLOW: Duration = Duration::from_millis(400);

/// Owners keep their epoch whoever comes after them: a store that does not fence.
const NO_FENCING: &str = "
    CREATE FUNCTION same_epoch() RETURNS trigger AS 'BEGIN NEW.epoch := OLD.epoch; RETURN NEW; END' LANGUAGE plpgsql;
    CREATE TRIGGER same_epoch BEFORE UPDATE ON ownership FOR EACH ROW EXECUTE FUNCTION same_epoch();
";

/// What is under way at the moment when something breaks is chance: whether one of a few schedules finds it out.
async fn is_found_out(finds: impl AsyncFn() -> bool) -> bool {
    for _ in 0..SCHEDULES {
        if finds().await {
            return true;
        }
    }
    false
}

/// A leader that nobody follows any more goes on taking what it is given; then the others go on without it.
async fn part_a_leader(differences: Differences<'_>) -> Verdict {
    let mut site = Site::start(rand::rng().random(), differences).await;
    let machinery = site.machinery.clone();
    assert!(machinery.is_apart, "the brokers cannot be parted; run the suite by `just test-faults`, as root");
    site.run(2.0..3.0).await;
    let leader = site.leader().await;
    site.say(&format!("broker {leader}, a leader, is parted from the others"));
    machinery.broker("part", leader).await;
    site.run(1.5..2.0).await;
    // No later version must hide that one is missing.
    site.quieten().await;
    tokio::time::sleep(PARTED).await;
    machinery.broker("heal", leader).await;
    site.say("mended");
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_acknowledges_before_the_brokers_have_it_is_found_out() {
    part_a_leader(&[]).await.assert_clean();
    let found = is_found_out(async || !part_a_leader(&[("KAFKA__ACKS", "1")]).await.missing.is_empty()).await;
    assert!(found, "what only the leader had is lost with it");
}

/// Who loses what: the node with more partners loses a receiver, since the other takes no more than its share.
fn victim_of(leases: &[(String, String)]) -> Option<(String, String)> {
    let mut held: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (resource, holder) in leases {
        held.entry(holder).or_default().push(resource);
    }
    let (holder, resources) = held.into_iter().find(|(_, resources)| resources.len() == 2)?;
    let receiver = resources.into_iter().find(|resource| !resource.contains("eures"))?;
    (leases.len() == 3).then(|| (holder.to_owned(), receiver.to_owned()))
}

/// A partner is given to the other node under the eyes of the one that delivers to it.
async fn steal(site: &mut Site, database: &mut PgConnection) {
    let nodes: Vec<String> = site
        .nodes
        .iter()
        .map(|node| std::fs::read_to_string(node.data().join("node.id")).unwrap().trim().to_owned())
        .collect();
    let look =
        "SELECT resource, holder FROM leases WHERE resource LIKE 'dispatch.%' AND runs_out_at > clock_timestamp()";
    let mut victim = None;
    let is_shared_out = comes_true(Duration::from_mins(1), async || {
        let rows: Vec<(String, String)> = sqlx::query_as(look).fetch_all(&mut *database).await.unwrap();
        victim = victim_of(&rows);
        victim.is_some()
    })
    .await;
    let Some((holder, resource)) = victim.filter(|_| is_shared_out) else {
        panic!("the nodes do not share the partners\n{}", site.state().await)
    };
    let thief = nodes.iter().find(|node| **node != holder).unwrap();
    site.say(&format!("`{resource}` is given to another node, and its holder does not hear of it"));
    let mut blinding = PgConnection::connect(&site.database).await.unwrap();
    let mut blindness = blinding.begin().await.unwrap();
    let row = "SELECT resource FROM leases WHERE resource = $1 FOR UPDATE";
    sqlx::query(row).bind(format!("node.{holder}")).execute(&mut *blindness).await.unwrap();
    let give =
        "UPDATE leases SET holder = $1, runs_out_at = clock_timestamp() + INTERVAL '8 seconds' WHERE resource = $2";
    sqlx::query(give).bind(thief).bind(&resource).execute(database).await.unwrap();
    tokio::time::sleep(BLIND).await;
    blindness.rollback().await.unwrap();
}

/// Nodes are robbed of partners while sends are under way.
async fn steal_partners(is_fenced: bool) -> Verdict {
    let mut site = Site::start(rand::rng().random(), &[("CLUSTER__LEASE_MS", LEASE_MS)]).await;
    let mut database = PgConnection::connect(&site.database).await.unwrap();
    if !is_fenced {
        database.execute(NO_FENCING).await.unwrap();
    }
    site.slow_down(SLOW);
    for _ in 0..THEFTS {
        steal(&mut site, &mut database).await;
        site.run(1.0..2.0).await;
    }
    site.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_does_not_fence_is_found_out() {
    steal_partners(true).await.assert_clean();
    let found = is_found_out(async || !steal_partners(false).await.complaints.is_empty()).await;
    assert!(found, "two nodes send at once");
}
