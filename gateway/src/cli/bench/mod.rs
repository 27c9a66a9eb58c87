//! `passerelle bench`: speed, side by side with a floor in the same run.

mod floor;
mod translate;

use std::time::Instant;

use clap::Subcommand;
use serde_json::json;

use super::{Failure, output::say};

/// Measure speed, side by side with a floor in the same run.
#[derive(Debug, Subcommand)]
pub enum Bench {
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

/// What was measured: ours and a floor of the same run.
pub struct Row {
    pub name: String,
    pub value: f64,
    pub floor: f64,
    pub ratio: f64,
}

impl Bench {
    #[expect(clippy::unused_async, reason = "every verb returns the same")]
    pub async fn run(self) -> Result<(), Failure> {
        match self {
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
    fn print(&self, as_json: bool) {
        let Self { name, value, floor, ratio } = self;
        say(&if as_json {
            json!({"name": name, "value": value, "unit": "µs", "floor": floor, "ratio": ratio}).to_string()
        } else {
            format!("{name:44} {value:8.1} µs   floor {floor:8.1} µs   ratio {ratio:.2}")
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
        value: median(measured.iter().map(|(ours, _)| *ours)),
        floor: median(measured.iter().map(|(_, floor)| *floor)),
        ratio: median(measured.iter().map(|(ours, floor)| ours / floor)),
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
