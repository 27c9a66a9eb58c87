//! What becomes of talents of the demo, as several parties tell it: one moves to Flanders, one is refused and filed again in
//! Brussels, one stays in Morocco. One party contradicts another, and both are shown.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{super::output::say, persons, scene::Scene, traffic::short};

/// How long everybody may take to be told.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks.
const EVERY: Duration = Duration::from_millis(50);
/// How long ago the first of it happened.
const BEGAN: SignedDuration = SignedDuration::from_hours(24 * 300);
/// Between two steps.
const STEP: SignedDuration = SignedDuration::from_hours(24 * 10);

/// One journey: who is employed, in which track, who says what, and what it comes to.
struct Journey {
    what: &'static str,
    employer: &'static str,
    track: &'static str,
    /// Who may be sent the profile beside the platforms.
    presented_to: &'static [&'static str],
    /// Who says what, in the order in which it happens; an annex where the step has one.
    steps: &'static [(&'static str, &'static str, Option<&'static str>)],
    state: &'static str,
    conflicts: usize,
    /// Whether the parties in Belgium are told.
    is_told_in_belgium: bool,
}

const JOURNEYS: [Journey; 3] = [
    Journey {
        what: "moves to Flanders",
        employer: "be-kbo:0999999823",
        track: "away",
        presented_to: &["vdab", "actiris", "beton"],
        steps: &[
            ("anapec", "sourced", None),
            ("anapec", "preselected", None),
            ("platform-belgium", "presented", None),
            ("platform-belgium", "interview_scheduled", None),
            ("beton", "interviewed", None),
            ("beton", "offer_made", None),
            ("beton", "offer_accepted", None),
            ("anapec", "contract_drafted", None),
            ("anapec", "contract_signed", None),
            ("vdab", "permit_requested", None),
            ("vdab", "permit_admissible", None),
            ("vdab", "work_authorised", None),
            ("vdab", "permit_granted", Some("46")),
            ("anapec", "visa_requested", None),
            ("anapec", "visa_issued", None),
            ("vdab", "arrived", None),
            ("vdab", "registered", Some("49")),
            ("beton", "started", None),
            ("platform-belgium", "withdrawn", None),
        ],
        state: "started",
        conflicts: 1,
        is_told_in_belgium: true,
    },
    Journey {
        what: "is refused in Brussels, and filed again",
        employer: "be-kbo:0999999823",
        track: "away",
        presented_to: &["vdab", "actiris", "beton"],
        steps: &[
            ("anapec", "sourced", None),
            ("beton", "offer_made", None),
            ("beton", "offer_accepted", None),
            ("anapec", "contract_signed", None),
            ("actiris", "permit_requested", None),
            ("actiris", "permit_admissible", None),
            ("actiris", "work_refused", None),
            ("actiris", "permit_requested", None),
            ("actiris", "permit_admissible", None),
            ("actiris", "work_authorised", None),
            ("actiris", "permit_granted", Some("46")),
        ],
        state: "permit_granted",
        conflicts: 0,
        is_told_in_belgium: true,
    },
    Journey {
        what: "starts in Morocco",
        employer: "ma-ice:001234567000089",
        track: "home",
        presented_to: &[],
        steps: &[
            ("anapec", "sourced", None),
            ("platform-morocco", "interviewed", None),
            ("platform-morocco", "offer_accepted", None),
            ("platform-morocco", "contract_signed", None),
            ("platform-morocco", "started", None),
        ],
        state: "started",
        conflicts: 0,
        is_told_in_belgium: false,
    },
];

/// How many talents it is about.
pub const TALENTS: usize = JOURNEYS.len();

/// Tells what becomes of these talents, and waits until everybody is told.
pub async fn run(scene: &Scene, talents: &[String]) -> Result<()> {
    for (journey, person) in JOURNEYS.iter().zip(talents) {
        journey.present(scene, person).await?;
    }
    let mut keys = BTreeMap::new();
    for (journey, person) in JOURNEYS.iter().zip(talents) {
        say(&format!("  {} {}:", short(person), journey.what));
        for (number, step) in (1_i32..).zip(journey.steps) {
            if !keys.contains_key(step.0) {
                keys.insert(step.0, scene.partner_key(step.0).await?);
            }
            journey.tell(scene, &keys[step.0], person, (number, *step)).await?;
        }
    }
    for (journey, person) in JOURNEYS.iter().zip(talents) {
        journey.until_told(scene, person).await?;
    }
    Ok(())
}

