//! Hostile input at the door: an error that says where, bounded memory, no panic, and the gateway still serves.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use std::time::{Duration, Instant};

use reqwest::{Body, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use self::support::{Gateway, PATIENCE, Setup, gzip, pusher, until, zstd};

/// What the daemon may hold at its peak, whatever is thrown at it.
const PEAK_MIB: u64 = 200;
/// What it may hold at its peak of a stream that it reads bit by bit.
const STREAM_MIB: u64 = 40;
const MIB: usize = 1 << 20;

fn setup() -> Setup {
    Setup::new()
        .partner(pusher("acme", "canonical"))
        .partner(pusher("vdab", "vdab-json"))
        .partner(pusher("eures", "eures-xml"))
}

async fn gateway() -> Gateway {
    setup().start().await
}

fn vacancy(reference: &str) -> Vec<u8> {
    json!({"reference": reference, "status": "published", "profiles": [{"language": "nl", "title": "Lasser"}]})
        .to_string()
        .into_bytes()
}

/// Whether the daemon still takes documents in, as one process that never panicked.
async fn still_serves(gateway: &Gateway, key: &str) {
    let response =
        gateway.http.post(gateway.url("/v1/acme/vacancy")).bearer_auth(key).body(vacancy("alive")).send().await;
    assert!(response.unwrap().status().is_success());
    assert!(!gateway.log().contains("panicked"), "{}", gateway.log());
    let peak = gateway.peak_memory_mib();
    println!("at its peak the daemon held {peak} MiB");
    assert!(peak < PEAK_MIB, "the daemon held {peak} MiB");
}

/// Partner, what is hostile, the document, and the code of the fault.
fn hostile_documents() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    let laughs: Vec<String> =
        (1..10).map(|level| format!("<!ENTITY l{level} \"{}\">", format!("&l{};", level - 1).repeat(10))).collect();
    let laughs = laughs.concat();
    let bomb = format!("<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY l0 \"ha\">{laughs}]><a>&l9;</a>");
    let external = "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>";
    let deep_json = |open: &str, close: &str| format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
    let deep_xml = format!("{}{}", "<a>".repeat(10_000), "</a>".repeat(10_000));
    let many_attributes: Vec<String> = (0..100_000).map(|number| format!(" a{number}=\"\"")).collect();
    let many_attributes = many_attributes.concat();
    vec![
        ("eures", "entity expansion", bomb.into(), "document_type"),
        ("eures", "an external entity", external.into(), "document_type"),
        ("eures", "deep elements", deep_xml.into(), "too_deep"),
        ("eures", "many attributes", format!("<a{many_attributes}/>").into(), "too_many_attributes"),
        ("eures", "an unknown entity", "<a>&nbsp;</a>".into(), "unknown_entity"),
        ("eures", "wrong charset", b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>\xE9</a>".to_vec(), "charset"),
        ("eures", "an unknown charset", b"<?xml version=\"1.0\" encoding=\"x-none\"?><a/>".to_vec(), "charset"),
        ("eures", "two roots", "<a/><b/>".into(), "no_xml"),
        ("eures", "a character that XML forbids", "<a>&#0;</a>".into(), "no_xml"),
        ("eures", "no end", "<a><b>".into(), "no_xml"),
        ("vdab", "deep lists", deep_json("[", "]").into(), "too_deep"),
        ("vdab", "deep objects", deep_json("{\"a\":", "}").into(), "too_deep"),
        ("vdab", "half a surrogate pair", br#"{"status":"\ud800"}"#.to_vec(), "lone_surrogate"),
        ("vdab", "wrong charset", b"{\"status\":\"\xE9\"}".to_vec(), "charset"),
        ("vdab", "UTF-16", "{}".encode_utf16().flat_map(u16::to_le_bytes).chain([0xFF]).collect(), "charset"),
        ("vdab", "a name twice", br#"{"status":"a","status":"b"}"#.to_vec(), "duplicate_name"),
        ("vdab", "an unknown name twice", br#"{"x":{"y":1,"y":2}}"#.to_vec(), "duplicate_name"),
        ("vdab", "a NUL byte", b"{\"status\":\"\0\"}".to_vec(), "no_json"),
        ("vdab", "nothing", Vec::new(), "no_json"),
        ("acme", "deep lists", deep_json("[", "]").into(), "too_deep"),
        ("acme", "deep objects", deep_json("{\"a\":", "}").into(), "too_deep"),
        ("acme", "half a surrogate pair", br#"{"reference":"\ud800"}"#.to_vec(), "lone_surrogate"),
        ("acme", "wrong charset", b"{\"reference\":\"\xE9\"}".to_vec(), "charset"),
        ("acme", "a name twice", br#"{"reference":"a","reference":"b"}"#.to_vec(), "duplicate_name"),
        ("acme", "a NUL byte", b"{\"reference\":\"\0\"}".to_vec(), "no_json"),
    ]
}

#[tokio::test]
async fn hostile_documents_are_refused_with_a_pointer() {
    let gateway = gateway().await;
    let table = hostile_documents();
    let (count, good) = (table.len(), gateway.key("acme").await);
    for (partner, what, body, expected) in table {
        let key = gateway.key(partner).await;
        let request = gateway.http.post(gateway.url(&format!("/v1/{partner}/vacancy"))).bearer_auth(&key);
        let beside = gateway.http.post(gateway.url("/v1/acme/vacancy")).bearer_auth(&good);
        let beside = beside.body(vacancy(&format!("beside {partner}: {what}")));
        let begun = Instant::now();
        let (response, beside) = tokio::join!(request.body(body).send(), beside.send());
        assert_eq!(beside.unwrap().status(), 202, "beside {partner}: {what}");
        let response = response.unwrap();
        assert_eq!(response.status(), 422, "{partner}: {what}");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let problem: Value = response.json().await.unwrap();
        let fault = &problem["errors"][0];
        assert_eq!(fault["code"], expected, "{partner}: {what}: {problem}");
        assert!(fault["pointer"].is_string() && !fault["detail"].as_str().unwrap().is_empty(), "{partner}: {what}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{partner}: {what} took {:?}", begun.elapsed());
    }
    let mut stored = Vec::new();
    until("every good one is journaled", async || {
        stored = gateway.get("/v1/messages").await["messages"].as_array().unwrap().clone();
        stored.len() >= count
    })
    .await;
    assert_eq!(stored.len(), count, "every good one");
    let is_good = |message: &Value| message["reference"].as_str().is_some_and(|name| name.starts_with("beside "));
    assert!(stored.iter().all(is_good), "nothing else was stored");
    still_serves(&gateway, &good).await;
}

#[tokio::test]
async fn documents_that_grow_when_read_are_read_within_bounds() {
    let gateway = setup().setting("DOOR__REQUEST_TIMEOUT_MS", "60000").start().await;
    let (acme, vdab, eures) = (gateway.key("acme").await, gateway.key("vdab").await, gateway.key("eures").await);
    let fill = |before: &str, part: &str, after: &str| {
        let count = (4 * MIB - before.len() - after.len() - 8) / part.len();
        format!("{before}{}{after}", part.repeat(count))
    };
    let documents = [
        ("acme", &acme, fill("[", "0,", "0]")),
        ("acme", &acme, fill("{\"profiles\":[", "{},", "{}]}")),
        ("vdab", &vdab, fill("[", "[],", "0]")),
        ("vdab", &vdab, fill("{\"x\":[", "{},", "0]}")),
        ("eures", &eures, fill("<a>", "<b/>", "</a>")),
        ("eures", &eures, fill("<a>", "&#32;", "</a>")),
    ];
    // Many at once: what they take together is bounded as well.
    let sends = (0..18).map(|number| {
        let (partner, key, body) = &documents[number % documents.len()];
        let request = gateway.http.post(gateway.url(&format!("/v1/{partner}/vacancy"))).bearer_auth(key);
        let request = request.body(body.clone());
        async move { request.send().await.unwrap() }
    });
    for response in futures::future::join_all(sends).await {
        let (status, headers) = (response.status(), response.headers().clone());
        assert!([422, 503].contains(&status.as_u16()), "{status}: {}", response.text().await.unwrap());
        assert_eq!(status == 503, headers.contains_key("retry-after"));
    }
    still_serves(&gateway, &acme).await;
}

#[tokio::test]
async fn a_body_of_a_gigabyte_is_refused_early() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    still_serves(&gateway, &key).await;
    let before = gateway.peak_memory_mib();
    let sent = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let request = gateway.http.post(gateway.url("/v1/acme/vacancy")).bearer_auth(&key);
    let outcome = request.body(endless(vec![b'x'; 64 * 1_024], 16 * 1_024, sent.clone())).send().await;
    // Whoever does not stop sending may find the connection closed instead of the answer.
    if let Ok(response) = outcome {
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let problem: Value = response.json().await.unwrap();
        assert_eq!((problem["code"].as_str(), problem["errors"][0]["pointer"].as_str()), (Some("too_large"), Some("")));
    }
    let sent_mib = sent.load(std::sync::atomic::Ordering::SeqCst) / MIB;
    assert!(sent_mib < 100, "{sent_mib} MiB were taken before it was refused");
    still_serves(&gateway, &key).await;
    let grown = gateway.peak_memory_mib() - before;
    assert!(grown < STREAM_MIB, "the daemon grew by {grown} MiB");
}

#[tokio::test]
async fn a_batch_of_a_gigabyte_takes_no_more_memory_than_a_small_one() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    still_serves(&gateway, &key).await;
    let before = gateway.peak_memory_mib();
    // One line of nearly a gigabyte, and one document behind it.
    let mut line = vec![b' '; 64 * 1_024];
    line[0] = b'[';
    let sent = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let last = [b"\n".to_vec(), vacancy("last")].concat();
    let body = with_end(line, 16 * 1_024, last, sent);
    let request = gateway.http.post(gateway.url("/v1/acme/vacancy/batch")).bearer_auth(&key);
    let response = request.header("content-type", "application/x-ndjson").body(body).send().await.unwrap();
    let text = response.text().await.unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["problem"]["errors"][0]["code"], "too_large", "{lines:?}");
    assert_eq!(lines[1]["receipt"]["reference"], "last", "{lines:?}");
    let grown = gateway.peak_memory_mib() - before;
    assert!(grown < STREAM_MIB, "the daemon grew by {grown} MiB");
    still_serves(&gateway, &key).await;
}

#[tokio::test]
async fn compressed_bombs_and_stumps_are_refused() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    still_serves(&gateway, &key).await;
    let before = gateway.peak_memory_mib();
    // Both codings know bodies of several members, so that a bomb of any size is made of a small one.
    let member = vec![b'x'; MIB];
    let (gzip_bomb, zstd_bomb) = (gzip(&member).await.repeat(256), zstd(&member).await.repeat(256));
    let (whole_gzip, whole_zstd) = (gzip(&vacancy("R1")).await, zstd(&vacancy("R1")).await);
    // A zstd frame that asks for a window of 2 GiB (RFC 8878 §3.1.1.1.2).
    let wide = [&[0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8][..], &[0x01, 0x00, 0x00]].concat();
    let table: Vec<(&str, &str, Vec<u8>, u16, &str)> = vec![
        ("gzip", "a bomb", gzip_bomb, 413, "inflates_too_much"),
        ("zstd", "a bomb", zstd_bomb, 413, "inflates_too_much"),
        ("gzip", "a stump", whole_gzip[..whole_gzip.len() - 5].to_vec(), 400, "encoding_truncated"),
        ("zstd", "a stump", whole_zstd[..whole_zstd.len() - 2].to_vec(), 400, "encoding_truncated"),
        ("gzip", "nothing", Vec::new(), 400, "encoding_truncated"),
        ("gzip", "no gzip", vacancy("R1"), 400, "encoding_broken"),
        ("zstd", "no zstd", vacancy("R1"), 400, "encoding_broken"),
        ("zstd", "a huge window", wide, 400, "encoding_broken"),
        ("br", "an unknown coding", vacancy("R1"), 415, "encoding_unknown"),
        ("gzip, gzip", "two codings", whole_gzip.clone(), 415, "encoding_unknown"),
    ];
    for (coding, what, body, status, code) in table {
        for path in ["/v1/acme/vacancy", "/v1/acme/vacancy/batch"] {
            let is_batch = path.ends_with("batch");
            let request = gateway.http.post(gateway.url(path)).bearer_auth(&key).header("content-encoding", coding);
            let response = request.body(body.clone()).send().await.unwrap();
            let head = response.status().as_u16();
            let text = response.text().await.unwrap();
            let told: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_default();
            let problem = if is_batch && head == 200 { &told["problem"] } else { &told };
            if what == "a bomb" && is_batch {
                // A batch is read as it comes: the document in it is too large before the body is.
                assert!(text.contains("\"too_large\"") || text.contains("\"inflates_too_much\""), "{coding}: {text}");
                continue;
            }
            if what == "nothing" && is_batch {
                continue;
            }
            assert_eq!(
                (problem["status"].as_u64(), problem["code"].as_str()),
                (Some(status.into()), Some(code)),
                "{path}: {coding}: {what}: {text}"
            );
            if status != 415 {
                assert_eq!(problem["errors"][0]["pointer"], "", "{path}: {coding}: {what}: {text}");
            }
        }
    }
    let grown = gateway.peak_memory_mib() - before;
    assert!(grown < STREAM_MIB, "the daemon grew by {grown} MiB");
    let request =
        gateway.http.post(gateway.url("/v1/acme/vacancy")).bearer_auth(&key).header("content-encoding", "gzip");
    assert!(request.body(whole_gzip).send().await.unwrap().status().is_success());
    still_serves(&gateway, &key).await;
}

#[tokio::test]
async fn odd_references_are_kept_as_they_are() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    for reference in
        ["A/B", "A%2FB", "..", "../../etc", "a b", "é", "'; DROP TABLE messages; --", "%00", "?x=1#y", "\u{202e}x"]
    {
        let request = gateway.http.post(gateway.url("/v1/acme/vacancy")).bearer_auth(&key);
        let receipt: Value = request.body(vacancy(reference)).send().await.unwrap().json().await.unwrap();
        assert_eq!(receipt["reference"], reference);
        let encoded: Vec<String> = reference.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let encoded = encoded.concat();
        let path = format!("/v1/messages?reference={encoded}");
        assert_eq!(
            gateway.get(&format!("/v1/messages/{}", receipt["message_id"].as_str().unwrap())).await["reference"],
            reference
        );
        assert_eq!(gateway.get(&path).await["messages"][0]["message_id"], receipt["message_id"], "{reference}");
        if reference == ".." {
            // No client sends this as a path (WHATWG URL, double-dot segments); it can be closed by a document.
            continue;
        }
        let url = gateway.url(&format!("/v1/acme/vacancy/{encoded}"));
        let closed = gateway.http.delete(url).bearer_auth(&key).send().await.unwrap();
        assert_eq!(closed.json::<Value>().await.unwrap()["entity_key"], receipt["entity_key"], "{reference}");
    }
    let request = gateway.http.post(gateway.url("/v1/acme/vacancy")).bearer_auth(&key);
    let body = br#"{"reference":"R\u0000","status":"published"}"#.to_vec();
    let response = request.body(body).send().await.unwrap();
    let status = response.status();
    let answer: Value = response.json().await.unwrap();
    assert_eq!((status.as_u16(), &answer["errors"][0]["code"]), (422, &json!("reference_characters")), "{answer}");
    assert_eq!(answer["errors"][0]["pointer"], "/reference");
    for reference in ["%00", "%20", &"x".repeat(600)] {
        let url = gateway.url(&format!("/v1/acme/vacancy/{reference}"));
        let status = gateway.http.delete(url).bearer_auth(&key).send().await.unwrap().status();
        assert_eq!(status, 422, "{reference}");
    }
    still_serves(&gateway, &key).await;
}

#[tokio::test]
async fn whoever_dawdles_is_cut_off() {
    let setup = setup().setting("DOOR__HEADER_TIMEOUT_MS", "1000").setting("DOOR__READ_TIMEOUT_MS", "1000");
    let gateway = setup.setting("DOOR__REQUEST_TIMEOUT_MS", "3000").start().await;
    let key = gateway.key("acme").await;
    let head = format!(
        "POST /v1/acme/vacancy HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-length: 100000\r\n\r\n"
    );
    let batch = head.replace("/vacancy ", "/vacancy/batch ");
    let table = [
        ("no head", String::new(), false, ""),
        ("half a head", "POST /v1/acme/vacancy HTT".to_owned(), false, ""),
        ("half a header", head[..head.len() - 20].to_owned(), false, ""),
        ("a head bit by bit", head[..head.len() - 20].to_owned(), true, ""),
        ("no body", head.clone(), false, "HTTP/1.1 408"),
        ("half a body", format!("{head}{{\"reference\""), false, "slow_body"),
        ("a body bit by bit", format!("{head}{{\"reference\""), true, "HTTP/1.1 408"),
        ("half a batch", format!("{batch}{{\"reference\""), false, "slow_body"),
    ];
    let dawdlers = table.iter().map(async |(what, said, goes_on, expected)| {
        let answer = tokio::time::timeout(PATIENCE, dawdle(&gateway, said, *goes_on)).await;
        let answer = answer.unwrap_or_else(|_| panic!("{what}: the connection stays open"));
        assert!(answer.contains(expected), "{what}: {answer}");
    });
    let beside = still_serves(&gateway, &key);
    tokio::join!(futures::future::join_all(dawdlers), beside);
    still_serves(&gateway, &key).await;
}

/// Says a part of a request and then nothing, or ever one byte more; returns what is answered until the connection ends.
async fn dawdle(gateway: &Gateway, said: &str, goes_on: bool) -> String {
    let host = gateway.url("").trim_start_matches("http://").to_owned();
    let (mut reader, mut writer) = TcpStream::connect(&host).await.unwrap().into_split();
    writer.write_all(said.as_bytes()).await.unwrap();
    let drip = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            if !goes_on || writer.write_all(b"x").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let mut answer = Vec::new();
    tokio::select! {
        // A connection that is reset has ended as well.
        _ = reader.read_to_end(&mut answer) => {}
        () = drip => {}
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_long_head_is_refused() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    let long = "x".repeat(200_000);
    let request = gateway.http.get(gateway.url("/v1/messages")).bearer_auth(&key).header("x-long", &long);
    match tokio::time::timeout(PATIENCE, request.send()).await.unwrap() {
        Ok(response) => assert_eq!(response.status(), 431),
        // The connection is closed while the rest of the head is still sent.
        Err(error) => assert!(error.is_request(), "{error}"),
    }
    still_serves(&gateway, &key).await;
}

/// So many times the same chunk.
fn endless(chunk: Vec<u8>, times: usize, sent: std::sync::Arc<std::sync::atomic::AtomicUsize>) -> Body {
    with_end(chunk, times, Vec::new(), sent)
}

fn with_end(chunk: Vec<u8>, times: usize, end: Vec<u8>, sent: std::sync::Arc<std::sync::atomic::AtomicUsize>) -> Body {
    let chunk = bytes::Bytes::from(chunk);
    let chunks = std::iter::repeat_n(chunk, times).chain([bytes::Bytes::from(end)]).map(move |chunk| {
        sent.fetch_add(chunk.len(), std::sync::atomic::Ordering::SeqCst);
        Ok::<_, std::io::Error>(chunk)
    });
    Body::wrap_stream(futures::stream::iter(chunks))
}
