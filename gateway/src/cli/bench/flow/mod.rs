//! `passerelle bench flow`: vacancies through the whole gateway, from HTTP in to HTTP out, beside a floor.
//!
//! The gateway runs in a process of its own, clients and receiver in this one. On Kafka the floor takes the same
//! documents over three topics of the same brokers, in turn with the gateway.

mod endurance;
mod floor;
mod moved;
mod node;
mod raw;
mod receiver;
mod scene;
mod speed;
mod stage;

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

pub use self::moved::Move;
use self::{
    scene::{Engine, Servers},
    speed::Round,
    stage::Stage,
};
use super::{Row, median};
use crate::supervisor::Supervisor;

/// What is measured, and on what.
#[derive(Debug, Args)]
pub struct Flow {
    #[command(flatten)]
    servers: Servers,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Clients that push at once
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Rounds; each measures ours and the floor in turn
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long each round pushes, in seconds
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// So many vacancies wait for a partner that does not answer, and a gateway starts with them; 0: not measured
    #[arg(long, default_value_t = 1_000_000)]
    backlog: u64,
    /// On Kafka: a second node takes over from one that is killed
    #[arg(long)]
    kill: bool,
    /// After so many minutes a stage is given up, and with it the rest; what was measured before is printed
    #[arg(long, default_value_t = 30)]
    stage_minutes: u64,
}

impl Flow {
    /// Measures one thing after the other, and hands over what each has shown.
    pub async fn run(self, show: impl Fn(Vec<Row>)) -> Result<()> {
        let supervisor = Supervisor::default();
        let mut stage = Stage::set(&self.servers, self.clients.max(1), self.seconds.max(1), &supervisor).await?;
        let (rows, rounds) = self.within("full speed", stage.throughput(self.rounds.max(1))).await?;
        show(rows);
        let most = median(rounds.iter().map(Round::most));
        let is_kafka = self.servers.engine == Engine::Kafka;
        if is_kafka {
            show(self.within("the brokers alone", stage.raw()).await?);
        }
        show(self.within("half of the speed", stage.at_half(most)).await?);
        if self.kill && is_kafka {
            show(self.within("a kill", stage.kill(most / 2.0)).await?);
        }
        if self.backlog > 0 {
            show(self.within("a backlog", stage.backlog(self.backlog)).await?);
        }
        stage.strike().await
    }

    /// Nothing takes for ever, whatever hangs.
    async fn within<T>(&self, stage: &str, measuring: impl Future<Output = Result<T>>) -> Result<T> {
        let limit = Duration::from_mins(self.stage_minutes.max(1));
        let measured = tokio::time::timeout(limit, measuring).await;
        measured
            .with_context(|| format!("{stage} was not measured within {limit:?}"))?
            .with_context(|| stage.to_owned())
    }
}
