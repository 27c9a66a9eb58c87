//! The EURES puller, seen from a feed: what it calls, what it keeps, and which breaches it finds.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod feed;

use std::{sync::atomic::Ordering, time::Duration};

use connectors::eures::stub::{
    Binding, Change, EuresSettings, EuresStub, PullError, Severity, Stamps, Status, check_document, rule,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::feed::{Entry, Feed, NOW, detailed, document, listed, with_feed};

/// Pulls and gives back the codes of the rules that were broken.
async fn broken(stub: &mut EuresStub) -> Vec<&'static str> {
    stub.pull().await.unwrap().breaches.iter().map(|breach| breach.rule.code).collect()
}

#[test]
fn the_document_of_these_tests_is_right() {
    assert_eq!(check_document(&document("r", 1), Some("r"), Binding::Written), []);
}

#[tokio::test]
async fn the_first_pull_takes_everything_and_the_next_what_changed() {
    let feed = Feed::default();
    for reference in ["a", "b", "c", "d"] {
        feed.create(reference);
    }
    with_feed(&feed, async |mut stub| {
        stub.ping().await.unwrap();
        let first = stub.pull().await.unwrap();
        assert_eq!((first.changes.len(), first.breaches), (4, vec![]));
        feed.update("b");
        feed.close("c");
        let next = stub.pull().await.unwrap();
        let told: Vec<_> = next.changes.iter().map(|one| (one.reference.as_str(), one.change, one.revision)).collect();
        assert_eq!(told, [("b", Change::Modified, Some(2)), ("c", Change::Closed, None)]);
        assert_eq!(next.changes[0].title.as_deref(), Some("Lasser (rev 2)"));
        let vacancy = stub.view().vacancy("c").unwrap();
        assert_eq!((vacancy.status, vacancy.revisions), (Status::Closed, vec![1]));
        assert_eq!(stub.view().breach_count(), 0);
    })
    .await;
    let calls = feed.calls.lock().unwrap();
    assert_eq!(calls[..4], ["getAll", "getDetails a,b,c", "getDetails d", "getChanges"]);
}

#[tokio::test]
async fn a_feed_that_obeys_is_mirrored_without_a_breach() {
    let feed = Feed::default();
    with_feed(&feed, async |mut stub| {
        let mut number = 7_u64;
        for step in 0..400_u64 {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let reference = format!("v{}", (number >> 33) % 9);
            let state = feed.entries.lock().unwrap().get(&reference).map(|entry| entry.status);
            match (state, (number >> 40) % 3) {
                (None, _) => feed.create(&reference),
                (Some(Status::Active), 0) => feed.close(&reference),
                (Some(Status::Active), _) => feed.update(&reference),
                (Some(Status::Closed), _) => feed.reopen(&reference),
            }
            if step % 5 == 0 {
                assert_eq!(stub.pull().await.unwrap().breaches, [], "{step}");
            }
            if step % 37 == 0 {
                assert_eq!(stub.reconcile().await.unwrap().breaches, [], "{step}");
            }
        }
        stub.pull().await.unwrap();
        let mirror = stub.view().mirror();
        for (reference, entry) in feed.entries.lock().unwrap().iter() {
            let Some(held) = mirror.get(reference) else { panic!("{reference} is missing") };
            assert_eq!((held.status, held.stamps), (entry.status, entry.stamps), "{reference}");
            assert!(held.revisions.is_sorted(), "{:?}", held.revisions);
        }
    })
    .await;
}

#[tokio::test]
async fn a_reopened_vacancy_is_told_as_such() {
    let feed = Feed::default();
    feed.create("a");
    with_feed(&feed, async |mut stub| {
        stub.pull().await.unwrap();
        feed.close("a");
        stub.pull().await.unwrap();
        feed.reopen("a");
        let changes = stub.pull().await.unwrap().changes;
        assert_eq!(changes.iter().map(|one| one.change).collect::<Vec<_>>(), [Change::Reopened]);
        assert_eq!(stub.view().vacancy("a").unwrap().revisions, [1, 2]);
        assert_eq!(stub.view().breaches(), []);
    })
    .await;
}

/// A list of changes in which one entry is in one list.
fn one_change(list: &str, entry: &Value) -> Value {
    let mut changes = json!({ "createdReferences": [], "modifiedReferences": [], "closedReferences": [] });
    changes[list] = json!([entry]);
    changes
}

/// An entry of a list with times in ticks of the feed's clock.
fn told(reference: &str, status: Status, created: i64, modified: i64, closed: Option<i64>) -> Value {
    let at = |ticks: i64| NOW - 1_000_000 + ticks;
    let stamps = Stamps { created: at(created), modified: at(modified), closed: closed.map(at) };
    listed(reference, &Entry { status, stamps, revision: 1 })
}

