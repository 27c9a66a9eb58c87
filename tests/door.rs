//! The door: who may push, what is refused and how, and what callers are told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use connectors::rest::stub::{RestStub, RestStubSettings};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use self::support::{Gateway, Setup, eures_feed, pusher, rest_receiver, until};

async fn gateway() -> Gateway {
    Setup::new()
        .partner(pusher("acme", "canonical"))
        .partner(pusher("zenith", "canonical"))
        .partner(eures_feed("eures-vdab", "canonical", "VDAB"))
        .secret("puller-token", support::PULLER_TOKEN)
        .setting("DOOR__MAX_BODY_BYTES", "100000")
        .start()
        .await
}

fn vacancy(reference: &str, title: &str) -> Value {
    json!({"reference": reference, "status": "published", "profiles": [{"language": "nl", "title": title}]})
}

async fn push(gateway: &Gateway, key: &str, idempotency_key: Option<&str>, document: &Value) -> (StatusCode, Value) {
    let mut request = gateway.http.post(gateway.url("/v1/acme/vacancy")).bearer_auth(key).json(document);
    if let Some(key) = idempotency_key {
        request = request.header("Idempotency-Key", key);
    }
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

#[tokio::test]
async fn foreign_keys_open_nothing() {
    let gateway = gateway().await;
    let (own, foreign, operator) = (gateway.key("acme").await, gateway.key("zenith").await, gateway.operator_token());
    let (_, receipt) = push(&gateway, &own, None, &vacancy("R1", "Lasser")).await;
    let message = format!("/v1/messages/{}", receipt["message_id"].as_str().unwrap());
    let body = vacancy("R2", "Lasser").to_string();
    let table = [
        (Method::POST, "/v1/acme/vacancy", [401, 403, 202, 403]),
        (Method::DELETE, "/v1/acme/vacancy/R9", [401, 403, 202, 403]),
        (Method::GET, message.as_str(), [401, 404, 200, 200]),
        (Method::GET, "/v1/messages?reference=R1", [401, 200, 200, 200]),
        (Method::GET, "/v1/parked", [401, 403, 403, 200]),
        (Method::POST, "/v1/messages/00000000-0000-0000-0000-000000000000/replay", [401, 403, 403, 404]),
        (Method::GET, "/v1/tap?bodies=true&partner=acme", [401, 403, 403, 200]),
        (Method::POST, "/v1/parked/00000000-0000-0000-0000-000000000000/release", [401, 403, 403, 404]),
        (Method::GET, "/v1/keys", [401, 403, 403, 200]),
        (Method::POST, "/v1/keys", [401, 403, 403, 422]),
        (Method::DELETE, "/v1/keys/none", [401, 403, 403, 404]),
        (Method::GET, "/input/api/jv/v0.1/getAll", [401, 401, 401, 401]),
        (Method::POST, "/v1/nobody/vacancy", [401, 403, 403, 403]),
    ];
    for (method, path, expected) in table {
        for (token, expected) in [None, Some(&foreign), Some(&own), Some(&operator)].into_iter().zip(expected) {
            let mut request = gateway
                .http
                .request(method.clone(), gateway.url(path))
                .header("content-type", "application/json")
                .body(body.clone());
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let status = request.send().await.unwrap().status().as_u16();
            let who = match token {
                None => "nobody",
                Some(token) if *token == foreign => "a foreign partner",
                Some(token) if *token == own => "the partner",
                _ => "an operator",
            };
            assert_eq!(status, expected, "{method} {path} by {who}");
        }
    }
    let seen = gateway.http.get(gateway.url("/v1/messages?reference=R1&partner=acme")).bearer_auth(&foreign);
    assert_eq!(seen.send().await.unwrap().json::<Value>().await.unwrap()["messages"], json!([]));
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_any_more() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    assert_eq!(push(&gateway, &key, None, &vacancy("R1", "Lasser")).await.0, 202);
    let keys = gateway.get("/v1/keys").await;
    let output = gateway.run(&["keys", "revoke", keys[0]["key_id"].as_str().unwrap()]).await;
    assert!(output.status.success());
    assert_eq!(push(&gateway, &key, None, &vacancy("R1", "Lasser")).await.0, 401);
    assert!(!gateway.get("/v1/keys").await.to_string().contains(&key), "a key is shown once");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_a_pointer_per_fault() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    let document = json!({"reference": "R1", "status": "open", "locations": [{"country": "be"}], "titel": "x"});
    let (status, problem) = push(&gateway, &key, None, &document).await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (422, Some("unreadable")));
    let mut pointers: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/locations/0/country", "/status", "/titel"]);
    let (status, problem) = push(&gateway, &key, None, &json!({"status": "published"})).await;
    assert_eq!((status.as_u16(), problem["errors"][0]["code"].as_str()), (422, Some("no_reference")));
    assert_eq!(gateway.get("/v1/messages?partner=acme").await["messages"], json!([]), "nothing was stored");
}

