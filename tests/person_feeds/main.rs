//! Talent profiles in feeds, from outside: every pull is decided, and what is taken back is gone at the next one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod due;
mod eures;
mod events;
mod own_events;
mod scene;
mod stages;
mod told;

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use self::{
    scene::{LITTLE, MUCH, Scene, profile},
    support::{grant_to, pull_until, puller, until},
};

fn pictures(document: &Value) -> usize {
    let attachments = document["profiles"][0]["attachments"].as_array();
    attachments.into_iter().flatten().filter(|one| one["purpose"] == "picture").count()
}

#[tokio::test]
async fn each_platform_is_shown_what_the_person_permits_to_it() {
    let mut scene = Scene::start().await;
    let (message, person) = scene.push(1, "Soudeuse").await;
    for platform in ["belgium", "morocco"] {
        scene.until_step(&message, &format!("not_entitled {platform} no_grant")).await;
    }
    scene.belgium.pull().await.unwrap();
    assert!(scene.belgium.shown().is_empty(), "nobody is shown before the person has permitted it");

    scene.permit_belgium(&person).await;
    scene.permit(grant_to(&person, "morocco", "MA", &LITTLE)).await;
    pull_until(&mut scene.belgium, &person, true).await;
    pull_until(&mut scene.morocco, &person, true).await;
    let (belgium, morocco) = (&scene.belgium.shown()[&person], &scene.morocco.shown()[&person]);
    assert_eq!(belgium.document["person"]["name"]["given"], "Amina");
    assert_eq!((pictures(&belgium.document), pictures(&morocco.document)), (0, 1));
    assert_eq!(morocco.document["person"].get("name"), None);
    for (profile, withheld) in [
        (belgium, ["picture;reason=category_excepted", "birth_date;reason=category_not_permitted"]),
        (morocco, ["identity;reason=category_not_permitted", "intro;reason=category_not_permitted"]),
    ] {
        for one in withheld {
            assert!(profile.notice.withheld.contains(one), "{}", profile.notice.withheld);
        }
        assert_eq!(profile.notice.obligations, "retention=\"P6M\", onward=deny, notify-on-change");
    }
    assert_eq!((scene.belgium.violations(), scene.morocco.violations()), (&[][..], &[][..]));
}

