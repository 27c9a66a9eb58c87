//! The Greenhouse stub, seen from the receiver of its webhooks.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode};
use connectors::{
    greenhouse::stub::{
        Action, Answer, Closing, Fate, GreenhouseSettings, GreenhouseStub, Pace, PostError, VENDOR_RETRY_WAITS,
    },
    revision,
    webhook::{self, Received, Vendor},
};
use http::HeaderMap;
use serde_json::Value;
use tokio::{net::TcpListener, time::Instant};
use tokio_util::sync::CancellationToken;

const SECRET: &str = "gh-secret";

/// What a receiver has got, and the statuses it will answer with before it answers 200.
#[derive(Clone, Default)]
struct Receiver {
    webhooks: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Receiver {
    fn answering(statuses: &[u16]) -> Self {
        Self { answers: Arc::new(Mutex::new(statuses.iter().copied().collect())), ..Self::default() }
    }

    fn bodies(&self) -> Vec<Bytes> {
        self.webhooks.lock().unwrap().iter().map(|(_, body)| body.clone()).collect()
    }

    fn documents(&self) -> Vec<Value> {
        self.bodies().iter().map(|body| serde_json::from_slice(body).unwrap()).collect()
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    receiver.webhooks.lock().unwrap().push((headers, body));
    StatusCode::from_u16(receiver.answers.lock().unwrap().pop_front().unwrap_or(200)).unwrap()
}

fn stub(target: &str, seed: u64, retry_waits: Vec<Duration>) -> GreenhouseStub {
    let settings = GreenhouseSettings::new(target.parse().unwrap(), SECRET.into(), seed);
    GreenhouseStub::new(GreenhouseSettings { retry_waits, ..settings })
}

/// Runs a test against a receiver that listens for as long as the test runs.
async fn with_receiver(receiver: &Receiver, retries: usize, test: impl AsyncFnOnce(&GreenhouseStub)) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}/v1/acme/webhook", listener.local_addr().unwrap());
    let stub = stub(&target, 1, vec![Duration::from_millis(1); retries]);
    let router = Router::new().route("/v1/acme/webhook", axum::routing::post(receive)).with_state(receiver.clone());
    tokio::select! {
        result = axum::serve(listener, router) => panic!("the receiver ended: {result:?}"),
        () = test(&stub) => {}
    }
}

#[tokio::test]
async fn every_webhook_is_signed_over_its_raw_bytes() {
    let receiver = Receiver::default();
    with_receiver(&receiver, 0, async |stub| {
        let post = stub.create().await.post;
        stub.update(post).await.unwrap();
        stub.ping().await;
    })
    .await;
    let webhooks = receiver.webhooks.lock().unwrap();
    assert_eq!(webhooks.len(), 3);
    for (headers, body) in webhooks.iter() {
        let received = Received { headers, body, at: jiff::Timestamp::now() };
        let verified = webhook::verify(Vendor::Greenhouse, &[SECRET.into()], received).unwrap();
        assert!(verified.event_id.is_some());
        assert_eq!(headers["content-type"], "application/json");
        let text = std::str::from_utf8(body).unwrap();
        assert!(!text.contains(['<', '>', '&', '\n']), "{text}");
    }
    let text = std::str::from_utf8(&webhooks[0].1).unwrap();
    assert!(text.contains(r"\u003cp\u003e") && text.contains(r"\u0026"), "{text}");
}

#[tokio::test]
async fn a_version_shows_its_revision_in_the_title() {
    let receiver = Receiver::default();
    with_receiver(&receiver, 0, async |stub| {
        let post = stub.create().await.post;
        stub.update(post).await.unwrap();
        stub.close(post, Closing::Unpublished).await.unwrap();
        stub.reopen(post).await.unwrap();
    })
    .await;
    let seen: Vec<(u64, bool)> = receiver
        .documents()
        .iter()
        .map(|document| {
            let title = document["payload"]["title"].as_str().unwrap();
            (revision::find(title.as_bytes()).unwrap(), document["payload"]["live"].as_bool().unwrap())
        })
        .collect();
    assert_eq!(seen, [(1, true), (2, true), (3, false), (4, true)]);
}

