//! The outgoing feed: partners that pull hold what they are entitled to, page by page, whatever changes meanwhile.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use std::collections::BTreeMap;

use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use self::support::{Gateway, Setup, feed_reader, pusher, rest_receiver, until};

async fn gateway() -> Gateway {
    let (id, agency) = feed_reader("agency", "canonical");
    let (other, xml) = feed_reader("xml-reader", "eures-xml");
    Setup::new()
        .partner(pusher("acme", "canonical"))
        .partner((id, agency))
        .partner((other, xml + "[parameters]\nsource = \"TEST\"\n"))
        .partner(rest_receiver("pushed-to", "canonical", "http://127.0.0.1:9", "by_key"))
        .secret("pushed-to-token", "t")
        .start()
        .await
}

fn vacancy(reference: &str, title: &str) -> Value {
    json!({
        "reference": reference,
        "status": "published",
        "employer": {"name": "Metaalbouw Vandenhoute", "legal_ids": [{"scheme": "be-kbo", "value": "0000000097"}]},
        "locations": [{"country": "BE"}],
        "occupations": [{"scheme": "isco-08", "code": "7212"}],
        "profiles": [{"language": "nl", "title": title, "description": "Lassen en plooien."}]
    })
}

async fn push(gateway: &Gateway, key: &str, reference: &str, title: &str) -> String {
    let request = gateway.http.post(gateway.url("/v1/acme/vacancy")).bearer_auth(key).json(&vacancy(reference, title));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    response.json::<Value>().await.unwrap()["entity_key"].as_str().unwrap().to_owned()
}

async fn close(gateway: &Gateway, key: &str, reference: &str) {
    let url = gateway.url(&format!("/v1/acme/vacancy/{reference}?reason=filled"));
    assert_eq!(gateway.http.delete(url).bearer_auth(key).send().await.unwrap().status(), StatusCode::ACCEPTED);
}

/// A partner that keeps what it pulls.
struct Puller {
    key: String,
    cursor: Option<String>,
    /// Titles by reference.
    holds: BTreeMap<String, String>,
    closed: BTreeMap<String, Value>,
    pages: usize,
}

impl Puller {
    async fn new(gateway: &Gateway) -> Self {
        let key = gateway.key("agency").await;
        Self { key, cursor: None, holds: BTreeMap::new(), closed: BTreeMap::new(), pages: 0 }
    }

    /// Pulls one page and returns whether more stands there.
    async fn page(&mut self, gateway: &Gateway, limit: usize) -> bool {
        let cursor = self.cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let url = gateway.url(&format!("/v1/agency/feed/vacancy?limit={limit}{cursor}"));
        let response = gateway.http.get(url).bearer_auth(&self.key).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{}", gateway.log());
        let link = response.headers().get(header::LINK).map(|link| link.to_str().unwrap().to_owned());
        let page: Value = response.json().await.unwrap();
        assert_eq!(link, page["next"].as_str().map(|next| format!("<{next}>; rel=\"next\"")));
        let (items, closed) = (page["items"].as_array().unwrap(), page["closed"].as_array().unwrap());
        assert!(items.len() + closed.len() <= limit, "a page is bounded");
        let mut stamps = Vec::new();
        for item in items {
            let reference = item["reference"].as_str().unwrap().to_owned();
            assert_eq!(
                (item["operation"].as_str(), item["media_type"].as_str()),
                (Some("upsert"), Some("application/json"))
            );
            assert_eq!(item["document"]["reference"], reference.as_str());
            stamps.push(item["modified"].as_str().unwrap().to_owned());
            self.closed.remove(&reference);
            self.holds.insert(reference, item["document"]["profiles"][0]["title"].as_str().unwrap().to_owned());
        }
        assert!(stamps.is_sorted(), "{stamps:?}");
        for item in closed {
            let reference = item["reference"].as_str().unwrap().to_owned();
            assert_eq!((item["operation"].as_str(), &item["closed"]), (Some("close"), &item["modified"]));
            self.holds.remove(&reference);
            self.closed.insert(reference, item.clone());
        }
        self.cursor = Some(page["cursor"].as_str().unwrap().to_owned());
        self.pages += 1;
        page["next"].is_string()
    }

    async fn pull(&mut self, gateway: &Gateway, limit: usize) {
        while self.page(gateway, limit).await {}
    }
}