#[tokio::test]
async fn every_refusal_is_a_problem() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    let long_key = "k".repeat(256);
    let big = format!("{{\"reference\":\"{}\"}}", "R".repeat(200_000));
    let table = [
        (Method::POST, "/v1/acme/vacancy", "{", None, 422, "unreadable"),
        (Method::POST, "/v1/acme/vacancy", &big, None, 413, "too_large"),
        (Method::POST, "/v1/acme/vacancy", "{}", Some(&long_key), 400, "idempotency_key"),
        (Method::POST, "/v1/acme/vacancy?dialect=klingon", "{}", None, 422, "unreadable"),
        (Method::POST, "/v1/acme/vacancy?dialect=No%20Name", "{}", None, 400, "unknown_dialect"),
        (Method::POST, "/v1/acme/vacancy?colour=red", "{}", None, 400, "bad_request"),
        (Method::POST, "/v1/acme/talent_profile", "{}", None, 404, "not_found"),
        (Method::POST, "/v1/acme/talent_profile?dialect=canonical", "{}", None, 404, "not_found"),
        (Method::POST, "/v1/acme/placement_status", "{}", None, 404, "not_found"),
        (Method::POST, "/v1/acme/poem", "{}", None, 404, "not_found"),
        (Method::GET, "/v1/acme/vacancy", "", None, 405, "method_not_allowed"),
        (Method::GET, "/nowhere", "", None, 404, "not_found"),
    ];
    for (method, path, body, idempotency_key, status, code) in table {
        let mut request =
            gateway.http.request(method.clone(), gateway.url(path)).bearer_auth(&key).body(body.to_owned());
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{method} {path}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(
            (problem["status"].as_u64(), problem["code"].as_str()),
            (Some(status), Some(code)),
            "{method} {path}: {problem}"
        );
    }
}

#[tokio::test]
async fn an_idempotency_key_is_good_for_one_body() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    let (status, first) = push(&gateway, &key, Some("\"k-1\""), &vacancy("R1", "Lasser")).await;
    assert_eq!(status, 202);
    let (status, again) = push(&gateway, &key, Some("k-1"), &vacancy("R1", "Lasser")).await;
    assert_eq!((status.as_u16(), &again["message_id"]), (202, &first["message_id"]), "quotes or not");
    until("the key is known", async || push(&gateway, &key, Some("k-1"), &vacancy("R1", "Smid")).await.0 == 422).await;
    let (_, problem) = push(&gateway, &key, Some("k-1"), &vacancy("R1", "Smid")).await;
    assert_eq!(problem["code"], "idempotency_key_reused");
}

#[tokio::test]
async fn an_unchanged_resend_is_told_so() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    let (_, first) = push(&gateway, &key, None, &vacancy("R1", "Lasser")).await;
    until("it is known", async || push(&gateway, &key, None, &vacancy("R1", "Lasser")).await.0 == 200).await;
    let (_, again) = push(&gateway, &key, None, &vacancy("R1", "Lasser")).await;
    assert_eq!((&again["message_id"], again["status"].as_str()), (&first["message_id"], Some("unchanged")));
    let with_new_time = json!({"modified_at": "2026-11-22"});
    let mut document = vacancy("R1", "Lasser");
    document.as_object_mut().unwrap().extend(with_new_time.as_object().unwrap().clone());
    assert_eq!(push(&gateway, &key, None, &document).await.0, 200, "a time of change is no content");
    assert_eq!(push(&gateway, &key, None, &vacancy("R1", "Smid")).await.0, 202);
}

