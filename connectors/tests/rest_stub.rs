//! The REST receiver, seen from a sender: what it takes, what it refuses, and how it fails to order.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

use std::time::Duration;

use connectors::{
    Closing, ExtraCertificates, Outcome, Parcel, ProbeError, Repeats, Sender, code, exhausted_for,
    rest::{
        Closings, RestPush, RestSettings, Webhook,
        stub::{Injection, Moment, RestStub, RestStubSettings, Rule, Verdict},
    },
    stub::{Counting, LimitBreach, Quota},
};
use schemas::{EntityKey, Hash, Kind, Operation};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const TOKEN: &str = "t0ken";

const HOOK_SECRET: &str = "an-invented-secret-for-events";

async fn stub() -> RestStub {
    let (token, hook_secret) = (Some(TOKEN.into()), Some(HOOK_SECRET.into()));
    RestStub::start(RestStubSettings { token, hook_secret, ..RestStubSettings::default() }).await.unwrap()
}

fn sender(stub: &RestStub) -> RestPush {
    telling(stub, Closings::default())
}

fn telling(stub: &RestStub, closings: Closings) -> RestPush {
    let settings = RestSettings {
        base_url: stub.base_url().clone(),
        token: Some(TOKEN.into()),
        repeats: Repeats::ByKey,
        closings,
        connect_time_out: Duration::from_secs(2),
        certificates: ExtraCertificates::default(),
    };
    RestPush::new(settings).unwrap()
}

fn reference() -> EntityKey {
    EntityKey::of_vacancy(&"acme".parse().unwrap(), "REQ-50")
}

fn parcel(key: &str, body: &str) -> Parcel {
    Parcel {
        dispatch: "0196f7a1-0000-8000-8000-000000000001".parse().unwrap(),
        idempotency_key: key.to_owned(),
        reference: reference(),
        operation: Operation::Upsert,
        kind: Kind::Vacancy,
        media_type: "application/json".to_owned(),
        body: body.as_bytes().to_vec(),
        time_out: Duration::from_secs(10),
        closing: None,
        notice: None,
    }
}

fn close(key: &str) -> Parcel {
    Parcel { operation: Operation::Close, body: Vec::new(), ..parcel(key, "") }
}

fn delivered(reference: &str) -> Outcome {
    Outcome::Delivered { foreign_reference: Some(reference.to_owned()) }
}

fn verdicts(stub: &RestStub) -> Vec<Verdict> {
    stub.history(&reference().to_string()).iter().map(|received| received.verdict).collect()
}

fn broken_rules(stub: &RestStub) -> Vec<Rule> {
    stub.violations().iter().map(|violation| violation.rule).collect()
}

async fn send(sender: &RestPush, parcel: Parcel) -> Outcome {
    sender.send(parcel).await.outcome
}

