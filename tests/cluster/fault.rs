//! What may break, and how it is mended.

use std::{ops::Range, time::Duration};

use rand::{RngExt, seq::IndexedRandom};

use crate::{
    machinery::SMALL,
    site::{POLL_INTERVAL, SESSION, Site},
    support::{fill, free},
};

/// How long something stays broken, in seconds.
const BROKEN: Range<f64> = 3.0..7.0;

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    KillNode,
    StopNodeBeyondSession,
    StopNodeBeyondPolling,
    KillLeader,
    KillTwoBrokers,
    CutBroker,
    PartBroker,
    HideBrokers,
    RestartPostgres,
    StopPostgres,
    KillRegistry,
    FillNode,
    FillBroker,
}

impl Fault {
    /// Every kind there is.
    pub const ALL: [Self; 13] = [
        Self::KillNode,
        Self::StopNodeBeyondSession,
        Self::StopNodeBeyondPolling,
        Self::KillLeader,
        Self::KillTwoBrokers,
        Self::CutBroker,
        Self::PartBroker,
        Self::HideBrokers,
        Self::RestartPostgres,
        Self::StopPostgres,
        Self::KillRegistry,
        Self::FillNode,
        Self::FillBroker,
    ];

    /// Whether the machine lets it happen; the others are said to be skipped.
    pub fn is_possible(self, site: &Site) -> bool {
        match self {
            Self::CutBroker | Self::PartBroker | Self::HideBrokers => site.machinery.is_apart,
            Self::FillNode => site.disks.iter().all(Option::is_some),
            Self::FillBroker => site.machinery.broker_disk.is_some(),
            _ => true,
        }
    }

    /// Lets it happen, and mends it after a while.
    #[expect(clippy::too_many_lines, reason = "one arm for each fault, each a few steps")]
    pub async fn happen(self, site: &mut Site) {
        let machinery = site.machinery.clone();
        let index = site.random.random_range(0..site.nodes.len());
        let number = *machinery.brokers.choose(&mut site.random).unwrap();
        match self {
            Self::KillNode => {
                site.say(&format!("node {index} is killed"));
                site.nodes[index].kill().await;
                site.run(0.0..6.0).await;
                site.nodes[index].start().await;
            }
            Self::StopNodeBeyondSession => stand_still(site, index, SESSION * 2).await,
            Self::StopNodeBeyondPolling => stand_still(site, index, POLL_INTERVAL * 2).await,
            Self::KillLeader => {
                let leader = site.leader().await;
                site.say(&format!("broker {leader}, a leader, is killed"));
                machinery.broker("kill", leader).await;
                site.run(BROKEN).await;
                machinery.broker("start", leader).await;
            }
            Self::KillTwoBrokers => {
                let down: Vec<u8> = machinery.brokers.iter().copied().filter(|one| *one != number).collect();
                site.say(&format!("all brokers but {number} are killed"));
                machinery.some_brokers("kill", &down).await;
                site.run(BROKEN).await;
                machinery.some_brokers("start", &down).await;
            }
            Self::CutBroker | Self::PartBroker => {
                let what = if self == Self::CutBroker { "cut" } else { "part" };
                site.say(&format!("broker {number}: {what}"));
                machinery.broker(what, number).await;
                site.run(BROKEN).await;
                machinery.broker("heal", number).await;
            }
            Self::HideBrokers => {
                site.say("all brokers are hidden from the gateways");
                machinery.act(&["network", "hide"]).await;
                site.run(BROKEN).await;
                machinery.act(&["network", "heal"]).await;
            }
            Self::RestartPostgres => {
                site.say("PostgreSQL is started anew");
                machinery.act(&["postgres", "restart"]).await;
            }
            Self::StopPostgres => {
                site.say("PostgreSQL stands still");
                machinery.act(&["postgres", "stop"]).await;
                site.run(BROKEN).await;
                machinery.act(&["postgres", "cont"]).await;
            }
            Self::KillRegistry => {
                site.say("the registry is killed");
                machinery.act(&["registry", "kill"]).await;
                site.run(BROKEN).await;
                machinery.act(&["registry", "start"]).await;
            }
            Self::FillNode => {
                let disk = site.disks[index].take().expect("only where it is possible");
                site.say(&format!("the disk of node {index} is full"));
                disk.fill();
                site.run(BROKEN).await;
                disk.free();
                site.disks[index] = Some(disk);
                site.nodes[index].kill().await;
                site.nodes[index].start().await;
            }
            Self::FillBroker => {
                let disk = machinery.broker_disk.clone().expect("only where it is possible");
                site.say(&format!("the disk of broker {SMALL} is full"));
                fill(&disk);
                site.run(BROKEN).await;
                free(&disk);
                // Kafka gives up a log that it could not write to; it wants to be started anew.
                machinery.broker("kill", SMALL).await;
                machinery.broker("start", SMALL).await;
            }
        }
        site.say("mended");
    }
}

/// A node stands still, and does not know it: the other one takes over, then it goes on where it was.
async fn stand_still(site: &Site, index: usize, how_long: Duration) {
    site.say(&format!("node {index} stands still for {} s", how_long.as_secs()));
    site.nodes[index].signal("STOP").await;
    tokio::time::sleep(how_long).await;
    site.nodes[index].signal("CONT").await;
}
