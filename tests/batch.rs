//! Many documents in one request: streamed in and out, one result a line, and no bad one takes a good one with it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde_json::{Value, json};

use self::support::{Gateway, Setup, eures_feed, gzip, pusher, until, zstd};

const NDJSON: &str = "application/x-ndjson";

async fn gateway() -> Gateway {
    Setup::new()
        .partner(pusher("acme", "canonical"))
        .partner(pusher("vdab", "vdab-json"))
        .partner(pusher("eures", "eures-xml"))
        .partner(eures_feed("eures-be", "canonical", "VDAB"))
        .secret("puller-token", support::PULLER_TOKEN)
        .setting("DOOR__MAX_BODY_BYTES", "100000")
        .setting("DOOR__MAX_INFLATED_BYTES", "100000")
        .start()
        .await
}

fn vacancy(reference: &str, title: &str) -> String {
    json!({"reference": reference, "status": "published", "profiles": [{"language": "nl", "title": title}]}).to_string()
}

/// Sends a batch and returns its results by index.
async fn send(gateway: &Gateway, key: &str, media_type: &str, body: impl Into<reqwest::Body>) -> Vec<Value> {
    let request = gateway.http.post(gateway.url("/v1/acme/vacancy/batch")).bearer_auth(key);
    let response = request.header("content-type", media_type).body(body).send().await.unwrap();
    results(response).await
}

async fn results(response: reqwest::Response) -> Vec<Value> {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], NDJSON);
    let text = response.text().await.unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.sort_by_key(|line| (line["index"].as_u64(), line["part"].as_u64()));
    lines
}

/// Status and code of each result.
fn told(lines: &[Value]) -> Vec<(u64, &str)> {
    lines
        .iter()
        .map(|line| (line["status"].as_u64().unwrap(), line["problem"]["code"].as_str().unwrap_or("")))
        .collect()
}

#[tokio::test]
async fn each_document_gets_a_line_of_its_own() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    for (media_type, between) in [(NDJSON, "\n"), ("application/json", "\n"), ("application/json", "")] {
        let tag = format!("{media_type}{between:?}");
        let body = [vacancy(&format!("{tag}1"), "Lasser"), vacancy(&format!("{tag}2"), "Smid")].join(between);
        let lines = send(&gateway, &key, media_type, body.clone()).await;
        assert_eq!(told(&lines), [(202, ""), (202, "")], "{tag}");
        for (index, line) in lines.iter().enumerate() {
            assert_eq!(line["index"], index);
            assert_eq!(line["receipt"]["reference"], format!("{tag}{}", index + 1));
            let message =
                gateway.get(&format!("/v1/messages/{}", line["receipt"]["message_id"].as_str().unwrap())).await;
            assert_eq!(message["reference"], line["receipt"]["reference"]);
        }
        let second = body.rfind("{\"reference\"").unwrap();
        assert_eq!(lines[1]["at"], second, "where in the body it begins");
    }
    assert_eq!(send(&gateway, &key, NDJSON, "").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_bad_document_takes_no_good_one_with_it() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let long = vacancy("R9", &"x".repeat(100_000));
    let bad = [
        ("{\"reference\":", "unreadable"),
        ("{\"reference\":\"R1", "unreadable"),
        ("nonsense", "unreadable"),
        ("{\"reference\":\"R1\",\"colour\":1}", "unreadable"),
        ("[1,2", "unreadable"),
        (&deep, "unreadable"),
        (&long, "unreadable"),
    ];
    for media_type in [NDJSON, "application/json"] {
        let mut documents = vec![vacancy("G0", "Lasser")];
        for (number, (document, _)) in bad.iter().enumerate() {
            documents.push((*document).to_owned());
            documents.push(vacancy(&format!("G{}", number + 1), "Lasser"));
        }
        let lines = send(&gateway, &key, media_type, documents.join("\n")).await;
        let (good, refused): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line["problem"].is_null());
        assert_eq!(good.len(), bad.len() + 1, "{media_type}: {lines:#?}");
        assert_eq!(refused.len(), bad.len(), "{media_type}: {lines:#?}");
        for line in refused {
            assert_eq!((line["status"].as_u64(), line["problem"]["code"].as_str()), (Some(422), Some("unreadable")));
            assert!(line["problem"]["errors"][0]["pointer"].is_string(), "{line}");
        }
    }
}