#[tokio::test]
async fn the_history_of_a_reference_is_kept_in_order() {
    let stub = stub().await;
    let sender = sender(&stub);
    let mut observer = stub.observe();
    assert_eq!(send(&sender, parcel("k1", r#"{"title":"Lasser (rev 1)"}"#)).await, delivered("P-1"));
    assert_eq!(send(&sender, parcel("k2", r#"{"title":"Lasser (rev 2)"}"#)).await, delivered("P-1"));
    assert_eq!(send(&sender, close("k3")).await, Outcome::Delivered { foreign_reference: None });
    assert_eq!(stub.references(), [reference().to_string()]);
    let history = stub.history(&reference().to_string());
    let told: Vec<_> = history
        .iter()
        .map(|one| (one.number, one.operation, one.idempotency_key.as_str(), one.revision, one.status, one.is_answered))
        .collect();
    assert_eq!(
        told,
        [
            (1, Operation::Upsert, "k1", Some(1), 201, true),
            (2, Operation::Upsert, "k2", Some(2), 200, true),
            (3, Operation::Close, "k3", None, 204, true),
        ]
    );
    assert_eq!(history[0].body_hash, Hash::of(br#"{"title":"Lasser (rev 1)"}"#));
    assert_eq!(observer.recv().await.unwrap(), history[0]);
    assert_eq!(stub.violation_count(), 0);
}

fn hook(stub: &RestStub, secret: &str) -> Closings {
    Closings::Webhook(Webhook { url: format!("{}/hooks", stub.base_url()).parse().unwrap(), secret: secret.into() })
}

#[tokio::test]
async fn a_close_goes_in_the_form_that_was_agreed() {
    let stub = stub().await;
    let closing = Some(Closing { code: "consent_withdrawn".to_owned(), words: None });
    for (number, closings) in [Closings::Delete, Closings::Close, hook(&stub, HOOK_SECRET)].into_iter().enumerate() {
        let sender = telling(&stub, closings);
        send(&sender, parcel(&format!("put-{number}"), "{}")).await;
        for _ in ["first", "repeat"] {
            let close = Parcel { closing: closing.clone(), ..close(&format!("close-{number}")) };
            assert_eq!(send(&sender, close).await, Outcome::Delivered { foreign_reference: None });
        }
    }
    let history = stub.history(&reference().to_string());
    let closes: Vec<_> = history.iter().filter(|one| one.operation == Operation::Close).collect();
    let said: Vec<_> = closes.iter().map(|one| (one.verdict, str::from_utf8(&one.body).unwrap())).collect();
    let key = reference();
    let event =
        format!(r#"{{"type":"vacancy.closed","kind":"vacancy","reference":"{key}","reason":"consent_withdrawn"}}"#);
    let reason = r#"{"reason":"consent_withdrawn"}"#;
    let each = ["", reason, &event].map(|body| [(Verdict::Taken, body), (Verdict::Repeated, body)]);
    assert_eq!(said, each.concat());
    assert_eq!(stub.violations(), []);
}

#[tokio::test]
async fn an_event_that_others_signed_is_refused_and_closes_nothing() {
    let stub = stub().await;
    let sender = telling(&stub, hook(&stub, "another-secret"));
    send(&sender, parcel("put", "{}")).await;
    assert!(matches!(send(&sender, close("close")).await, Outcome::Retry { code: code::UNAUTHORISED, .. }));
    assert_eq!(verdicts(&stub), [Verdict::Taken]);
    assert_eq!(broken_rules(&stub), [Rule::Signature]);
}

#[tokio::test]
async fn an_address_that_is_wrong_is_no_answer_to_a_close() {
    let stub = stub().await;
    let nowhere = Webhook { url: format!("{}/elsewhere", stub.base_url()).parse().unwrap(), secret: "s".into() };
    for closings in [Closings::Webhook(nowhere), Closings::Close] {
        stub.inject(1, &Injection::Status { status: 404, retry_after: None });
        let outcome = send(&telling(&stub, closings), close("close")).await;
        assert!(!matches!(outcome, Outcome::Delivered { .. }), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_repeat_is_recognised_and_answered_as_before() {
    let stub = stub().await;
    let sender = sender(&stub);
    for _ in 0..3 {
        assert_eq!(send(&sender, parcel("k1", "{}")).await, delivered("P-1"));
    }
    assert_eq!(verdicts(&stub), [Verdict::Taken, Verdict::Repeated, Verdict::Repeated]);
    assert!(stub.history(&reference().to_string()).iter().all(|received| received.status == 201));
    assert_eq!(stub.violation_count(), 0);
}

#[tokio::test]
async fn a_key_with_other_bytes_is_refused() {
    let stub = stub().await;
    let sender = sender(&stub);
    send(&sender, parcel("k1", r#"{"a":1}"#)).await;
    let Outcome::Rejected { faults } = send(&sender, parcel("k1", r#"{"a":2}"#)).await else { panic!("not refused") };
    assert_eq!((faults[0].pointer.as_deref(), faults[0].code.as_str()), (Some(""), "idempotency_key_reused"));
    assert!(
        matches!(send(&sender, close("k1")).await, Outcome::Rejected { .. }),
        "another operation is another request"
    );
    assert_eq!(broken_rules(&stub), [Rule::KeyReused, Rule::KeyReused]);
}

#[tokio::test]
async fn breaches_of_the_order_are_recorded() {
    let stub = stub().await;
    let sender = sender(&stub);
    send(&sender, parcel("k1", r#"{"title":"(rev 1)"}"#)).await;
    send(&sender, parcel("k3", r#"{"title":"(rev 3)"}"#)).await;
    assert_eq!(send(&sender, parcel("k1", r#"{"title":"(rev 1)"}"#)).await, delivered("P-1"));
    assert_eq!(send(&sender, parcel("k2", r#"{"title":"(rev 2)"}"#)).await, delivered("P-1"));
    send(&sender, parcel("k4", r#"{"title":"(rev 3)", "mapping":"newer"}"#)).await;
    assert_eq!(broken_rules(&stub), [Rule::LateRepeat, Rule::Order]);
    assert_eq!(stub.violations()[1].reference, Some(reference().to_string()));
}

/// Sends bytes as they are and gives back the status.
async fn raw(stub: &RestStub, request: &str) -> u16 {
    let mut stream = TcpStream::connect(stub.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn every_rule_is_enforced() {
    let settings = RestStubSettings { token: Some(TOKEN.into()), body_limit: 100, ..RestStubSettings::default() };
    let stub = RestStub::start(settings).await.unwrap();
    let auth = "Authorization: Bearer t0ken\r\n";
    let key = "Idempotency-Key: \"k\"\r\n";
    let json = "Content-Type: application/json\r\n";
    let long = "x".repeat(101);
    let cases = [
        (Rule::Token, 401, "PUT /vacancy/r", format!("{key}{json}"), "{}"),
        (Rule::Token, 401, "PUT /vacancy/r", format!("Authorization: Bearer token\r\n{key}{json}"), "{}"),
        (Rule::Token, 401, "PUT /vacancy/r", format!("Authorization: t0ken\r\n{key}{json}"), "{}"),
        (Rule::Token, 401, "PUT /vacancy/r", format!("{auth}{auth}{key}{json}"), "{}"),
        (Rule::Path, 404, "PUT /vacancies/r", format!("{auth}{key}{json}"), "{}"),
        (Rule::Path, 404, "PUT /vacancy/", format!("{auth}{key}{json}"), "{}"),
        (Rule::Path, 404, "PUT /vacancy/r/s", format!("{auth}{key}{json}"), "{}"),
        (Rule::Method, 405, "PATCH /vacancy/r", format!("{auth}{key}{json}"), "{}"),
        (Rule::Key, 400, "PUT /vacancy/r", format!("{auth}{json}"), "{}"),
        (Rule::Key, 400, "PUT /vacancy/r", format!("{auth}{json}Idempotency-Key: k\r\n"), "{}"),
        (Rule::Key, 400, "PUT /vacancy/r", format!("{auth}{json}Idempotency-Key: \"\"\r\n"), "{}"),
        (Rule::Key, 400, "PUT /vacancy/r", format!("{auth}{json}{key}{key}"), "{}"),
        (Rule::MediaType, 415, "PUT /vacancy/r", format!("{auth}{key}"), "{}"),
        (Rule::MediaType, 415, "PUT /vacancy/r", format!("{auth}{key}Content-Type: text/html\r\n"), "{}"),
        (Rule::Body, 422, "PUT /vacancy/r", format!("{auth}{key}{json}"), "{"),
        (Rule::Body, 422, "POST /vacancy/r", format!("{auth}{key}Content-Type: application/xml\r\n"), "<a></b>"),
        (Rule::Body, 400, "DELETE /vacancy/r", format!("{auth}{key}"), "{}"),
        (Rule::Size, 413, "PUT /vacancy/r", format!("{auth}{key}{json}"), long.as_str()),
    ];
    for (index, (rule, status, line, headers, body)) in cases.iter().enumerate() {
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nHost: stub\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        );
        assert_eq!(raw(&stub, &request).await, *status, "{request}");
        let violations = stub.violations();
        assert_eq!((violations.len(), violations[index].rule), (index + 1, *rule), "{request}");
    }
    assert!(stub.references().is_empty(), "nothing was taken");
}

#[tokio::test]
async fn closing_what_is_not_there_changes_nothing() {
    let stub = stub().await;
    let sender = sender(&stub);
    assert_eq!(send(&sender, close("k1")).await, Outcome::Delivered { foreign_reference: None });
    assert_eq!(send(&sender, parcel("k2", "{}")).await, delivered("P-1"));
    let statuses: Vec<u16> = stub.history(&reference().to_string()).iter().map(|received| received.status).collect();
    assert_eq!(statuses, [404, 201]);
    assert_eq!(stub.violation_count(), 0);
}

#[tokio::test]
async fn an_injected_status_turns_the_document_away() {
    let stub = stub().await;
    let sender = sender(&stub);
    stub.inject(1, &Injection::Status { status: 429, retry_after: Some("3".to_owned()) });
    stub.inject(1, &Injection::Status { status: 500, retry_after: None });
    let after = Some(Duration::from_secs(3));
    let outcome = send(&sender, parcel("k1", "{}")).await;
    assert_eq!(outcome, Outcome::Retry { code: code::LATER, detail: "answered 429".to_owned(), after });
    assert!(matches!(send(&sender, parcel("k1", "{}")).await, Outcome::Retry { code: code::PARTNER_FAILED, .. }));
    assert_eq!(send(&sender, parcel("k1", "{}")).await, delivered("P-1"));
    assert_eq!(verdicts(&stub), [Verdict::TurnedAway, Verdict::TurnedAway, Verdict::Taken]);
}

#[tokio::test]
async fn lost_answers_are_ambiguous_and_a_repeat_settles_them() {
    let stub = stub().await;
    let sender = sender(&stub);
    for (index, injection) in
        [Injection::Reset(Moment::AfterTaking), Injection::Garbage(Moment::AfterTaking)].iter().enumerate()
    {
        let key = format!("k{index}");
        stub.inject(1, injection);
        let outcome = send(&sender, parcel(&key, "{}")).await;
        assert!(matches!(outcome, Outcome::Ambiguous { code: code::NO_ANSWER, .. }), "{injection:?}: {outcome:?}");
        assert_eq!(send(&sender, parcel(&key, "{}")).await, delivered("P-1"));
    }
    let history = stub.history(&reference().to_string());
    let told: Vec<_> = history.iter().map(|received| (received.verdict, received.is_answered)).collect();
    let (taken, repeated) = ((Verdict::Taken, false), (Verdict::Repeated, true));
    assert_eq!(told, [taken, repeated, taken, repeated]);
    assert_eq!(stub.violation_count(), 0);
}

#[tokio::test]
async fn what_was_lost_before_it_was_taken_is_taken_the_second_time() {
    let stub = stub().await;
    let sender = sender(&stub);
    for injection in [Injection::Reset(Moment::BeforeTaking), Injection::Garbage(Moment::BeforeTaking)] {
        stub.inject(1, &injection);
        let outcome = send(&sender, parcel("k1", "{}")).await;
        assert!(matches!(outcome, Outcome::Ambiguous { .. }), "{injection:?}: {outcome:?}");
    }
    assert_eq!(send(&sender, parcel("k1", "{}")).await, delivered("P-1"));
    assert_eq!(verdicts(&stub), [Verdict::TurnedAway, Verdict::TurnedAway, Verdict::Taken]);
}

#[tokio::test]
async fn a_receiver_that_hangs_is_left() {
    let stub = stub().await;
    let sender = sender(&stub);
    stub.inject(1, &Injection::Hang(Moment::AfterTaking));
    let outcome = send(&sender, Parcel { time_out: Duration::from_millis(200), ..parcel("k1", "{}") }).await;
    assert!(matches!(outcome, Outcome::Ambiguous { code: code::TIME_OUT, .. }), "{outcome:?}");
    assert_eq!(send(&sender, parcel("k1", "{}")).await, delivered("P-1"));
    assert_eq!(verdicts(&stub), [Verdict::Taken, Verdict::Repeated]);
}

#[tokio::test]
async fn a_slow_receiver_is_waited_for() {
    let stub = stub().await;
    stub.inject(2, &Injection::Slow(Duration::from_millis(20)));
    assert_eq!(send(&sender(&stub), parcel("k1", "{}")).await, delivered("P-1"));
    stub.heal();
    assert_eq!(send(&sender(&stub), parcel("k1", "{}")).await, delivered("P-1"));
}

#[tokio::test]
async fn a_stopped_receiver_keeps_no_connection() {
    let stub = stub().await;
    let sender = sender(&stub);
    assert_eq!(send(&sender, parcel("k1", "{}")).await, delivered("P-1"));
    let address = stub.address();
    stub.stop().await;
    let outcome = send(&sender, parcel("k2", "{}")).await;
    assert!(!matches!(outcome, Outcome::Delivered { .. }), "{outcome:?}");
    let again = RestStub::start(RestStubSettings { address, ..RestStubSettings::default() }).await.unwrap();
    assert_eq!(again.address(), address);
    let taken = RestStub::start(RestStubSettings { address, ..RestStubSettings::default() }).await;
    assert!(taken.is_err(), "two receivers on one port");
}

#[tokio::test]
async fn waiting_ends_with_what_is_waited_for() {
    let stub = stub().await;
    let sender = sender(&stub);
    let waiting = stub.until(|stub| stub.history(&reference().to_string()).len() == 2);
    let sending = async {
        send(&sender, parcel("k1", "{}")).await;
        send(&sender, parcel("k2", "{}")).await;
    };
    tokio::time::timeout(Duration::from_secs(10), futures::future::join(waiting, sending)).await.unwrap();
}

#[tokio::test]
async fn a_long_history_is_forgotten_with_its_keys() {
    let stub = RestStub::start(RestStubSettings { history_limit: 2, ..RestStubSettings::default() }).await.unwrap();
    let sender = sender(&stub);
    for key in ["k1", "k2", "k3", "k1"] {
        send(&sender, parcel(key, "{}")).await;
    }
    let numbers: Vec<u64> = stub.history(&reference().to_string()).iter().map(|received| received.number).collect();
    assert_eq!(numbers, [3, 4]);
    assert_eq!(verdicts(&stub), [Verdict::Taken, Verdict::Taken]);
}

#[tokio::test]
async fn the_probe_finds_it_and_its_token() {
    let stub = stub().await;
    assert_eq!(sender(&stub).probe().await, Ok(()));
    let stranger = RestSettings {
        base_url: stub.base_url().clone(),
        token: None,
        repeats: Repeats::ByKey,
        closings: Closings::default(),
        connect_time_out: Duration::from_secs(2),
        certificates: ExtraCertificates::default(),
    };
    assert!(RestPush::new(stranger).unwrap().probe().await.is_err());
}

#[tokio::test]
async fn requests_above_a_limit_are_turned_away_and_noted() {
    let quota = Quota { requests: 2, window: Duration::from_hours(1), counting: Counting::Sliding };
    let stub = RestStub::start(RestStubSettings {
        token: Some(TOKEN.into()),
        quotas: vec![quota],
        ..RestStubSettings::default()
    })
    .await
    .unwrap();
    let sender = sender(&stub);
    for key in ["k1", "k2"] {
        assert_eq!(send(&sender, parcel(key, "{}")).await, delivered("P-1"));
    }
    let sent = sender.send(parcel("k3", "{}")).await;
    let Outcome::Retry { code: code::LATER, after: Some(after), .. } = sent.outcome else { panic!("{sent:?}") };
    assert!(after > Duration::from_mins(59) && after <= Duration::from_hours(1), "{after:?}");
    assert_eq!(exhausted_for(&sent.limits), Some(after));
    assert_eq!(stub.limit_breaches(), [LimitBreach { request: 3, quota }]);
    assert_eq!(verdicts(&stub), [Verdict::Taken; 2], "what is above the limit is not even looked at");
}

#[tokio::test]
async fn a_partner_that_is_down_is_down_for_everything_until_it_is_healed() {
    let stub = stub().await;
    let sender = sender(&stub);
    assert_eq!(sender.probe().await, Ok(()));
    stub.fail_now(Injection::Status { status: 503, retry_after: None });
    for key in ["k1", "k2"] {
        assert!(matches!(send(&sender, parcel(key, "{}")).await, Outcome::Retry { code: code::LATER, .. }));
        assert_eq!(sender.probe().await, Err(ProbeError::Failing(503)));
    }
    stub.heal();
    assert_eq!(sender.probe().await, Ok(()));
    assert_eq!(send(&sender, parcel("k1", "{}")).await, delivered("P-1"));
}
