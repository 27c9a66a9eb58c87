//! The cohort of the demo: talents whom ANAPEC brings, and two matching platforms that pull who permits them. Employers on
//! each select one. In the end one of the talents takes the permission back, and is gone at the next pull.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use connectors::platform::stub::{PlatformSettings, PlatformStub};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::{
    super::output::say,
    journeys,
    persons::{grant, permit_statuses, until_recalled, withdraw},
    scene::Scene,
    selection::select,
    traffic::short,
};

/// How many talents there are.
const TALENTS: usize = 5;
/// Between two pulls.
const PULL_EVERY: Duration = Duration::from_millis(500);
/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Items of a page: less than there are.
const PAGE: u16 = 3;

/// The platforms, and who may be shown on them.
pub struct Cohort {
    platforms: [Platform; 2],
    /// Those whose placements are told of.
    placed: Mutex<Vec<String>>,
}

/// A platform as the talents permit it.
struct Platform {
    /// As a partner.
    id: &'static str,
    /// As it is printed.
    name: &'static str,
    country: &'static str,
    /// Whether the talents let it show their pictures.
    has_pictures: bool,
    /// Who is selected there in the end, counted from the first talent.
    choice: usize,
    /// Whom an employer there has selected, once the gateway tells so.
    selected: Mutex<Option<String>>,
    stub: Mutex<PlatformStub>,
}

impl Cohort {
    /// Plays the platforms; they have pulled nothing yet.
    pub async fn open(scene: &Scene) -> Result<Self> {
        let platform = async |id: &'static str, name, country, has_pictures, choice| {
            anyhow::Ok(Platform {
                id,
                name,
                country,
                has_pictures,
                choice,
                selected: Mutex::default(),
                stub: Mutex::new(PlatformStub::new(PlatformSettings {
                    feed: format!("{}/v1/{id}/feed/talent_profile", scene.url).parse()?,
                    key: scene.partner_key(id).await?.into(),
                    limit: PAGE,
                    time_out: PATIENCE,
                })),
            })
        };
        let belgium = platform("platform-belgium", "Belgium", "BE", false, 1).await?;
        let morocco = platform("platform-morocco", "Morocco", "MA", true, 2).await?;
        Ok(Self { platforms: [belgium, morocco], placed: Mutex::default() })
    }

    /// Brings the talents, and has the platforms pull until it is asked to stop. Then one of them takes everything back.
    pub async fn traffic(&self, scene: &Scene, stop: &CancellationToken) {
        if let Err(error) = self.bring(scene, stop).await {
            say(&format!("ANAPEC brings   {error:#}"));
        }
    }

    async fn bring(&self, scene: &Scene, stop: &CancellationToken) -> Result<()> {
        let token = scene.partner_key("anapec").await?;
        let mut permitted = Vec::new();
        for number in 1..=TALENTS {
            let address = "/v1/anapec/talent_profile?dialect=matching-platform";
            let receipt = scene.post(address, &token, &talent(number)).await?;
            let person = receipt["entity_key"].as_str().context("a receipt without a pseudonym")?.to_owned();
            let mut records = Vec::new();
            for platform in &self.platforms {
                records.push(scene.keep(&platform.grant(&person)?).await?);
            }
            permitted.push((person, records));
        }
        say(&format!(
            "ANAPEC brings   a cohort of {TALENTS} talents, who permit both platforms; in Belgium without pictures"
        ));
        while stop.run_until_cancelled(tokio::time::sleep(PULL_EVERY)).await.is_some() {
            self.pull().await;
        }
        let shown = async {
            while self.shown().await.iter().any(|shown| *shown < TALENTS) {
                tokio::time::sleep(PULL_EVERY).await;
                self.pull().await;
            }
        };
        tokio::time::timeout(PATIENCE, shown).await.context("the talents did not come to the platforms")?;
        for platform in &self.platforms {
            let (person, _) = permitted.get(platform.choice).context("there are too few talents")?;
            select(scene, &*platform.stub.lock().await, (platform.id, platform.name), person).await?;
            *platform.selected.lock().await = Some(person.clone());
        }
        let placed: Vec<_> =
            permitted.iter().skip(1).take(journeys::TALENTS).map(|(person, _)| person.clone()).collect();
        self.placed.lock().await.clone_from(&placed);
        journeys::run(scene, &placed).await?;
        let interviewed = placed.first().context("nobody was interviewed")?;
        let has_picture = async || {
            let stub = self.platforms[0].stub.lock().await;
            stub.shown().get(interviewed).is_some_and(|profile| has_picture(&profile.document))
        };
        let shown = async {
            while !has_picture().await {
                tokio::time::sleep(PULL_EVERY).await;
                self.pull().await;
            }
        };
        tokio::time::timeout(PATIENCE, shown).await.context("there was an interview, and no picture")?;
        say(&format!("  Belgium shows  {} with picture, since there was an interview", short(interviewed)));
        let (person, records) = permitted.first().context("there are no talents")?;
        for record in records {
            withdraw(scene, record).await?;
        }
        say(&format!("  {} takes both permissions back", short(person)));
        until_recalled(scene, person, self.platforms.len(), async || self.pull().await).await
    }

    /// Has both platforms pull; who cannot pulls again later.
    async fn pull(&self) {
        for platform in &self.platforms {
            if let Err(error) = platform.pull().await {
                say(&format!("  {} pulls  {error:#}", platform.name));
            }
        }
    }

    async fn shown(&self) -> Vec<usize> {
        let mut shown = Vec::new();
        for platform in &self.platforms {
            shown.push(platform.stub.lock().await.shown().len());
        }
        shown
    }

    /// Whether both platforms show everybody but the one, and nothing that is withheld.
    pub async fn verdict(&self, scene: &Scene) -> Result<()> {
        let placed = self.placed.lock().await;
        ensure!(placed.len() == journeys::TALENTS, "nobody was told what became of the talents");
        journeys::verdict(scene, &placed).await?;
        for platform in &self.platforms {
            let (stub, name) = (platform.stub.lock().await, platform.name);
            ensure!(stub.violations().is_empty(), "the platform for {name} complains: {:?}", stub.violations());
            let (shown, removed) = (stub.shown().len(), stub.removed().len());
            ensure!(
                (shown, removed) == (TALENTS - 1, 1),
                "the platform for {name} shows {shown} talents and has deleted {removed}; {TALENTS} came, one went"
            );
            let selected = platform.selected.lock().await;
            let is_shown = selected.as_ref().is_some_and(|person| stub.shown().contains_key(person));
            ensure!(is_shown, "nobody is selected on the platform for {name}");
            for (person, profile) in stub.shown() {
                let has_picture = has_picture(&profile.document);
                let is_permitted = platform.has_pictures || placed.first() == Some(person);
                ensure!(
                    has_picture == is_permitted,
                    "the platform for {name} shows a picture: {has_picture}, permitted: {is_permitted}"
                );
            }
        }
        Ok(())
    }

    /// What the platforms show, a line each.
    pub async fn summary(&self) -> Vec<String> {
        let mut lines = journeys::summary(&self.placed.lock().await);
        for platform in &self.platforms {
            let stub = platform.stub.lock().await;
            let (shown, removed, pages) = (stub.shown().len(), stub.removed().len(), stub.pages());
            let name = platform.name;
            let selected = usize::from(platform.selected.lock().await.is_some());
            lines.push(format!(
                "platform   for {name}: {pages} pages pulled, {shown} talents shown, {selected} selected, {removed} deleted"
            ));
        }
        lines
    }
}