#[tokio::test]
async fn a_vacancy_ends_in_three_ways() {
    let receiver = Receiver::default();
    with_receiver(&receiver, 0, async |stub| {
        for closing in [Closing::Unpublished, Closing::Deleted, Closing::JobClosed] {
            let post = stub.create().await.post;
            stub.close(post, closing).await.unwrap();
            assert!(!stub.ledger()[&post].last().unwrap().live);
            let again = stub.update(post).await.err();
            assert_eq!(again, (closing == Closing::Deleted).then_some(PostError::Deleted(post)));
        }
    })
    .await;
    let actions: Vec<String> =
        receiver.documents().iter().map(|document| document["action"].as_str().unwrap().to_owned()).collect();
    let (created, updated) = ("job_post_created", "job_post_updated");
    assert_eq!(
        actions,
        [created, updated, updated, created, updated, "job_post_deleted", created, "job_updated", updated]
    );
    let documents = receiver.documents();
    assert_eq!(documents[4]["payload"]["live"], false, "only posts that are off line may be deleted");
    assert_eq!(documents[5]["payload"]["job_post"]["id"], documents[3]["payload"]["id"]);
    let job = &documents[7]["payload"]["job"];
    assert_eq!((&job["job_post_id"], &job["status"]), (&documents[6]["payload"]["id"], &Value::from("closed")));
    assert!(job["closed_at"].is_string());
}

#[tokio::test]
async fn only_200_is_success_and_every_attempt_has_its_own_id() {
    let receiver = Receiver::answering(&[503, 202, 302, 422]);
    with_receiver(&receiver, 6, async |stub| {
        let delivery = stub.create().await;
        assert_eq!((delivery.attempt, delivery.answer), (5, Answer::Status(200)));
        let ledger = stub.ledger().remove(&delivery.post).unwrap();
        let version = ledger.acknowledged().next().unwrap();
        let answers: Vec<Answer> = version.attempts.iter().map(|attempt| attempt.answer).collect();
        assert_eq!(answers, [503, 202, 302, 422, 200].map(Answer::Status));
    })
    .await;
    let webhooks = receiver.webhooks.lock().unwrap();
    let ids: BTreeSet<_> = webhooks
        .iter()
        .map(|(headers, _)| headers["greenhouse-event-id"].clone().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 5);
    assert!(webhooks.iter().all(|(_, body)| *body == webhooks[0].1), "a retry has the same bytes");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_bytes() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let receiver = Receiver::default();
        with_receiver(&receiver, 0, async |stub| {
            for _ in 0..3 {
                let post = stub.create().await.post;
                stub.update(post).await.unwrap();
            }
        })
        .await;
        runs.push(receiver.bodies());
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn what_nobody_acknowledged_is_known_as_such() {
    let receiver = Receiver::answering(&[500, 500]);
    with_receiver(&receiver, 1, async |stub| {
        let post = stub.create().await.post;
        assert_eq!(stub.ledger()[&post].last().unwrap().fate(), Fate::Uncertain);
        assert_eq!(stub.ledger()[&post].acknowledged().count(), 0);
    })
    .await;

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}", listener.local_addr().unwrap());
    let hang_up = async { drop(listener.accept().await.unwrap()) };
    let silent = stub(&target, 1, Vec::new());
    let (delivery, ()) = futures::future::join(silent.create(), hang_up).await;
    assert_eq!(delivery.answer, Answer::Silence);
    assert_eq!(silent.ledger()[&delivery.post].last().unwrap().fate(), Fate::Uncertain);

    drop(listener);
    let refused = stub(&target, 1, Vec::new());
    let delivery = refused.create().await;
    assert_eq!(delivery.answer, Answer::Unreachable);
    assert_eq!(refused.ledger()[&delivery.post].last().unwrap().fate(), Fate::Unseen);
}

#[tokio::test(start_paused = true)]
async fn the_vendor_tries_for_fifteen_hours() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let beginning = Instant::now();
    let delivery = stub(&target, 1, VENDOR_RETRY_WAITS.to_vec()).create().await;
    assert_eq!((delivery.attempt, delivery.answer), (7, Answer::Unreachable));
    assert_eq!(beginning.elapsed().as_secs() / 60, 15 * 60 + 16);
}

