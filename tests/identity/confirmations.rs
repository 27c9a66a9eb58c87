//! What persons confirm, and operators keep.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::scene::{Person, Scene, candidate, confirmed};

/// Two persons who are not linked by anything.
async fn two(scene: &Scene) -> (Person, Person) {
    let one = scene.push("one", &candidate("A-1", "S-100", "Welder")).await;
    (one, scene.push("web", &candidate("W-1", "S-100", "Welder")).await)
}

async fn code(scene: &Scene, verb: &str, body: &Value) -> (StatusCode, String) {
    let (status, answer) = scene.operate(Method::POST, &format!("/v1/subjects/{verb}"), body).await;
    (status, answer["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_person_s_own_word_links_and_splits() {
    let scene = Scene::start().await;
    let (one, other) = two(&scene).await;
    let yes = confirmed(("one", "A-1"), ("web", "W-1"), "notice-1");
    let (is_done, said) = scene.subject(&["link", "--json"], &yes).await;
    assert!(is_done, "{said}");
    let answer: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&answer["said"], &answer["is_new"]), (&json!("linked"), &json!(true)));
    assert_eq!(answer["same_person"].as_array().unwrap().len(), 2);
    assert!(scene.are_one(&one, &other).await);
    let (is_done, said) = scene.subject(&["link"], &yes).await;
    assert!(is_done && said.contains("are linked already"), "{said}");
    let links = scene.links(&one).await;
    assert_eq!(links["history"].as_array().unwrap().len(), 1);
    let link = &links["links"][0];
    for (name, expected) in [
        ("evidence", "confirmation"),
        ("confirmed_by", "subject"),
        ("method", "in_person"),
        ("reference", "notice-1"),
        ("since", "2026-01-05T09:00:00.000000Z"),
    ] {
        assert_eq!(link[name], expected, "{links}");
    }
    let (is_done, said) = scene.subject(&["links", &one.subject], &json!(null)).await;
    assert!(is_done && said.contains(&other.subject) && said.contains("confirmation"), "{said}");
    scene.until_told(&one, "identity_linked - confirmation, with").await;
    scene.until_told(&other, "identity_linked - confirmation, with").await;

    let no = confirmed(("web", "W-1"), ("one", "A-1"), "notice-2");
    let (is_done, said) = scene.subject(&["split"], &no).await;
    assert!(is_done && said.contains("are split"), "{said}");
    assert!(!scene.are_one(&one, &other).await);
    let (is_done, said) = scene.subject(&["split"], &no).await;
    assert!(is_done && said.contains("are split already"), "{said}");
    scene.until_told(&other, "identity_split - confirmation").await;
    assert!(!scene.gateway.log().contains("A-1"), "what sources call persons is in no log");
}

#[tokio::test]
async fn only_whoever_may_can_say_it_and_only_with_evidence() {
    let scene = Scene::start().await;
    let (one, other) = two(&scene).await;
    let good = confirmed(("one", "A-1"), ("web", "W-1"), "notice-1");
    let key = scene.gateway.key("one").await;
    let request = scene.gateway.http.post(scene.gateway.url("/v1/subjects/link")).bearer_auth(key).json(&good);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let changed = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    for body in [
        changed("/evidence", json!({})),
        changed("/evidence/by", json!("gateway")),
        changed("/evidence/method", json!("automatic")),
        changed("/evidence/at", json!("2999-01-01T00:00:00Z")),
        changed("/evidence/reference", json!("")),
        changed("/evidence/reference", json!("Fatima Exemple, 5 March")),
        changed("/other", json!({"partner": "one", "foreign_id": "A-1"})),
    ] {
        assert_eq!(
            code(&scene, "link", &body).await,
            (StatusCode::UNPROCESSABLE_ENTITY, "wrong_body".to_owned()),
            "{body}"
        );
    }
    for body in [
        changed("/other/foreign_id", json!("W-2")),
        changed("/other/partner", json!("one")),
        changed("/other/partner", json!("no partner")),
    ] {
        assert_eq!(code(&scene, "link", &body).await.0, StatusCode::NOT_FOUND, "{body}");
    }
    assert!(!scene.are_one(&one, &other).await);
}

#[tokio::test]
async fn a_person_s_word_holds_against_numbers() {
    let scene = Scene::start().await;
    let one = scene.push("one", &candidate("A-1", "S-100", "Welder")).await;
    let other = scene.push("other", &candidate("B-9", "S-100", "Welder")).await;
    let web = scene.push("web", &candidate("W-1", "", "Welder")).await;
    assert!(scene.are_one(&one, &other).await);
    let no = confirmed(("one", "A-1"), ("other", "B-9"), "notice-1");
    assert_eq!(code(&scene, "split", &no).await.0, StatusCode::OK);
    let again = scene.push("other", &candidate("B-9", "S-100", "Fitter")).await;
    assert!(!scene.are_one(&one, &other).await, "they still have the same number");
    scene.until_told(&again, "identity_not_linked identity_split_before verified_id sigec").await;

    let linked = |reference: &str| {
        confirmed(
            ("web", "W-1"),
            (reference.split('/').next().unwrap(), reference.split('/').nth(1).unwrap()),
            "notice-2",
        )
    };
    assert_eq!(code(&scene, "link", &linked("one/A-1")).await.0, StatusCode::OK);
    let around = (StatusCode::CONFLICT, "identity_split_before".to_owned());
    assert_eq!(code(&scene, "link", &linked("other/B-9")).await, around);
    let yes = confirmed(("one", "A-1"), ("other", "B-9"), "notice-3");
    assert_eq!(code(&scene, "link", &yes).await.0, StatusCode::OK);
    assert_eq!(code(&scene, "link", &linked("other/B-9")).await.0, StatusCode::OK);
    let through = (StatusCode::CONFLICT, "identity_linked_through".to_owned());
    assert_eq!(code(&scene, "split", &no).await, through);
    assert!(scene.are_one(&one, &other).await && scene.are_one(&web, &other).await, "nothing was changed");
    // A number that goes takes nobody's word back.
    scene.push("other", &candidate("B-9", "S-400", "Fitter")).await;
    assert!(scene.are_one(&one, &other).await);
}
