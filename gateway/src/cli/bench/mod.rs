//! `passerelle bench`: speed, side by side with a floor in the same run.

mod accept;
mod floor;
mod flow;
mod journal;
mod load;
mod ours;
mod translate;

use std::time::{Duration, Instant};

use clap::Subcommand;
use serde_json::json;

use super::{Failure, output::say};
use crate::telemetry;

/// Measure speed, side by side with a floor in the same run.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Documents taken in, translated and durable, beside a server that only appends their bytes and syncs
    Accept {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
        /// Clients that push at once
        #[arg(long, default_value_t = 64)]
        clients: usize,
        /// Rounds; each measures ours and the floor in turn
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// How long each measurement takes, in seconds
        #[arg(long, default_value_t = 4)]
        seconds: u64,
    },
    /// Vacancies in and out again, on one of the engines; on Kafka beside a floor on the same brokers
    Flow(flow::Flow),
    /// What a million messages cost that are journaled and still owed; takes many minutes and gigabytes of disk
    Journal {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
        /// How many messages
        #[arg(long, default_value_t = 1_000_000)]
        messages: u64,
    },
    /// A backlog that is moved from the embedded engines to Kafka and PostgreSQL and delivered from there; takes gigabytes of disk
    Move(flow::Move),
    /// VDAB JSON to EURES XML, beside a bare path table with the same code look-ups and the same sanitiser
    Translate {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
        /// Rounds; each measures ours and the floor in turn
        #[arg(long, default_value_t = 40)]
        rounds: usize,
    },
}

/// What was measured.
pub struct Row {
    pub name: String,
    pub value: f64,
    pub unit: &'static str,
    /// What it stands beside, of the same run: a floor, and the ratio to it.
    pub beside: Option<(f64, f64)>,
}

impl Bench {
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Accept { json, clients, rounds, seconds } => {
                let metrics = telemetry::start_metrics()?;
                let round = Duration::from_secs(seconds.max(1));
                for row in accept::run(metrics, clients.max(1), rounds.max(1), round).await? {
                    row.print(json);
                }
            }
            Self::Flow(flow) => {
                let json = flow.json;
                flow.run(|rows| rows.iter().for_each(|row| row.print(json))).await?;
            }
            Self::Move(moved) => {
                let json = moved.json;
                moved.run(|rows| rows.iter().for_each(|row| row.print(json))).await?;
            }
            Self::Journal { json, messages } => {
                for row in journal::run(telemetry::start_metrics()?, messages.max(1)).await? {
                    row.print(json);
                }
            }
            Self::Translate { json, rounds } => {
                for row in translate::run(rounds.max(1))? {
                    row.print(json);
                }
            }
        }
        Ok(())
    }
}

impl Row {
    /// A value beside a floor.
    fn beside(name: String, unit: &'static str, value: f64, floor: f64) -> Self {
        Self { name, value, unit, beside: Some((floor, value / floor)) }
    }

    /// A value that stands for itself.
    fn alone(name: String, unit: &'static str, value: f64) -> Self {
        Self { name, value, unit, beside: None }
    }

    fn print(&self, as_json: bool) {
        let Self { name, value, unit, beside } = self;
        let (floor, ratio) = beside.unzip();
        let shown =
            beside.map_or_else(String::new, |(floor, ratio)| format!("  floor {floor:8.1} {unit:3}  ratio {ratio:.2}"));
        say(&if as_json {
            json!({"name": name, "value": value, "unit": unit, "floor": floor, "ratio": ratio}).to_string()
        } else {
            format!("{name:60} {value:8.1} {unit:3}{shown}")
        });
    }
}

/// Measures two things in turn, so that a machine whose speed drifts treats both alike: medians, and the median ratio.
fn side_by_side(name: &str, rounds: usize, mut ours: impl FnMut(), mut floor: impl FnMut()) -> Row {
    let repeats = repeats_for(&mut ours);
    let measured: Vec<(f64, f64)> =
        (0..rounds).map(|_| (micros(repeats, &mut ours), micros(repeats, &mut floor))).collect();
    Row {
        name: name.to_owned(),
        unit: "µs",
        value: median(measured.iter().map(|(ours, _)| *ours)),
        beside: Some((
            median(measured.iter().map(|(_, floor)| *floor)),
            median(measured.iter().map(|(ours, floor)| ours / floor)),
        )),
    }
}

/// So many repeats that a round takes about ten milliseconds.
fn repeats_for(run: &mut impl FnMut()) -> u32 {
    let once = micros(20, run).max(0.1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 100,000")]
    let repeats = (10_000.0 / once).clamp(1.0, 100_000.0) as u32;
    repeats
}

fn micros(repeats: u32, run: &mut impl FnMut()) -> f64 {
    let begun = Instant::now();
    for _ in 0..repeats {
        run();
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(repeats)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
