//! Numbers that partners have verified.

use std::{fs, path::Path};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    scene::{Scene, candidate, confirmed, verifying},
    support::{Setup, jobseeker, profile_source, until},
};

#[tokio::test]
async fn a_number_that_two_partners_verified_links_and_nobody_hears_of_it() {
    let scene = Scene::start().await;
    let one = scene.push("one", &candidate("A-1", "S-100", "Welder")).await;
    assert!(scene.links(&one).await["linked"].as_array().unwrap().is_empty());
    let other = scene.push("other", &candidate("B-9", "S-100", "Fitter")).await;
    assert!(scene.are_one(&one, &other).await);
    let links = scene.links(&other).await;
    let link = &links["links"][0];
    assert_eq!((&link["evidence"], &link["scheme"]), (&json!("verified_id"), &json!("sigec")));
    assert_eq!((&link["said_by"], &links["history"][0]), (&json!("other"), link));
    assert!(!links.to_string().contains("S-100") && !links.to_string().contains("A-1"), "{links}");
    for (person, with, partner) in [(&one, &other, "one"), (&other, &one, "other")] {
        let said = format!("identity_linked - verified_id sigec, with {}", with.subject);
        scene.until_told(person, &said).await;
        let key = scene.gateway.key(partner).await;
        assert_eq!(scene.told_to(&key, person, "identity_").await, Vec::<String>::new(), "{partner} is told nothing");
        assert!(!scene.told_to(&key, person, "rou").await.is_empty(), "it sees the rest");
        let hidden = scene.gateway.http.get(scene.gateway.url("/v1/messages?state=identity_linked")).bearer_auth(key);
        assert_eq!(hidden.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn the_number_of_a_state_links_whoever_calls_the_person_by_it() {
    let scene = Scene::start().await;
    let one = scene.push("anapec", &jobseeker("ZM739182", "Exemple", "soudure")).await;
    let other = scene.push("regional", &jobseeker("ZM739182", "Voorbeeld", "montage")).await;
    assert!(scene.are_one(&one, &other).await, "by other names, too");
    let third = scene.push("regional", &jobseeker("ZM739183", "Exemple", "soudure")).await;
    assert!(!scene.are_one(&one, &third).await);
}

#[tokio::test]
async fn nothing_else_links_anybody() {
    let scene = Scene::start().await;
    let one = scene.push("one", &candidate("A-1", "S-100", "Welder")).await;
    for (partner, reference, number) in [
        ("other", "B-1", "S-101"),
        ("other", "B-2", "s-100"),
        ("other", "B-3", "S-100 0"),
        ("other", "A-1", "S-102"),
        // It sends the very number, and has not verified it.
        ("web", "C-1", "S-100"),
    ] {
        let other = scene.push(partner, &candidate(reference, number, "Welder")).await;
        assert!(!scene.are_one(&one, &other).await, "{partner} {reference}: same name, e-mail and day of birth");
    }
    let mut of_another_kind = candidate("B-4", "S-100", "Welder");
    of_another_kind["alternateIds"][0]["schemeId"] = "actiris".into();
    let other = scene.push("other", &of_another_kind).await;
    assert!(!scene.are_one(&one, &other).await, "a number of another kind");
    assert_eq!(scene.told(&one).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_number_that_one_partner_gave_to_two_persons_links_nobody() {
    let scene = Scene::start().await;
    let one = scene.push("one", &candidate("A-1", "S-100", "Welder")).await;
    let other = scene.push("other", &candidate("B-9", "S-100", "Welder")).await;
    assert!(scene.are_one(&one, &other).await);
    let second = scene.push("one", &candidate("A-2", "S-100", "Welder")).await;
    for (person, others) in [(&one, &other), (&one, &second), (&other, &second)] {
        assert!(!scene.are_one(person, others).await);
    }
    scene.until_told(&second, "identity_not_linked identity_number_shared verified_id sigec").await;
    scene.until_told(&one, "identity_split identity_number_shared").await;
    scene.until_told(&other, "identity_split identity_number_shared").await;
    // It was a slip of the pen.
    scene.push("one", &candidate("A-2", "S-200", "Welder")).await;
    assert!(scene.are_one(&one, &other).await, "nobody stands between them any more");
    assert!(!scene.are_one(&one, &second).await);
}

#[tokio::test]
async fn a_number_that_changes_links_nobody_any_more_and_a_repeat_says_nothing_new() {
    let mut scene = Scene::start().await;
    let one = scene.push("one", &candidate("A-1", "S-100", "Welder")).await;
    let other = scene.push("other", &candidate("B-9", "S-100", "Welder")).await;
    let history = async |scene: &Scene| scene.links(&one).await["history"].as_array().unwrap().len();
    assert_eq!(history(&scene).await, 1);
    let (status, _) = scene.try_push("other", &candidate("B-9", "S-100", "Welder")).await;
    assert_eq!(status, StatusCode::OK, "it says just the same");
    scene.push("other", &candidate("B-9", "S-100", "Fitter")).await;
    assert_eq!(history(&scene).await, 1);

    scene.gateway.kill().await;
    scene.gateway.start().await;
    assert!(scene.are_one(&one, &other).await, "a restart keeps it");
    let changed = scene.push("other", &candidate("B-9", "S-300", "Fitter")).await;
    assert!(!scene.are_one(&one, &other).await);
    scene.until_told(&changed, "identity_split identity_number_changed verified_id sigec").await;
    scene.push("other", &candidate("B-9", "S-100", "Fitter")).await;
    assert!(scene.are_one(&one, &other).await);
    assert_eq!(history(&scene).await, 3, "everything that was said stays");
    let mut without = candidate("B-9", "S-100", "Fitter");
    without["alternateIds"] = json!([]);
    scene.push("other", &without).await;
    assert!(!scene.are_one(&one, &other).await, "nothing says so any more");
}

#[tokio::test]
async fn what_a_partner_verifies_from_now_on_counts_once_its_profiles_are_dispatched_again() {
    let scene = Scene::start().await;
    let one = scene.push("one", &candidate("A-1", "S-100", "Welder")).await;
    let web = scene.push("web", &candidate("W-1", "S-100", "Welder")).await;
    assert!(!scene.are_one(&one, &web).await);
    let again = async |file: String| {
        fs::write(scene.gateway.folder.path().join("partners/web.toml"), file).unwrap();
        scene.gateway.ask(Method::POST, "/v1/configuration/reload", &json!({})).await;
        scene.gateway.ask(Method::POST, &format!("/v1/messages/{}/replay", web.message), &json!({})).await;
    };
    let (_, verifies) = verifying("web", "hropen-json", "sigec");
    again(verifies).await;
    until("they are linked", async || scene.are_one(&one, &web).await).await;
    scene.until_told(&web, "identity_linked").await;
    let (_, verifies_nothing) = profile_source("web", "hropen-json");
    again(verifies_nothing).await;
    until("nothing says so any more", async || !scene.are_one(&one, &web).await).await;
    scene.until_told(&one, "identity_split identity_number_changed").await;
}

/// The files below a folder that hold these bytes.
fn holding(folder: &Path, bytes: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if memchr::memmem::find(&fs::read(&path).unwrap(), bytes.as_bytes()).is_some() {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[tokio::test]
async fn no_number_lies_in_any_file() {
    let verbose = "debug,gateway=trace,connectors=trace,mappings=trace,schemas=trace";
    let mut scene = Scene::of(Setup::new().keeps_output().setting("TELEMETRY__LOG", verbose)).await;
    let documents: [(&str, Value); 2] = [
        ("one", candidate("MARKER-A-7391", "MARKER-S-7391", "Welder")),
        ("other", candidate("MARKER-B-7391", "MARKER-S-7391", "Welder")),
    ];
    let mut persons = Vec::new();
    for (partner, document) in &documents {
        persons.push(scene.push(partner, document).await);
    }
    assert!(scene.are_one(&persons[0], &persons[1]).await);
    scene.until_told(&persons[1], "identity_linked").await;
    let body = confirmed(("one", "MARKER-A-7391"), ("other", "MARKER-B-7391"), "notice-1");
    for (verb, other) in [("split", body.clone()), ("link", body.clone()), ("link", json!({"one": body}))] {
        let path = format!("/v1/subjects/{verb}");
        let (_, answer) = scene.operate(Method::POST, &path, &other).await;
        assert!(!answer.to_string().contains("MARKER"), "{answer}");
    }
    assert!(scene.are_one(&persons[0], &persons[1]).await);
    assert!(scene.gateway.stop().await);
    let folder = scene.gateway.folder.path();
    assert_eq!(holding(folder, "MARKER-"), Vec::<String>::new());
    assert!(!holding(folder, "who is the same person has changed").is_empty(), "the log is kept");
    if scene.gateway.setting("ENGINES__STORE").is_none() {
        assert!(!holding(folder, "verified_id").is_empty(), "the search finds what is there");
    }
}
