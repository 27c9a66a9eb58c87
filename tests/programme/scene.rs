//! A service that runs a programme, and two matching platforms where employers look for those who are in it.

use std::time::Duration;

use connectors::platform::stub::PlatformStub;
use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Gateway, Setup, TRANSFERS, comes_true, platform, puller, telling_source};

/// By what profiles may leave Morocco for a platform in Belgium.
const TO_PLATFORMS: &str = r#"
[[transfers]]
from = { kind = "public_service", country = "MA" }
to = { kind = "platform", country = "BE" }
instrument = "ma:09-08:art44-consent"
reference = "law 09-08, article 44"
since = "2026-01-01"
"#;

/// What the programme is called.
pub const PROGRAMME: &str = "Passage";

/// How long a whole cohort may take on a busy machine.
const LONGEST: Duration = Duration::from_mins(5);

/// Batches that are sent at once: what one partner may.
const BATCHES: usize = 4;

pub struct Scene {
    pub gateway: Gateway,
    /// Employers in Belgium.
    pub belgium: PlatformStub,
    /// Employers in Morocco.
    pub morocco: PlatformStub,
}

impl Scene {
    pub async fn start() -> Self {
        let gateway = Setup::new()
            .settings(&format!("{TRANSFERS}{TO_PLATFORMS}"))
            .partner(telling_source("anapec", "canonical"))
            .partner(platform("belgium", "BE"))
            .partner(platform("morocco", "MA"))
            .with_vault()
            .await
            .start()
            .await;
        let (belgium, morocco) = (puller(&gateway, "belgium", 100).await, puller(&gateway, "morocco", 100).await);
        Self { gateway, belgium, morocco }
    }

    /// Sends documents in a few batches at once, and returns the pseudonyms of whom they are about, in their order.
    pub async fn send(&self, partner: &str, kind: &str, documents: impl Iterator<Item = Value>) -> Vec<String> {
        let key = self.gateway.key(partner).await;
        let documents: Vec<String> = documents.map(|document| document.to_string()).collect();
        let batches = documents.chunks(documents.len().div_ceil(BATCHES).max(1));
        let sent = batches.map(|batch| self.send_batch(&key, format!("/v1/{partner}/{kind}/batch"), batch));
        join_all(sent).await.into_iter().flatten().collect()
    }

    async fn send_batch(&self, key: &str, path: String, documents: &[String]) -> Vec<String> {
        let request = self.gateway.http.post(self.gateway.url(&path)).bearer_auth(key);
        let request = request.header("content-type", "application/x-ndjson").timeout(LONGEST);
        let response = request.body(documents.join("\n")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let lines = response.text().await.unwrap();
        let mut persons = vec![String::new(); documents.len()];
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["status"], 202, "{line}\n{}", self.gateway.log());
            let index = usize::try_from(line["index"].as_u64().unwrap()).unwrap();
            line["receipt"]["entity_key"].as_str().unwrap().clone_into(&mut persons[index]);
        }
        assert!(persons.iter().all(|person| !person.is_empty()), "every document has a line");
        persons
    }

    pub async fn report(&self) -> Value {
        self.gateway.get(&format!("/v1/reports/programme/{PROGRAMME}")).await
    }

    /// The report, once everything that was taken is routed.
    pub async fn report_of_all(&self) -> Value {
        let is_routed = async || self.gateway.get("/v1/backlog").await["unrouted"] == 0;
        assert!(comes_true(LONGEST, is_routed).await, "what was taken is not routed\n{}", self.gateway.log());
        self.report().await
    }
}

/// An invented person: a number, a gender and where they live.
pub fn profile(number: usize, gender: &str, region: &str, town: &str) -> Value {
    json!({
        "reference": format!("P-{number}"),
        "person": {
            "sex": {"scheme": "iso-5218", "code": gender},
            "residence": {"country": "MA", "subdivision": region, "city": town},
        },
        "summaries": [{"language": "fr", "objective": "Développement"}],
    })
}

/// A step of an invented person, as the service tells it by its own reference; a committee has several organisations.
pub fn step(number: usize, happened: &str, organisation: Option<&str>) -> Value {
    let id = organisation.map_or_else(String::new, |name| format!("/{name}"));
    json!({
        "specversion": "1.0", "id": format!("{number}/{happened}{id}"), "source": "/service",
        "type": format!("org.passerelle.placement.{happened}"), "time": "2026-03-01T09:00:00Z",
        "data": {
            "candidate": format!("P-{number}"),
            "programme": {"name": PROGRAMME, "organisation": organisation.unwrap_or("Service (invented)")},
        },
    })
}

/// What an employer on a platform says of somebody; its number in a register says where it is.
pub fn said_by_employer(happened: &str, person: &str, scheme: &str, at: &str) -> Value {
    json!({
        "specversion": "1.0", "id": format!("{happened}/{person}"), "source": "/platform",
        "type": format!("org.passerelle.placement.{happened}"), "time": at, "subject": person,
        "data": {"employer": {"name": "Employer (invented)", "legalIds": [{"schemeId": scheme, "value": "0999999922"}]}},
    })
}

/// A table of a report.
pub fn table<'a>(report: &'a Value, of: &str, by: &str) -> &'a Value {
    let tables = report[of]["tables"].as_array().unwrap();
    tables.iter().find(|table| table["by"] == by).unwrap()
}

/// The cells of a row, as they are printed.
pub fn cells(report: &Value, of: &str, by: &str, name: &str) -> Vec<String> {
    let rows = table(report, of, by)["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no row {name}: {report}"));
    let text = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
    row["cells"].as_array().unwrap().iter().map(text).collect()
}