#[tokio::test]
async fn each_rule_about_time_is_checked() {
    use Status::{Active, Closed};
    let (created, modified, closed) = ("createdReferences", "modifiedReferences", "closedReferences");
    // Ticks 1 to 3 create z, a and b; tick 4 closes z; the question asks from tick 4.
    let cases = [
        ("TIME-1", modified, told("n", Active, 5, 5, None), "created since, and told as modified"),
        ("TIME-1", modified, told("m", Active, 1, 5, None), "modified, and never told as created"),
        ("TIME-1", created, told("a", Closed, 2, 2, Some(5)), "closed, and told as created"),
        ("TIME-2", closed, told("a", Active, 2, 5, None), "active, and told as closed"),
        ("TIME-2", closed, told("a", Closed, 2, 5, None), "closed at no time"),
        ("TIME-3", modified, told("z", Active, 1, 5, None), "reopened, and told as modified"),
        ("TIME-3", modified, told("a", Active, 2, 5, Some(5)), "active with a closing time"),
        ("TIME-4", modified, told("a", Active, 1, 5, None), "modified with another time of creation"),
        ("TIME-4", modified, told("a", Closed, 2, 2, Some(5)), "closed, and told as modified"),
        ("TIME-5", created, told("a", Active, 2, 2, None), "created before the question"),
        ("TIME-5", modified, told("b", Active, 3, 3, None), "modified before the question"),
        ("TIME-5", closed, told("z", Closed, 1, 1, Some(3)), "closed before the question"),
        ("TIME-5", modified, told("a", Active, 2, 1_600_000, None), "modified in the future"),
        ("TIME-5", created, told("n", Active, 6, 5, None), "modified before it was created"),
    ];
    for (code, list, entry, name) in cases {
        let feed = Feed::default();
        for reference in ["z", "a", "b"] {
            feed.create(reference);
        }
        with_feed(&feed, async |mut stub| {
            stub.pull().await.unwrap();
            feed.close("z");
            assert_eq!(stub.pull().await.unwrap().breaches, [], "{name}");
            feed.swap("getChanges", one_change(list, &entry));
            assert!(broken(&mut stub).await.contains(&code), "{name}: {:?}", stub.view().breaches());
        })
        .await;
    }
}

#[tokio::test]
async fn a_reopened_vacancy_needs_a_new_creation_time() {
    let feed = Feed::default();
    feed.create("a");
    with_feed(&feed, async |mut stub| {
        stub.pull().await.unwrap();
        feed.close("a");
        stub.pull().await.unwrap();
        feed.change("a", |entry, now| {
            let stamps = Stamps { modified: now, closed: None, ..entry.stamps };
            *entry = Entry { status: Status::Active, stamps, revision: 2 };
        });
        let entry = listed("a", &feed.entries.lock().unwrap()["a"]);
        feed.swap("getChanges", one_change("createdReferences", &entry));
        assert!(broken(&mut stub).await.contains(&"TIME-3"));
    })
    .await;
}

#[tokio::test]
async fn a_document_does_not_change_behind_its_times() {
    let feed = Feed::default();
    feed.create("a");
    with_feed(&feed, async |mut stub| {
        stub.pull().await.unwrap();
        feed.entries.lock().unwrap().get_mut("a").unwrap().revision = 2;
        assert_eq!(broken(&mut stub).await, ["TIME-4"]);
        feed.update("a");
        stub.pull().await.unwrap();
        feed.entries.lock().unwrap().get_mut("a").unwrap().stamps.modified -= 1;
        let entry = feed.entries.lock().unwrap()["a"].clone();
        feed.swap("getChanges", one_change("modifiedReferences", &listed("a", &entry)));
        assert!(broken(&mut stub).await.contains(&"TIME-5"), "times went back");
    })
    .await;
}

