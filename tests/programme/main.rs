//! Programmes from outside: steps are told as events, and what is reported of a cohort tells of nobody.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod cohort;
mod scene;

#[path = "../support/mod.rs"]
mod support;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use self::scene::{Scene, cells, profile, step, table};

/// So many applied, and the first few of them are trained; their pseudonyms.
async fn small_cohort(scene: &Scene, many: usize, few: usize) -> Vec<String> {
    let profiles = (0..many).map(|number| profile(number, "2", "MA-06", "Casablanca"));
    let persons = scene.send("anapec", "talent_profile", profiles).await;
    let applied = (0..many).map(|number| step(number, "programme_applied", None));
    let trained = (0..few).map(|number| step(number, "trained", None));
    scene.send("anapec", "placement_status", applied.chain(trained)).await;
    persons
}

#[tokio::test]
async fn small_counts_are_hidden_and_whoever_is_erased_counts_in_nothing() {
    let scene = Scene::start().await;
    let persons = small_cohort(&scene, 12, 6).await;
    let report = scene.report_of_all().await;
    assert_eq!(cells(&report, "persons", "all", "all")[..4], ["12", "6", "6", "6"]);
    assert_eq!(cells(&report, "persons", "gender", "female")[..4], ["12", "6", "6", "6"]);
    assert_eq!(cells(&report, "persons", "region", "MA-06")[..4], ["12", "6", "6", "6"]);
    assert_eq!(report["towns_of_trained"], "<5");

    for person in &persons[..2] {
        scene.gateway.ask(Method::DELETE, &format!("/v1/subjects/{person}/keys"), &Value::Null).await;
    }
    let report = scene.report().await;
    assert_eq!(cells(&report, "persons", "all", "all")[..4], ["10", "<5", "<5", "<5"]);
    assert_eq!(cells(&report, "persons", "gender", "female")[..4], ["10", "*", "*", "*"]);
}

#[tokio::test]
async fn what_its_source_corrects_counts_as_it_is_corrected() {
    let scene = Scene::start().await;
    small_cohort(&scene, 12, 6).await;
    assert_eq!(cells(&scene.report_of_all().await, "persons", "all", "all")[..4], ["12", "6", "6", "6"]);
    let corrections = (0..6).map(|number| {
        let mut corrected = step(number, "programme_selected", None);
        corrected["data"]["supersedes"] = format!("{number}/trained").into();
        corrected
    });
    scene.send("anapec", "placement_status", corrections).await;
    assert_eq!(cells(&scene.report_of_all().await, "persons", "all", "all")[..4], ["12", "6", "0", "0"]);
}

#[tokio::test]
async fn only_operators_are_told_and_nobody_of_a_programme_that_nobody_is_in() {
    let scene = Scene::start().await;
    small_cohort(&scene, 5, 0).await;
    assert_eq!(cells(&scene.report_of_all().await, "persons", "all", "all")[0], "5");
    let get = async |path: &str, key: &str| {
        scene.gateway.http.get(scene.gateway.url(path)).bearer_auth(key).send().await.unwrap().status()
    };
    let operator = scene.gateway.operator_token();
    assert_eq!(get("/v1/reports/programme/Passage", &scene.gateway.key("anapec").await).await, StatusCode::FORBIDDEN);
    assert_eq!(get("/v1/reports/programme/Passage", "nonsense").await, StatusCode::UNAUTHORIZED);
    assert_eq!(get("/v1/reports/programme/Passag", &operator).await, StatusCode::NOT_FOUND);
    assert_eq!(get("/v1/reports/programme/%20Passage", &operator).await, StatusCode::OK);
    let unknown = scene.gateway.run(&["report", "programme", "Passag"]).await;
    assert_eq!(unknown.status.code(), Some(1));
}

#[tokio::test]
async fn a_report_is_printed_as_json_and_as_a_count_a_line_too() {
    let scene = Scene::start().await;
    small_cohort(&scene, 9, 3).await;
    assert_eq!(cells(&scene.report_of_all().await, "persons", "all", "all")[3], "<5");
    let print = async |format: &str| {
        let output = scene.gateway.run(&["report", "programme", "Passage", "--format", format]).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let json: Value = serde_json::from_str(&print("json").await).unwrap();
    assert_eq!(table(&json, "persons", "all")["rows"][0]["cells"][0], json!(9));
    let csv = print("csv").await;
    for line in ["of,by,name,column,count", "persons,all,all,programme_applied,9", "persons,region,MA-06,trained,*"] {
        assert!(csv.lines().any(|one| one == line), "{line}: {csv}");
    }
}
