//! The webhooks of the stubs of applicant tracking systems: signed and posted as their vendors do.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    future::Future,
    path::Path,
    sync::Arc,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use connectors::{
    BaseUrl,
    candidates::{
        CandidateAccount,
        stub::{CandidateStub, sign},
    },
};
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Mutex};

#[derive(Deserialize)]
struct Vector {
    provider: String,
    secret: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    #[serde(default)]
    token: String,
    #[serde(default, rename = "triggeredAt")]
    triggered_at: i64,
    #[serde(default)]
    signature: String,
}

#[test]
fn the_collected_vectors_are_reproduced() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/ats/webhook-signature-vectors.json");
    if !file.exists() {
        eprintln!("skipped: no reference data at `{}`", file.display());
        return;
    }
    let vectors: Vec<Vector> = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let vector = |provider: &str| vectors.iter().find(|vector| vector.provider == provider).unwrap();

    let teamtailor = vector("teamtailor company webhooks v2");
    let expected = &teamtailor.headers["TT-Signature"];
    let shown = String::from_utf8(BASE64_STANDARD.decode(expected).unwrap()).unwrap();
    let t = shown.split(',').find_map(|part| part.strip_prefix("t=")).unwrap().parse().unwrap();
    assert_eq!(sign::teamtailor(&secret(teamtailor), t, teamtailor.body.as_bytes()), *expected);

    let smart = vector("smartrecruiters");
    let header = |name: &str| smart.headers[name].as_str();
    let signature = sign::smartrecruiters(
        &secret(smart),
        header("smartrecruiters-timestamp"),
        smart.body.as_bytes(),
        header("event-id"),
        header("event-name"),
        header("event-version"),
        header("link"),
    );
    assert_eq!(signature, header("smartrecruiters-signature"));

    let recruitee = vector("recruitee");
    let signature = sign::recruitee(&secret(recruitee), recruitee.body.as_bytes());
    assert_eq!(signature, recruitee.headers["X-Recruitee-Signature"]);

    let greenhouse = vector("greenhouse recruiting webhooks");
    let signature = sign::greenhouse(&secret(greenhouse), greenhouse.body.as_bytes());
    assert_eq!(signature, greenhouse.headers["Signature"]);

    let lever = vector("lever");
    assert_eq!(sign::lever(&secret(lever), &lever.token, lever.triggered_at), lever.signature);
}

fn secret(vector: &Vector) -> SecretString {
    vector.secret.as_str().into()
}

/// What came, and what is answered.
#[derive(Default)]
struct Inbox {
    received: Vec<(HeaderMap, Bytes)>,
    status: StatusCode,
    echoes: bool,
}

async fn receive(State(inbox): State<Arc<Mutex<Inbox>>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut inbox = inbox.lock().await;
    let mut response = inbox.status.into_response();
    if let Some(secret) = headers.get("x-hook-secret").filter(|_| inbox.echoes) {
        response.headers_mut().insert("x-hook-secret", secret.clone());
    }
    inbox.received.push((headers, body));
    response
}

/// Runs a test beside a receiver.
async fn beside_receiver<F: Future<Output = ()>>(test: impl FnOnce(BaseUrl, Arc<Mutex<Inbox>>) -> F) {
    let inbox = Arc::new(Mutex::new(Inbox::default()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}/hooks", listener.local_addr().unwrap()).parse().unwrap();
    let router = Router::new().fallback(receive).with_state(Arc::clone(&inbox));
    tokio::select! {
        served = async { axum::serve(listener, router).await } => panic!("the receiver ended: {served:?}"),
        () = test(target, inbox) => {}
    }
}

/// Has a webhook told, and gives what came.
async fn told(account: CandidateAccount, event: &str) -> (CandidateStub, String, HeaderMap, Bytes) {
    let stub = CandidateStub::start(&account, 5).await.unwrap();
    let (id, mut came) = (stub.add(), None);
    beside_receiver(|target, inbox| {
        let (stub, id, came) = (&stub, &id, &mut came);
        async move {
            assert_eq!(stub.tell(&target, &"s3cret".into(), event, id).await, Some(200));
            assert_eq!(stub.tell(&target, &"s3cret".into(), event, "nobody").await, None);
            inbox.lock().await.status = StatusCode::UNAUTHORIZED;
            assert_eq!(stub.tell(&target, &"s3cret".into(), event, id).await, Some(401));
            *came = inbox.lock().await.received.first().cloned();
        }
    })
    .await;
    let (headers, body) = came.unwrap();
    assert_eq!(headers["content-type"], "application/json");
    (stub, id, headers, body)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers[name].to_str().unwrap()
}

#[tokio::test]
async fn teamtailor_signs_the_moment_and_the_body() {
    let account = CandidateAccount::Teamtailor { api_key: "k".into(), api_version: "20240404".to_owned() };
    let (_, id, headers, body) = told(account.clone(), "candidate.update").await;
    let shown = text(&headers, "tt-signature");
    let t = String::from_utf8(BASE64_STANDARD.decode(shown).unwrap()).unwrap();
    let t = t.strip_prefix("t=").unwrap().split_once(",v2=").unwrap().0.parse().unwrap();
    assert_eq!(sign::teamtailor(&"s3cret".into(), t, &body), shown);
    let event: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(event.pointer("/payload/event_name"), Some(&json!("candidate.update")));
    assert_eq!(event.pointer("/payload/data/id"), Some(&json!(id)));
    assert!(event.pointer("/payload/data/attributes/email").is_some());
    let (_, _, _, body) = told(account, "candidate.destroy").await;
    assert!(!String::from_utf8_lossy(&body).contains("@example.org"), "who is destroyed is not described");
}

#[tokio::test]
async fn smartrecruiters_tells_ids_and_signs_the_headers_too() {
    let (stub, id, headers, body) =
        told(CandidateAccount::SmartRecruiters { token: "t".into() }, "candidate.updated").await;
    assert_eq!(body, json!({ "candidate_id": id }).to_string());
    let link = text(&headers, "link");
    assert_eq!(link, format!("<{}/candidates/{id}>; rel=self", stub.base_url()));
    assert_eq!(text(&headers, "event-name"), "candidate.updated");
    let expected = sign::smartrecruiters(
        &"s3cret".into(),
        text(&headers, "smartrecruiters-timestamp"),
        &body,
        text(&headers, "event-id"),
        text(&headers, "event-name"),
        text(&headers, "event-version"),
        link,
    );
    assert_eq!(text(&headers, "smartrecruiters-signature"), expected);
}

#[tokio::test]
async fn recruitee_signs_the_body() {
    let account = CandidateAccount::Recruitee { company: "voorbeeld".to_owned(), token: "t".into() };
    let (_, id, headers, body) = told(account, "candidate_moved").await;
    assert_eq!(text(&headers, "x-recruitee-signature"), sign::recruitee(&"s3cret".into(), &body));
    let event: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&event["event_type"], &event["event_subtype"]), (&json!("candidate_moved"), &json!("stage_changed")));
    assert_eq!(event["payload"]["candidate"]["id"].to_string(), id);
}

