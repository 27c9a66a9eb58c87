//! `passerelle demo`: the daemon with stub partners and invented traffic, on embedded engines unless told otherwise.

mod cohort;
mod desks;
mod journeys;
mod persons;
mod scene;
mod selection;
mod traffic;

use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use self::{cohort::Cohort, scene::Scene, traffic::Traffic};
use super::{Failure, output::say};
use crate::telemetry;

/// Run the daemon with stub partners and invented traffic; needs nothing else.
///
/// A Greenhouse posts signed webhooks, VDAB and ANAPEC are polled; VDAB, Actiris and an agency are sent to, EURES pulls.
/// The agency fails now and then, and heals. ANAPEC brings talent profiles: one employer has the permission of the persons
/// and gets them without their pictures, another gets nothing; two matching platforms pull a cohort of talents, of whom
/// employers select one each, and one takes the permission back. What becomes of three of them is told by several parties and to
/// all of them: one moves to Flanders, one is refused in Brussels and filed again, one starts in Morocco, and where two parties
/// contradict each other both are shown. Everything is invented, runs on embedded engines in a
/// temporary folder, and is gone afterwards. PASSERELLE__ENGINES__BACKBONE=kafka and PASSERELLE__ENGINES__STORE=postgresql run the same on other engines,
/// whose addresses are settings too.
#[derive(Debug, Args)]
pub struct Demo {
    /// End by itself after so many seconds; without it, on Ctrl-C
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Changes per second at the ATS
    #[arg(long, default_value_t = 2)]
    rate: u32,
    /// The same seed gives the same traffic
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How long what is owed may take after the traffic has ended.
const SETTLE_WITHIN: Duration = Duration::from_mins(1);

impl Demo {
    pub async fn run(self) -> Result<(), Failure> {
        telemetry::start_log("warn", crate::config::LogFormat::Text)?;
        let metrics = telemetry::start_metrics()?;
        let scene = Scene::start(metrics, self.seed).await?;
        let cohort = Cohort::open(&scene).await?;
        say(&format!("Passerelle listens on {}", scene.url));
        say(&format!("  engines:       {}", scene.engines));
        say(&format!(
            "  what happens:  {}/openapi.json describes the API, /health/ready and /metrics need no key",
            scene.url
        ));
        say(&format!("  ask about one: passerelle trace ID --url {} --token {}", scene.url, scene.operator_token));
        say(match self.seconds {
            Some(_) => "  traffic runs until the time is up",
            None => "  traffic runs until Ctrl-C",
        });
        let stop = CancellationToken::new();
        let traffic = Traffic::new(self.rate);
        let (webhooks, ()) = tokio::join!(traffic.run(&scene, &cohort, &stop), async {
            wait(self.seconds).await;
            stop.cancel();
        });
        say("traffic ended; waiting until everything owed is final");
        let settled = scene.settle(SETTLE_WITHIN).await;
        let verdict = match settled {
            Ok(()) => scene.verdict(webhooks).await,
            Err(error) => Err(error),
        };
        let verdict = match verdict {
            Ok(()) => cohort.verdict(&scene).await,
            Err(error) => Err(error),
        };
        let summary = [scene.summary(webhooks).await, cohort.summary().await].concat();
        let is_clean = scene.stop().await;
        for line in &summary {
            say(line);
        }
        verdict?;
        if is_clean { Ok(()) } else { Err(anyhow!("the daemon did not stop cleanly").into()) }
    }
}

async fn wait(seconds: Option<u64>) {
    let interrupted = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    match seconds {
        Some(seconds) => tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
            () = interrupted => {}
        },
        None => interrupted.await,
    }
}

/// A number in an answer of the API.
fn number(json: &Value, name: &str) -> anyhow::Result<i64> {
    json[name].as_i64().with_context(|| format!("the answer has no `{name}`"))
}
