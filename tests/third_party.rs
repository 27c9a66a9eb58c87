//! A third party reads what was accepted, with the stock tools of Kafka and Avro, and finds what was sent in.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::StatusCode;
use schemas::EntityKey;
use serde_json::{Value, json};

use self::support::{Engines, Gateway, Setup, engines, pusher, third_party_python};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What stands in the log of a gateway, as Python reads it: a line of JSON for each record, by reference.
async fn read(python: &Path, engines: &Engines, prefix: &str) -> HashMap<String, Vec<Value>> {
    let output = tokio::process::Command::new(python)
        .arg(root().join("tests/third_party/read_accepted.py"))
        .args(["--bootstrap", &engines.kafka, "--registry", &engines.registry])
        .args(["--topic", &format!("{prefix}accepted")])
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut lines: HashMap<String, Vec<Value>> = HashMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        lines.entry(line["envelope"]["origin"]["reference"].as_str().unwrap().to_owned()).or_default().push(line);
    }
    lines
}

/// The record without what it does not say.
fn said(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), said(value)))
            .collect(),
        Value::Array(items) => items.iter().map(said).collect(),
        other => other.clone(),
    }
}

async fn push(gateway: &Gateway, partner: &str, body: Vec<u8>) {
    let key = gateway.key(partner).await;
    let request = gateway.http.post(gateway.url(&format!("/v1/{partner}/vacancy"))).bearer_auth(key);
    let response = request.header("content-type", "application/json").body(body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED, "{}", response.text().await.unwrap());
}

fn invented(number: usize) -> Value {
    json!({
        "reference": format!("INV-{number}"),
        "status": "published",
        "openings": number,
        "profiles": [
            {"language": "nl", "title": format!("Lasser {number}"), "description": "<p>Lassen van balken – café ‘De Kroon’ 🛠</p>"},
            {"language": "fr", "title": "Soudeur"},
        ],
        "employer": {"name": "Metaalbouw Vandenhoute (invented)"},
        "locations": [{"city": "Gent", "postcode": "9000", "country": "BE"}],
        "contract": {"immediate_start": number.is_multiple_of(2)},
    })
}

#[tokio::test]
async fn stock_tools_read_what_was_accepted_field_by_field() {
    let (Some(engines), Some(python)) = (engines(), third_party_python()) else { return };
    let prefix = format!("third-party-{}.", uuid::Uuid::new_v4().simple());
    let gateway = Setup::new()
        .on_kafka(&engines, &prefix)
        .partner(pusher("acme", "canonical"))
        .partner(pusher("vdab", "vdab-json"))
        .start()
        .await;
    let bodies: Vec<Vec<u8>> = (0..20).map(|number| serde_json::to_vec(&invented(number)).unwrap()).collect();
    for body in &bodies {
        push(&gateway, "acme", body.clone()).await;
    }
    let sample = |end: &str| root().join(format!("mappings/dialects/vdab-json/samples/001-full-html.{end}"));
    let document = fs::read(sample("in.json")).unwrap();
    push(&gateway, "vdab", document.clone()).await;
    let request = gateway.http.delete(gateway.url("/v1/acme/vacancy/INV-7")).bearer_auth(gateway.key("acme").await);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::ACCEPTED);

    let read = read(&python, &engines, &prefix).await;
    assert_eq!(read.values().map(Vec::len).sum::<usize>(), 22);
    for (number, body) in bodies.iter().enumerate() {
        let line = &read[&format!("INV-{number}")][0];
        assert_eq!(said(&line["vacancy"]), invented(number));
        assert_eq!(STANDARD.decode(line["raw"].as_str().unwrap()).unwrap(), *body, "the document as it came in");
        let (envelope, origin) = (&line["envelope"], &line["envelope"]["origin"]);
        let entity = EntityKey::of_vacancy(&"acme".parse().unwrap(), &format!("INV-{number}")).to_string();
        assert_eq!(line["key"], *entity, "one vacancy is in one partition");
        assert_eq!(envelope["entity_key"].as_str().unwrap(), entity.replace('-', ""));
        assert_eq!((&envelope["operation"], &envelope["kind"]), (&json!("upsert"), &json!("vacancy")));
        assert_eq!((&origin["partner"], &origin["dialect"]), (&json!("acme"), &json!("canonical")));
        assert_eq!((&line["media_type"], &origin["channel"]), (&json!("application/json"), &json!("push")));
    }
    let closing = &read["INV-7"][1];
    assert_eq!((&closing["envelope"]["operation"], &closing["vacancy"]), (&json!("close"), &Value::Null));

    let canonical: Value = serde_json::from_slice(&fs::read(sample("canonical.json")).unwrap()).unwrap();
    let line = &read[canonical["reference"].as_str().unwrap()][0];
    assert_eq!(said(&line["vacancy"]), canonical, "what stands in the sample");
    assert_eq!(STANDARD.decode(line["raw"].as_str().unwrap()).unwrap(), document);
    assert!(line["loss"]["kept"].as_i64().unwrap() > 0);
}