#[tokio::test]
async fn versions_of_one_vacancy_are_taken_in_order() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    // A, B, A, B, … : each is news, whatever the router has seen of it by then.
    let titles: Vec<String> =
        (0..60).map(|number| if number % 2 == 0 { "Lasser".to_owned() } else { "Smid".to_owned() }).collect();
    let mut documents = Vec::new();
    for title in &titles {
        for vacancy_number in 0..5 {
            documents.push(vacancy(&format!("V{vacancy_number}"), title));
        }
    }
    let lines = send(&gateway, &key, NDJSON, documents.join("\n")).await;
    assert!(lines.iter().all(|line| line["status"] == 202), "{lines:#?}");
    let mut positions: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for line in &lines {
        let receipt = &line["receipt"];
        let message = gateway.get(&format!("/v1/messages/{}", receipt["message_id"].as_str().unwrap())).await;
        let position = message["position"].as_str().unwrap().split_once(':').unwrap().1.parse().unwrap();
        positions.entry(receipt["reference"].as_str().unwrap().to_owned()).or_default().push(position);
    }
    for (reference, positions) in positions {
        assert!(positions.is_sorted(), "{reference}: {positions:?}");
        assert_eq!(positions.len(), 60);
    }
}

#[tokio::test]
async fn a_repeat_with_the_same_key_is_the_same_messages() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    let body = [vacancy("R1", "Lasser"), vacancy("R2", "Smid")].join("\n");
    let send = async || {
        let request = gateway.http.post(gateway.url("/v1/acme/vacancy/batch")).bearer_auth(&key);
        let request = request.header("content-type", NDJSON).header("idempotency-key", "\"batch-1\"");
        results(request.body(body.clone()).send().await.unwrap()).await
    };
    let (first, again) = (send().await, send().await);
    assert_eq!(told(&first), [(202, ""), (202, "")]);
    assert_eq!(first, again);
    assert_ne!(first[0]["receipt"]["message_id"], first[1]["receipt"]["message_id"]);
}

#[tokio::test]
async fn results_come_while_documents_are_still_sent() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    let (documents, body) = tokio::sync::mpsc::channel::<Result<String, std::io::Error>>(1);
    let body = reqwest::Body::wrap_stream(futures::stream::unfold(body, |mut body| async move {
        Some((body.recv().await?, body))
    }));
    documents.send(Ok(vacancy("R1", "Lasser") + "\n")).await.unwrap();
    let request = gateway.http.post(gateway.url("/v1/acme/vacancy/batch")).bearer_auth(&key);
    let mut response = request.header("content-type", NDJSON).body(body).send().await.unwrap();
    for number in 2..=20 {
        let line = tokio::time::timeout(support::PATIENCE, response.chunk()).await.unwrap().unwrap().unwrap();
        let line: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(line["receipt"]["reference"], format!("R{}", number - 1), "durable before the next is sent");
        documents.send(Ok(vacancy(&format!("R{number}"), "Lasser") + "\n")).await.unwrap();
    }
    drop(documents);
    assert!(response.chunk().await.unwrap().is_some());
    assert!(response.chunk().await.unwrap().is_none());
}