/// Whether every journey came to what it should, and everybody was told in order.
pub async fn verdict(scene: &Scene, talents: &[String]) -> Result<()> {
    for (journey, person) in JOURNEYS.iter().zip(talents) {
        for (partner, told) in scene.desks.told(person)? {
            let expected = journey.expected(partner);
            ensure!(told == expected, "{partner} was told {told:?} of {person}, and should have been {expected:?}");
        }
        let found = scene.ask(&format!("/v1/placements/{person}")).await?;
        let mut placements = found["placements"].as_array().into_iter().flatten();
        let placement = placements.find(|one| one["employer"] == journey.employer).context("there is no placement")?;
        let conflicts = placement["conflicts"].as_array().map_or(0, Vec::len);
        let stands = (placement["state"].as_str(), placement["track"].as_str(), conflicts);
        let expected = (Some(journey.state), Some(journey.track), journey.conflicts);
        ensure!(stands == expected, "{person} stands at {stands:?}, and should at {expected:?}: {found:#}");
    }
    Ok(())
}

/// What the journeys came to, a line each.
pub fn summary(talents: &[String]) -> Vec<String> {
    let line = |(journey, person): (&Journey, &String)| {
        let conflicts =
            if journey.conflicts == 0 { String::new() } else { format!(", {} conflict", journey.conflicts) };
        let (person, steps) = (short(person), journey.steps.len());
        format!("placement  {person} {}: {steps} events, {}{conflicts}", journey.what, journey.state)
    };
    JOURNEYS.iter().zip(talents).map(line).collect()
}

impl Journey {
    /// Has the talent permit the profile to who takes part, and waits until they have it.
    async fn present(&self, scene: &Scene, person: &str) -> Result<()> {
        let mut grant = persons::grant(person)?;
        let provision = &mut grant["processing"]["provisions"][0];
        let recipients = self.presented_to.iter().chain(&["anapec"]);
        provision["recipients"] = recipients.map(|id| json!({"kind": "partner", "id": id})).collect();
        provision["recipient_countries"] = json!(["BE", "MA"]);
        persons::permit_statuses(provision)?;
        scene.keep(&grant).await?;
        let presented = async {
            while !self.presented_to.iter().all(|partner| scene.desks.has_profile(partner, person)) {
                tokio::time::sleep(EVERY).await;
            }
        };
        tokio::time::timeout(PATIENCE, presented).await.context("a talent was not presented to everybody")
    }

    async fn tell(
        &self,
        scene: &Scene,
        key: &str,
        person: &str,
        (number, (partner, happened, annex)): (i32, (&str, &str, Option<&str>)),
    ) -> Result<()> {
        let at = Timestamp::now() - BEGAN + STEP * number;
        let (scheme, value) = self.employer.split_once(':').unwrap_or_default();
        let mut data = json!({"track": self.track, "employer": {"legalIds": [{"schemeId": scheme, "value": value}]}});
        if let Some(annex) = annex {
            data["permit"] = json!({"annex": annex});
        }
        let event = json!({
            "specversion": "1.0", "id": format!("{}-{number}", short(person)), "source": format!("/{partner}"),
            "type": format!("org.passerelle.placement.{happened}"), "subject": person, "time": at.to_string(),
            "data": data,
        });
        scene.post(&format!("/v1/{partner}/placement_status"), key, &event).await?;
        say(&format!("    {partner:17} says {happened}"));
        Ok(())
    }

    /// What a party is told: everything that others say. Of whom nobody in Belgium was presented only the platform there
    /// hears, and only what may leave Morocco.
    fn expected(&self, party: &str) -> Vec<&'static str> {
        let is_told = |partner: &str| match party {
            _ if partner == party => false,
            "anapec" => true,
            "platform-belgium" => self.is_told_in_belgium || partner == "anapec",
            _ => self.is_told_in_belgium,
        };
        self.steps.iter().filter(|(partner, ..)| is_told(partner)).map(|(_, happened, _)| *happened).collect()
    }

    async fn until_told(&self, scene: &Scene, person: &str) -> Result<()> {
        let told = async {
            loop {
                let told = scene.desks.told(person)?;
                if told.iter().all(|(partner, told)| told.len() >= self.expected(partner).len()) {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(EVERY).await;
            }
        };
        tokio::time::timeout(PATIENCE, told).await.context("somebody was not told what happened")?
    }
}