#[tokio::test]
async fn steady_traffic_keeps_the_order_of_each_post() {
    let receiver = Receiver::answering(&[503, 200, 503, 503]);
    let pace = Pace {
        interval: Duration::ZERO,
        slots: 7,
        lanes: 3,
        closings: vec![Closing::Unpublished, Closing::Deleted, Closing::JobClosed],
        total: Some(200),
    };
    with_receiver(&receiver, 6, async |stub| {
        let mut deliveries = stub.observe();
        stub.steady(&pace, &CancellationToken::new()).await;
        let ledger = stub.ledger();
        assert!(ledger.len() > 7, "deleted posts make room for others");
        for post in ledger.values() {
            let revisions: Vec<u64> = post.acknowledged().map(|version| version.revision).collect();
            assert_eq!(revisions, (1..=revisions.len() as u64).collect::<Vec<_>>());
            assert_eq!(revisions.len(), post.versions.len());
        }
        let versions: usize = ledger.values().map(|post| post.versions.len()).sum();
        let deletions = ledger.values().filter(|post| post.last().unwrap().action == Action::JobPostDeleted).count();
        assert_eq!(versions, 200 + deletions);
        assert_eq!(deliveries.recv().await.unwrap().attempt, 1);
    })
    .await;
    let mut last: BTreeMap<u64, u64> = BTreeMap::new();
    for document in receiver.documents() {
        let payload = &document["payload"];
        let (post, title) = match payload.get("job_post").unwrap_or(payload) {
            Value::Object(job) if job.contains_key("job") => (&job["job"]["job_post_id"], &job["job"]["name"]),
            post => (&post["id"], &post["title"]),
        };
        let revision = revision::find(title.as_str().unwrap().as_bytes()).unwrap();
        let before = last.insert(post.as_u64().unwrap(), revision).unwrap_or(0);
        assert!(revision == before || revision == before + 1, "{before} then {revision}");
    }
}

#[tokio::test]
async fn a_long_history_is_forgotten() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let settings = GreenhouseSettings::new(target.parse().unwrap(), SECRET.into(), 1);
    let stub = GreenhouseStub::new(GreenhouseSettings { retry_waits: Vec::new(), history_limit: 2, ..settings });
    let post = stub.create().await.post;
    for _ in 0..3 {
        stub.update(post).await.unwrap();
    }
    let revisions = |stub: &GreenhouseStub| -> Vec<u64> {
        stub.ledger()[&post].versions.iter().map(|version| version.revision).collect()
    };
    assert_eq!(revisions(&stub), [3, 4]);
    stub.close(post, Closing::Deleted).await.unwrap();
    assert_eq!(revisions(&stub), [6]);
}

#[tokio::test]
async fn told_to_stop_it_gives_up_the_retries() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let stub = stub(&target, 1, VENDOR_RETRY_WAITS.to_vec());
    let mut deliveries = stub.observe();
    let stop = CancellationToken::new();
    let pace = Pace::per_second(1_000);
    let stopping = async {
        deliveries.recv().await.unwrap();
        stop.cancel();
    };
    let both = futures::future::join(stub.steady(&pace, &stop), stopping);
    tokio::time::timeout(Duration::from_secs(30), both).await.unwrap();
}

/// The names of all members, in order, with their paths.
fn members(value: &Value, path: &str, names: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = format!("{path}/{name}");
                names.push(path.clone());
                // Keyed by the customer's own fields, not by the vendor.
                if name != "custom_fields" {
                    members(value, &path, names);
                }
            }
        }
        Value::Array(items) if !path.contains("hiring_team") => {
            if let Some(first) = items.first() {
                members(first, &format!("{path}/-"), names);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn the_bodies_have_the_members_of_the_vendors_samples() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/ats/greenhouse/webhooks");
    if !folder.exists() {
        eprintln!("skipped: no reference data at `{}`", folder.display());
        return;
    }
    let receiver = Receiver::default();
    with_receiver(&receiver, 0, async |stub| {
        let post = stub.create().await.post;
        stub.update(post).await.unwrap();
        stub.close(post, Closing::JobClosed).await.unwrap();
        stub.close(post, Closing::Deleted).await.unwrap();
    })
    .await;
    let documents = receiver.documents();
    for (sample, ours) in [
        ("_job_events__job_post_created__05.json", &documents[0]),
        ("_job_events__job_post_updated__06.json", &documents[1]),
        // The collection has no `job_updated`; it has the shape of `job_created`.
        ("_job_events__job_created__01.json", &documents[2]),
        ("_job_events__job_post_deleted__07.json", &documents[4]),
    ] {
        let theirs: Value = serde_json::from_slice(&fs::read(folder.join(sample)).unwrap()).unwrap();
        let (mut expected, mut actual) = (Vec::new(), Vec::new());
        members(&theirs, "", &mut expected);
        members(ours, "", &mut actual);
        assert_eq!(actual, expected, "{sample}");
    }
}
