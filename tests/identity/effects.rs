//! What follows from being the same person: less leaves, and nothing is permitted by it.

use reqwest::Method;
use schemas::Operation::{Close, Upsert};
use serde_json::json;

use crate::{
    scene::{Person, Scene, candidate, confirmed},
    support::{pull_until, puller, taken, until, until_taken},
};

/// Two persons of two services, linked by a number.
async fn linked(scene: &Scene) -> (Person, Person) {
    let one = scene.push("one", &candidate("A-1", "S-100", "Welder")).await;
    let other = scene.push("other", &candidate("B-9", "S-100", "Welder")).await;
    assert!(scene.are_one(&one, &other).await);
    (one, other)
}

#[tokio::test]
async fn what_is_permitted_of_one_is_permitted_of_that_one_alone() {
    let scene = Scene::start().await;
    let (one, other) = linked(&scene).await;
    scene.permit(&one).await;
    until_taken(&scene.gateway, &scene.acme, &one.subject, &[Upsert]).await;
    let changed = scene.push("other", &candidate("B-9", "S-100", "Fitter")).await;
    until("it is decided", async || {
        scene.told_to(&scene.gateway.operator_token(), &changed, "no_grant").await.len() == 3
    })
    .await;
    assert_eq!(taken(&scene.acme, &other.subject), []);
}

#[tokio::test]
async fn who_is_left_alone_is_so_whichever_source_it_was_said_of() {
    let scene = Scene::start().await;
    let (one, other) = linked(&scene).await;
    scene.permit(&other).await;
    until_taken(&scene.gateway, &scene.acme, &other.subject, &[Upsert]).await;
    let mut platform = puller(&scene.gateway, "platform", 100).await;
    pull_until(&mut platform, &other.subject, true).await;

    let restricted = scene.restrict(Method::PUT, &one).await;
    assert_eq!(restricted["linked"], json!([other.subject]));
    let mut late = puller(&scene.gateway, "platform", 100).await;
    late.pull().await.unwrap();
    assert!(!late.shown().contains_key(&other.subject), "what was decided before is not shown any more");
    let changed = scene.push("other", &candidate("B-9", "S-100", "Fitter")).await;
    until("nothing goes", async || {
        let refused = scene.told_to(&scene.gateway.operator_token(), &changed, "subject_restricted").await;
        refused.iter().filter(|said| said.starts_with("refused")).count() == 3
    })
    .await;
    assert_eq!(taken(&scene.acme, &other.subject).len(), 1);

    assert!(
        scene.restrict(Method::DELETE, &other).await["restricted_since"].is_string(),
        "it was said of the other one"
    );
    let lifted = scene.restrict(Method::DELETE, &one).await;
    assert!(lifted["restricted_since"].is_null(), "{lifted}");
    until_taken(&scene.gateway, &scene.acme, &other.subject, &[Upsert, Upsert]).await;
    pull_until(&mut late, &other.subject, true).await;
}

#[tokio::test]
async fn who_was_left_alone_stays_so_when_a_number_goes_and_not_when_it_is_somebody_else() {
    let scene = Scene::start().await;
    let (one, other) = linked(&scene).await;
    scene.permit(&other).await;
    until_taken(&scene.gateway, &scene.acme, &other.subject, &[Upsert]).await;
    scene.restrict(Method::PUT, &one).await;
    scene.push("other", &candidate("B-9", "S-300", "Fitter")).await;
    assert!(!scene.are_one(&one, &other).await);
    let still = scene.restrict(Method::PUT, &other).await;
    assert!(still["restricted_since"].is_string(), "{still}");
    assert!(scene.restrict(Method::DELETE, &other).await["restricted_since"].is_null());
    until_taken(&scene.gateway, &scene.acme, &other.subject, &[Upsert, Upsert]).await;

    let yes = confirmed(("one", "A-1"), ("other", "B-9"), "notice-1");
    scene.gateway.ask(Method::POST, "/v1/subjects/link", &yes).await;
    let changed = scene.push("other", &candidate("B-9", "S-300", "Smith")).await;
    until("nothing goes", async || {
        !scene.told_to(&scene.gateway.operator_token(), &changed, "subject_restricted").await.is_empty()
    })
    .await;
    scene.gateway.ask(Method::POST, "/v1/subjects/split", &yes).await;
    until_taken(&scene.gateway, &scene.acme, &other.subject, &[Upsert, Upsert, Upsert]).await;
}

