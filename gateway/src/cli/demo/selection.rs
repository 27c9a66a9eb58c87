//! Employers on the platforms of the demo: one of them looks at a talent, is interested, and selects.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use connectors::platform::stub::{PlatformEvent, PlatformStub};
use jiff::Timestamp;

use super::{super::output::say, scene::Scene, traffic::short};

/// How long the last event may take to be told.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks, and two attempts.
const EVERY: Duration = Duration::from_millis(200);

/// Has an employer select a talent, and waits until the gateway tells so.
pub async fn select(scene: &Scene, stub: &PlatformStub, (platform, name): (&str, &str), person: &str) -> Result<()> {
    let selected = async {
        for (happened, stage) in [("viewed", "seen"), ("interested", "bookmarked"), ("selected", "chosen")] {
            let event = PlatformEvent {
                id: format!("{person}-{happened}"),
                happened,
                profile: person.to_owned(),
                at: Timestamp::now(),
                employer: format!("An employer in {name}"),
                stage: stage.to_owned(),
            };
            tell(stub, &event).await?;
        }
        while !is_selected(scene, platform, person).await? {
            tokio::time::sleep(EVERY).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, selected).await.context("nobody tells that a talent was selected")??;
    say(&format!("  {name} tells  {} viewed, interested, selected", short(person)));
    Ok(())
}

/// Tells an event; again, if the gateway has no room or its engines have lost a server.
async fn tell(stub: &PlatformStub, event: &PlatformEvent) -> Result<()> {
    loop {
        let answer = stub.tell(event).await?;
        match answer.status {
            200 | 202 => return Ok(()),
            status => ensure!(status == 503, "the gateway answers {status} to an event"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn is_selected(scene: &Scene, platform: &str, person: &str) -> Result<bool> {
    let found = scene.find(&format!("/v1/placements/{person}")).await?;
    let events = found.as_ref().and_then(|placement| placement["events"].as_array()).into_iter().flatten();
    Ok(events.into_iter().any(|event| event["partner"] == platform && event["happened"] == "selected"))
}