#[tokio::test]
async fn compressed_batches_are_inflated_as_they_come() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    let body: String = (0..500).map(|number| vacancy(&format!("R{number}"), "Lasser") + "\n").collect();
    for (coding, bytes) in [("gzip", gzip(body.as_bytes()).await), ("zstd", zstd(body.as_bytes()).await)] {
        let send = async |bytes: Vec<u8>| {
            let request = gateway.http.post(gateway.url("/v1/acme/vacancy/batch")).bearer_auth(&key);
            let request = request.header("content-type", NDJSON).header("content-encoding", coding);
            results(request.body(bytes).send().await.unwrap()).await
        };
        let lines = send(bytes.clone()).await;
        assert_eq!(
            (lines.len(), lines.iter().filter(|line| line["problem"].is_null()).count()),
            (500, 500),
            "{coding}"
        );
        let lines = send(bytes[..bytes.len() - 6].to_vec()).await;
        let last = lines.last().unwrap();
        assert_eq!(last["problem"]["code"], "encoding_truncated", "{coding}: {last}");
        assert!(
            lines[..lines.len() - 1].iter().all(|line| line["problem"].is_null()),
            "{coding}: what came whole is taken"
        );
    }
}

#[tokio::test]
async fn xml_documents_and_envelopes_are_taken_apart() {
    let gateway = gateway().await;
    let key = gateway.key("eures").await;
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings/dialects/eures-xml/samples");
    let mut paths: Vec<_> = std::fs::read_dir(&samples).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(".in.xml"));
    paths.sort();
    assert!(!paths.is_empty(), "no samples in {}", samples.display());
    let mut body = String::new();
    for path in &paths {
        let document = std::fs::read_to_string(path).unwrap();
        if !document.starts_with("<?xml") {
            body.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        }
        body.push_str(&document);
        body.push_str("<?xml version=\"1.0\"?><broken>\n");
    }
    let request = gateway.http.post(gateway.url("/v1/eures/vacancy/batch")).bearer_auth(&key);
    let lines = results(request.header("content-type", "application/xml").body(body).send().await.unwrap()).await;
    assert_eq!(lines.len(), 2 * paths.len(), "{lines:#?}");
    for (path, pair) in paths.iter().zip(lines.chunks(2)) {
        assert_eq!(pair[0]["status"], 202, "{}: {}", path.display(), pair[0]);
        assert_eq!(pair[1]["status"], 422, "{}", pair[1]);
    }
}

#[tokio::test]
async fn who_may_not_push_sends_no_batch_either() {
    let gateway = gateway().await;
    let (own, foreign) = (gateway.key("acme").await, gateway.key("vdab").await);
    let table = [
        (None, "/v1/acme/vacancy/batch", 401, "unauthorized"),
        (Some(&foreign), "/v1/acme/vacancy/batch", 403, "forbidden"),
        (Some(&own), "/v1/acme/placement_status/batch", 404, "not_found"),
        (Some(&own), "/v1/acme/talent_profile/batch", 404, "not_found"),
        (Some(&own), "/v1/acme/vacancy/batch?dialect=klingon", 400, "unknown_dialect"),
        (Some(&own), "/v1/acme/poem/batch", 404, "not_found"),
    ];
    for (key, path, status, code) in table {
        let mut request = gateway.http.post(gateway.url(path)).body("{}");
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.json::<Value>().await.unwrap()["code"], code, "{path}");
    }
}

#[tokio::test]
async fn what_a_batch_brought_arrives() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    let body: String = (0..300).map(|number| vacancy(&format!("R{number}"), "Lasser") + "\n").collect();
    send(&gateway, &key, NDJSON, body).await;
    until("everything stands in the feed", async || {
        let request = gateway.http.get(gateway.url("/input/api/jv/v0.1/getAll")).bearer_auth(support::PULLER_TOKEN);
        let all: Value = request.send().await.unwrap().json().await.unwrap();
        all["allReferences"].as_array().unwrap().len() == 300
    })
    .await;
}

#[tokio::test]
async fn a_vacancy_may_be_called_batch() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    send(&gateway, &key, NDJSON, vacancy("batch", "Lasser")).await;
    let closed = gateway.http.delete(gateway.url("/v1/acme/vacancy/batch")).bearer_auth(&key).send().await.unwrap();
    assert_eq!(closed.status(), 202);
    assert_eq!(closed.json::<Value>().await.unwrap()["reference"], "batch");
}
