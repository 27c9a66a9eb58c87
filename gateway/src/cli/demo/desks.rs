//! Who is told in the demo what happens to talents: two services in Belgium, the one in Morocco, the ATS of an employer and a
//! platform, each at a desk of its own.

use anyhow::{Context, Result, ensure};
use connectors::{
    BaseUrl,
    rest::stub::{RestStub, RestStubSettings},
};
use schemas::{EntityKey, Operation};
use serde_json::Value;

/// The token that every desk asks for.
pub const TOKEN: &str = "invented-desk-token";

/// Who has a desk: as a partner, as it is printed, and the place of its address in the files.
const PARTIES: [(&str, &str, &str); 5] = [
    ("vdab", "VDAB", "{desk-vdab}"),
    ("actiris", "Actiris", "{desk-actiris}"),
    ("anapec", "ANAPEC", "{desk-anapec}"),
    ("beton", "the ATS of Betonwerken", "{desk-beton}"),
    ("platform-belgium", "the platform for Belgium", "{desk-platform}"),
];

/// The desks, in the order of the parties.
pub struct Desks(Vec<RestStub>);

impl Desks {
    /// Opens them.
    pub async fn open() -> Result<Self> {
        let mut desks = Vec::new();
        for (_, name, _) in PARTIES {
            let settings = RestStubSettings { token: Some(TOKEN.into()), ..RestStubSettings::default() };
            desks.push(RestStub::start(settings).await.with_context(|| format!("cannot play {name}"))?);
        }
        Ok(Self(desks))
    }

    /// Their addresses, by the places in the files.
    pub fn addresses(&self) -> Vec<(&'static str, &BaseUrl)> {
        PARTIES.iter().zip(&self.0).map(|((.., place), desk)| (*place, desk.base_url())).collect()
    }

    /// Whether a party has a talent's profile.
    pub fn has_profile(&self, partner: &str, person: &str) -> bool {
        self.all().any(|(id, _, desk)| id == partner && desk.references().iter().any(|reference| reference == person))
    }

    /// What each party was told of a talent, in the words of the events, and in the order in which they came.
    ///
    /// # Errors
    /// If a party complains, or was sent what is no event.
    pub fn told(&self, person: &str) -> Result<Vec<(&'static str, Vec<String>)>> {
        let key = EntityKey::of_placements(person.parse()?).to_string();
        let mut told = Vec::new();
        for (partner, name, desk) in self.all() {
            ensure!(desk.violation_count() == 0, "{name} complains: {:?}", desk.violations());
            let mut words = Vec::new();
            for event in desk.history(&key) {
                ensure!(event.operation == Operation::Event, "{name} was sent a {} of a status", event.operation);
                let event: Value = serde_json::from_slice(&event.body)?;
                let word = event["type"].as_str().and_then(|word| word.rsplit('.').next());
                words.push(word.with_context(|| format!("{name} was sent an event without a type"))?.to_owned());
            }
            told.push((partner, words));
        }
        Ok(told)
    }

    /// What they were told, a line each.
    pub fn summary(&self) -> Vec<String> {
        let line = |(_, name, desk): (&str, &str, &RestStub)| {
            let received = desk.references().into_iter().flat_map(|reference| desk.history(&reference));
            let told = received.filter(|received| received.operation == Operation::Event).count();
            format!("told       {told} events to {name}")
        };
        self.all().map(line).collect()
    }

    fn all(&self) -> impl Iterator<Item = (&'static str, &'static str, &RestStub)> {
        PARTIES.iter().zip(&self.0).map(|((partner, name, _), desk)| (*partner, *name, desk))
    }
}
