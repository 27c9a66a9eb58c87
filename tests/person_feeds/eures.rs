//! CVs as EURES pulls them: the same calls as for vacancies, every one decided.

use connectors::eures::stub::{Change, EuresSettings, EuresStub, Pull, Status, Subject};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    scene::Scene,
    support::{PULLER_TOKEN, grant_to, until},
};

/// What a CV wants to be taken by EURES: a name.
const ENOUGH: [&str; 4] = ["profile", "skills", "identity", "contact"];

fn eures(scene: &Scene) -> EuresStub {
    let base_url = scene.gateway.url("/input/api/cv/v1.0").parse().unwrap();
    let settings = EuresSettings::new(base_url, Some(PULLER_TOKEN.into()));
    EuresStub::new(EuresSettings { subject: Subject::Cvs, source: Some("VDAB".to_owned()), ..settings })
}

async fn pull(stub: &mut EuresStub) -> Vec<(String, Change)> {
    let Pull { changes, breaches } = stub.pull().await.unwrap();
    assert_eq!(breaches, []);
    changes.into_iter().map(|one| (one.reference, one.change)).collect()
}

async fn until_pulled(stub: &mut EuresStub, expected: &[(&str, Change)]) {
    let mut seen = Vec::new();
    until(&format!("EURES has pulled {expected:?}"), async || {
        seen.extend(pull(stub).await);
        seen.iter().map(|(reference, change)| (reference.as_str(), *change)).eq(expected.iter().copied())
    })
    .await;
}

/// Asks as EURES does.
async fn ask(scene: &Scene, call: &str) -> (StatusCode, Value) {
    let request = scene.gateway.http.get(scene.gateway.url(&format!("/input/api/cv/v1.0/{call}")));
    let response = request.bearer_auth(PULLER_TOKEN).send().await.unwrap();
    (response.status(), response.json().await.unwrap_or_default())
}

async fn details(scene: &Scene, references: &[&str]) -> Value {
    let request = scene.gateway.http.post(scene.gateway.url("/input/api/cv/v1.0/getDetails")).bearer_auth(PULLER_TOKEN);
    request.json(&references).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn eures_mirrors_the_cvs_that_persons_permit_to_it() {
    let scene = Scene::start().await;
    let mut stub = eures(&scene);
    stub.ping().await.unwrap();
    let (_, person) = scene.push(1, "Soudeuse").await;
    let (_, stranger) = scene.push(2, "Soudeuse").await;
    assert_eq!(pull(&mut stub).await, []);
    let record = scene.permit(grant_to(&person, "eures", "BE", &ENOUGH)).await;
    until_pulled(&mut stub, &[(&person, Change::Created)]).await;
    let cv = stub.view().vacancy(&person).unwrap();
    let content = cv.content.unwrap();
    assert!(content.contains("<oa:GivenName>Amina") && !content.contains("BirthDate"), "{content}");
    assert_eq!(cv.title.as_deref(), Some("Soudeuse"));
    assert_eq!(details(&scene, &[&stranger, "none"]).await, json!({"details": {}}));

    scene.push(1, "Soudeuse TIG").await;
    until_pulled(&mut stub, &[(&person, Change::Modified)]).await;
    scene.withdraw(&record).await;
    let (_, all) = ask(&scene, "getAll").await;
    assert_eq!(all, json!({"allReferences": []}), "no pull shows it once the withdrawal is acknowledged");
    until_pulled(&mut stub, &[(&person, Change::Closed)]).await;
    let gone = details(&scene, &[&person]).await;
    let gone = &gone["details"][&person];
    assert_eq!((gone["status"].as_str(), gone.get("content")), (Some("CLOSED"), None));
    assert!(gone["closingTimestamp"].is_i64(), "{gone}");
    let held = stub.view().vacancy(&person).unwrap();
    assert_eq!((held.status, held.content), (Status::Closed, None));
    scene.until_recalls(&person, &["eures consent_withdrawn acknowledged -"]).await;

    scene.permit(grant_to(&person, "eures", "BE", &ENOUGH)).await;
    until_pulled(&mut stub, &[(&person, Change::Reopened)]).await;
    assert_eq!(stub.reconcile().await.unwrap().breaches, []);
}

#[tokio::test]
async fn a_cv_that_is_to_be_left_alone_comes_back_as_new() {
    let scene = Scene::start().await;
    let mut stub = eures(&scene);
    let (_, person) = scene.push(1, "Soudeuse").await;
    scene.permit(grant_to(&person, "eures", "BE", &ENOUGH)).await;
    until_pulled(&mut stub, &[(&person, Change::Created)]).await;
    scene.restrict(Method::PUT, &person).await;
    assert_eq!(pull(&mut stub).await, []);
    assert_eq!(details(&scene, &[&person]).await, json!({"details": {}}));
    assert_eq!(stub.view().vacancy(&person).unwrap().status, Status::Active, "nothing is ended");
    scene.restrict(Method::DELETE, &person).await;
    until_pulled(&mut stub, &[(&person, Change::Modified)]).await;
    assert_eq!(stub.reconcile().await.unwrap().breaches, []);
}

#[tokio::test]
async fn a_cv_is_pulled_with_the_token_of_its_source_only() {
    let scene = Scene::start().await;
    let key = scene.gateway.key("belgium").await;
    for (path, token, expected) in [
        ("/input/api/cv/v1.0/ping", PULLER_TOKEN, 200),
        ("/input/api/cv/v1.0/ping", "nonsense", 401),
        ("/input/api/cv/v1.0/getAll", key.as_str(), 401),
        // The source has no vacancies.
        ("/input/api/jv/v0.1/getAll", PULLER_TOKEN, 401),
    ] {
        let response = scene.gateway.http.get(scene.gateway.url(path)).bearer_auth(token).send().await.unwrap();
        assert_eq!(response.status(), expected, "{path} {token}");
    }
    let anonymous = scene.gateway.http.get(scene.gateway.url("/input/api/cv/v1.0/getAll")).send().await.unwrap();
    assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
}
