//! What protects partners and the gateway from each other: limits, the breaker, and lanes for who joins later.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use std::time::{Duration, Instant};

use connectors::rest::stub::{Injection, Moment, RestStub, RestStubSettings};
use serde_json::{Value, json};

use self::support::{Gateway, Setup, pusher, rest_receiver, until};

async fn receiver() -> RestStub {
    let settings = RestStubSettings { token: Some("receiver".into()), ..RestStubSettings::default() };
    RestStub::start(settings).await.unwrap()
}

fn setup(receiver: &RestStub, more: &str) -> Setup {
    let (id, file) = rest_receiver("agency", "canonical", receiver.base_url().as_str(), "by_key");
    Setup::new()
        .partner(pusher("acme", "canonical"))
        .partner((id, file + more))
        .secret("agency-token", "receiver")
        .setting("DELIVERY__RETRY_INITIAL_MS", "50")
        .setting("DELIVERY__RETRY_LONGEST_MS", "600000")
        .setting("DELIVERY__CONNECT_TIMEOUT_MS", "500")
        .setting("DELIVERY__SEND_TIMEOUT_MS", "1000")
        .setting("DELIVERY__BREAKER_PAUSE_MS", "50")
        .setting("DELIVERY__BREAKER_LONGEST_MS", "200")
}

async fn push(gateway: &Gateway, key: &str, reference: &str) {
    let document =
        json!({"reference": reference, "status": "published", "profiles": [{"language": "nl", "title": "Lasser"}]});
    let request = gateway.http.post(gateway.url("/v1/acme/vacancy")).bearer_auth(key).json(&document);
    assert_eq!(request.send().await.unwrap().status(), 202);
}

async fn push_many(gateway: &Gateway, key: &str, prefix: &str, count: usize) {
    for number in 0..count {
        push(gateway, key, &format!("{prefix}{number}")).await;
    }
}

#[tokio::test]
async fn a_limit_is_never_exceeded_over_a_kill_either() {
    const WINDOW: Duration = Duration::from_secs(2);
    let receiver = receiver().await;
    let mut gateway =
        setup(&receiver, "\n[limits]\nwindows = [{ requests = 8, seconds = 2 }, { requests = 100, seconds = 60 }]\n")
            .start()
            .await;
    let key = gateway.key("acme").await;
    let mut seen = receiver.observe();
    push_many(&gateway, &key, "L", 24).await;
    let mut arrived = Vec::new();
    while receiver.references().len() < 24 {
        seen.recv().await.unwrap();
        arrived.push(Instant::now());
        if arrived.len() == 9 {
            gateway.kill().await;
            gateway.start().await;
        }
    }
    for (first, from) in arrived.iter().enumerate() {
        let within = arrived[first..].iter().take_while(|at| at.duration_since(*from) < WINDOW).count();
        assert!(within <= 8, "{within} requests in two seconds");
    }
}

#[tokio::test]
async fn a_shadow_limit_holds_nothing_up() {
    let receiver = receiver().await;
    let gateway =
        setup(&receiver, "\n[limits]\nshadow = true\nwindows = [{ requests = 1, seconds = 3600 }]\n").start().await;
    let key = gateway.key("acme").await;
    push_many(&gateway, &key, "S", 10).await;
    receiver.until(|receiver| receiver.references().len() == 10).await;
    assert!(gateway.metric("passerelle_limit_would_wait_total", "").await >= 9.0);
}

#[tokio::test]
async fn a_pause_that_the_partner_asks_for_holds_for_all_of_it() {
    let receiver = receiver().await;
    let gateway = setup(&receiver, "").setting("DELIVERY__IN_FLIGHT", "1").start().await;
    let key = gateway.key("acme").await;
    receiver.inject(1, &Injection::Status { status: 429, retry_after: Some("2".to_owned()) });
    let mut seen = receiver.observe();
    push_many(&gateway, &key, "P", 3).await;
    seen.recv().await.unwrap();
    let asked = Instant::now();
    seen.recv().await.unwrap();
    assert!(asked.elapsed() >= Duration::from_millis(1_900), "sent again after {:?}", asked.elapsed());
    receiver.until(|receiver| receiver.references().len() == 3).await;
}

