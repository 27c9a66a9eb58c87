//! One person: pushed, permitted, changed, taken back.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use connectors::rest::stub::RestStub;
use jiff::Timestamp;
use rand::{RngExt, rngs::StdRng};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    checker::{Withdrawn, upserts},
    scene::EMPLOYERS,
    support::{FileServer, grant, video_file},
};

/// Versions of each person.
const VERSIONS: usize = 5;
/// The length of each person's video-CV, in bytes.
const VIDEO: usize = 70_000;
/// How long a person waits for the very first document.
const FIRST: Duration = Duration::from_secs(10);
/// How long an answer may take: a client now and then does not notice that its connection ended with a gateway.
const ANSWER: Duration = Duration::from_secs(5);

/// A door that may close and open again.
#[derive(Clone)]
pub struct Door {
    pub http: reqwest::Client,
    pub url: String,
    pub data: PathBuf,
}

impl Door {
    /// Asks until there is an answer that says something.
    pub async fn ask(doors: &[Self], path: &str, key: Option<&str>, body: &Value) -> Value {
        for turn in 0.. {
            let door = &doors[turn % doors.len()];
            // It is another one after every start.
            let token = std::fs::read_to_string(door.data.join("operator.token")).unwrap_or_default();
            let request = door
                .http
                .post(format!("{}{path}", door.url))
                .bearer_auth(key.unwrap_or(&token))
                .json(body)
                .timeout(ANSWER);
            if let Ok(response) = request.send().await
                && (response.status().is_success() || response.status() == StatusCode::CONFLICT)
                && let Ok(answer) = response.json().await
            {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        unreachable!("it asks until it is answered")
    }
}

/// A person whose profile changes, and who takes back what was permitted at some moment meanwhile.
pub struct Life {
    pub doors: Arc<Vec<Door>>,
    pub employers: Arc<Vec<(String, RestStub)>>,
    pub files: FileServer,
    pub key: String,
    pub number: usize,
    pub impatience: Duration,
}

impl Life {
    pub async fn live(self, mut random: StdRng) -> Withdrawn {
        let (person, record) = self.permit().await;
        let enough = random.random_range(0..EMPLOYERS * VERSIONS);
        let changes = async {
            for version in 1..VERSIONS {
                let wanted = version * EMPLOYERS - random.random_range(0..EMPLOYERS);
                self.arrived(&person, wanted, self.impatience).await;
                self.push(version).await;
            }
        };
        let withdrawal = async {
            for number in 0..=enough {
                // The first one is worth waiting for, however slow everything is.
                let patience = if number == 1 { FIRST } else { self.impatience };
                if !self.arrived(&person, number, patience).await {
                    break;
                }
            }
            self.withdraw(&person, &record).await
        };
        let ((), withdrawn) = tokio::join!(changes, withdrawal);
        withdrawn
    }

    /// Takes back what was permitted.
    pub async fn withdraw(&self, person: &str, record: &str) -> Withdrawn {
        let path = format!("/v1/consents/{record}/withdraw");
        let answer = Door::ask(&self.doors, &path, None, &json!({"method": "web"})).await;
        let acknowledged_at = Timestamp::now();
        assert_eq!(answer["events"][2]["state"], "dpv:ConsentWithdrawn", "{answer}");
        let seen = self.employers.iter().map(|(_, stub)| upserts(stub, person).len()).collect();
        Withdrawn { person: person.to_owned(), acknowledged_at, seen }
    }

    /// Pushes the first version, and permits it: the person's pseudonym, and the record.
    pub async fn permit(&self) -> (String, String) {
        let person = self.push(0).await;
        let mut grant = grant(&person);
        grant["processing"]["provisions"][0]["categories"].as_array_mut().unwrap().push("video".into());
        Door::ask(&self.doors, "/v1/consents", None, &grant).await;
        (person, grant["header"]["record_id"].as_str().unwrap().to_owned())
    }

    /// Waits until so many documents about a person have arrived; not for too long. Says whether they have.
    async fn arrived(&self, person: &str, wanted: usize, patience: Duration) -> bool {
        let arrived = || self.employers.iter().map(|(_, stub)| upserts(stub, person).len()).sum::<usize>();
        let give_up_at = Instant::now() + patience;
        while arrived() < wanted {
            if Instant::now() >= give_up_at {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }

    /// Pushes a version; the person's pseudonym.
    pub async fn push(&self, version: usize) -> String {
        let video = self.files.says(&format!("/{}.mp4", self.number), video_file(VIDEO));
        let document = json!({
            "documentId": {"value": format!("P-{}", self.number)},
            "person": {"name": {"given": "Amina", "family": "Voorbeeld"}},
            "profiles": [{
                "languageCode": "fr", "objective": format!("soudure {version}"),
                "attachments": [{"purpose": "video_cv", "url": video}],
            }],
        });
        let path = "/v1/anapec/talent_profile?dialect=matching-platform";
        let receipt = Door::ask(&self.doors, path, Some(&self.key), &document).await;
        receipt["entity_key"].as_str().unwrap_or_else(|| panic!("{receipt}")).to_owned()
    }
}