#[tokio::test]
async fn nobody_is_sent_whom_it_brought_itself() {
    let scene = Scene::start().await;
    let one = scene.push("one", &candidate("A-1", "S-100", "Welder")).await;
    scene.push("agency", &candidate("C-1", "S-500", "Welder")).await;
    scene.permit(&one).await;
    for employer in [&scene.acme, &scene.agency] {
        until_taken(&scene.gateway, employer, &one.subject, &[Upsert]).await;
    }
    let confirmed = confirmed(("one", "A-1"), ("agency", "C-1"), "notice-1");
    scene.gateway.ask(Method::POST, "/v1/subjects/link", &confirmed).await;
    until_taken(&scene.gateway, &scene.agency, &one.subject, &[Upsert, Close]).await;
    let changed = scene.push("one", &candidate("A-1", "S-100", "Fitter")).await;
    until_taken(&scene.gateway, &scene.acme, &one.subject, &[Upsert, Upsert]).await;
    scene.until_told(&changed, "identity_not_sent linked_source").await;
    let key = scene.gateway.key("one").await;
    for person in [&one, &changed] {
        assert_eq!(
            scene.told_to(&key, person, "linked_source").await,
            Vec::<String>::new(),
            "nobody hears who knows it"
        );
    }
    assert_eq!(taken(&scene.agency, &one.subject).len(), 2);

    scene.gateway.ask(Method::POST, "/v1/subjects/split", &confirmed).await;
    until_taken(&scene.gateway, &scene.agency, &one.subject, &[Upsert, Close, Upsert]).await;
    scene.settled().await;
    assert_eq!(taken(&scene.acme, &one.subject).len(), 2, "others have what they had");
    // A number says the same as a person's word.
    scene.push("agency", &candidate("C-2", "S-100", "Welder")).await;
    until_taken(&scene.gateway, &scene.agency, &one.subject, &[Upsert, Close, Upsert, Close]).await;
}

#[tokio::test]
async fn a_withdrawal_says_what_the_person_still_permits_and_ends_it_if_that_is_meant() {
    let scene = Scene::start().await;
    let (one, other) = linked(&scene).await;
    let alone = scene.push("web", &candidate("W-1", "S-100", "Welder")).await;
    let (first, second) = (scene.permit(&one).await, scene.permit(&other).await);
    scene.permit(&alone).await;
    for person in [&one, &other, &alone] {
        until_taken(&scene.gateway, &scene.acme, &person.subject, &[Upsert]).await;
    }
    let path = format!("/v1/consents/{first}/withdraw");
    let withdrawn = scene.gateway.ask(Method::POST, &path, &json!({"method": "web"})).await;
    assert_eq!(withdrawn["still_permitted"], json!([{"record_id": second, "subject": other.subject}]));
    assert_eq!(withdrawn["also_withdrawn"], json!([]));
    until_taken(&scene.gateway, &scene.acme, &one.subject, &[Upsert, Close]).await;
    assert_eq!(taken(&scene.acme, &other.subject).len(), 1, "it concerns what that source says");

    let withdrawn = scene.gateway.ask(Method::POST, &path, &json!({"method": "web", "linked": true})).await;
    assert_eq!(withdrawn["also_withdrawn"], json!([{"record_id": second, "subject": other.subject}]));
    assert_eq!(withdrawn["still_permitted"], json!([]));
    let recalled = withdrawn["recalls"].as_array().unwrap();
    assert!(recalled.iter().any(|recall| recall["subject"] == json!(other.subject)), "{withdrawn}");
    until_taken(&scene.gateway, &scene.acme, &other.subject, &[Upsert, Close]).await;
    assert_eq!(taken(&scene.acme, &alone.subject).len(), 1, "nobody else's");
}