#[tokio::test]
async fn lever_signs_in_the_body() {
    let (stub, id, _, body) = told(CandidateAccount::Lever { api_key: "k".into() }, "candidateStageChange").await;
    let event: Value = serde_json::from_slice(&body).unwrap();
    let (token, triggered_at) = (event["token"].as_str().unwrap(), event["triggeredAt"].as_i64().unwrap());
    assert_eq!(event["signature"], json!(sign::lever(&"s3cret".into(), token, triggered_at)));
    assert_eq!(token.len(), 48);
    assert_eq!((&event["data"]["opportunityId"], &event["event"]), (&json!(id), &json!("candidateStageChange")));
    assert_eq!(event["data"]["contactId"], json!(stub.reference(&id).unwrap()));
}

#[tokio::test]
async fn events_have_the_members_of_the_collected_ones() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/ats");
    if !folder.exists() {
        eprintln!("skipped: no reference data at `{}`", folder.display());
        return;
    }
    let recruitee = CandidateAccount::Recruitee { company: "voorbeeld".to_owned(), token: "t".into() };
    for (account, event, sample, pointers) in [
        (
            CandidateAccount::Lever { api_key: "k".into() },
            "candidateStageChange",
            "lever/webhook-candidateStageChange.json",
            &["", "/data"][..],
        ),
        (
            recruitee,
            "candidate_moved",
            "recruitee/webhook-candidate_moved-shape-DERIVED.json",
            &["/payload", "/payload/candidate", "/payload/offer", "/payload/details"],
        ),
    ] {
        let sample: Value = serde_json::from_slice(&fs::read(folder.join(sample)).unwrap()).unwrap();
        let (_, _, _, body) = told(account, event).await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        for pointer in pointers {
            let members = |value: &Value| -> BTreeSet<String> {
                value.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect()
            };
            assert_eq!(members(&body), members(&sample), "{event}: {pointer}");
        }
    }
}

#[tokio::test]
async fn a_webhook_is_tried_when_it_is_saved() {
    let smart = CandidateStub::start(&CandidateAccount::SmartRecruiters { token: "t".into() }, 5).await.unwrap();
    let recruitee = CandidateAccount::Recruitee { company: "voorbeeld".to_owned(), token: "t".into() };
    let recruitee = CandidateStub::start(&recruitee, 5).await.unwrap();
    let lever = CandidateStub::start(&CandidateAccount::Lever { api_key: "k".into() }, 5).await.unwrap();
    beside_receiver(|target, inbox| async move {
        assert_eq!(smart.try_webhook(&target).await, Some(false), "nobody echoes the secret");
        inbox.lock().await.echoes = true;
        assert_eq!(smart.try_webhook(&target).await, Some(true));
        assert_eq!(recruitee.try_webhook(&target).await, Some(true));
        let (headers, body) = inbox.lock().await.received.last().cloned().unwrap();
        assert_eq!((&body[..], headers.get("x-recruitee-signature")), (&br#"{"test":true}"#[..], None));
        inbox.lock().await.status = StatusCode::ACCEPTED;
        assert_eq!(smart.try_webhook(&target).await, Some(true));
        assert_eq!(recruitee.try_webhook(&target).await, Some(false), "only 200 counts");
        assert_eq!(lever.try_webhook(&target).await, None, "it tries nothing");
    })
    .await;
}
