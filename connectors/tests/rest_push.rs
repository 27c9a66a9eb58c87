//! Every class of outcome of [`connectors::rest::RestPush`], each against a real socket.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

use std::time::Duration;

use connectors::{
    ExtraCertificates, Fault, Limit, Outcome, Parcel, ProbeError, Repeats, Sender, code,
    rest::{Closings, RestPush, RestSettings},
};
use futures::future::{Either, join, select};
use schemas::{EntityKey, Kind, Operation};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// What the partner does with the request it has read.
enum Then<'a> {
    Answer(&'a str),
    AnswerAndClose(&'a str),
    Reset,
    Hold,
}

fn sender(base_url: &str, repeats: Repeats) -> RestPush {
    let settings = RestSettings {
        base_url: base_url.parse().unwrap(),
        token: Some("t0ken".into()),
        repeats,
        closings: Closings::default(),
        connect_time_out: Duration::from_secs(2),
        certificates: ExtraCertificates::default(),
    };
    RestPush::new(settings).unwrap()
}

fn parcel(operation: Operation) -> Parcel {
    let partner = "acme".parse().unwrap();
    Parcel {
        dispatch: "0196f7a1-0000-8000-8000-000000000001".parse().unwrap(),
        idempotency_key: "0f3a-1".to_owned(),
        reference: EntityKey::of_vacancy(&partner, "REQ-50"),
        operation,
        kind: Kind::Vacancy,
        media_type: "application/json".to_owned(),
        body: br#"{"title":"Lasser"}"#.to_vec(),
        time_out: Duration::from_secs(5),
        closing: None,
        notice: None,
    }
}

async fn send(sender: &RestPush, parcel: Parcel) -> Outcome {
    sender.send(parcel).await.outcome
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    (listener, base_url)
}

/// Reads one request: the head, and as much body as it announces.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let announced =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= announced.unwrap_or(0) {
                return text;
            }
        }
        let mut chunk = [0; 4096];
        let length = stream.read(&mut chunk).await.unwrap();
        assert_ne!(length, 0, "the sender left in the middle of its request");
        request.extend_from_slice(&chunk[..length]);
    }
}

/// Serves one connection and gives it back with the request.
async fn serve(listener: &TcpListener, then: Then<'_>) -> (String, Option<TcpStream>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let request = read_request(&mut stream).await;
    match then {
        Then::Answer(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
        Then::AnswerAndClose(answer) => {
            stream.write_all(answer.as_bytes()).await.unwrap();
            return (request, None);
        }
        Then::Reset => {
            stream.set_zero_linger().unwrap();
            return (request, None);
        }
        Then::Hold => {}
    }
    (request, Some(stream))
}

async fn outcome_of(then: Then<'_>) -> Outcome {
    let (listener, base_url) = listener().await;
    let sender = sender(&base_url, Repeats::ByKey);
    join(send(&sender, parcel(Operation::Upsert)), serve(&listener, then)).await.0
}

fn assert_retry(outcome: &Outcome, expected: &str) -> Option<Duration> {
    match outcome {
        Outcome::Retry { code, after, detail } if *code == expected => {
            assert!(!detail.contains("127.0.0.1") && !detail.contains("t0ken"), "{detail}");
            *after
        }
        other => panic!("expected a retry `{expected}`, got {other:?}"),
    }
}

fn assert_ambiguous(outcome: &Outcome, expected: &str) {
    assert!(matches!(outcome, Outcome::Ambiguous { code, .. } if *code == expected), "{outcome:?}");
}

#[tokio::test]
async fn the_profile_is_spoken_as_written() {
    let (listener, base_url) = listener().await;
    let sender = sender(&format!("{base_url}/api/"), Repeats::ByKey);
    let parcel = parcel(Operation::Upsert);
    let path = format!("/api/vacancy/{}", parcel.reference);
    let (outcome, (request, _)) = join(send(&sender, parcel), serve(&listener, Then::Answer(OK))).await;
    assert_eq!(outcome, Outcome::Delivered { foreign_reference: None });
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with(&format!("PUT {path} HTTP/1.1\r\n")), "{head}");
    for line in ["content-type: application/json", "idempotency-key: \"0f3a-1\"", "authorization: Bearer t0ken"] {
        assert!(head.lines().any(|header| header == line), "no `{line}` in\n{head}");
    }
    assert_eq!(body, r#"{"title":"Lasser"}"#);
}

#[tokio::test]
async fn a_close_has_no_body() {
    let (listener, base_url) = listener().await;
    let sender = sender(&base_url, Repeats::ByKey);
    let (outcome, (request, _)) =
        join(send(&sender, parcel(Operation::Close)), serve(&listener, Then::Answer(OK))).await;
    assert_eq!(outcome, Outcome::Delivered { foreign_reference: None });
    assert!(request.starts_with("DELETE /vacancy/"), "{request}");
    assert!(request.ends_with("\r\n\r\n") && !request.to_lowercase().contains("content-type"), "{request}");
}

#[tokio::test]
async fn an_event_is_posted() {
    let (listener, base_url) = listener().await;
    let sender = sender(&base_url, Repeats::ByKey);
    let (_, (request, _)) = join(send(&sender, parcel(Operation::Event)), serve(&listener, Then::Answer(OK))).await;
    assert!(request.starts_with("POST /vacancy/"), "{request}");
}

#[tokio::test]
async fn a_refused_connection_never_left_us() {
    let (listener, base_url) = listener().await;
    drop(listener);
    let outcome = send(&sender(&base_url, Repeats::Never), parcel(Operation::Upsert)).await;
    assert_eq!(assert_retry(&outcome, code::UNREACHABLE), None);
}

#[tokio::test]
async fn a_name_that_nobody_has_never_left_us() {
    let outcome = send(&sender("http://partner.invalid", Repeats::Never), parcel(Operation::Upsert)).await;
    assert_retry(&outcome, code::UNREACHABLE);
}

#[tokio::test]
async fn a_failed_tls_handshake_never_left_us() {
    let (listener, base_url) = listener().await;
    let sender = sender(&base_url.replace("http:", "https:"), Repeats::Never);
    let answer_in_clear = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream
    };
    let sending = Box::pin(send(&sender, parcel(Operation::Upsert)));
    let outcome = match select(sending, Box::pin(answer_in_clear)).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right((_stream, sending)) => sending.await,
    };
    // A host without CA certificates does not even get as far as the handshake.
    let Outcome::Retry { code, .. } = outcome else { panic!("{outcome:?}") };
    assert!(code == code::UNREACHABLE || code == code::CLIENT, "{code}");
}