#[tokio::test]
async fn references_may_hold_slashes() {
    let gateway = gateway().await;
    let key = gateway.key("acme").await;
    push(&gateway, &key, None, &vacancy("A/B%2F C", "Lasser")).await;
    until("it is shown", async || feed(&gateway).await.len() == 1).await;
    let url = gateway.url("/v1/acme/vacancy/A%2FB%252F%20C?reason=filled");
    let closed = gateway.http.delete(url).bearer_auth(&key).send().await.unwrap();
    assert_eq!(closed.json::<Value>().await.unwrap()["reference"], "A/B%2F C");
    until("it is gone", async || feed(&gateway).await.is_empty()).await;
}

async fn feed(gateway: &Gateway) -> Vec<Value> {
    let all = gateway
        .http
        .get(gateway.url("/input/api/jv/v0.1/getAll"))
        .bearer_auth(support::PULLER_TOKEN)
        .send()
        .await
        .unwrap();
    all.json::<Value>().await.unwrap()["allReferences"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_comes_back_from_where_it_went_is_an_echo() {
    for (co_owner, expected) in [(false, 409), (true, 202)] {
        let receiver = RestStub::start(RestStubSettings::default()).await.unwrap();
        let (id, file) = rest_receiver("agency", "canonical", receiver.base_url().as_str(), "by_key");
        let file = format!("co_owner = {co_owner}\n{file}[incoming.vacancy]\ndialect = \"canonical\"\n");
        let gateway = Setup::new()
            .partner(pusher("acme", "canonical"))
            .partner((id, file))
            .secret("agency-token", "t")
            .start()
            .await;
        let (acme, agency) = (gateway.key("acme").await, gateway.key("agency").await);
        let (_, receipt) = push(&gateway, &acme, None, &vacancy("R1", "Lasser")).await;
        let entity = receipt["entity_key"].as_str().unwrap();
        until("it was sent", async || !receiver.history(entity).is_empty()).await;
        let echo = vacancy(entity, "Lasser, aangepast");
        let sent_back =
            gateway.http.post(gateway.url("/v1/agency/vacancy")).bearer_auth(&agency).json(&echo).send().await.unwrap();
        assert_eq!(sent_back.status(), expected, "co-owner: {co_owner}");
        if co_owner {
            assert_eq!(sent_back.json::<Value>().await.unwrap()["entity_key"], entity, "it changes the same vacancy");
        }
    }
}

#[tokio::test]
async fn the_probes_answer_without_a_key() {
    let gateway = gateway().await;
    for path in ["/health/live", "/health/ready", "/metrics", "/openapi.json", "/asyncapi.json"] {
        let response = gateway.http.get(gateway.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
    }
    let ready: Value = gateway.http.get(gateway.url("/health/ready")).send().await.unwrap().json().await.unwrap();
    assert_eq!((ready["status"].as_str(), ready["parts"]["router"].as_str()), (Some("ready"), Some("works")));
    let key = gateway.key("acme").await;
    push(&gateway, &key, None, &vacancy("R1", "Lasser")).await;
    assert!(gateway.metric("passerelle_accepted_total", "acme").await >= 1.0);
}

#[tokio::test]
async fn the_check_of_a_container_asks_the_daemon() {
    let mut gateway = gateway().await;
    let check = gateway.run(&["check", "--ready"]).await;
    assert_eq!((check.status.code(), check.stdout.as_slice()), (Some(0), b"ready\n".as_slice()));
    gateway.kill().await;
    assert_eq!(gateway.run(&["check", "--ready"]).await.status.code(), Some(3));
}

#[tokio::test]
async fn the_topics_are_described_and_partners_are_named_to_operators_only() {
    let gateway = gateway().await;
    let anybody = gateway.http.get(gateway.url("/asyncapi.json")).send().await.unwrap();
    assert!(anybody.headers()["content-type"].to_str().unwrap().contains("asyncapi+json;version=3.0.0"));
    let topics: Value = anybody.json().await.unwrap();
    assert_eq!((topics["asyncapi"].as_str(), topics["info"]["title"].as_str()), (Some("3.0.0"), Some("Passerelle")));
    assert_eq!(topics["components"]["schemas"]["vacancy"]["schema"]["name"], "Vacancy");
    let partner = "/channels/dispatch/parameters/partner/enum";
    assert_eq!(topics.pointer(partner), None);
    assert_eq!(gateway.get("/asyncapi.json").await.pointer(partner), Some(&json!(["eures-vdab"])));
}

#[tokio::test]
async fn the_api_describes_itself_with_examples() {
    let gateway = gateway().await;
    let api = gateway.get("/openapi.json").await;
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    for path in [
        "/v1/{partner}/{kind}",
        "/v1/{partner}/vacancy/{reference}",
        "/v1/{partner}/{kind}/batch",
        "/v1/{partner}/webhook",
        "/errors/{code}",
        "/v1/messages/{id}",
        "/v1/messages",
        "/v1/messages/{id}/replay",
        "/v1/tap",
        "/v1/{partner}/feed/{kind}",
        "/input/api/jv/v0.1/getDetails",
        "/v1/placements",
        "/v1/placements/{pseudonym}",
        "/v1/reports/programme/{name}",
        "/health/ready",
    ] {
        assert!(api["paths"].get(path).is_some(), "{path} is not described");
    }
    let push = &api["paths"]["/v1/{partner}/{kind}"]["post"];
    assert!(
        push["requestBody"]["content"]["application/json"]["example"].is_string()
            || push["requestBody"]["content"]["application/json"]["example"].is_object()
    );
    for (status, header) in [("409", "Link"), ("429", "Retry-After"), ("503", "Retry-After"), ("202", "RateLimit")] {
        let header = push["responses"][status]["headers"][header]["$ref"].as_str().unwrap_or_default();
        assert!(
            api.pointer(header.trim_start_matches('#')).is_some_and(|header| header["example"].is_string()),
            "{status}"
        );
    }
    for (path, method) in [("/v1/{partner}/{kind}", "post"), ("/v1/{partner}/{kind}/batch", "post")] {
        for (status, response) in api["paths"][path][method]["responses"].as_object().unwrap() {
            let content = response["content"].as_object().unwrap();
            assert!(content.values().all(|content| !content["example"].is_null()), "{path}: {status} has no example");
            let is_problem = content.contains_key("application/problem+json");
            assert_eq!(is_problem, status.as_str() >= "400", "{path}: {status}");
        }
    }
}

#[tokio::test]
async fn one_daemon_at_a_time_uses_a_data_directory() {
    let gateway = gateway().await;
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(gateway.data()).unwrap());
    assert_eq!(mode & 0o777, 0o700, "for its owner only");
    let second = gateway.run(&["serve"]).await;
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use by another process"));
}

#[tokio::test]
async fn the_type_of_a_problem_leads_to_its_page() {
    let gateway = gateway().await;
    let problem: Value = gateway.http.get(gateway.url("/v1/messages")).send().await.unwrap().json().await.unwrap();
    let page = gateway.http.get(gateway.url(problem["type"].as_str().unwrap())).send().await.unwrap();
    assert_eq!(
        (page.status(), page.headers()["content-type"].to_str().unwrap()),
        (StatusCode::OK, "text/markdown; charset=utf-8")
    );
    assert!(page.text().await.unwrap().starts_with("# `unauthorized`\n"));
    let list = gateway.http.get(gateway.url("/errors")).send().await.unwrap().text().await.unwrap();
    assert!(list.contains("(/errors/unauthorized)"), "{list}");
    let none = gateway.http.get(gateway.url("/errors/..%2F..%2FREADME")).send().await.unwrap();
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
}