#[tokio::test]
async fn what_is_withheld_says_nothing_about_whether_there_is_any() {
    let mut scene = Scene::start().await;
    let mut bare = profile(2, "Soudeuse");
    bare["person"].as_object_mut().unwrap().remove("birthDate");
    bare["profiles"][0].as_object_mut().unwrap().remove("attachments");
    let mut rich = profile(2, "Soudeuse");
    rich["documentId"]["value"] = "P-3".into();
    let mut told = Vec::new();
    for document in [bare, rich] {
        let (_, person) = scene.push_document(&document).await;
        scene.permit_belgium(&person).await;
        pull_until(&mut scene.belgium, &person, true).await;
        let shown = &scene.belgium.shown()[&person];
        let mut document = shown.document.clone();
        document.as_object_mut().unwrap().remove("documentId");
        told.push((shown.notice.clone(), document));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(scene.belgium.violations(), []);
}

#[tokio::test]
async fn what_is_withdrawn_is_gone_at_the_next_pull_and_acknowledged_by_the_one_after() {
    let mut scene = Scene::start().await;
    let (_, person) = scene.push(1, "Soudeuse").await;
    let record = scene.permit_belgium(&person).await;
    pull_until(&mut scene.belgium, &person, true).await;

    let mut fresh = puller(&scene.gateway, "belgium", 100).await;
    scene.withdraw(&record).await;
    fresh.pull().await.unwrap();
    assert!(fresh.shown().is_empty(), "no pull shows it once the withdrawal is acknowledged");

    scene.until_recalls(&person, &["belgium consent_withdrawn sent not_pulled_yet"]).await;
    assert!(scene.belgium.shown().contains_key(&person), "nobody has told it yet");
    scene.belgium.pull().await.unwrap();
    assert!(scene.belgium.shown().is_empty());
    assert_eq!(scene.belgium.removed()[&person].reason.as_deref(), Some("consent_withdrawn"));
    assert_eq!(
        scene.recalls(&person).await,
        ["belgium consent_withdrawn sent not_pulled_yet"],
        "nobody knows yet whether the page arrived"
    );
    scene.belgium.pull().await.unwrap();
    assert_eq!(scene.recalls(&person).await, ["belgium consent_withdrawn acknowledged -"]);
    assert_eq!((scene.belgium.violations(), fresh.violations()), (&[][..], &[][..]));

    scene.permit_belgium(&person).await;
    pull_until(&mut scene.belgium, &person, true).await;
    assert_eq!(scene.belgium.violations(), [], "what is permitted again is new");
}

#[tokio::test]
async fn an_unrelated_grant_does_not_make_it_vanish() {
    let mut scene = Scene::start().await;
    let (message, person) = scene.push(1, "Soudeuse").await;
    scene.permit_belgium(&person).await;
    pull_until(&mut scene.belgium, &person, true).await;
    let other = scene.permit(grant_to(&person, "morocco", "MA", &LITTLE)).await;
    for limit in [1, 100] {
        let mut fresh = puller(&scene.gateway, "belgium", limit).await;
        fresh.pull().await.unwrap();
        assert!(fresh.shown().contains_key(&person), "it stands there all the time");
    }
    scene.until_step(&message, "delivered morocco -").await;
    scene.withdraw(&other).await;
    // What else was permitted is asked back from everybody, and goes again behind that: see docs/persons.md.
    pull_until(&mut scene.morocco, &person, false).await;
    pull_until(&mut scene.belgium, &person, true).await;
    assert_eq!((scene.belgium.violations(), scene.morocco.violations()), (&[][..], &[][..]));
}

#[tokio::test]
async fn what_is_permitted_for_a_time_is_shown_no_longer_and_then_gone() {
    let mut scene = Scene::start().await;
    let (_, person) = scene.push(1, "Soudeuse").await;
    let mut grant = grant_to(&person, "belgium", "BE", &MUCH);
    let end = Timestamp::now() + SignedDuration::from_secs(10);
    grant["events"][1]["duration"] = end.to_string().into();
    scene.permit(grant).await;
    pull_until(&mut scene.belgium, &person, true).await;
    until("its time is over", async || Timestamp::now() > end).await;
    let mut fresh = puller(&scene.gateway, "belgium", 100).await;
    fresh.pull().await.unwrap();
    assert!(fresh.shown().is_empty(), "not a moment longer");
    pull_until(&mut scene.belgium, &person, false).await;
    assert_eq!(scene.belgium.removed()[&person].reason.as_deref(), Some("consent_expired"));
    scene.belgium.pull().await.unwrap();
    assert_eq!(scene.recalls(&person).await, ["belgium consent_expired acknowledged -"]);
    assert_eq!(scene.belgium.violations(), []);
}

#[tokio::test]
async fn what_is_to_be_left_alone_is_neither_shown_nor_ended_and_no_puller_misses_it() {
    let mut scene = Scene::start().await;
    let (_, person) = scene.push(1, "Soudeuse").await;
    scene.permit_belgium(&person).await;
    pull_until(&mut scene.belgium, &person, true).await;
    scene.restrict(Method::PUT, &person).await;
    let mut fresh = puller(&scene.gateway, "belgium", 100).await;
    fresh.pull().await.unwrap();
    scene.belgium.pull().await.unwrap();
    assert!(fresh.shown().is_empty() && scene.belgium.shown().contains_key(&person), "what is there is not ended");
    assert!(fresh.removed().is_empty());
    scene.restrict(Method::DELETE, &person).await;
    fresh.pull().await.unwrap();
    assert!(fresh.shown().contains_key(&person), "it had passed the place, and it is not skipped");
    assert_eq!((scene.belgium.violations(), fresh.violations()), (&[][..], &[][..]));
}

#[tokio::test]
async fn whose_keys_are_destroyed_is_gone() {
    let mut scene = Scene::start().await;
    let (_, person) = scene.push(1, "Soudeuse").await;
    scene.permit_belgium(&person).await;
    pull_until(&mut scene.belgium, &person, true).await;
    scene.ask(Method::DELETE, &format!("/v1/subjects/{person}/keys"), &Value::Null).await;
    let mut fresh = puller(&scene.gateway, "belgium", 100).await;
    fresh.pull().await.unwrap();
    assert!(fresh.shown().is_empty());
    pull_until(&mut scene.belgium, &person, false).await;
    assert_eq!(scene.belgium.removed()[&person].reason.as_deref(), Some("subject_erased"));
    scene.belgium.pull().await.unwrap();
    scene.until_recalls(&person, &["belgium subject_erased acknowledged -"]).await;
    assert_eq!((scene.belgium.violations(), fresh.violations()), (&[][..], &[][..]));
}

#[tokio::test]
async fn a_platform_that_reads_in_pages_holds_what_it_may() {
    let mut scene = Scene::start().await;
    let mut persons = Vec::new();
    for number in 0..7 {
        let (_, person) = scene.push(number, "Soudeuse").await;
        let record = scene.permit_belgium(&person).await;
        persons.push((person, record));
    }
    let everybody: BTreeSet<String> = persons.iter().map(|(person, _)| person.clone()).collect();
    let shown = |stub: &connectors::platform::stub::PlatformStub| stub.shown().keys().cloned().collect::<BTreeSet<_>>();
    until("all of them stand there", async || {
        scene.belgium.pull().await.unwrap();
        shown(&scene.belgium) == everybody
    })
    .await;

    let mut slow = puller(&scene.gateway, "belgium", 2).await;
    assert!(slow.pull_page().await.unwrap());
    let first = shown(&slow);
    assert_eq!(first.len(), 2);
    // One that was pulled and one that was not are withdrawn between two pages, and one of each is corrected.
    let (pulled, other): (Vec<_>, Vec<_>) = persons.iter().partition(|(person, _)| first.contains(person));
    for (_, record) in [pulled[0], other[0]] {
        scene.withdraw(record).await;
    }
    let mut expected = everybody.clone();
    expected.remove(&pulled[0].0);
    expected.remove(&other[0].0);
    let number = |person: &String| persons.iter().position(|(one, _)| one == person).unwrap();
    for (person, _) in [pulled[1], other[1]] {
        let (message, again) = scene.push(number(person), "Soudeuse TIG").await;
        assert_eq!(&again, person);
        scene.until_step(&message, "delivered belgium -").await;
    }
    until("the slow one holds what it may", async || {
        slow.pull().await.unwrap();
        assert!(!slow.shown().contains_key(&other[0].0), "it was withdrawn before the page was asked for");
        shown(&slow) == expected
    })
    .await;
    for (person, _) in [pulled[1], other[1]] {
        assert_eq!(slow.shown()[person].document["profiles"][0]["objective"], "Soudeuse TIG");
    }
    assert_eq!(slow.violations(), []);

    // A platform that has lost everything begins anew, and one that was stopped goes on.
    assert!(scene.gateway.stop().await);
    scene.gateway.start().await;
    slow.forget();
    slow.pull().await.unwrap();
    assert_eq!((shown(&slow), slow.violations()), (expected, &[][..]));
}

#[tokio::test]
async fn a_feed_of_persons_is_read_by_its_platform_only_and_never_from_a_cache() {
    let mut scene = Scene::start().await;
    let (_, person) = scene.push(1, "Soudeuse").await;
    scene.permit_belgium(&person).await;
    pull_until(&mut scene.belgium, &person, true).await;
    let (own, foreign) = (scene.gateway.key("belgium").await, scene.gateway.key("morocco").await);
    let operator = scene.gateway.operator_token();
    let get = async |path: &str, key: &str| {
        let request = scene.gateway.http.get(scene.gateway.url(path)).bearer_auth(key).header("if-none-match", "*");
        request.send().await.unwrap()
    };
    for (path, key, expected) in [
        ("/v1/belgium/feed/talent_profile", &own, 200),
        ("/v1/belgium/feed/talent_profile", &foreign, 403),
        ("/v1/belgium/feed/talent_profile", &operator, 403),
        ("/v1/belgium/feed/vacancy", &own, 404),
        ("/v1/belgium/feed/placement_status", &own, 404),
        ("/input/api/cv/v1.0/getAll", &own, 401),
    ] {
        let response = get(path, key).await;
        assert_eq!(response.status(), expected, "{path}");
        assert_eq!(response.headers().get("etag"), None, "{path}");
    }
    let page: Value = get("/v1/belgium/feed/talent_profile", &own).await.json().await.unwrap();
    let cursor = page["cursor"].as_str().unwrap();
    let refused = get(&format!("/v1/morocco/feed/talent_profile?cursor={cursor}"), &foreign).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "a cursor is good for one feed");
}

#[tokio::test]
async fn other_wishes_of_a_partner_are_decided_by_at_the_next_pull() {
    let mut scene = Scene::start().await;
    let (_, person) = scene.push(1, "Soudeuse").await;
    scene.permit_belgium(&person).await;
    pull_until(&mut scene.belgium, &person, true).await;
    let file = scene.gateway.folder.path().join("partners/belgium.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    let more = before.replace("Selection\"]", "Selection\", \"dpv:PersonnelHiring\"]");
    assert_ne!(before, more);
    for (text, is_shown) in [(&more, false), (&before, true)] {
        std::fs::write(&file, text).unwrap();
        scene.ask(Method::POST, "/v1/configuration/reload", &json!({})).await;
        let mut fresh = puller(&scene.gateway, "belgium", 100).await;
        fresh.pull().await.unwrap();
        assert_eq!(fresh.shown().contains_key(&person), is_shown, "{text}");
    }
    scene.belgium.pull().await.unwrap();
    assert_eq!(scene.belgium.violations(), []);
}