#[tokio::test]
async fn a_request_that_is_read_and_never_answered_is_ambiguous() {
    let (listener, base_url) = listener().await;
    let sender = sender(&base_url, Repeats::ByKey);
    let parcel = Parcel { time_out: Duration::from_millis(300), ..parcel(Operation::Upsert) };
    let (outcome, (request, _)) = join(send(&sender, parcel), serve(&listener, Then::Hold)).await;
    assert!(request.starts_with("PUT"));
    assert_ambiguous(&outcome, code::TIME_OUT);
}

#[tokio::test]
async fn a_socket_that_accepts_and_reads_nothing_is_ambiguous() {
    let (listener, base_url) = listener().await;
    let parcel = Parcel { time_out: Duration::from_millis(300), ..parcel(Operation::Upsert) };
    let outcome = send(&sender(&base_url, Repeats::ByKey), parcel).await;
    assert_ambiguous(&outcome, code::TIME_OUT);
    drop(listener);
}

#[tokio::test]
async fn a_reset_after_reading_is_ambiguous() {
    assert_ambiguous(&outcome_of(Then::Reset).await, code::NO_ANSWER);
}

#[tokio::test]
async fn a_connection_closed_before_the_answer_is_ambiguous() {
    for part in ["", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-"] {
        assert_ambiguous(&outcome_of(Then::AnswerAndClose(part)).await, code::NO_ANSWER);
    }
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_ambiguous() {
    assert_ambiguous(&outcome_of(Then::AnswerAndClose("220 mail ready\r\n\r\n")).await, code::NO_ANSWER);
    assert_ambiguous(&outcome_of(Then::AnswerAndClose("\u{1}\u{2}\u{3}\r\n\r\n")).await, code::NO_ANSWER);
}

#[tokio::test]
async fn a_limit_says_how_long_to_wait() {
    let seconds = "HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(assert_retry(&outcome_of(Then::Answer(seconds)).await, code::LATER), Some(Duration::from_secs(7)));
    let date = "HTTP/1.1 429 Too Many\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\n\
                Retry-After: Sat, 21 Nov 2026 12:00:42 GMT\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(assert_retry(&outcome_of(Then::Answer(date)).await, code::LATER), Some(Duration::from_secs(42)));
}

#[tokio::test]
async fn whatever_the_outcome_the_announced_limits_come_with_it() {
    for status in ["201 Created", "429 Too Many", "500 Oops", "422 Invalid"] {
        let (listener, base_url) = listener().await;
        let sender = sender(&base_url, Repeats::ByKey);
        let answer = format!(
            "HTTP/1.1 {status}\r\nRateLimit-Policy: \"burst\";q=50;w=10\r\nRateLimit: \"burst\";r=0;t=7\r\n\
             Content-Length: 0\r\n\r\n"
        );
        let (sent, _) = join(sender.send(parcel(Operation::Upsert)), serve(&listener, Then::Answer(&answer))).await;
        let burst = Limit {
            name: "burst".to_owned(),
            quota: Some(50),
            window: Some(Duration::from_secs(10)),
            remaining: Some(0),
            resets_in: Some(Duration::from_secs(7)),
        };
        assert_eq!(sent.limits, [burst], "{status}");
    }
}

#[tokio::test]
async fn a_partner_that_fails_is_tried_again() {
    let answer = "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops";
    assert_eq!(assert_retry(&outcome_of(Then::Answer(answer)).await, code::PARTNER_FAILED), None);
    let answer = "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(assert_retry(&outcome_of(Then::Answer(answer)).await, code::LATER), Some(Duration::from_secs(1)));
}

#[tokio::test]
async fn a_refused_document_brings_the_faults() {
    let body = r##"{"title":"Invalid","errors":[{"pointer":"#/title","code":"too_long","detail":"at most 80"}]}"##;
    let answer = format!(
        "HTTP/1.1 422 Invalid\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let fault =
        Fault { pointer: Some("/title".to_owned()), code: "too_long".to_owned(), problem: "at most 80".to_owned() };
    assert_eq!(outcome_of(Then::Answer(&answer)).await, Outcome::Rejected { faults: vec![fault] });
}

#[tokio::test]
async fn an_oversized_answer_keeps_its_status() {
    let body = format!(r#"{{"detail":"{}"}}"#, "x".repeat(70 * 1024));
    let length = body.len();
    let refused = format!("HTTP/1.1 400 Bad\r\nContent-Length: {length}\r\n\r\n{body}");
    let fault = Fault { pointer: None, code: "http_400".to_owned(), problem: "answered 400".to_owned() };
    assert_eq!(outcome_of(Then::Answer(&refused)).await, Outcome::Rejected { faults: vec![fault] });
    let taken = format!("HTTP/1.1 201 Created\r\nLocation: /offers/P-7\r\nContent-Length: {length}\r\n\r\n{body}");
    let delivered = Outcome::Delivered { foreign_reference: Some("P-7".to_owned()) };
    assert_eq!(outcome_of(Then::Answer(&taken)).await, delivered);
}

#[tokio::test]
async fn an_answer_that_breaks_off_keeps_its_status() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"refer";
    assert_eq!(outcome_of(Then::AnswerAndClose(answer)).await, Outcome::Delivered { foreign_reference: None });
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, elsewhere_url) = listener().await;
    let answer = format!("HTTP/1.1 308 Moved\r\nLocation: {elsewhere_url}/x\r\nContent-Length: 0\r\n\r\n");
    assert_retry(&outcome_of(Then::Answer(&answer)).await, code::REDIRECTED);
    let visitor = tokio::time::timeout(Duration::ZERO, elsewhere.accept()).await;
    assert!(visitor.is_err(), "the redirect was followed");
}

#[tokio::test]
async fn an_unknown_token_is_not_the_fault_of_the_document() {
    let answer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    assert_retry(&outcome_of(Then::Answer(answer)).await, code::UNAUTHORISED);
}

#[tokio::test]
async fn connections_are_shared_only_where_a_repeat_does_no_harm() {
    for (repeats, is_shared) in [(Repeats::ByKey, true), (Repeats::ByReference, true), (Repeats::Never, false)] {
        let (listener, base_url) = listener().await;
        let sender = sender(&base_url, repeats);
        let (_, (_, stream)) = join(send(&sender, parcel(Operation::Upsert)), serve(&listener, Then::Answer(OK))).await;
        let mut stream = stream.unwrap();
        let second = async {
            let again = Box::pin(read_or_leave(&mut stream));
            let anew = Box::pin(serve(&listener, Then::Answer(OK)));
            match select(again, anew).await {
                Either::Left((true, _)) => true,
                Either::Left((false, anew)) => {
                    anew.await;
                    false
                }
                Either::Right(_) => false,
            }
        };
        let (outcome, was_shared) = join(send(&sender, parcel(Operation::Upsert)), second).await;
        assert_eq!(outcome, Outcome::Delivered { foreign_reference: None });
        assert_eq!(was_shared, is_shared, "{repeats:?}");
    }
}

/// Answers a second request on a connection; false if the sender has left it.
async fn read_or_leave(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    if stream.peek(&mut byte).await.unwrap_or(0) == 0 {
        return false;
    }
    read_request(stream).await;
    stream.write_all(OK.as_bytes()).await.unwrap();
    true
}

#[tokio::test]
async fn a_parcel_that_cannot_be_a_request_is_rejected() {
    let sender = sender("http://127.0.0.1:1", Repeats::ByKey);
    let outcome = send(&sender, Parcel { idempotency_key: "a\nb".to_owned(), ..parcel(Operation::Upsert) }).await;
    assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_probe_says_what_is_wrong() {
    for (answer, expected) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Ok(())),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", Ok(())),
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", Err(ProbeError::Refused(401))),
        ("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", Err(ProbeError::Redirected(302))),
        ("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", Err(ProbeError::Failing(503))),
    ] {
        let (listener, base_url) = listener().await;
        let sender = sender(&format!("{base_url}/api"), Repeats::ByKey);
        let (probed, (request, _)) = join(sender.probe(), serve(&listener, Then::Answer(answer))).await;
        assert_eq!(probed, expected);
        assert!(request.starts_with("GET /api/ HTTP/1.1\r\n"), "{request}");
    }
    let (listener, base_url) = listener().await;
    drop(listener);
    assert!(matches!(sender(&base_url, Repeats::ByKey).probe().await, Err(ProbeError::Unreachable(_))));
}