#[tokio::test]
async fn what_no_change_told_of_is_found_by_comparing() {
    type Secret = fn(&Feed);
    let secrets: [(&str, Secret); 4] = [
        ("TIME-5", |feed| feed.create("n")),
        ("TIME-5", |feed| feed.update("a")),
        ("TIME-1", |feed| feed.close("a")),
        ("TIME-2", |feed| feed.change("z", |entry, _| entry.status = Status::Active)),
    ];
    for (code, happen) in secrets {
        let feed = Feed::default();
        feed.create("a");
        feed.create("z");
        with_feed(&feed, async |mut stub| {
            stub.pull().await.unwrap();
            feed.close("z");
            stub.pull().await.unwrap();
            feed.is_silent.store(true, Ordering::Relaxed);
            happen(&feed);
            assert_eq!(stub.pull().await.unwrap().breaches, []);
            let breaches = stub.reconcile().await.unwrap().breaches;
            assert!(breaches.iter().any(|breach| breach.rule.code == code), "{code}: {breaches:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn details_are_what_was_asked_for() {
    let feed = Feed::default();
    feed.create("a");
    let entry = feed.entries.lock().unwrap()["a"].clone();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut detail = detailed("a", &entry);
        change(&mut detail);
        json!({ "details": { "a": detail } })
    };
    for (code, answer) in [
        ("DETAILS", json!({ "details": {} })),
        ("DETAILS", json!({ "details": { "a": detailed("a", &entry), "b": detailed("b", &entry) } })),
        ("DETAILS", with(&|detail| detail["content"] = json!(""))),
        ("DETAILS", with(&|detail| detail["reference"] = json!("b"))),
        ("SHAPE", with(&|detail| detail["content"] = json!({}))),
        ("SHAPE", with(&|detail| detail["hrxml"] = json!(""))),
        ("BR-COM-45", with(&|detail| detail["contentFormatVersion"] = json!("2"))),
        ("DOCUMENT-ID", with(&|detail| detail["content"] = json!(document("b", 1)))),
        ("BR-COM-52", with(&|detail| detail["content"] = json!(document("a", 1).replace(">BE<", ">MA<")))),
        ("XML", with(&|detail| detail["content"] = json!("<PositionOpening>"))),
        ("TIME-5", with(&|detail| detail["lastModificationTimestamp"] = json!(NOW - 2_000_000))),
    ] {
        with_feed(&feed, async |mut stub| {
            feed.swap("getDetails", answer.clone());
            let codes = broken(&mut stub).await;
            assert!(codes.contains(&code), "{code}: {codes:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_breach_names_the_vacancy_the_rule_and_the_place() {
    let feed = Feed::default();
    feed.create("a");
    let entry = feed.entries.lock().unwrap()["a"].clone();
    let mut detail = detailed("a", &entry);
    detail["content"] = json!(document("a", 1).replace(">BE<", ">GB<"));
    with_feed(&feed, async |mut stub| {
        feed.swap("getDetails", json!({ "details": { "a": detail } }));
        stub.pull().await.unwrap();
        let breaches = stub.view().refusals();
        assert_eq!(breaches.len(), 1);
        let at = "/PositionOpening[1]/PositionProfile[1]/PositionLocation[1]/Address[1]/CountryCode[1]";
        assert_eq!((breaches[0].reference.as_deref(), breaches[0].at.as_str()), (Some("a"), at));
        assert_eq!((breaches[0].rule, breaches[0].rule.severity), (rule::BR_52, Severity::Refused));
        assert_eq!(breaches[0].to_string(), format!("a BR-COM-52 at {at}: `GB` is none"));
    })
    .await;
}

#[tokio::test]
async fn a_pull_that_breaks_off_is_made_up_for() {
    let feed = Feed::default();
    for reference in ["a", "b", "c", "d", "e"] {
        feed.create(reference);
    }
    with_feed(&feed, async |mut stub| {
        stub.pull().await.unwrap();
        for reference in ["a", "b", "c", "d", "e"] {
            feed.update(reference);
        }
        feed.pass("getDetails");
        feed.swap("getDetails", json!(503));
        assert_eq!(stub.pull().await, Err(PullError::Status { call: "getDetails", status: 503 }));
        assert_eq!(stub.pull().await.unwrap().breaches, []);
        assert!(stub.view().mirror().values().all(|held| held.revisions == [1, 2]));
    })
    .await;
}

#[tokio::test]
async fn failures_of_the_way_are_no_breaches() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut stub = EuresStub::new(EuresSettings::new(base_url.parse().unwrap(), None));
    assert!(matches!(stub.pull().await, Err(PullError::Call { call: "getAll", .. })));
    assert_eq!((stub.view().breach_count(), stub.view().pulls()), (0, 1));

    with_feed(&Feed::default(), async |stub| {
        let wrong = EuresSettings::new("http://127.0.0.1:1".parse().unwrap(), Some("a\nb".into()));
        assert_eq!(EuresStub::new(wrong).ping().await, Err(PullError::Token));
        stub.ping().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn it_runs_until_it_is_told_to_stop() {
    let feed = Feed::default();
    feed.create("a");
    with_feed(&feed, async |mut stub| {
        let view = stub.view();
        let mut observer = view.observe();
        let stop = CancellationToken::new();
        let mut failures = 0;
        let running = stub.run(Duration::from_millis(1), &stop, |pull| failures += usize::from(pull.is_err()));
        let watching = async {
            assert_eq!(observer.recv().await.unwrap().change, Change::Created);
            view.until(|view| view.pulls() >= 3).await;
            feed.close("a");
            view.until(|view| view.vacancy("a").is_some_and(|held| held.status == Status::Closed)).await;
            stop.cancel();
        };
        let both = futures::future::join(running, watching);
        tokio::time::timeout(Duration::from_secs(30), both).await.unwrap();
        assert_eq!((failures, view.breach_count()), (0, 0));
    })
    .await;
}