impl Platform {
    /// Pulls what is new, and prints who came and who went.
    async fn pull(&self) -> Result<()> {
        let mut stub = self.stub.lock().await;
        let shown: Vec<String> = stub.shown().keys().cloned().collect();
        stub.pull().await.with_context(|| format!("the platform for {} cannot pull", self.name))?;
        for (reference, profile) in stub.shown().iter().filter(|(reference, _)| !shown.contains(reference)) {
            let with = if profile.notice.withheld.contains("picture;") { "without" } else { "with" };
            say(&format!("  {} shows  {} {with} picture", self.name, short(reference)));
        }
        for reference in shown.iter().filter(|reference| !stub.shown().contains_key(*reference)) {
            say(&format!("  {} deletes {}", self.name, short(reference)));
        }
        Ok(())
    }

    /// What a talent permits to this platform.
    fn grant(&self, person: &str) -> Result<Value> {
        let mut grant = grant(person)?;
        let provision = &mut grant["processing"]["provisions"][0];
        provision["recipients"] = json!([{"kind": "partner", "id": self.id}]);
        provision["recipient_countries"] = json!([self.country]);
        permit_statuses(provision)?;
        if self.has_pictures {
            provision["exceptions"] = json!([]);
        }
        Ok(grant)
    }
}

fn has_picture(profile: &Value) -> bool {
    profile.to_string().contains("media.example")
}

/// An invented talent with a picture.
fn talent(number: usize) -> Value {
    json!({
        "documentId": {"value": format!("talent-{number}")},
        "person": {
            "name": {"given": "Amina", "family": format!("Exemple {number}")},
            "communication": {"email": [{"useCode": "private", "address": format!("talent{number}@example.org")}]},
        },
        "profiles": [{
            "languageCode": "fr",
            "objective": "Développement web",
            "attachments": [{
                "purpose": "picture", "url": format!("https://media.example/{number}.jpg"), "mediaType": "image/jpeg",
            }],
        }],
        "introductions": [{"language": "fr", "text": "<p>Je cherche une équipe.</p>"}],
    })
}