#[tokio::test]
async fn a_partner_that_fails_is_left_alone_and_gets_everything_when_it_heals() {
    let receiver = receiver().await;
    let gateway = setup(&receiver, "").setting("DELIVERY__IN_FLIGHT", "2").start().await;
    let key = gateway.key("acme").await;
    receiver.inject(10_000, &Injection::Reset(Moment::BeforeTaking));
    push_many(&gateway, &key, "B", 40).await;
    until("the breaker is open", async || gateway.metric("passerelle_breaker_open", "agency").await > 0.0).await;
    receiver.heal();
    // Retries alone would wait ten minutes: what failed goes at once when a test of the connection succeeds.
    until("everything has arrived", async || {
        receiver.references().len() == 40 && gateway.get("/v1/backlog").await["partners"]["agency"]["deferred"] == 0
    })
    .await;
    until("the breaker is closed", async || gateway.metric("passerelle_breaker_open", "agency").await == 0.0).await;
    assert_eq!(receiver.violation_count(), 0);
}

#[tokio::test]
async fn who_joins_later_is_given_what_is_open_and_hears_of_closings() {
    let (first, second) = (receiver().await, receiver().await);
    let gateway = setup(&first, "").start().await;
    let key = gateway.key("acme").await;
    push_many(&gateway, &key, "J", 30).await;
    let closed = gateway.http.delete(gateway.url("/v1/acme/vacancy/J0")).bearer_auth(&key).send().await.unwrap();
    assert_eq!(closed.status(), 202);
    until("everything is routed", async || gateway.get("/v1/backlog").await["unrouted"] == 0).await;

    let (_, file) = rest_receiver("agency", "canonical", second.base_url().as_str(), "by_key");
    std::fs::write(gateway.folder.path().join("partners/late.toml"), file).unwrap();
    let reload = gateway.http.post(gateway.url("/v1/configuration/reload")).bearer_auth(gateway.operator_token());
    assert_eq!(reload.send().await.unwrap().status(), 200);
    second.until(|second| second.references().len() == 29).await;

    let closed = gateway.http.delete(gateway.url("/v1/acme/vacancy/J1")).bearer_auth(&key).send().await.unwrap();
    assert_eq!(closed.status(), 202);
    let is_close = |received: &connectors::rest::stub::Received| received.operation == schemas::Operation::Close;
    second.until(|second| second.references().iter().any(|one| second.history(one).iter().any(is_close))).await;

    let again = gateway.run(&["partner", "sync", "late"]).await;
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    push(&gateway, &key, "J-after").await;
    second.until(|second| second.references().len() == 30).await;
    let sends: usize = second.references().iter().map(|reference| second.history(reference).len()).sum();
    assert_eq!(sends, 31, "what it has been sent is not sent again");
}

#[tokio::test]
async fn a_key_is_told_its_limit_and_held_to_it() {
    let (acme, zenith) = (pusher("acme", "canonical"), pusher("zenith", "canonical"));
    let gateway = Setup::new().partner(acme).partner(zenith).setting("DOOR__LIMITS", "3/600s").start().await;
    let push = async |partner: &str, key: &str, reference: usize| {
        let document = json!({"reference": format!("R{reference}"), "status": "draft"});
        let url = gateway.url(&format!("/v1/{partner}/vacancy"));
        gateway.http.post(url).bearer_auth(key).json(&document).send().await.unwrap()
    };
    let keys = (gateway.key("acme").await, gateway.key("zenith").await);
    for taken in 0..3 {
        let answer = push("acme", &keys.0, taken).await;
        let left = answer.headers()["ratelimit"].to_str().unwrap();
        assert!(left.contains(&format!("r={}", 2 - taken)), "{left}");
        assert!(answer.headers()["ratelimit-policy"].to_str().unwrap().contains("q=3"));
        assert_eq!(answer.status(), 202);
    }
    let refused = push("acme", &keys.0, 3).await;
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "rate_limited");
    assert_eq!(push("zenith", &keys.1, 0).await.status(), 202, "another key has a limit of its own");
}