#[tokio::test]
async fn a_puller_mirrors_the_feed_whatever_changes_between_two_pages() {
    let mut gateway = gateway().await;
    let key = gateway.key("acme").await;
    let mut puller = Puller::new(&gateway).await;
    let mut expected = BTreeMap::new();
    for number in 0..9 {
        let entity = push(&gateway, &key, &format!("R{number}"), "eerst").await;
        expected.insert(entity, "eerst".to_owned());
    }
    let all = async |gateway: &Gateway| {
        let mut fresh = Puller {
            cursor: None,
            holds: BTreeMap::new(),
            closed: BTreeMap::new(),
            pages: 0,
            key: puller_key(gateway).await,
        };
        fresh.pull(gateway, 1_000).await;
        fresh
    };
    until("all nine are in the feed", async || all(&gateway).await.holds == expected).await;

    // Between two pages one that was pulled is corrected, one that was not is corrected, and one of each is closed.
    assert!(puller.page(&gateway, 4).await);
    let order: Vec<String> = puller.holds.keys().cloned().collect();
    assert_eq!(order.len(), 4);
    let mut closed = Vec::new();
    for number in 0..9 {
        let reference = format!("R{number}");
        let entity = schemas::EntityKey::of_vacancy(&"acme".parse().unwrap(), &reference).to_string();
        if number % 3 == 0 {
            push(&gateway, &key, &reference, "verbeterd").await;
            expected.insert(entity, "verbeterd".to_owned());
        } else if number % 3 == 1 {
            close(&gateway, &key, &reference).await;
            expected.remove(&entity);
            closed.push(entity);
        }
    }
    until("every change is in the feed", async || all(&gateway).await.holds == expected).await;
    puller.pull(&gateway, 2).await;
    assert_eq!(puller.holds, expected, "nothing was skipped");
    assert_eq!(puller.closed.keys().cloned().collect::<std::collections::BTreeSet<_>>(), closed.into_iter().collect());
    for item in puller.closed.values() {
        assert_eq!((item["reason"].as_str(), item["source_reason"].as_str()), (Some("closed"), Some("filled")));
    }

    // The cursor outlives the daemon, and what went may come again.
    assert!(gateway.stop().await);
    gateway.start().await;
    let reopened = push(&gateway, &key, "R1", "opnieuw").await;
    expected.insert(reopened.clone(), "opnieuw".to_owned());
    let pages = puller.pages;
    until("it stands there again", async || {
        puller.pull(&gateway, 5).await;
        puller.holds == expected
    })
    .await;
    assert!(puller.pages > pages && !puller.closed.contains_key(&reopened));
    let fresh = all(&gateway).await;
    assert_eq!((fresh.holds, fresh.closed), (puller.holds, puller.closed), "all anew gives the same");
}

/// A key of the agency; keys are shown once, so each reader has its own.
async fn puller_key(gateway: &Gateway) -> String {
    gateway.key("agency").await
}

#[tokio::test]
async fn each_partner_sees_its_own_feed_only() {
    let gateway = gateway().await;
    let (own, foreign) = (gateway.key("agency").await, gateway.key("xml-reader").await);
    let (source, pushed_to) = (gateway.key("acme").await, gateway.key("pushed-to").await);
    let operator = gateway.operator_token();
    for (path, key, expected) in [
        ("/v1/agency/feed/vacancy", Some(&own), 200),
        ("/v1/agency/feed/vacancy", None, 401),
        ("/v1/agency/feed/vacancy", Some(&foreign), 403),
        ("/v1/agency/feed/vacancy", Some(&operator), 403),
        ("/v1/nobody/feed/vacancy", Some(&own), 403),
        ("/v1/No%20Name/feed/vacancy", Some(&own), 403),
        ("/v1/agency/feed/talent_profile", Some(&own), 404),
        ("/v1/agency/feed/nonsense", Some(&own), 404),
        ("/v1/acme/feed/vacancy", Some(&source), 404),
        ("/v1/pushed-to/feed/vacancy", Some(&pushed_to), 404),
        ("/v1/agency/feed/vacancy?limit=0", Some(&own), 400),
        ("/v1/agency/feed/vacancy?limit=5000", Some(&own), 200),
        ("/v1/agency/feed/vacancy?cursor=nonsense", Some(&own), 400),
    ] {
        let mut request = gateway.http.get(gateway.url(path));
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), expected, "{path}");
    }
    let feed = async |id: &str, key: &str, query: &str| {
        let url = gateway.url(&format!("/v1/{id}/feed/vacancy{query}"));
        gateway.http.get(url).bearer_auth(key).send().await.unwrap().json::<Value>().await.unwrap()
    };
    let cursor = feed("xml-reader", &foreign, "").await["cursor"].as_str().unwrap().to_owned();
    let problem = feed("agency", &own, &format!("?cursor={cursor}")).await;
    assert_eq!(problem["code"], "wrong_cursor", "a cursor is good for one feed");
}

#[tokio::test]
async fn a_feed_speaks_the_partners_dialect() {
    let gateway = gateway().await;
    let (key, reader) = (gateway.key("acme").await, gateway.key("xml-reader").await);
    let entity = push(&gateway, &key, "R1", "Lasser").await;
    let url = gateway.url("/v1/xml-reader/feed/vacancy");
    let read = async || {
        gateway.http.get(&url).bearer_auth(&reader).send().await.unwrap().json::<Value>().await.unwrap()["items"][0]
            .clone()
    };
    until("it is in the feed", async || !read().await.is_null()).await;
    let item = read().await;
    assert_eq!(
        (item["reference"].as_str(), item["media_type"].as_str()),
        (Some(entity.as_str()), Some("application/xml"))
    );
    assert!(item["document"].as_str().unwrap().contains("<PositionOpening"), "{item}");
    until("in the feed is delivered", async || {
        let trace = gateway.run(&["trace", "--reference", "R1"]).await;
        String::from_utf8_lossy(&trace.stdout).contains("delivered    xml-reader")
    })
    .await;
}

#[tokio::test]
async fn what_did_not_change_is_not_read_again() {
    let gateway = gateway().await;
    let (key, reader) = (gateway.key("acme").await, gateway.key("agency").await);
    let get = async |tag: Option<String>| {
        let mut request = gateway.http.get(gateway.url("/v1/agency/feed/vacancy")).bearer_auth(&reader);
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        let response = request.send().await.unwrap();
        (response.status(), response.headers()[header::ETAG].to_str().unwrap().to_owned())
    };
    let (_, empty) = get(None).await;
    assert_eq!(get(Some(empty.clone())).await, (StatusCode::NOT_MODIFIED, empty.clone()));
    push(&gateway, &key, "R1", "Lasser").await;
    until("there is something new", async || get(Some(empty.clone())).await.0 == StatusCode::OK).await;
    let (_, tag) = get(None).await;
    assert_eq!(get(Some(format!("W/{tag}, \"other\""))).await.0, StatusCode::NOT_MODIFIED);
}
