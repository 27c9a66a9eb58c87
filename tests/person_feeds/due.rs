//! What is due in placements, what is late, and who is silent: shown to operators, and to nobody else.

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    scene::Scene,
    support::{pull_until, until},
};

/// Until the application is complete; long ago, so that it is late whenever this runs.
const LONG_AGO: [(&str, &str); 5] = [
    ("applied", "2020-05-01T08:00:00Z"),
    ("offer_accepted", "2020-05-02T08:00:00Z"),
    ("contract_signed", "2020-05-03T08:00:00Z"),
    ("permit_requested", "2020-05-04T08:00:00Z"),
    ("permit_admissible", "2020-06-01T08:00:00Z"),
];

/// Somebody whose profile the platform in Belgium has.
async fn person(scene: &mut Scene, number: usize) -> String {
    let (_, person) = scene.push(number, "Soudeuse").await;
    scene.permit_belgium(&person).await;
    pull_until(&mut scene.belgium, &person, true).await;
    person
}

/// The platform in Belgium tells an event.
async fn tell(scene: &Scene, person: &str, happened: &str, at: &str, data: Value) {
    let event = json!({"specversion": "1.0", "id": format!("{person} {happened}"), "source": "/platform",
        "type": format!("org.passerelle.placement.{happened}"), "subject": person, "time": at, "data": data});
    let request = scene.gateway.http.post(scene.gateway.url("/v1/belgium/placement_status")).json(&event);
    let response = request.bearer_auth(scene.gateway.key("belgium").await).send().await.unwrap();
    let (status, said) = (response.status(), response.text().await.unwrap());
    assert_eq!(status, StatusCode::ACCEPTED, "{said}");
}

/// What is shown once so many events are there.
async fn shown(scene: &Scene, person: &str, events: usize) -> Value {
    let mut found = Value::Null;
    let address = scene.gateway.url(&format!("/v1/placements/{person}"));
    until("the events are there", async || {
        let request = scene.gateway.http.get(&address).bearer_auth(scene.gateway.operator_token());
        found = request.send().await.unwrap().json().await.unwrap();
        found["events"].as_array().is_some_and(|all| all.len() == events)
    })
    .await;
    found
}

async fn printed(scene: &Scene, arguments: &[&str]) -> String {
    let output = scene.gateway.run(arguments).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Every page of a list, one person a page.
async fn listed(scene: &Scene, condition: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = scene.gateway.get(&format!("/v1/placements?limit=1{condition}{cursor}")).await;
        let all = page["placements"].as_array().unwrap();
        found.extend(all.iter().map(|one| one["profile"].as_str().unwrap().to_owned()));
        let Some(next) = page["cursor"].as_str() else { return found };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn a_decision_that_is_late_is_shown_and_listed_and_becomes_no_event() {
    let mut scene = Scene::start().await;
    let (late, fresh) = (person(&mut scene, 1).await, person(&mut scene, 2).await);
    let data = json!({"employer": {"name": "Zonnedauw Software"},
        "permit": {"region": "flanders", "annex": "46", "isComplex": true}});
    for (happened, at) in LONG_AGO {
        tell(&scene, &late, happened, at, data.clone()).await;
    }
    let now = (Timestamp::now() - SignedDuration::from_hours(1)).to_string();
    tell(&scene, &fresh, "applied", &now, json!({"employer": {"name": "Zonnedauw Software"}})).await;
    shown(&scene, &fresh, 1).await;
    let one = shown(&scene, &late, 5).await["placements"][0].clone();
    assert_eq!((&one["state"], one["steps"].as_array().unwrap().len()), (&json!("permit_admissible"), 5));
    assert_eq!(one["permit"], json!({"region": "flanders", "annex": "46", "complex": true}));
    // 150 days after the first of June, since it is complex.
    let due = &one["due"];
    let told = ["kind", "last_day", "late_since", "deemed"].map(|name| due[name].as_str().unwrap_or("-"));
    assert_eq!(told, ["decision", "2020-10-29", "2020-10-30T00:00:00+01:00", "permit_granted"]);
    assert_eq!((&due["days_left"], &one["silent_since"]), (&Value::Null, &json!("2020-06-01T08:00:00Z")));

    assert_eq!(listed(&scene, "&late=true").await, std::slice::from_ref(&late));
    let mut both = [late.clone(), fresh.clone()];
    both.sort();
    assert_eq!(listed(&scene, "").await, both, "by pseudonym, page by page");
    let page = printed(&scene, &["trace", "--late"]).await;
    assert!(page.starts_with(&format!("{late} at Zonnedauw Software: permit_admissible since 2020-06-01T08:00:00Z\n")));
    let lines = [
        "LATE: the decision about the permit was due by 2020-10-29, ",
        "; by law silence comes to permit_granted, which nobody has said\n",
        "  SILENT: nothing is said to have happened since 2020-06-01T08:00:00Z\n",
    ];
    assert!(lines.iter().all(|line| page.contains(line)) && !page.contains(&fresh), "{page}");
    let page = printed(&scene, &["trace", "--placement", &late]).await;
    assert!(lines.iter().all(|line| page.contains(line)), "{page}");
    assert!(page.contains("  single permit: flanders, annex 46, complex\n"), "{page}");
}

#[tokio::test]
async fn deadlines_are_those_of_the_configuration() {
    let mut scene = Scene::with(|setup| {
        setup
            .setting("PLACEMENTS__REGIONS__BRUSSELS__DECISION_DAYS", "90")
            .setting("PLACEMENTS__REGIONS__BRUSSELS__IS_DEEMED_POSITIVE", "false")
            .setting("PLACEMENTS__SILENCE_DAYS__PERMIT_ADMISSIBLE", "0")
    })
    .await;
    let person = person(&mut scene, 1).await;
    for (happened, at) in LONG_AGO {
        tell(&scene, &person, happened, at, json!({"permit": {"region": "brussels"}})).await;
    }
    let one = shown(&scene, &person, 5).await["placements"][0].clone();
    let (due, silent) = (&one["due"], &one["silent_since"]);
    assert_eq!((&due["last_day"], &due["deemed"], silent), (&json!("2020-08-30"), &Value::Null, &Value::Null));
}

#[tokio::test]
async fn nothing_is_late_where_nothing_was_said() {
    let scene = Scene::start().await;
    assert_eq!(listed(&scene, "").await, Vec::<String>::new());
    assert_eq!(printed(&scene, &["trace", "--late"]).await, "nothing is late, and nobody is silent\n");
}

#[tokio::test]
async fn placements_are_for_operators_and_reasons_are_in_no_log() {
    let mut scene = Scene::start().await;
    let person = person(&mut scene, 1).await;
    let (reason, candidate) = ("geheime-reden-17", "kandidaat-17");
    let data = json!({"reasonText": reason, "candidate": candidate, "reason": "resigned"});
    tell(&scene, &person, "applied", "2020-05-01T08:00:00Z", data).await;
    let found = shown(&scene, &person, 1).await;
    assert_eq!(found["events"][0]["event"]["reason_text"], reason, "operators see it");
    assert!(!found["placements"].to_string().contains(reason));
    let page = printed(&scene, &["trace", "--placement", &person]).await;
    assert!(page.contains(&format!("reason resigned, in its words: {reason}\n")), "{page}");

    let key = scene.gateway.key("belgium").await;
    for (path, key, expected) in [
        ("/v1/placements", Some(&key), StatusCode::FORBIDDEN),
        ("/v1/placements?late=true", Some(&key), StatusCode::FORBIDDEN),
        ("/v1/placements?late=true", None, StatusCode::UNAUTHORIZED),
        ("/v1/placements?cursor=P-1", Some(&scene.gateway.operator_token()), StatusCode::BAD_REQUEST),
        ("/v1/placements?since=P-1", Some(&scene.gateway.operator_token()), StatusCode::BAD_REQUEST),
    ] {
        let mut request = scene.gateway.http.get(scene.gateway.url(path));
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        let response = request.send().await.unwrap();
        let (status, said) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, expected, "{path}: {said}");
        assert!(!said.contains(reason) && !said.contains(&person), "{said}");
    }
    let journal = scene.gateway.get(&format!("/v1/messages?entity_key={person}")).await;
    for word in [reason, candidate] {
        assert!(!scene.gateway.log().contains(word) && !journal.to_string().contains(word), "{word}");
    }
}

#[tokio::test]
async fn whose_keys_were_destroyed_is_in_no_list() {
    let mut scene = Scene::start().await;
    let person = person(&mut scene, 1).await;
    tell(&scene, &person, "applied", "2020-05-01T08:00:00Z", json!({})).await;
    shown(&scene, &person, 1).await;
    assert_eq!(listed(&scene, "&late=true").await, std::slice::from_ref(&person));
    scene.ask(reqwest::Method::DELETE, &format!("/v1/subjects/{person}/keys"), &Value::Null).await;
    until("nothing is listed", async || listed(&scene, "").await.is_empty()).await;
}
